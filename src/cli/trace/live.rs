//! A host as it is: what its bridges hold now, and what they should.

use anyhow::{Context, bail};
use bridgechain::cookie::Class;
use bridgechain::learning::{LearnedMac, Location};
use bridgechain::ports::Ports;
use bridgechain::program::Program;
use bridgechain::simulate::Network;
use bridgechain::topology::{Host, Role, Topology, Vlan};
use openflow::MacAddr;

use super::ends::{Destination, OF_DESTINATION, OF_SENDER, Sender};
use super::site::Site;
use crate::cli::live::{Known, Sockets};

/// What was read.
pub(super) struct Reading<'t> {
    host: &'t Host,
    bridges: Vec<(Role, Ports, Program)>,
    /// What each should hold.
    pub(super) wanted: Vec<(Role, Program)>,
    learned: Vec<LearnedMac>,
}

impl<'t> Reading<'t> {
    /// Asks all bridges of `host`.
    pub(super) fn new(
        topology: &'t Topology,
        host: &'t Host,
        sockets: &Sockets<'_>,
    ) -> anyhow::Result<Self> {
        let found = sockets.read(host)?;
        let known = Known::new(topology, host, &found);
        let wanted = found.iter().map(|bridge| {
            let mut wanted = known.wanted(bridge.role, &bridge.ports);
            // What a bridge wrote itself is right as it is.
            let own = bridge.program.flows.iter();
            let own = own.filter(|(_, flow)| Class::of(flow.cookie) == Some(Class::Remembered));
            let own = own.map(|(key, flow)| (key.clone(), flow.clone()));
            wanted.flows.extend(own);
            (bridge.role, wanted)
        });
        Ok(Self {
            host,
            wanted: wanted.collect(),
            learned: known.learned,
            bridges: found
                .into_iter()
                .map(|it| (it.role, it.ports, it.program))
                .collect(),
        })
    }

    /// The host with the ports that it has.
    pub(super) fn site(&self, topology: &'t Topology) -> Site<'t> {
        let ports = self.bridges.iter();
        let ports = ports.map(|(role, ports, _)| (*role, ports.clone()));
        Site::with_ports(self.host, &topology.controller, ports)
    }

    /// The bridges with the flows that they have.
    pub(super) fn network(&self) -> Network {
        let found = self.bridges.iter();
        self.joined(found.map(|(role, _, program)| (*role, program.clone())))
    }

    /// The bridges with the flows that they should have.
    pub(super) fn wanted_network(&self) -> Network {
        self.joined(self.wanted.iter().cloned())
    }

    fn joined(&self, programs: impl Iterator<Item = (Role, Program)>) -> Network {
        let ports = self.bridges.iter().map(|(_, ports, _)| ports);
        let bridges = programs.zip(ports);
        let bridges = bridges.map(|((role, program), ports)| (role, ports.clone(), program));
        let mut network = Network::new(self.host, bridges);
        for (role, ports, _) in &self.bridges {
            for (_, port) in ports.iter().filter(|(_, port)| !ports.is_up(*port)) {
                network.set_down(*role, port);
            }
        }
        network
    }

    /// Gives stations that have no address in the configuration one that was learned of them.
    pub(super) fn name(
        &self,
        vlan: Option<Vlan>,
        sender: &mut Sender,
        destination: &mut Destination,
    ) -> anyhow::Result<()> {
        let learned = |at: Option<Location>| -> Option<MacAddr> {
            let mut learned = self.learned.iter();
            let is_it = |entry: &&LearnedMac| Some(entry.at) == at && Some(entry.vlan) == vlan;
            Some(learned.find(is_it)?.mac)
        };
        // It is one more that is not known.
        if sender.mac == OF_SENDER {
            sender.mac = learned(sender.learned_at).unwrap_or(OF_SENDER);
        }
        if destination.mac == OF_DESTINATION {
            let who = &destination.who;
            if vlan.is_none() {
                bail!(
                    "the frame is of no network, so {who} has no address there; say a MAC address"
                );
            }
            destination.mac = learned(destination.learned_at).with_context(|| {
                format!(
                    "the switch knows no address of {who} in this network; say a MAC address, or \
                     `unknown`"
                )
            })?;
        }
        Ok(())
    }
}
