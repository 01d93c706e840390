//! Puts a program together, flow by flow.

use std::collections::BTreeMap;

use openflow::{
    Action, FlowModFlags, GroupId, Instruction, Match, MeterBand, MeterFlags, MeterId, OxmField,
    PortNo, Subfield, TableId,
};

use super::tables::{Table, priority};
use super::{FIRST_GROUP, FIRST_METER, GROUPS, METERS, mark};
use crate::cookie::Class;
use crate::health;
use crate::program::{Flow, FlowKey, Group, Meter, Program};
use crate::topology::Controller;

/// How much of a frame goes to the controller: the Ethernet header with its tag is what learning
/// looks at, the rest of a minimal frame helps whoever reads a trace.
const PACKET_IN_BYTES: u16 = 64;

/// `in_port` of a resubmit that leaves it as it is (`OFPP_IN_PORT`, 16 bits).
const KEEP_IN_PORT: u16 = 0xfff8;

/// The bit of a MAC address that makes it a multicast one (IEEE 802, I/G), in its first byte.
const GROUP_BIT: u64 = 0x0100_0000_0000;

/// A port number that no port has.
pub(super) const NOBODY: PortNo = PortNo(0);

/// A flow without timeouts.
///
/// Every flow asks for FLOW_REMOVED, so that one that somebody deletes by hand is noticed at once.
pub(super) fn flow(
    table: impl Into<TableId>,
    priority: u16,
    match_: Match,
    class: Class,
    instructions: Vec<Instruction>,
) -> (FlowKey, Flow) {
    (
        FlowKey {
            table: table.into(),
            priority,
            match_: match_.canonical(),
        },
        Flow {
            cookie: class.cookie(),
            idle_timeout: 0,
            flags: FlowModFlags::SEND_FLOW_REM,
            instructions,
        },
    )
}

/// Collects flows; a later one with the same key replaces an earlier one.
#[derive(Default)]
pub(super) struct Builder {
    program: Program,
    /// The names of the meters.
    meters: BTreeMap<MeterId, String>,
}

impl Builder {
    pub(super) fn finish(self) -> Program {
        self.program
    }

    pub(super) fn add(&mut self, (key, flow): (FlowKey, Flow)) {
        self.program.flows.insert(key, flow);
    }

    pub(super) fn flow(
        &mut self,
        table: impl Into<TableId>,
        priority: u16,
        match_: Match,
        class: Class,
        instructions: Vec<Instruction>,
    ) {
        self.add(flow(table, priority, match_, class, instructions));
    }

    /// A flow that only drops. It is there to be counted.
    pub(super) fn drop(
        &mut self,
        table: impl Into<TableId>,
        priority: u16,
        match_: Match,
        class: Class,
    ) {
        self.flow(table, priority, match_, class, Vec::new());
    }

    /// Adds a group under an id made from `name`, and returns the id.
    ///
    /// Not from a position in the configuration: so the others keep theirs when one is added.
    pub(super) fn group(&mut self, name: &str, group: Group) -> GroupId {
        let mut id = GroupId(FIRST_GROUP + (hash(name) & GROUPS));
        while self
            .program
            .groups
            .get(&id)
            .is_some_and(|other| *other != group)
        {
            id = GroupId(FIRST_GROUP + (id.0.wrapping_add(1) & GROUPS));
        }
        self.program.groups.insert(id, group);
        id
    }

    /// Adds a meter under an id made from `name`, as [`Builder::group`] does, and returns the id.
    /// Meters of different names are never the same one, however equal: what one lets pass, the
    /// other would count.
    pub(super) fn meter(&mut self, name: &str, meter: Meter) -> MeterId {
        let mut id = MeterId(FIRST_METER + (hash(name) & METERS));
        while self.meters.get(&id).is_some_and(|other| other != name) {
            id = MeterId(FIRST_METER + (id.0.wrapping_add(1) & METERS));
        }
        self.meters.insert(id, name.to_owned());
        self.program.meters.insert(id, meter);
        id
    }

    /// Bounds the frames a bridge may send to the controller, in the switch itself.
    pub(super) fn packet_in_meter(&mut self, settings: &Controller) {
        let rate = settings.packet_in_rate;
        let meter = frames_per_second(rate);
        self.program.meters.insert(MeterId::CONTROLLER, meter);
    }
}

/// Lets so many frames pass in a second, and as many at once, and drops the rest.
pub(super) fn frames_per_second(rate: u32) -> Meter {
    Meter {
        flags: MeterFlags::PKTPS | MeterFlags::BURST,
        bands: vec![MeterBand::Drop {
            rate,
            burst_size: rate,
        }],
    }
}

/// 32-bit FNV-1a.
pub(super) fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    })
}

/// Drops reserved multicast (IEEE 802.1Q, table 8-1: never forwarded by a bridge).
pub(super) fn reserved_multicast() -> Match {
    Match::new().with_masked(OxmField::EthDst, 0x0180_c200_0000_u64, 0xffff_ffff_fff0_u64)
}

/// The table-miss flow of [`Table::Learn`]: tells the controller and lets the frame go on, so that
/// traffic never waits for the controller.
pub(super) fn learn_miss(next: Table) -> (FlowKey, Flow) {
    let mut instructions = apply(vec![Action::controller(PACKET_IN_BYTES)]);
    instructions.extend(goto(next));
    flow(
        Table::Learn,
        priority::MISS,
        Match::new(),
        Class::Pipeline,
        instructions,
    )
}

/// `match_` restricted to frames with a multicast address in `field`, `eth_src` or `eth_dst`.
pub(super) fn multicast(match_: Match, field: OxmField) -> Match {
    match_.with_masked(field, GROUP_BIT, GROUP_BIT)
}

/// `match_` restricted to frames with a unicast address in `field`, `eth_src` or `eth_dst`.
pub(super) fn unicast(match_: Match, field: OxmField) -> Match {
    match_.with_masked(field, 0_u64, GROUP_BIT)
}

/// Frames that came in by `port`.
pub(super) fn from_port(port: PortNo) -> Match {
    Match::new().with(OxmField::InPort, port)
}

/// `match_` restricted to the probes of health checks.
pub(super) fn from_probe(match_: Match) -> Match {
    match_.with_masked(OxmField::EthSrc, health::MAC, health::MAC_MASK)
}

pub(super) fn goto(table: Table) -> Vec<Instruction> {
    vec![Instruction::GotoTable(table.into())]
}

/// `actions` as an instruction; none where there are no actions, as that is how a switch reports
/// a flow without any.
pub(super) fn apply(actions: Vec<Action>) -> Vec<Instruction> {
    if actions.is_empty() {
        Vec::new()
    } else {
        vec![Instruction::ApplyActions(actions)]
    }
}

/// `actions`, then on to `table`.
pub(super) fn apply_then(actions: Vec<Action>, table: impl Into<TableId>) -> Vec<Instruction> {
    let mut instructions = apply(actions);
    instructions.push(Instruction::GotoTable(table.into()));
    instructions
}

/// Sets the mark to 0, as it must be when a frame leaves Open vSwitch.
pub(super) fn clear_mark() -> Action {
    Action::set_field(OxmField::PktMark, mark::FROM_UPLINK)
}

/// Makes `port` the one a frame came in by. With [`NOBODY`] it may go out by any port.
pub(super) fn set_in_port(port: PortNo) -> Action {
    Action::RegLoad {
        dst: in_port(),
        value: u64::from(port.0),
    }
}

/// Writes the port a frame came in by into its mark.
pub(super) fn in_port_to_mark() -> Action {
    Action::RegMove {
        src: in_port(),
        dst: marked_port(),
    }
}

/// Makes the port in the mark the one a frame came in by, so that Open vSwitch itself never
/// delivers it to its sender.
pub(super) fn mark_to_in_port() -> Action {
    Action::RegMove {
        src: marked_port(),
        dst: in_port(),
    }
}

/// Writes `port` into a frame's mark.
pub(super) fn mark_port(port: PortNo) -> Action {
    Action::RegLoad {
        dst: marked_port(),
        value: u64::from(port.0),
    }
}

/// Goes through `table` and comes back, with the port that the frame came in by as it is.
pub(super) fn resubmit(table: TableId) -> Action {
    Action::ResubmitTable {
        in_port: KEEP_IN_PORT,
        table_id: table,
    }
}

/// Sends at most `max_len` bytes of the frame.
///
/// Open vSwitch puts changes of a frame off until it sends it, and measures the frame before: what
/// changes its length has to be [settled](settle).
pub(super) fn output_cut(port: PortNo, max_len: u16) -> Action {
    Action::OutputTrunc {
        port: port.0 as u16,
        max_len: max_len.into(),
    }
}

/// Does nothing. A clone that holds it is carried out on a copy of the frame, also in the datapath.
///
/// Open vSwitch does not copy a frame for a clone whose changes it can undo, and takes what a meter
/// drops for one of these: the frame itself would be dropped. It can not undo that a frame is cut off,
/// whatever the port.
pub(super) fn set_apart() -> Action {
    const ANY_LENGTH: u16 = 64;
    output_cut(NOBODY, ANY_LENGTH)
}

/// Makes Open vSwitch carry out the changes of the frame so far: a clone of the kind that
/// [`set_apart`] makes begins with the frame as it is.
pub(super) fn settle() -> Action {
    Action::Clone(vec![set_apart()])
}

/// Marks a frame as a copy ([`mark::COPY`]).
pub(super) fn mark_copy() -> Action {
    Action::RegLoad {
        dst: Subfield {
            field: OxmField::PktMark,
            start: mark::COPY_BIT,
            bits: 1,
        },
        value: 1,
    }
}

fn in_port() -> Subfield {
    Subfield::whole(OxmField::NxInPort)
}

fn marked_port() -> Subfield {
    Subfield {
        field: OxmField::PktMark,
        start: 0,
        bits: mark::PORT_BITS,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_name_has_a_meter_of_its_own() {
        let mut builder = Builder::default();
        let names: Vec<String> = (0..2000)
            .map(|number| format!("storm/vm{number}"))
            .collect();
        let hashes: BTreeSet<u32> = names.iter().map(|name| hash(name) & METERS).collect();
        assert!(hashes.len() < names.len(), "some ids would be the same");
        let mut add = || -> Vec<MeterId> {
            let meters = names.iter();
            meters
                .map(|name| builder.meter(name, frames_per_second(100)))
                .collect()
        };
        let ids = add();
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), names.len());
        assert!(ids.iter().all(|id| crate::compile::is_our_meter(*id)));
        assert_eq!(add(), ids);
        assert_eq!(builder.finish().meters.len(), names.len());
    }
}
