//! Serves HTTP on a listener, with bounds on what one client can take from the others.
//!
//! Connections are always accepted. Each has a place in one of the rooms of its listener: at the door
//! until its request is read and the token seen, then among the reads or the writes, or among those who
//! follow events. Where a room is full, whoever keeps the controller waiting the longest has to go; who
//! is served by then is let be.

use std::convert::Infallible;
use std::io::{self, ErrorKind};
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::sync::Semaphore;
use tokio::time;
use tracing::{debug, warn};

use super::patient::Patient;
use super::problem::Problem;
use super::room::{Client, Place, Room};
use super::token::Stranger;
use super::token_file::TokenFile;
use crate::net::{Listener, Socket};

/// How many clients may be about to say what they want.
const MAX_ASKING: usize = 128;
/// How many of these may have said it, and wait to be served.
const MAX_WAITING: usize = 64;
/// How many requests that change nothing are served at a time.
const MAX_READS: usize = 32;
/// How many others are, each of which may bring a long text.
const MAX_WRITES: usize = 8;
/// How many clients may wait for events, besides.
const MAX_FOLLOWING: usize = 64;
/// How long a client may take to say what it wants.
const ASK_LIMIT: Duration = Duration::from_secs(5);
/// How long it may where all places are taken.
const ASK_PATIENCE: Duration = Duration::from_millis(100);
/// How long one may take to read its answer where all places among the reads are taken.
const READ_PATIENCE: Duration = Duration::from_secs(1);
/// How long one may take to send its text where all places among the writes are.
const WRITE_PATIENCE: Duration = Duration::from_millis(250);
/// How long one waits to be served: more than it takes until all of those before have had to go.
const WAIT_LIMIT: Duration = Duration::from_secs(5);
/// How long one may take, from its first byte to the last one of an answer that has an end.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// How long one may take nothing of what is sent to it.
const STALL_LIMIT: Duration = Duration::from_secs(30);
/// Of a request without its body, and of what is written ahead of a client that reads slowly.
const BUFFER_LIMIT: usize = 64 << 10;
/// Wait after the system refused to give another connection.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A listener, and who is let in.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) listener: Listener,
    /// What clients have to know, if anything.
    pub(super) token: Option<Arc<TokenFile>>,
}

/// The rooms of a listener.
#[derive(Debug)]
struct House {
    door: Arc<Room>,
    reads: Arc<Room>,
    writes: Arc<Room>,
    follows: Arc<Room>,
    waiting: Semaphore,
}

impl House {
    fn new() -> Self {
        Self {
            door: Room::new(MAX_ASKING, ASK_PATIENCE),
            reads: Room::new(MAX_READS, READ_PATIENCE),
            writes: Room::new(MAX_WRITES, WRITE_PATIENCE),
            // Nobody waits for a place in it.
            follows: Room::new(MAX_FOLLOWING, READ_PATIENCE),
            waiting: Semaphore::new(MAX_WAITING),
        }
    }
}

/// A client, and the room it is in.
#[derive(Debug)]
pub(super) struct Peer {
    client: Arc<Client>,
    house: Arc<House>,
    place: Mutex<Place>,
    /// Whether its answer has no end.
    stays: AtomicBool,
}

impl Peer {
    /// The client waits for events: it makes room for the requests of others, and takes some among
    /// those who do the same.
    pub(super) fn follow(&self) -> Result<(), Problem> {
        match self.house.follows.try_enter(&self.client) {
            Some(place) => self.go_to(place),
            None => {
                let detail = format!(
                    "{MAX_FOLLOWING} clients follow events already; ask again later, or without \
                     a stream and without `wait`"
                );
                return Err(Problem::unavailable(detail));
            }
        }
        Ok(())
    }

    /// The answer has no end.
    pub(super) fn stay(&self) {
        self.stays.store(true, Ordering::Relaxed);
    }

    /// What the client sends, which is up to it for as long as that takes.
    pub(super) async fn sends<T>(&self, sent: impl Future<Output = T>) -> T {
        self.client.its_turn();
        let sent = sent.await;
        self.client.our_turn();
        sent
    }

    /// Waits until a request can be served.
    async fn come_in(&self, method: &Method) -> Result<(), Problem> {
        let room = match *method {
            Method::GET | Method::HEAD => &self.house.reads,
            _ => &self.house.writes,
        };
        let place = match room.try_enter(&self.client) {
            Some(place) => place,
            None => {
                let _waits = self.house.waiting.try_acquire().map_err(|_| busy())?;
                let entered = time::timeout(WAIT_LIMIT, room.enter(&self.client)).await;
                entered.map_err(|_| busy())?
            }
        };
        self.go_to(place);
        Ok(())
    }

    fn go_to(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }
}

impl Server {
    /// Serves until it is dropped.
    pub(super) async fn run(self, router: Router) {
        let service = TowerToHyperService::new(router);
        let house = Arc::new(House::new());
        loop {
            let socket = match self.listener.accept().await {
                Ok((socket, _)) => socket,
                // Of one who has gone again.
                Err(error) if is_of_peer(&error) => continue,
                Err(error) => {
                    warn!(%error, "a connection to the API can not be accepted");
                    tokio::join!(time::sleep(ACCEPT_PAUSE), house.door.make_room());
                    continue;
                }
            };
            let client = Client::new();
            let place = house.door.enter(&client).await;
            let peer = Arc::new(Peer {
                client,
                house: Arc::clone(&house),
                place: Mutex::new(place),
                stays: AtomicBool::new(false),
            });
            let (service, token) = (service.clone(), self.token.clone());
            tokio::spawn(serve(socket, peer, service, token));
        }
    }
}

/// Serves a client until it has its answer, or has to go.
async fn serve(
    socket: Box<dyn Socket>,
    peer: Arc<Peer>,
    service: TowerToHyperService<Router>,
    token: Option<Arc<TokenFile>>,
) {
    let answer = service_fn(|request| {
        let (peer, service, token) = (Arc::clone(&peer), service.clone(), token.clone());
        async move {
            peer.client.our_turn();
            let response = respond(request, &peer, &service, token.as_ref()).await;
            peer.client.its_turn();
            Ok::<_, Infallible>(response)
        }
    });
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(ASK_LIMIT)
        .max_buf_size(BUFFER_LIMIT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(Patient::new(socket, STALL_LIMIT)), answer);
    let mut served = pin!(served);
    let mut limit = pin!(time::sleep(TIME_LIMIT));
    loop {
        let stays = peer.stays.load(Ordering::Relaxed);
        tokio::select! {
            // First, as what a client is told to go for not saying may have come.
            biased;
            result = &mut served => {
                return match result {
                    Ok(()) => {}
                    Err(error) => debug!(%error, "a request to the API failed"),
                };
            }
            () = peer.client.told_to_go() => {
                return debug!("a client of the API kept others waiting");
            }
            () = &mut limit, if !stays => {
                if !peer.stays.load(Ordering::Relaxed) {
                    return debug!("a request to the API took too long");
                }
            }
        }
    }
}

async fn respond(
    mut request: hyper::Request<Incoming>,
    peer: &Arc<Peer>,
    service: &TowerToHyperService<Router>,
    token: Option<&Arc<TokenFile>>,
) -> Response {
    if let Some(token) = token
        && let Err(stranger) = token.admit(request.headers()).await
    {
        return unauthorized(stranger);
    }
    if let Err(problem) = peer.come_in(request.method()).await {
        return problem.into_response();
    }
    request.extensions_mut().insert(Arc::clone(peer));
    match service.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Whether a connection failed, and not the listener.
fn is_of_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset | ErrorKind::ConnectionRefused
    )
}

fn busy() -> Problem {
    Problem::unavailable("too many requests are served at the moment; ask again later")
}

fn unauthorized(stranger: Stranger) -> Response {
    let (challenge, detail) = match stranger {
        Stranger::Missing => (
            "Bearer",
            "there is no token: expected the header `Authorization: Bearer TOKEN` with the token in \
             the file that `controller.api_token_file` names",
        ),
        Stranger::Wrong => (
            "Bearer error=\"invalid_token\"",
            "the token is another one than the file that `controller.api_token_file` names has in it",
        ),
    };
    let mut response = Problem::new(StatusCode::UNAUTHORIZED, detail).into_response();
    let challenge = HeaderValue::from_static(challenge);
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}
