//! Serves HTTP on a listener, with bounds on what one client can take from the others.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time;
use tracing::{debug, warn};

use super::patient::Patient;
use super::problem::Problem;
use super::token::Token;
use crate::net::Listener;

/// How many requests are served at a time.
const MAX_REQUESTS: usize = 32;
/// How many streams are served at a time, besides.
const MAX_STREAMS: usize = 64;
/// How long a client may take to say what it wants.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// How long one may take, from its first byte to the last one of an answer that has an end.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long one may take nothing of what is sent to it.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// Wait after the system refused to give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener, and who is let in.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) listener: Listener,
    /// What clients have to know, if anything.
    pub(super) token: Option<Token>,
}

/// A client, and the room it takes.
#[derive(Debug)]
pub(super) struct Peer {
    streams: Arc<Semaphore>,
    room: Mutex<Room>,
}

#[derive(Debug)]
struct Room {
    /// Given back when the client has gone.
    _permit: OwnedSemaphorePermit,
    stays: bool,
}

impl Peer {
    /// The answer has no end: the client makes room for the requests of others, and takes some among
    /// the streams.
    pub(super) fn stay(&self) -> Result<(), Problem> {
        let Ok(permit) = Arc::clone(&self.streams).try_acquire_owned() else {
            let detail =
                format!("{MAX_STREAMS} clients follow events already; ask without a stream");
            return Err(Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail));
        };
        *self.room.lock().unwrap_or_else(PoisonError::into_inner) = Room {
            _permit: permit,
            stays: true,
        };
        Ok(())
    }

    fn stays(&self) -> bool {
        let room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        room.stays
    }
}

impl Server {
    /// Serves until it is dropped.
    pub(super) async fn run(self, router: Router) {
        let service = TowerToHyperService::new(router);
        let requests = Arc::new(Semaphore::new(MAX_REQUESTS));
        let streams = Arc::new(Semaphore::new(MAX_STREAMS));
        let token = Arc::new(self.token);
        loop {
            let Ok(permit) = Arc::clone(&requests).acquire_owned().await else {
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
            let peer = Arc::new(Peer {
                streams: Arc::clone(&streams),
                room: Mutex::new(Room {
                    _permit: permit,
                    stays: false,
                }),
            });
            let (service, token, of_peer) =
                (service.clone(), Arc::clone(&token), Arc::clone(&peer));
            let answer = service_fn(move |mut request: hyper::Request<Incoming>| {
                let (service, token, peer) =
                    (service.clone(), Arc::clone(&token), Arc::clone(&of_peer));
                async move {
                    if let Some(token) = &*token
                        && !token.is_in(request.headers())
                    {
                        return Ok::<_, Infallible>(unauthorized());
                    }
                    request.extensions_mut().insert(peer);
                    service.call(request).await
                }
            });
            let served = http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(ASK_LIMIT)
                .keep_alive(false)
                .serve_connection(TokioIo::new(Patient::new(socket, STALL_LIMIT)), answer);
            tokio::spawn(async move {
                let mut served = pin!(served);
                let result = match time::timeout(TIME_LIMIT, &mut served).await {
                    Ok(result) => result,
                    Err(_) if peer.stays() => served.await,
                    Err(_) => return debug!("a request to the API took too long"),
                };
                if let Err(error) = result {
                    debug!(%error, "a request to the API failed");
                }
            });
        }
    }
}

fn unauthorized() -> Response {
    let detail = "expected the header `Authorization: Bearer TOKEN` with the token in the file that \
                  `controller.api_token_file` names";
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    let scheme = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, scheme);
    response
}
