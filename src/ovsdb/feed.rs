//! Keeps a connection to a database, in a task of its own.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::{self, AbortHandle};
use tokio::time;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls;

use super::{Database, Session, SessionError, tls};
use crate::environment;
use crate::topology::{Endpoint, Host, TlsFiles};

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

/// How a database is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Access {
    endpoint: Endpoint,
    tls: Option<TlsFiles>,
    /// Tells files with other contents apart.
    contents: Option<u64>,
}

impl Access {
    /// How that of `host` is reached, with its files as they are now.
    pub(crate) fn of(host: &Host) -> Self {
        let endpoint = host.ovsdb.clone().unwrap_or_else(environment::ovsdb);
        Self::new(endpoint, host.ovsdb_tls.clone())
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn new(endpoint: Endpoint, tls: Option<TlsFiles>) -> Self {
        let contents = tls.as_ref().map(tls::fingerprint);
        Self {
            endpoint,
            tls,
            contents,
        }
    }
}

/// A database that is watched, until this is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    /// How it is reached.
    pub(crate) access: Access,
    /// What is known from it.
    pub(crate) feed: watch::Receiver<Feed>,
    task: AbortHandle,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Watches a database. Needs a tokio runtime around it.
pub(crate) fn watch(access: Access) -> Watch {
    let (sender, mut feed) = watch::channel(Feed::default());
    // That it is being asked is news.
    feed.mark_changed();
    let task = tokio::spawn(keep(access.clone(), sender)).abort_handle();
    Watch { access, feed, task }
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
    /// What a TLS connection lacks, or why it came to its end.
    #[error("{0}")]
    Tls(String),
}

/// Connects, again and again, for as long as somebody looks.
async fn keep(access: Access, sender: watch::Sender<Feed>) {
    let mut wait = FIRST_WAIT;
    while !sender.is_closed() {
        let ended = match connect_and_follow(&access, &sender).await {
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

async fn connect_and_follow(access: &Access, sender: &watch::Sender<Feed>) -> Result<Never, Ended> {
    match (&access.endpoint, &access.tls) {
        (Endpoint::Unix(path), _) => {
            follow(connect(UnixStream::connect(path as &Path)).await?, sender).await
        }
        (Endpoint::Tcp(address), _) => {
            follow(connect(TcpStream::connect(address)).await?, sender).await
        }
        (Endpoint::Ssl(address), Some(files)) => {
            let followed = connect_and_follow_tls(*address, files, sender).await;
            followed.map_err(|ended| in_words(ended, files))
        }
        (Endpoint::Ssl(_), None) => Err(Ended::Tls("no CA is given".to_owned())),
    }
}

/// The files are read each time, so that renewed certificates are used from the next connection on.
async fn connect_and_follow_tls(
    address: SocketAddr,
    files: &TlsFiles,
    sender: &watch::Sender<Feed>,
) -> Result<Never, Ended> {
    let own = files.clone();
    let client = task::spawn_blocking(move || tls::client(&own)).await;
    let client = client.map_err(io::Error::other)?.map_err(|unfit| {
        let reasons: Vec<String> = unfit.iter().map(ToString::to_string).collect();
        Ended::Tls(reasons.join("; "))
    })?;
    let socket = connect(TcpStream::connect(address)).await?;
    let handshake = TlsConnector::from(client).connect(address.ip().into(), socket);
    let handshake = connect(handshake)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset => Ended::Tls(
                "the server hangs up when it is spoken to in TLS: does it listen with pssl:?"
                    .to_owned(),
            ),
            _ => error.into(),
        })?;
    follow(handshake, sender).await
}

/// Says what the failure of a TLS connection means.
fn in_words(ended: Ended, files: &TlsFiles) -> Ended {
    let Ended::Io(error) = &ended else {
        return ended;
    };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let words = inner.and_then(|inner: &rustls::Error| tls::explain(inner, files));
    words.map_or(ended, Ended::Tls)
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
        // What TLS makes of it may still be in its buffer.
        let write = async {
            socket.write_all(&output).await?;
            socket.flush().await
        };
        let written = time::timeout(LIMIT, write).await;
        if let Err(error) = written.map_err(|_| Ended::NotReading)? {
            // Why it hangs up may be there to be read: TLS says so in an alert.
            let read = time::timeout(LIMIT, socket.read(&mut buffer)).await;
            return Err(match read {
                Ok(Err(why)) => why.into(),
                _ => error.into(),
            });
        }
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

    fn unix(path: &Path) -> Access {
        Access::new(Endpoint::Unix(path.to_owned()), None)
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
        let mut watch = watch(unix(&path));
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
        let mut watch = watch(unix(&path));
        let (mut socket, _) = listener.accept().await.expect("a client");
        socket.write_all(b"OK ready\n").await.expect("written");
        let feed = wait_for(&mut watch, |feed| feed.link != Link::Connecting).await;
        assert!(matches!(feed.link, Link::Down(why) if why.contains("is this an OVS database?")));
        let _socket = serve(&listener, "br0").await;
        wait_for(&mut watch, |feed| feed.link == Link::Up).await;
    }
}
