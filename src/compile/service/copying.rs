//! Taps that do not want everything, or not as it is.
//!
//! Such a copy goes through tables of its own, behind those of the stages. Frames that are not
//! copied end there, and are counted.
//!
//! | table | does |
//! |---|---|
//! | 128 | leaves out what a filter skips |
//! | 129, 130 | leaves out what does not come from a VM, or does not go to one |
//! | 131 | chooses a link for each conversation, of as many as there are conversations to one copy |
//! | 132 | leaves out all links but the first; limits the rate; changes the tag; chooses an instance |
//! | 133 | cuts the copy off as its instance wants it |
//!
//! The flows of 129 and 130 are the same for all taps, the others are by chain and tap.

use openflow::{
    Action, HashFields, Instruction, LinkAlgorithm, Match, MeterBand, MeterFlags, Multipath,
    OFPVID_PRESENT, OxmField, PortNo, Subfield, TableId,
};

use super::stage::{Direction, INSTANCE};
use super::taps::{Outlet, choose, output_to_chosen};
use super::{Insertion, filter, numbered};
use crate::compile::builder::{self, Builder, apply, apply_then};
use crate::compile::tables::priority;
use crate::compile::vlan;
use crate::cookie::Class;
use crate::program::Meter;
use crate::topology::{CopyScope, CopyTag, Copying, Function, RateLimit};

/// Leaves out what a filter skips.
const FILTER: TableId = TableId(128);
/// Leaves out what does not come from a VM.
const FROM_VM: TableId = TableId(129);
/// Leaves out what does not go to a VM.
const TO_VM: TableId = TableId(130);
/// Chooses a link.
const SAMPLE: TableId = TableId(131);
/// Makes the copy.
const COPY: TableId = TableId(132);
/// Cuts it off.
const CUT: TableId = TableId(133);

/// The register with the number of the tap in its chain.
pub(super) const TAP: OxmField = OxmField::Reg8;
/// The register with the direction in which the frame travels, where copies tell it.
const DIRECTION: OxmField = OxmField::Reg9;
/// The register with the link of the frame's conversation. The first is copied.
const LINK: OxmField = OxmField::Reg10;
const COPIED: u32 = 0;

/// The smallest burst of a meter, in kilobits: a frame of any length has to fit.
const MIN_BURST_KBIT: u32 = 128;

/// What a tap wants.
pub(super) struct Selection<'a> {
    pub(super) insertion: &'a Insertion<'a>,
    pub(super) tap: &'a Function,
    pub(super) copying: &'a Copying,
    pub(super) outlets: &'a [Outlet],
}

impl Selection<'_> {
    /// The action that takes a frame through the tables, where it leaves a copy or not.
    pub(super) fn compile(&self, builder: &mut Builder, direction: Direction) -> Action {
        self.filter(builder);
        self.scope(builder);
        self.sample(builder);
        self.copy(builder);
        self.cut(builder);
        let mut actions = vec![builder::set_apart(), Action::set_field(TAP, self.number())];
        if let CopyTag::Outer { .. } = self.copying.tag {
            actions.push(Action::set_field(DIRECTION, number_of(direction)));
        }
        actions.push(builder::resubmit(if self.copying.skip.is_empty() {
            self.behind_filter()
        } else {
            FILTER
        }));
        Action::Clone(actions)
    }

    fn number(&self) -> u32 {
        let functions = &self.insertion.chain.functions;
        let numbers = numbered(functions, |function| &function.name);
        let own = numbers
            .into_iter()
            .find(|(_, function)| function.name == self.tap.name);
        own.map_or(0, |(number, _)| number)
    }

    /// The frames that pass this tap.
    fn all(&self) -> Match {
        self.insertion.of_chain().with(TAP, self.number())
    }

    fn filter(&self, builder: &mut Builder) {
        if self.copying.skip.is_empty() {
            return;
        }
        for rule in &self.copying.skip {
            for skipped in filter::matches(rule, &self.all()) {
                builder.drop(FILTER, priority::EXCEPTION, skipped, Class::Skip);
            }
        }
        builder.flow(
            FILTER,
            priority::SPECIFIC,
            self.all(),
            Class::Function,
            apply_then(Vec::new(), self.behind_filter()),
        );
    }

    fn behind_filter(&self) -> TableId {
        match (self.copying.scope, self.copying.sampling) {
            (CopyScope::EastWest, _) => FROM_VM,
            (CopyScope::All, Some(_)) => SAMPLE,
            (CopyScope::All, None) => COPY,
        }
    }

    fn scope(&self, builder: &mut Builder) {
        if self.copying.scope == CopyScope::All {
            return;
        }
        let host = self.insertion.host;
        let networks = self.insertion.networks();
        let of_chain = host
            .vm_macs
            .iter()
            .filter(|(vlan, _)| networks.contains(vlan));
        for (vlan, mac) in of_chain {
            for (table, field, next) in [
                (FROM_VM, OxmField::EthSrc, TO_VM),
                (TO_VM, OxmField::EthDst, SAMPLE),
            ] {
                builder.flow(
                    table,
                    priority::SPECIFIC,
                    vlan::of(Match::new(), *vlan).with(field, *mac),
                    Class::Function,
                    apply_then(Vec::new(), next),
                );
            }
        }
        builder.flow(
            TO_VM,
            priority::SPECIFIC,
            builder::multicast(Match::new(), OxmField::EthDst),
            Class::Function,
            apply_then(Vec::new(), SAMPLE),
        );
        for table in [FROM_VM, TO_VM] {
            builder.drop(table, priority::MISS, Match::new(), Class::Skip);
        }
    }

    /// The seed of the hash is the tap's own, so that what one tap gets has nothing to do with what
    /// another one gets, nor with the instance that is chosen.
    fn sample(&self, builder: &mut Builder) {
        let choice = self.copying.sampling.map(|links| {
            Action::Multipath(Multipath {
                fields: HashFields::SymmetricL3L4Udp,
                basis: self.number() as u16 | 1,
                algorithm: LinkAlgorithm::ModuloN,
                max_link: links.get() - 1,
                arg: 0,
                dst: Subfield {
                    field: LINK,
                    start: 0,
                    bits: 16,
                },
            })
        });
        if choice.is_some() || self.copying.scope == CopyScope::EastWest {
            builder.flow(
                SAMPLE,
                priority::SPECIFIC,
                self.all(),
                Class::Function,
                apply_then(choice.into_iter().collect(), COPY),
            );
        }
    }

    fn copy(&self, builder: &mut Builder) {
        let mut chosen = self.all();
        if self.copying.sampling.is_some() {
            builder.drop(COPY, priority::DEFAULT, chosen.clone(), Class::Skip);
            chosen = chosen.with(LINK, COPIED);
        }
        match self.copying.tag {
            CopyTag::Keep => self.copy_of(builder, priority::SPECIFIC, chosen, Vec::new()),
            CopyTag::Strip => {
                let tagged =
                    chosen
                        .clone()
                        .with_masked(OxmField::VlanVid, OFPVID_PRESENT, OFPVID_PRESENT);
                self.copy_of(builder, priority::EXCEPTION, tagged, vec![Action::PopVlan]);
                self.copy_of(builder, priority::SPECIFIC, chosen, Vec::new());
            }
            CopyTag::Outer {
                to_uplink,
                to_guests,
            } => {
                for (direction, tag) in
                    [(Direction::Right, to_uplink), (Direction::Left, to_guests)]
                {
                    let travelling = chosen.clone().with(DIRECTION, number_of(direction));
                    self.copy_of(builder, priority::SPECIFIC, travelling, vlan::tag(tag));
                }
            }
        }
    }

    /// Makes copies of `frames`, changed by `actions`.
    fn copy_of(
        &self,
        builder: &mut Builder,
        priority: u16,
        frames: Match,
        mut actions: Vec<Action>,
    ) {
        if self.cuts() && !actions.is_empty() {
            actions.push(builder::settle());
        }
        if self.chooses() {
            let ports: Vec<_> = self.outlets.iter().map(|outlet| outlet.port).collect();
            actions.push(choose(self.tap.redundancy, &ports));
        }
        match (self.chooses(), self.cuts()) {
            (false, _) => actions.extend(self.present().map(|(port, length)| output(port, length))),
            (true, false) => actions.push(output_to_chosen()),
            (true, true) => {}
        }
        let mut instructions: Vec<Instruction> = self.limit(builder).into_iter().collect();
        instructions.extend(apply(actions));
        if self.chooses() && self.cuts() {
            instructions.push(Instruction::GotoTable(CUT));
        }
        builder.flow(COPY, priority, frames, Class::Function, instructions);
    }

    /// Drops the copies beyond the rate limit. All instances of a host have it together.
    fn limit(&self, builder: &mut Builder) -> Option<Instruction> {
        let (unit, rate, burst_size) = match self.copying.rate_limit? {
            RateLimit::Kbps(rate) => (MeterFlags::KBPS, rate, rate.max(MIN_BURST_KBIT)),
            RateLimit::Pps(rate) => (MeterFlags::PKTPS, rate, rate),
        };
        let name = format!("{}/{}", self.insertion.chain.name, self.tap.name);
        let meter = Meter {
            flags: unit | MeterFlags::BURST,
            bands: vec![MeterBand::Drop { rate, burst_size }],
        };
        Some(Instruction::Meter(builder.meter(&name, meter)))
    }

    /// Sends the copy to the instance that was chosen, cut off as that one wants it.
    fn cut(&self, builder: &mut Builder) {
        if !(self.chooses() && self.cuts()) {
            return;
        }
        for (port, max_len) in self.present() {
            builder.flow(
                CUT,
                priority::SPECIFIC,
                self.all().with(INSTANCE, port),
                Class::Function,
                apply(vec![output(port, max_len)]),
            );
        }
    }

    /// Whether there is more than one instance.
    fn chooses(&self) -> bool {
        self.present().count() > 1
    }

    /// Whether copies are cut off, for some instance at least.
    fn cuts(&self) -> bool {
        self.present().any(|(_, max_len)| max_len.is_some())
    }

    /// The instances that are there, with the length at which copies for them are cut off.
    fn present(&self) -> impl Iterator<Item = (PortNo, Option<u16>)> {
        self.outlets
            .iter()
            .filter_map(|outlet| Some((outlet.port?, outlet.max_len)))
    }
}

/// What [`DIRECTION`] holds.
fn number_of(direction: Direction) -> u32 {
    match direction {
        Direction::Right => 1,
        Direction::Left => 2,
    }
}

fn output(port: PortNo, max_len: Option<u16>) -> Action {
    match max_len {
        Some(max_len) => builder::output_cut(port, max_len),
        None => Action::output(port),
    }
}
