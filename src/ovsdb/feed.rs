//! Keeps a connection to a database, in a task of its own.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time;

use super::{Database, Session, SessionError};
use crate::topology::Endpoint;

/// The wait before the first new attempt, and before any later one.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// How long a connection may take to come about, and a server to read what was sent.
const LIMIT: Duration = Duration::from_secs(10);

/// What is known from a database.
#[derive(Debug, Clone, Default)]
pub struct Feed {
    /// What it said last; `None` until it has answered once.
    pub database: Option<Arc<Database>>,
    /// Whether that is what it says now.
    pub link: Link,
}

/// Whether a database is connected.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Link {
    /// Not yet.
    #[default]
    Connecting,
    /// It has answered, and tells every change.
    Up,
    /// It is not; why.
    Down(String),
}

/// A database that is watched, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    /// Where it is served.
    pub(crate) endpoint: Endpoint,
    /// What is known from it.
    pub(crate) feed: watch::Receiver<Feed>,
    task: AbortHandle,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches the database at `endpoint`. Needs a tokio runtime around it.
pub(crate) fn watch(endpoint: Endpoint) -> Watch {
    let (sender, feed) = watch::channel(Feed::default());
    let task = tokio::spawn(keep(endpoint.clone(), sender)).abort_handle();
    Watch {
        endpoint,
        feed,
        task,
    }
}

/// Why there is no connection any more.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("closed by the server")]
    ByServer,
    #[error("it does not read what is sent to it")]
    NotReading,
    #[error(transparent)]
    Session(#[from] SessionError),
    #[error("ssl: is not spoken")]
    Ssl,
}

/// Connects, again and again, for as long as somebody looks.
async fn keep(endpoint: Endpoint, sender: watch::Sender<Feed>) {
    let mut wait = FIRST_WAIT;
    while !sender.is_closed() {
        let ended = match connect_and_follow(&endpoint, &sender).await {
            Ok(never) => match never {},
            Err(ended) => ended,
        };
        let was_up = sender.borrow().link == Link::Up;
        wait = if was_up { FIRST_WAIT } else { wait };
        sender.send_if_modified(|feed| {
            let link = Link::Down(ended.to_string());
            let is_news = feed.link != link;
            feed.link = link;
            is_news
        });
        time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// What never is.
enum Never {}

async fn connect_and_follow(
    endpoint: &Endpoint,
    sender: &watch::Sender<Feed>,
) -> Result<Never, Ended> {
    match endpoint {
        Endpoint::Unix(path) => {
            follow(connect(UnixStream::connect(path as &Path)).await?, sender).await
        }
        Endpoint::Tcp(address) => follow(connect(TcpStream::connect(address)).await?, sender).await,
        Endpoint::Ssl(_) => Err(Ended::Ssl),
    }
}

async fn connect<S>(connecting: impl Future<Output = io::Result<S>>) -> io::Result<S> {
    let timed_out = |_| io::Error::from(io::ErrorKind::TimedOut);
    time::timeout(LIMIT, connecting).await.map_err(timed_out)?
}

/// Follows the database at the other end of a socket.
async fn follow(
    mut socket: impl AsyncRead + AsyncWrite + Unpin,
    sender: &watch::Sender<Feed>,
) -> Result<Never, Ended> {
    let mut session = Session::new(Instant::now());
    let mut buffer = vec![0; 64 << 10];
    loop {
        // What a server asks is answered before more of it is read: so it can not ask too much.
        let output = session.take_output();
        let written = time::timeout(LIMIT, socket.write_all(&output)).await;
        written.map_err(|_| Ended::NotReading)??;
        let read = time::timeout_at(session.poll_timeout().into(), socket.read(&mut buffer)).await;
        match read {
            Ok(Ok(0)) => return Err(Ended::ByServer),
            Ok(Ok(count)) => {
                if session.receive(Instant::now(), &buffer[..count])? {
                    publish(&session, sender);
                }
            }
            Ok(Err(error)) => return Err(error.into()),
            Err(_) => session.handle_timeout(Instant::now())?,
        }
    }
}

/// Tells what the database says, where that is news.
fn publish(session: &Session, sender: &watch::Sender<Feed>) {
    let Some(database) = session.database() else {
        return;
    };
    sender.send_if_modified(|feed| {
        let is_same = feed.database.as_deref() == Some(&database);
        if is_same && feed.link == Link::Up {
            return false;
        }
        feed.link = Link::Up;
        if !is_same {
            feed.database = Some(Arc::new(database));
        }
        true
    });
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use serde_json::json;
    use tokio::net::UnixListener;

    use super::*;

    /// A place for a socket, and a watch on it.
    fn place() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("db.sock");
        (dir, path)
    }

    async fn wait_for(watch: &mut Watch, good: impl Fn(&Feed) -> bool) -> Feed {
        let found = time::timeout(
            Duration::from_secs(20),
            watch.feed.wait_for(|feed| good(feed)),
        );
        found
            .await
            .expect("in time")
            .expect("the watch goes on")
            .clone()
    }

    /// Takes a connection, and answers with one bridge.
    async fn serve(listener: &UnixListener, bridge: &str) -> UnixStream {
        let (mut socket, _) = listener.accept().await.expect("a client");
        let mut asked = vec![0; 4096];
        assert!(socket.read(&mut asked).await.expect("a request") > 0);
        let row = json!({ "name": bridge, "datapath_id": "1", "ports": ["set", []] });
        let answer = json!({ "id": "bridgechain", "error": null, "result": { "Bridge": { "b": { "new": row } } } });
        socket
            .write_all(answer.to_string().as_bytes())
            .await
            .expect("written");
        socket
    }

    #[tokio::test]
    async fn a_database_that_comes_late_goes_and_comes_back_is_followed() {
        let (_dir, path) = place();
        let mut watch = watch(Endpoint::Unix(path.clone()));
        let feed = wait_for(&mut watch, |feed| matches!(feed.link, Link::Down(_))).await;
        assert!(feed.database.is_none());
        assert!(matches!(feed.link, Link::Down(why) if why.contains("No such file")));

        let listener = UnixListener::bind(&path).expect("a socket");
        let socket = serve(&listener, "br0").await;
        let feed = wait_for(&mut watch, |feed| feed.link == Link::Up).await;
        assert!(
            feed.database
                .is_some_and(|database| database.bridges.contains_key("br0"))
        );

        drop(socket);
        let feed = wait_for(&mut watch, |feed| feed.link != Link::Up).await;
        assert_eq!(feed.link, Link::Down("closed by the server".to_owned()));
        assert!(feed.database.is_some(), "what was known is still there");

        let _socket = serve(&listener, "br1").await;
        let feed = wait_for(&mut watch, |feed| feed.link == Link::Up).await;
        assert!(
            feed.database
                .is_some_and(|database| database.bridges.contains_key("br1"))
        );
    }

    #[tokio::test]
    async fn a_server_that_talks_nonsense_is_left_and_tried_again() {
        let (_dir, path) = place();
        let listener = UnixListener::bind(&path).expect("a socket");
        let mut watch = watch(Endpoint::Unix(path));
        let (mut socket, _) = listener.accept().await.expect("a client");
        socket.write_all(b"OK ready\n").await.expect("written");
        let feed = wait_for(&mut watch, |feed| feed.link != Link::Connecting).await;
        assert!(matches!(feed.link, Link::Down(why) if why.contains("is this an OVS database?")));
        let _socket = serve(&listener, "br0").await;
        wait_for(&mut watch, |feed| feed.link == Link::Up).await;
    }
}
