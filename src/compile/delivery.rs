//! The ports that a frame goes out by, with or without its tag.

use openflow::{Action, MacAddr, Match, OxmField, PortNo};

use super::bond;
use super::builder::{self, Builder, apply};
use super::tables::{Table, priority};
use super::vlan;
use crate::cookie::Class;
use crate::ports::Ports;
use crate::topology::{Host, Promiscuous, Role, Tagging, Vlan, Vnic};

/// A frame that has no place of its own to go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bum {
    /// To a group, or to all.
    Multicast,
    /// To one station, of which nobody knows where it is.
    UnknownUnicast,
    /// The same, to an address of a vNIC whose VM may be here or elsewhere.
    Expected(MacAddr),
}

impl Bum {
    /// Whether `vnic` sees it in a network of its own.
    fn reaches(self, vnic: &Vnic) -> bool {
        match self {
            Self::Multicast => true,
            Self::Expected(mac) if vnic.mac == Some(mac) => true,
            _ => vnic.promiscuous != Promiscuous::Reject,
        }
    }
}

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

    /// Adds all vNICs at the bridge with `role` that are members of `vlan` and see such frames.
    pub(super) fn add_members(
        &mut self,
        host: &Host,
        role: Role,
        vlan: Vlan,
        ports: &Ports,
        bum: Bum,
    ) {
        for vnic in host.vnics_at(role).filter(|vnic| bum.reaches(vnic)) {
            self.add_vnic(vnic, vlan, ports);
        }
    }

    /// Adds the vNICs at the bridge with `role` that see all frames of `vlan`.
    pub(super) fn add_accepting(&mut self, host: &Host, role: Role, vlan: Vlan, ports: &Ports) {
        for vnic in host.vnics_at(role).filter(|vnic| vnic.accepts(vlan)) {
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

/// Floods the frames of `network` that go to no known destination, with the actions that
/// `everywhere` gives for each kind of them: by one flow, unless these differ.
pub(super) fn flood(
    builder: &mut Builder,
    host: &Host,
    network: Vlan,
    everywhere: impl Fn(Bum) -> Vec<Action>,
) {
    let of_network = vlan::of(Match::new(), network);
    let unknown = everywhere(Bum::UnknownUnicast);
    let mut flood = |priority, match_, actions| {
        builder.flow(
            Table::Deliver,
            priority,
            match_,
            Class::Flood,
            apply(actions),
        );
    };
    let multicast = everywhere(Bum::Multicast);
    if multicast != unknown {
        let to_groups = builder::multicast(of_network.clone(), OxmField::EthDst);
        flood(priority::SPECIFIC, to_groups, multicast);
    }
    for mac in host.vnics.iter().filter_map(Vnic::roaming_mac) {
        let expected = everywhere(Bum::Expected(mac));
        if expected != unknown {
            let to_it = of_network.clone().with(OxmField::EthDst, mac);
            flood(priority::EXPECTED, to_it, expected);
        }
    }
    flood(priority::DEFAULT, of_network, unknown);
}
