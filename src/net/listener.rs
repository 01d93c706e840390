//! Where bridges connect to: TCP and Unix sockets.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream as BlockingUnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpSocket, UnixListener, UnixSocket};

use super::connection::Socket;
use crate::topology::Endpoint;

/// Connections that the kernel completes before they are accepted.
const BACKLOG: u32 = 1024;
/// Of the file of a Unix socket: its owner and group may connect.
const SOCKET_MODE: u32 = 0o660;

/// An open socket that waits for bridges. The file of a Unix socket goes with it, unless another
/// process has put its own there.
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
        file: FileId,
    },
}

/// Which file is at a path: its device and inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct FileId(u64, u64);

impl FileId {
    fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::symlink_metadata(path)?;
        Ok(Self(metadata.dev(), metadata.ino()))
    }
}

/// Nothing can be listened to at an endpoint.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// Somebody listens there.
    #[error(
        "cannot listen on {0}: another process does, maybe another controller; stop it, or give \
         this one an endpoint of its own in the configuration"
    )]
    Taken(Endpoint),
    /// A file that is not a socket is where the socket is to be.
    #[error(
        "cannot listen on {0}: the file exists and is no socket; remove it, or name another path \
         in the configuration"
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
            Inner::Unix { listener, path, .. } => {
                let (stream, _) = listener.accept().await?;
                Ok((Box::new(stream), format!("unix:{}", path.display())))
            }
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Inner::Unix { path, file, .. } = &self.inner
            && let Err(error) = remove_if(path, *file)
        {
            tracing::warn!(path = %path.display(), %error, "the socket's file can not be removed");
        }
    }
}

/// Removes the file at `path` if it is `file`. While the socket is open it keeps its inode, whose
/// number no other file can have therefore.
fn remove_if(path: &Path, file: FileId) -> io::Result<()> {
    if FileId::at(path)? == file {
        fs::remove_file(path)?;
    }
    Ok(())
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
    let file = FileId::at(path)?;
    let listener = socket.listen(BACKLOG)?;
    Ok(Inner::Unix {
        listener,
        path: path.to_owned(),
        file,
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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn unix(directory: &TempDir) -> Endpoint {
        Endpoint::Unix(directory.path().join("of.sock"))
    }

    fn path(directory: &TempDir) -> PathBuf {
        directory.path().join("of.sock")
    }

    #[tokio::test]
    async fn a_unix_socket_is_for_owner_and_group_and_goes_with_the_listener() {
        let directory = TempDir::new().unwrap();
        let listener = Listener::bind(&unix(&directory)).unwrap();
        let mode = fs::metadata(path(&directory)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        BlockingUnixStream::connect(path(&directory)).unwrap();
        listener.accept().await.unwrap();
        drop(listener);
        assert!(!path(&directory).exists());
    }

    #[tokio::test]
    async fn a_socket_that_another_process_has_put_there_since_stays() {
        let directory = TempDir::new().unwrap();
        let listener = Listener::bind(&unix(&directory)).unwrap();
        fs::remove_file(path(&directory)).unwrap();
        let _other = Listener::bind(&unix(&directory)).unwrap();
        drop(listener);
        BlockingUnixStream::connect(path(&directory)).unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_nobody_listens_at_is_replaced() {
        let directory = TempDir::new().unwrap();
        // As a killed process leaves it behind.
        drop(std::os::unix::net::UnixListener::bind(path(&directory)).unwrap());
        assert!(path(&directory).exists());
        let _listener = Listener::bind(&unix(&directory)).unwrap();
        BlockingUnixStream::connect(path(&directory)).unwrap();
    }

    #[tokio::test]
    async fn a_socket_that_somebody_listens_at_is_left_alone() {
        let directory = TempDir::new().unwrap();
        let _first = Listener::bind(&unix(&directory)).unwrap();
        let error = Listener::bind(&unix(&directory)).unwrap_err();
        assert!(matches!(error, ListenError::Taken(_)), "{error}");
        BlockingUnixStream::connect(path(&directory)).unwrap();
    }

    #[tokio::test]
    async fn a_file_that_is_no_socket_is_left_alone() {
        let directory = TempDir::new().unwrap();
        fs::write(path(&directory), "precious").unwrap();
        let error = Listener::bind(&unix(&directory)).unwrap_err();
        assert!(matches!(error, ListenError::NotASocket(_)), "{error}");
        assert_eq!(fs::read(path(&directory)).unwrap(), b"precious");
    }

    #[tokio::test]
    async fn a_directory_that_is_missing_is_the_systems_error() {
        let error = Listener::bind(&Endpoint::Unix("/nonexistent/of.sock".into())).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot listen on unix:/nonexistent/of.sock: No such file or directory (os error 2)"
        );
    }

    #[tokio::test]
    async fn a_tcp_port_is_taken_once() {
        let any = Endpoint::Tcp(([127, 0, 0, 1], 0).into());
        let first = Listener::bind(&any).unwrap();
        let error = Listener::bind(&first.endpoint()).unwrap_err();
        assert!(matches!(error, ListenError::Taken(_)), "{error}");
    }
}
