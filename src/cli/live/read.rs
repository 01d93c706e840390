//! Reads back what running bridges hold. Open vSwitch listens for OpenFlow on a socket of each
//! bridge, so no controller is disturbed; nothing is sent but questions.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use bridgechain::compile;
use bridgechain::config;
use bridgechain::environment;
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::reconcile;
use bridgechain::session::{Event, Session};
use bridgechain::topology::{Host, Role};
use bytes::BytesMut;

use crate::cli::inputs;

/// What a running bridge has and holds.
pub(in crate::cli) struct Found {
    pub(in crate::cli) role: Role,
    pub(in crate::cli) ports: Ports,
    pub(in crate::cli) program: Program,
}

/// `NAME=unix:PATH` or `NAME=tcp:IP:PORT`
#[derive(Debug, Clone)]
pub(in crate::cli) struct Endpoint {
    bridge: String,
    place: Place,
}

#[derive(Debug, Clone)]
enum Place {
    Unix(PathBuf),
    Tcp(SocketAddr),
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const EXPECTED: &str =
            "expected NAME=unix:PATH or NAME=tcp:IP:PORT, such as br0=tcp:127.0.0.1:6634";
        let (bridge, place) = text.split_once('=').ok_or(EXPECTED)?;
        let place = match place.split_once(':') {
            Some(("unix", path)) if !path.is_empty() => Place::Unix(path.into()),
            Some(("tcp", address)) => Place::Tcp(
                address
                    .parse()
                    .map_err(|_| format!("{address:?} is no address with a port; {EXPECTED}"))?,
            ),
            _ => return Err(EXPECTED.to_owned()),
        };
        Ok(Self {
            bridge: bridge.to_owned(),
            place,
        })
    }
}

/// Where the bridges of this machine are asked.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Sockets<'a> {
    rundir: PathBuf,
    endpoints: &'a [Endpoint],
}

impl<'a> Sockets<'a> {
    /// In the directory `rundir`, or else where the environment says, but for those with a place of
    /// their own.
    pub(in crate::cli) fn new(rundir: Option<&Path>, endpoints: &'a [Endpoint]) -> Self {
        Self {
            rundir: rundir.map_or_else(environment::ovs_rundir, Path::to_owned),
            endpoints,
        }
    }

    /// The bridges of `host` by role.
    fn bridges<'h>(&'h self, host: &'h Host) -> anyhow::Result<Vec<(Role, &'h str)>> {
        match inputs::bridges(host).as_slice() {
            // Any bridge does for such a host.
            [(role, "*")] => match self.endpoints {
                [only] => Ok(vec![(*role, only.bridge.as_str())]),
                _ => bail!(
                    "host {} takes every bridge (learning: \"*\"); say which one with --bridge NAME=WHERE",
                    host.name
                ),
            },
            known => {
                for Endpoint { bridge, .. } in self.endpoints {
                    let names = known.iter().map(|(_, name)| *name);
                    let suggestion = config::suggestion(bridge, names, "its bridges are");
                    ensure!(
                        known.iter().any(|(_, name)| name == bridge),
                        "host {} has no bridge {bridge:?}{suggestion}",
                        host.name
                    );
                }
                Ok(known.to_vec())
            }
        }
    }

    fn place(&self, bridge: &str) -> Place {
        let given = self
            .endpoints
            .iter()
            .find(|endpoint| endpoint.bridge == bridge);
        match given {
            Some(endpoint) => endpoint.place.clone(),
            None => Place::Unix(self.rundir.join(format!("{bridge}.mgmt"))),
        }
    }

    /// How `ovs-ofctl` is told of a bridge.
    pub(in crate::cli) fn ofctl_name(&self, bridge: &str) -> String {
        match self.place(bridge) {
            Place::Unix(path) if self.are_usual() && path.starts_with(&self.rundir) => {
                bridge.to_owned()
            }
            place => place.to_string(),
        }
    }

    /// The database of these bridges, as for `ovs-vsctl --db`; nothing where they are where the
    /// packages of Open vSwitch have them, and in any shell it is found without that.
    pub(in crate::cli) fn database(&self) -> Option<String> {
        (!self.are_usual()).then(|| environment::ovsdb_in(&self.rundir).to_string())
    }

    fn are_usual(&self) -> bool {
        self.rundir == Path::new(environment::USUAL_OVS_RUNDIR)
    }

    /// Reads all bridges of `host`.
    pub(in crate::cli) fn read(&self, host: &Host) -> anyhow::Result<Vec<Found>> {
        let bridges = self.bridges(host)?;
        let bridges = bridges.into_iter();
        bridges
            .map(|(role, name)| self.read_bridge(host, role, name))
            .collect()
    }

    /// Reads one bridge.
    pub(in crate::cli) fn read_bridge(
        &self,
        host: &Host,
        role: Role,
        name: &str,
    ) -> anyhow::Result<Found> {
        let place = self.place(name);
        let (mut ports, program) = read_bridge(&place)
            .with_context(|| format!("bridge {name} can not be read at {place}"))?;
        // Where vNICs are that the OVS database tells of, the running controller has noted.
        let noted = compile::recover_bound(host, role, &ports, &program.flows);
        let names = noted.into_iter().map(|(name, interface)| (interface, name));
        ports.call(names.collect());
        Ok(Found {
            role,
            ports,
            program,
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Tcp(address) => write!(f, "tcp:{address}"),
        }
    }
}

/// How long a connection may take to come about.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);

fn read_bridge(place: &Place) -> anyhow::Result<(Ports, Program)> {
    match place {
        Place::Unix(path) => {
            let socket = UnixStream::connect(path)?;
            converse(socket, UnixStream::set_read_timeout)
        }
        Place::Tcp(address) => {
            let socket = TcpStream::connect_timeout(address, CONNECT_LIMIT)?;
            converse(socket, TcpStream::set_read_timeout)
        }
    }
}

/// Asks for the ports and all that the bridge holds.
fn converse<S: Read + Write>(
    mut socket: S,
    limit: impl Fn(&S, Option<Duration>) -> io::Result<()>,
) -> anyhow::Result<(Ports, Program)> {
    let mut session = Session::new(Instant::now());
    let mut input = BytesMut::new();
    let mut ports = None;
    let mut buffer = vec![0; 1 << 16];
    loop {
        while let Some(event) = session.receive(Instant::now(), &mut input) {
            match event {
                Event::Identified { ports: found, .. } => {
                    ports = Some(found.iter().collect::<Ports>());
                    session.read_back(Instant::now());
                }
                Event::ReadBack(snapshot) => {
                    let ports = ports.context("the bridge has not told its ports")?;
                    return Ok((ports, reconcile::everything(snapshot)));
                }
                Event::PortStatus(status) => {
                    if let Some(ports) = &mut ports {
                        ports.update(&status);
                    }
                }
                Event::Closed(reason) => return Err(reason.into()),
                _ => {}
            }
        }
        let output = std::mem::take(session.output());
        socket.write_all(&output)?;
        let now = Instant::now();
        session.handle_timeout(now);
        let Some(deadline) = session.poll_timeout() else {
            continue;
        };
        // 0 would be no limit at all.
        let rest = deadline.saturating_duration_since(now);
        limit(&socket, Some(rest.max(Duration::from_millis(1))))?;
        match socket.read(&mut buffer) {
            Ok(0) => bail!("the bridge has closed the connection"),
            Ok(count) => input.extend_from_slice(&buffer[..count]),
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {}
                io::ErrorKind::Interrupted => {}
                _ => return Err(error.into()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_a_bridge_and_a_place() {
        for good in ["br0=unix:/run/br0.mgmt", "br0=tcp:127.0.0.1:6634"] {
            let Endpoint { bridge, place } = good.parse().expect(good);
            assert_eq!(format!("{bridge}={place}"), good);
        }
        for bad in [
            "br0",
            "br0=",
            "br0=unix:",
            "br0=ssl:1.2.3.4:1",
            "br0=tcp:localhost:1",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }
}
