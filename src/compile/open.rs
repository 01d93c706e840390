//! A bridge about which nothing is known but that it is to learn: every port is a trunk of all
//! VLANs.

use openflow::{Action, Match, PortNo};

use super::admission;
use super::builder::{Builder, apply, apply_then, goto};
use super::tables::{Table, priority};
use super::vlan;
use crate::cookie::Class;
use crate::program::Program;
use crate::topology::{Controller, Vlan};

pub(super) fn compile(settings: &Controller) -> Program {
    let mut builder = Builder::default();
    builder.packet_in_meter(settings);
    admission::refuse_never_forwarded(&mut builder);
    builder.drop(
        Table::Classify,
        priority::EXCEPTION,
        vlan::of_no_vlan(Match::new()),
        Class::DropVlan,
    );
    builder.flow(
        Table::Classify,
        priority::SPECIFIC,
        vlan::priority_tagged(Match::new()),
        Class::Pipeline,
        apply_then(vlan::retag(Vlan::UNTAGGED), Table::Source),
    );
    builder.flow(
        Table::Classify,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        goto(Table::Source),
    );
    admission::refuse_multicast_source(&mut builder);
    admission::learn(&mut builder, Table::Deliver);
    builder.flow(
        Table::Deliver,
        priority::MISS,
        Match::new(),
        Class::Flood,
        apply(vec![Action::output(PortNo::FLOOD)]),
    );
    builder.finish()
}
