//! `/v1/config`: the configuration file, to be read and to be written as a whole.
//!
//! Who writes says by `If-Match` which text he has seen, so that two who change the file at a time do
//! not undo what the other did, and neither what somebody did with an editor.

use std::error::Error;
use std::sync::Arc;

use axum::body::{self, Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http_body_util::LengthLimitError;
use hyper::body::Body as _;
use serde::{Deserialize, Serialize};
use tokio::task;
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::problem::{PROBLEM, Problem, Query};
use super::server::Peer;
use super::{Shared, Started};
use crate::config::{Diagnostic, Diagnostics, MAX_SIZE, Severity};
use crate::controller::Observer;
use crate::status::Plan;
use crate::store::{self, Etag, Outcome, Precondition, Refusal, Store};
use crate::topology::Topology;

/// The file as a resource.
pub(super) fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::new().routes(routes!(read, put))
}

/// The tag of the text that is in force.
pub const RUNNING: HeaderName = HeaderName::from_static("bridgechain-running");
/// Where the file is.
pub const FILE: HeaderName = HeaderName::from_static("bridgechain-file");

/// How many mistakes of a text are told.
const MAX_DIAGNOSTICS: usize = 1000;

/// Which text is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Asked {
    /// The one in force, rather than that of the file.
    #[serde(default)]
    running: bool,
}

/// How a text is to be put.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct How {
    /// Nothing is changed; the answer says what would be.
    #[serde(default)]
    dry_run: bool,
}

/// What a new text has changed, or would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Applied {
    /// Whether nothing was changed, as asked.
    pub dry_run: bool,
    /// Whether it is another text than what was in force.
    pub changed: bool,
    /// What is doubtful about it.
    pub warnings: Vec<Diagnostic>,
    /// What is sent to the bridges.
    pub plan: Plan,
    /// The settings of `controller` that are other ones than those that it was started with, such as
    /// `listen`: they take effect when it is started again.
    #[serde(default)]
    #[schema(required)]
    pub needs_restart: Vec<String>,
}

/// A text that is not put because it has mistakes (`application/problem+json`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mistakes {
    /// What the problem is.
    #[serde(flatten)]
    pub problem: Problem,
    /// All mistakes, and the warnings; where these are more than 1000, as many mistakes as that.
    pub diagnostics: Vec<Diagnostic>,
}

impl Mistakes {
    fn of(diagnostics: &Diagnostics) -> Self {
        let all = diagnostics.iter().count() <= MAX_DIAGNOSTICS;
        let told = diagnostics.iter();
        let told = told.filter(|it| all || it.severity == Severity::Mistake);
        let told: Vec<Diagnostic> = told.take(MAX_DIAGNOSTICS).cloned().collect();
        let mistakes = match diagnostics.mistakes() {
            1 => "the configuration has a mistake".to_owned(),
            number if number > MAX_DIAGNOSTICS => format!(
                "the configuration has {number} mistakes, of which these are the first {MAX_DIAGNOSTICS}"
            ),
            number => format!("the configuration has {number} mistakes"),
        };
        Self {
            problem: Problem::new(StatusCode::UNPROCESSABLE_ENTITY, mistakes),
            diagnostics: told,
        }
    }
}

/// The configuration file.
#[utoipa::path(
    get, path = "/v1/config", tag = "configuration", params(Asked),
    responses(
        (status = 200, description = "The text, with its ETag; Bridgechain-Running is that of the one in force", body = String, content_type = "text/yaml"),
        Problem,
    )
)]
async fn read(
    State(store): State<Arc<Store>>,
    Extension(peer): Extension<Arc<Peer>>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let (text, running) = match asked.running {
        true => {
            let running = store.running();
            (running.to_vec(), running)
        }
        false => store.see().await.map_err(|refusal| problem(&refusal))?,
    };
    // Of a long text that takes its time, for which the client keeps its place, also where it is gone.
    let tags = task::spawn_blocking(move || {
        let _peer = peer;
        let tag = Etag::of(&text);
        let same = *text == *running;
        (if same { tag } else { Etag::of(&running) }, tag, text)
    });
    let (running, tag, text) = tags.await.map_err(|_| Problem::ending())?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ETAG, value(&tag.to_string()));
    headers.insert(RUNNING, value(&running.to_string()));
    let path = std::path::absolute(store.path());
    let path = path.unwrap_or_else(|_| store.path().to_owned());
    headers.insert(FILE, value(&path.to_string_lossy()));
    let kind = HeaderValue::from_static("text/yaml; charset=utf-8");
    headers.insert(header::CONTENT_TYPE, kind);
    Ok((headers, text).into_response())
}

/// Puts a text in the place of the configuration file, and in force.
#[utoipa::path(
    put, path = "/v1/config", tag = "configuration",
    params(How, ("If-Match" = String, Header, description = "The ETag of the text that this one is made from, or *")),
    request_body(content = String, content_type = "text/yaml", description = "The whole text"),
    responses(
        (status = 200, description = "It is in force; or, as a dry run, would be", body = Applied),
        (status = 412, description = "The file is another one by now", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "The text has mistakes", body = Mistakes, content_type = "application/problem+json"),
        (status = 428, description = "If-Match is missing", body = Problem, content_type = "application/problem+json"),
        Problem,
    )
)]
async fn put(
    State(store): State<Arc<Store>>,
    State(observer): State<Observer>,
    State(Started(started)): State<Started>,
    Query(how): Query<How>,
    headers: HeaderMap,
    Extension(peer): Extension<Arc<Peer>>,
    body: Body,
) -> Result<Response, Response> {
    let refuse = |problem: Problem| problem.into_response();
    let expected = precondition(&headers).map_err(refuse)?;
    let text = text(body, &peer).await.map_err(refuse)?;
    let plan = async |topology: Arc<Topology>| {
        let fixed = store::fixed_at_start(&topology.controller, &started);
        let needs_restart = fixed.map(str::to_owned).collect();
        Some((observer.plan(&topology).await?, needs_restart))
    };
    let outcome = store.replace(&expected, text.into(), how.dry_run, plan);
    match outcome.await {
        Ok(Outcome { plan: None, .. }) => Err(refuse(Problem::ending())),
        Ok(Outcome {
            etag,
            warnings,
            plan: Some((plan, needs_restart)),
            changed,
        }) => {
            let applied = Applied {
                dry_run: how.dry_run,
                changed,
                warnings,
                plan,
                needs_restart,
            };
            let tag = [(header::ETAG, value(&etag.to_string()))];
            Ok((tag, Json(applied)).into_response())
        }
        Err(Refusal::Mistakes(diagnostics)) => {
            let body = Mistakes::of(&diagnostics);
            let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM))];
            Err((StatusCode::UNPROCESSABLE_ENTITY, kind, Json(body)).into_response())
        }
        Err(refusal) => Err(refuse(problem(&refusal))),
    }
}

/// What is sent, unless it is too long: then no more of it is read than shows that.
async fn text(body: Body, peer: &Peer) -> Result<Bytes, Problem> {
    let too_long = || {
        let detail = format!("the text is longer than {} MiB", MAX_SIZE >> 20);
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail)
    };
    if body.size_hint().lower() > MAX_SIZE as u64 {
        return Err(too_long());
    }
    let read = peer.sends(body::to_bytes(body, MAX_SIZE)).await;
    read.map_err(|error| match error.source() {
        Some(source) if source.is::<LengthLimitError>() => too_long(),
        _ => Problem::bad_request(format!("the text can not be read to its end: {error}")),
    })
}

fn precondition(headers: &HeaderMap) -> Result<Precondition, Problem> {
    let values = headers.get_all(header::IF_MATCH).into_iter();
    let values: Vec<_> = values
        .map(|it| String::from_utf8_lossy(it.as_bytes()))
        .collect();
    if values.is_empty() {
        return Err(Problem::new(
            StatusCode::PRECONDITION_REQUIRED,
            "say by If-Match which text this one is made from: the ETag that GET gives, or * for any",
        ));
    }
    // Several headers are one list.
    let list = values.join(", ").parse::<Precondition>();
    list.map_err(|error| Problem::bad_request(format!("If-Match: {error}")))
}

fn problem(refusal: &Refusal) -> Problem {
    let status = match refusal {
        Refusal::Changed(_) => StatusCode::PRECONDITION_FAILED,
        Refusal::Mistakes(_) => StatusCode::UNPROCESSABLE_ENTITY,
        Refusal::File { .. } => StatusCode::INTERNAL_SERVER_ERROR,
    };
    Problem::new(status, refusal.to_string())
}

/// A header of what may be a name of a file.
fn value(text: &str) -> HeaderValue {
    HeaderValue::from_bytes(text.as_bytes()).unwrap_or_else(|_| HeaderValue::from_static(""))
}
