//! The controller's own API: HTTP with JSON, and metrics for Prometheus.
//!
//! Every resource is a handler that stands in a `resources()` beside what the OpenAPI document says of
//! it; `docs/api.md` lists them all. Mistakes are answered by a [`Problem`].
//!
//! Whoever asks much or reads slowly gets slow answers; tasks of hosts do not wait for it.

pub mod config;
mod document;
mod events;
mod inventory;
mod metrics;
mod patient;
mod problem;
mod reads;
mod room;
mod server;
mod token;
mod token_file;

use std::fs::DirBuilder;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::extract::{FromRef, State};
use axum::http::{Method, StatusCode, Uri};
use serde::Serialize;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::controller::Observer;
use crate::environment;
use crate::net::{ListenError, Listener};
use crate::store::Store;
use crate::topology::{Controller, Endpoint};
pub use problem::Problem;
use server::Server;
pub use token::{Token, TokenError};
use token_file::TokenFile;

/// Of the directory of the socket, where it is made: its owner and group may look in.
const DIRECTORY_MODE: u32 = 0o750;
/// What the API says there is.
const ALL: &str = "/v1/openapi.json says what";
/// What metrics alone say there is.
const METRICS: &str = "GET /metrics is all";

/// The API, ready to be served.
#[derive(Debug)]
pub struct Api {
    server: Server,
}

/// Metrics alone, ready to be served.
#[derive(Debug)]
pub struct Metrics {
    server: Server,
}

/// The API can not be served at an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// Nothing can be listened to there.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Clients over TCP have to know a token, and there is none.
    #[error("{0} takes a token: `controller.api_token_file` names the file that holds it")]
    NoToken(Endpoint),
    /// The environment does not say where.
    #[error(transparent)]
    Environment(#[from] environment::ApiVariable),
    /// The token can not be had.
    #[error(transparent)]
    Token(#[from] TokenError),
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
    /// Listens where `settings` say. The directory of a Unix socket is made if it is missing. Needs
    /// a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// Where the system does not let us, or there is no token for TCP.
    pub fn bind(settings: &Controller) -> Result<Self, ApiError> {
        let endpoint = environment::api_of(settings)?;
        let token = match (&endpoint, &settings.api_token_file) {
            (Endpoint::Unix(_), _) => None,
            (_, Some(file)) => Some(Arc::new(TokenFile::open(file)?)),
            (_, None) => return Err(ApiError::NoToken(endpoint)),
        };
        if let Endpoint::Unix(path) = &endpoint
            && let Some(directory) = path.parent()
        {
            make(directory).map_err(|error| ApiError::Directory {
                directory: directory.display().to_string(),
                error,
            })?;
        }
        let listener = Listener::bind(&endpoint)?;
        let server = Server { listener, token };
        Ok(Self { server })
    }

    /// Where it is served: with the port that the system chose, if it was to choose.
    pub fn endpoint(&self) -> Endpoint {
        self.server.listener.endpoint()
    }

    /// Serves until it is dropped. The configuration in force when this is called is taken for the
    /// one that the controller was started with.
    pub fn run(self, observer: Observer, store: Arc<Store>) -> impl Future<Output = ()> {
        self.server.run(serving(resources(), observer, store, ALL))
    }
}

impl Metrics {
    /// Listens at `address`. Needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// Where the system does not let us.
    pub fn bind(address: SocketAddr) -> Result<Self, ApiError> {
        let listener = Listener::bind(&Endpoint::Tcp(address))?;
        let token = None;
        let server = Server { listener, token };
        Ok(Self { server })
    }

    /// Where they are served: with the port that the system chose, if it was to choose.
    pub fn endpoint(&self) -> Endpoint {
        self.server.listener.endpoint()
    }

    /// Serves until it is dropped.
    pub fn run(self, observer: Observer, store: Arc<Store>) -> impl Future<Output = ()> {
        let router = serving(metrics::resources(), observer, store, METRICS);
        self.server.run(router)
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
    store: Arc<Store>,
    started: Started,
    /// The OpenAPI document.
    document: Arc<str>,
    /// What tells what there is, as the beginning of "... there is".
    all: &'static str,
}

/// The settings that the controller was started with.
#[derive(Debug, Clone)]
struct Started(Arc<Controller>);

impl FromRef<Shared> for Started {
    fn from_ref(shared: &Shared) -> Self {
        shared.started.clone()
    }
}

impl FromRef<Shared> for Arc<Store> {
    fn from_ref(shared: &Shared) -> Self {
        Arc::clone(&shared.store)
    }
}

impl FromRef<Shared> for Observer {
    fn from_ref(shared: &Shared) -> Self {
        shared.observer.clone()
    }
}

/// All resources. Each is in the OpenAPI document by being here.
fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::with_openapi(document::head())
        .merge(reads::resources())
        .merge(events::resources())
        .merge(metrics::resources())
        .merge(config::resources())
        .merge(document::resources())
}

/// The OpenAPI document of the API.
pub fn openapi() -> OpenApi {
    resources().into_openapi()
}

fn serving(
    resources: OpenApiRouter<Shared>,
    observer: Observer,
    store: Arc<Store>,
    all: &'static str,
) -> Router {
    let (router, document) = resources.split_for_parts();
    // All that it is made of has a form in JSON.
    let document = document.to_json().unwrap_or_default().into();
    let started = Started(Arc::new(observer.topology().controller.clone()));
    router
        .fallback(not_found)
        .method_not_allowed_fallback(not_allowed)
        .with_state(Shared {
            observer,
            store,
            started,
            document,
            all,
        })
}

/// A word of the API as it stands in JSON.
fn word(word: &impl Serialize) -> String {
    let json = serde_json::to_value(word).unwrap_or_default();
    json.as_str().unwrap_or_default().to_owned()
}

async fn not_found(State(shared): State<Shared>, uri: Uri) -> Problem {
    let all = shared.all;
    // It may be no path at all, such as what CONNECT takes.
    Problem::not_found(format!("there is nothing at {uri}; {all} there is"))
}

async fn not_allowed(State(shared): State<Shared>, method: Method, uri: Uri) -> Problem {
    let (path, all) = (uri.path(), shared.all);
    let detail = format!("{method} is not for {path}; {all} there is");
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}
