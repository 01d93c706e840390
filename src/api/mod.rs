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

mod metrics;

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time;
use tracing::{debug, warn};

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

fn router(observer: Observer) -> Router {
    Router::new()
        .route("/v1/status", get(status))
        .route("/v1/events", get(events))
        .route("/metrics", get(metrics))
        .with_state(observer)
}

async fn status(State(observer): State<Observer>) -> Response {
    match observer.status().await {
        Some(status) => Json(&*status).into_response(),
        None => unavailable(),
    }
}

/// Which events are asked for.
#[derive(Debug, Deserialize)]
struct Since {
    /// The number of the last one that is known.
    #[serde(default)]
    since: u64,
    /// How many seconds to wait for one.
    #[serde(default)]
    wait: u64,
}

async fn events(State(mut observer): State<Observer>, Query(asked): Query<Since>) -> Response {
    let wait = Duration::from_secs(asked.wait.min(LONGEST_WAIT));
    Json(observer.events(asked.since, wait).await).into_response()
}

async fn metrics(State(observer): State<Observer>) -> Response {
    match observer.status().await {
        Some(status) => {
            let kind = "text/plain; version=0.0.4; charset=utf-8";
            ([(header::CONTENT_TYPE, kind)], metrics::text(&status)).into_response()
        }
        None => unavailable(),
    }
}

fn unavailable() -> Response {
    let why = "the controller is ending\n";
    (StatusCode::SERVICE_UNAVAILABLE, why).into_response()
}
