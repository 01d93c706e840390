//! Where connections wait until it is known whose they are.

use std::sync::Arc;
use std::time::{Duration, Instant};

use openflow::DatapathId;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info_span, warn};

use super::Arrival;
use super::handshakes::{Handshake, Handshakes};
use super::identify::{Identity, known_bridges};
use crate::net::{Connection, Ended, Listener};
use crate::ports::Ports;
use crate::session::Event;
use crate::topology::Topology;

/// Connections that have not said yet which bridge they are. For a further one the oldest goes.
const MAX_HANDSHAKES: usize = 256;
/// Bridges that are not in the configuration. Further ones are sent away: together with the
/// handshakes they must leave the others their part of the 1,024 files that a process may have open
/// where nobody says otherwise.
const MAX_UNKNOWN: usize = 256;
/// Wait after the system refused to give another connection, which frees none by itself.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What all connections that arrive have in common.
#[derive(Debug)]
pub(super) struct Reception {
    topology: watch::Receiver<Arc<Topology>>,
    arrivals: mpsc::UnboundedSender<Arrival>,
    handshakes: Arc<Handshakes>,
    unknown: Arc<Semaphore>,
}

/// Accepts connections, each of which gets a task of its own until its bridge is recognised.
pub(super) async fn accept(listener: Listener, reception: Arc<Reception>) {
    let mut tasks = JoinSet::new();
    loop {
        match listener.accept().await {
            Ok((socket, peer)) => {
                let now = Instant::now();
                let handshake = reception.handshakes.begin(now);
                let connection = Connection::new(socket, peer, now);
                tasks.spawn(Arc::clone(&reception).receive(connection, handshake));
            }
            Err(error) => {
                warn!(listener = %listener.endpoint(), %error, "a connection can not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
        while tasks.try_join_next().is_some() {}
    }
}

impl Reception {
    pub(super) fn new(
        topology: watch::Receiver<Arc<Topology>>,
        arrivals: mpsc::UnboundedSender<Arrival>,
    ) -> Self {
        Self {
            topology,
            arrivals,
            handshakes: Arc::new(Handshakes::new(MAX_HANDSHAKES)),
            unknown: Arc::new(Semaphore::new(MAX_UNKNOWN)),
        }
    }

    /// Shakes hands, then waits until the bridge is in the configuration, and hands it over.
    async fn receive(self: Arc<Self>, mut connection: Connection, mut handshake: Handshake) {
        debug!(peer = connection.peer(), "connected");
        let bridge = tokio::select! {
            // One that has just answered may stay.
            biased;
            bridge = identify(&mut connection) => bridge,
            () = handshake.displaced() => {
                // It is dropped without last words, which would keep its file open.
                debug!(peer = connection.peer(), "gave way to a newer connection");
                return;
            }
        };
        let (datapath_id, ports) = match bridge {
            Ok(bridge) => bridge,
            Err(reason) => {
                warn!(peer = connection.peer(), %reason, "refused, not a bridge that can be served");
                connection.close();
                return;
            }
        };
        drop(handshake);
        let identity = Identity::new(datapath_id, &ports);
        let span = info_span!("datapath", id = %datapath_id);
        self.place(connection, identity, ports)
            .instrument(span)
            .await;
    }

    /// Hands the bridge over as soon as the configuration knows it.
    async fn place(&self, mut connection: Connection, identity: Identity, mut ports: Ports) {
        let mut topology = self.topology.clone();
        let mut unknown = None;
        loop {
            let known = Arc::clone(&topology.borrow_and_update());
            if let Some(place) = identity.place(&known) {
                let arrival = Arrival {
                    identity,
                    place,
                    ports,
                    connection,
                };
                // Nobody takes it: the controller ends, and with it this task.
                let _ = self.arrivals.send(arrival);
                return;
            }
            if unknown.is_none() {
                unknown = Arc::clone(&self.unknown).try_acquire_owned().ok();
                warn!(
                    bridge = identity.name(),
                    peer = connection.peer(),
                    known = known_bridges(&known),
                    "bridge is not in the configuration; it waits for a reload"
                );
                if unknown.is_none() {
                    warn!(
                        bridge = identity.name(),
                        "too many such bridges: disconnected"
                    );
                    connection.close();
                    return;
                }
            }
            if let Err(reason) = reloaded(&mut connection, &mut ports, &mut topology).await {
                warn!(bridge = identity.name(), peer = connection.peer(), %reason, "bridge disconnected");
                connection.close();
                return;
            }
        }
    }
}

/// The datapath id and the ports, once the bridge has told.
async fn identify(connection: &mut Connection) -> Result<(DatapathId, Ports), Ended> {
    loop {
        // The first event of a session, if it is not its end.
        if let Event::Identified { datapath_id, ports } = connection.event().await? {
            return Ok((datapath_id, ports.iter().collect()));
        }
    }
}

/// Keeps the connection and the list of ports up to date until there is another topology.
async fn reloaded(
    connection: &mut Connection,
    ports: &mut Ports,
    topology: &mut watch::Receiver<Arc<Topology>>,
) -> Result<(), Ended> {
    loop {
        tokio::select! {
            event = connection.event() => {
                if let Event::PortStatus(status) = event? {
                    ports.update(&status);
                }
            }
            Ok(()) = topology.changed() => return Ok(()),
        }
    }
}
