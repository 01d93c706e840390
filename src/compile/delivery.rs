//! The ports that a frame goes out by, with or without its tag.

use openflow::{Action, PortNo};

use super::bond;
use crate::ports::Ports;
use crate::topology::{Host, Tagging, Vlan, Vnic};

/// A set of output ports of one bridge, by how the frame must look there.
#[derive(Debug, Clone, Default)]
pub(super) struct Delivery {
    /// In the order of their numbers, each once.
    ports: std::collections::BTreeSet<(Tagging, PortNo)>,
    /// Whether it goes out by the bonded uplinks as well, as it is.
    bond: bool,
}

impl Delivery {
    pub(super) fn add(&mut self, port: PortNo, tagging: Tagging) {
        self.ports.insert((tagging, port));
    }

    /// Adds the bonded uplinks.
    pub(super) fn add_bond(&mut self) {
        self.bond = true;
    }

    /// Adds `vnic`, where it is there and a member of `vlan`.
    pub(super) fn add_vnic(&mut self, vnic: &Vnic, vlan: Vlan, ports: &Ports) {
        if let (Some(port), Some(tagging)) = (ports.get(&vnic.port), vnic.membership.delivery(vlan))
        {
            self.add(port, tagging);
        }
    }

    /// Adds all vNICs of `host` that are members of `vlan`.
    pub(super) fn add_members(&mut self, host: &Host, vlan: Vlan, ports: &Ports) {
        for vnic in &host.vnics {
            self.add_vnic(vnic, vlan, ports);
        }
    }

    /// Adds the vNICs of `host` that see all frames of `vlan`.
    pub(super) fn add_accepting(&mut self, host: &Host, vlan: Vlan, ports: &Ports) {
        for vnic in host.vnics.iter().filter(|vnic| vnic.accepts(vlan)) {
            self.add_vnic(vnic, vlan, ports);
        }
    }

    /// The actions for a frame of `vlan`: first the ports that take it as it is, then without its
    /// tag those that take it untagged.
    pub(super) fn actions(&self, vlan: Vlan) -> Vec<Action> {
        let outputs = |wanted: Tagging| {
            self.ports
                .iter()
                .filter(move |(tagging, _)| *tagging == wanted)
                .map(|(_, port)| Action::output(*port))
        };
        let mut actions: Vec<Action> = outputs(Tagging::Tagged).collect();
        actions.extend(self.bond.then(bond::send));
        let mut untagged = outputs(Tagging::Untagged).peekable();
        if vlan.is_tagged() && untagged.peek().is_some() {
            actions.push(Action::PopVlan);
        }
        actions.extend(untagged);
        actions
    }
}
