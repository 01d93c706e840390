//! Where bridges connect to: TCP and Unix sockets.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixSocket};

use super::connection::Socket;
use crate::topology::Endpoint;

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 1024;
/// Of the file of a Unix socket: its owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// An open socket that waits for bridges. The file of a Unix socket goes with it.
#[derive(Debug)]
pub(crate) struct Listener {
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Tcp {
        listener: TcpListener,
        address: SocketAddr,
    },
    Unix {
        listener: UnixListener,
        path: PathBuf,
    },
}

/// Nothing can be listened to at an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there.
    #[error(
        "cannot listen on {0}: another process does, maybe another controller; stop it, or give \
         this one an endpoint of its own in `controller.listen`"
    )]
    Taken(Endpoint),
    /// A file that is not a socket is where the socket is to be.
    #[error(
        "cannot listen on {0}: the file exists and is no socket; remove it, or name another path \
         in `controller.listen`"
    )]
    NotASocket(Endpoint),
    /// TLS is not served.
    #[error("cannot listen on {0}: ssl: is not served; use tcp: on a loopback address, or unix:")]
    Tls(Endpoint),
    /// The system refuses.
    #[error("cannot listen on {endpoint}: {error}")]
    System {
        /// Where.
        endpoint: Endpoint,
        /// Why.
        error: io::Error,
    },
}

impl Listener {
    /// Listens at `endpoint`. Needs a tokio runtime around it.
    ///
    /// # Errors
    ///
    /// Where somebody else listens, or the system does not let us.
    pub(crate) fn bind(endpoint: &Endpoint) -> Result<Self, ListenError> {
        let inner = match endpoint {
            Endpoint::Tcp(address) => bind_tcp(*address),
            Endpoint::Unix(path) => bind_unix(path),
            Endpoint::Ssl(_) => return Err(ListenError::Tls(endpoint.clone())),
        };
        let inner = inner.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => ListenError::Taken(endpoint.clone()),
            ErrorKind::AlreadyExists => ListenError::NotASocket(endpoint.clone()),
            _ => ListenError::System {
                endpoint: endpoint.clone(),
                error,
            },
        })?;
        Ok(Self { inner })
    }

    /// Where bridges can connect to: with the port that the system chose, if it was to choose.
    pub(crate) fn endpoint(&self) -> Endpoint {
        match &self.inner {
            Inner::Tcp { address, .. } => Endpoint::Tcp(*address),
            Inner::Unix { path, .. } => Endpoint::Unix(path.clone()),
        }
    }

    /// The next connection, and who is at its other end.
    pub(crate) async fn accept(&self) -> io::Result<(Box<dyn Socket>, String)> {
        match &self.inner {
            Inner::Tcp { listener, .. } => {
                let (stream, peer) = listener.accept().await?;
                // Answers are written as a whole; to wait for more only delays them.
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), format!("tcp:{peer}")))
            }
            Inner::Unix { listener, path } => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), format!("unix:{}", path.display())))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Inner::Unix { path, .. } = &self.inner
            && let Err(error) = fs::remove_file(path)
        {
            tracing::warn!(path = %path.display(), %error, "the socket's file can not be removed");
        }
    }
}

fn bind_tcp(address: SocketAddr) -> io::Result<Inner> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }?;
    // A restarted controller must not wait for old connections to time out.
    socket.set_reuseaddr(true)?;
    // Inherited by what is accepted.
    socket.set_keepalive(true)?;
    socket.bind(address)?;
    let listener = socket.listen(BACKLOG)?;
    let address = listener.local_addr()?;
    Ok(Inner::Tcp { listener, address })
}

fn bind_unix(path: &Path) -> io::Result<Inner> {
    remove_stale(path)?;
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    // Between bind and listen nobody can connect, whatever the umask let the file be.
    fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
    let listener = socket.listen(BACKLOG)?;
    Ok(Inner::Unix {
        listener,
        path: path.to_owned(),
    })
}

/// Removes the socket that a killed process left behind, but not one that somebody listens at.
fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(_) => {}
    }
    match BlockingUnixStream::connect(path) {
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
    }
}
