//! The controller's own API: HTTP with JSON on a Unix socket, and metrics for Prometheus.
//!
//! | request | answer |
//! |---|---|
//! | `GET /v1/status` | [`Status`](crate::status::Status) |
//! | `GET /v1/events?since=N` | [`Events`](crate::status::Events) after number N |
//! | `GET /v1/events?since=N&wait=S` | the same, once there is one, or after S seconds |
//! | `GET /metrics` | Prometheus text |
//!
//! It reads only. Whoever asks much or reads slowly gets slow answers; tasks of hosts do not wait for
//! it.

mod macs;
mod metrics;
mod problem;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time;
use tracing::{debug, warn};
use utoipa::{IntoParams, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

pub use problem::Problem;
use problem::Query;

use crate::controller::Observer;
use crate::net::{ListenError, Listener};
use crate::topology::Endpoint;

/// How many requests are served at a time.
const MAX_REQUESTS: usize = 32;
/// How long a client may take to say what it wants.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// How long one may take, from its first byte to the last one of the answer.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long one may wait for an event.
const LONGEST_WAIT: u64 = 30;
/// Wait after the system refused to give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Of the directory of the socket, where it is made: its owner and group may look in.
const DIRECTORY_MODE: u32 = 0o750;

/// The API, ready to be served.
#[derive(Debug)]
pub struct Api {
    listener: Listener,
}

/// The API can not be served at an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing can be listened to there.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Other endpoints are not served.
    #[error("it is served on unix:PATH only, not on {0}")]
    NotUnix(Endpoint),
    /// The directory of the socket is not there and can not be made.
    #[error("cannot make the directory {directory}: {error}")]
    Directory {
        /// Which one.
        directory: String,
        /// Why.
        error: io::Error,
    },
}

impl Api {
    /// Listens at `endpoint`. The directory of its socket is made if it is missing. Needs a tokio
    /// runtime around it.
    ///
    /// # Errors
    ///
    /// Where that is no Unix socket, or the system does not let us.
    pub fn bind(endpoint: &Endpoint) -> Result<Self, ApiError> {
        let Endpoint::Unix(path) = endpoint else {
            return Err(ApiError::NotUnix(endpoint.clone()));
        };
        if let Some(directory) = path.parent() {
            make(directory).map_err(|error| ApiError::Directory {
                directory: directory.display().to_string(),
                error,
            })?;
        }
        let listener = Listener::bind(endpoint)?;
        Ok(Self { listener })
    }

    /// Serves until it is dropped.
    pub async fn run(self, observer: Observer) {
        let service = TowerToHyperService::new(router(observer));
        let room = Arc::new(Semaphore::new(MAX_REQUESTS));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else {
                return;
            };
            let socket = match self.listener.accept().await {
                Ok((socket, _)) => socket,
                Err(error) => {
                    warn!(%error, "a connection to the API can not be accepted");
                    time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(ASK_LIMIT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(socket), service.clone());
            tokio::spawn(async move {
                match time::timeout(TIME_LIMIT, served).await {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => debug!(%error, "a request to the API failed"),
                    Err(_) => debug!("a request to the API took too long"),
                }
                drop(permit);
            });
        }
    }
}

fn make(directory: &Path) -> io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(DIRECTORY_MODE)
        .create(directory)
}

/// What handlers of requests can ask for.
#[derive(Debug, Clone)]
struct Shared {
    observer: Observer,
}

impl FromRef<Shared> for Observer {
    fn from_ref(shared: &Shared) -> Self {
        shared.observer.clone()
    }
}

/// The head of the OpenAPI document; what it says of resources stands beside their handlers.
#[derive(OpenApi)]
#[openapi(info(title = "bridgechain", license(name = "Apache-2.0")))]
struct Document;

/// All resources. Each is in the OpenAPI document by being here.
fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(status))
        .routes(routes!(macs::macs))
        .routes(routes!(events))
        .routes(routes!(metrics))
}

fn router(observer: Observer) -> Router {
    let (router, _) = resources().split_for_parts();
    router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Shared { observer })
}

async fn not_found(uri: Uri) -> Problem {
    Problem::not_found(format!("there is nothing at {}", uri.path()))
}

async fn not_allowed(uri: Uri) -> Problem {
    let detail = format!("{} can not be asked that way", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

/// The state of all hosts.
#[utoipa::path(
    get, path = "/v1/status", tag = "reads",
    responses(
        (status = 200, description = "The state", body = crate::status::Status),
        (status = 503, description = "The controller is ending", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn status(State(observer): State<Observer>) -> Result<Response, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    Ok(Json(&*status).into_response())
}

/// Which events are asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Since {
    /// The number of the last one that is known.
    #[serde(default)]
    since: u64,
    /// How many seconds to wait for one.
    #[serde(default)]
    wait: u64,
}

/// What has happened lately.
#[utoipa::path(
    get, path = "/v1/events", tag = "reads", params(Since),
    responses(
        (status = 200, description = "The events", body = crate::status::Events),
        (status = 400, description = "The query has mistakes", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn events(State(mut observer): State<Observer>, Query(asked): Query<Since>) -> Response {
    let wait = Duration::from_secs(asked.wait.min(LONGEST_WAIT));
    Json(observer.events(asked.since, wait).await).into_response()
}

/// Metrics for Prometheus.
#[utoipa::path(
    get, path = "/metrics", tag = "metrics",
    responses(
        (status = 200, description = "Text for Prometheus", body = String, content_type = "text/plain"),
        (status = 503, description = "The controller is ending", body = Problem, content_type = "application/problem+json"),
    )
)]
async fn metrics(State(observer): State<Observer>) -> Result<Response, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], metrics::text(&status)).into_response())
}
