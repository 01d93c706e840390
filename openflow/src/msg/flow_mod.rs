//! FLOW_MOD: flow entries are added, changed and deleted.

use std::fmt;

use bitflags::bitflags;

use crate::codec::{Decode, Encode, Reader, put_list, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::flow_match::Match;
use crate::instruction::INSTRUCTIONS;
use crate::instruction::{Instruction, Instructions};
use crate::macros::wire_enum;
use crate::types::{BufferId, Cookie, GroupId, PortNo, TableId};
use bytes::{Buf, BufMut};

/// Adds, changes or deletes flow entries (`ofp_flow_mod`, §7.3.4.1).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FlowMod {
    /// The cookie of the new entry; for the other commands what is looked for under the mask.
    pub cookie: Cookie,
    /// Which bits of the cookie an entry must have to be changed or deleted; 0 for no
    /// restriction, which is also what an add has.
    pub cookie_mask: u64,
    /// The table; [`TableId::ALL`] in delete commands for all.
    pub table_id: TableId,
    /// What to do.
    pub command: FlowModCommand,
    /// Seconds without a packet after which the entry goes; 0 for never.
    pub idle_timeout: u16,
    /// Seconds after which the entry goes in any case; 0 for never.
    pub hard_timeout: u16,
    /// The entry of the highest priority wins.
    pub priority: u16,
    /// A packet that waits in the switch and goes through the new entry.
    pub buffer_id: BufferId,
    /// Deletes only entries that output to this port; [`PortNo::ANY`] for no restriction.
    pub out_port: PortNo,
    /// Deletes only entries that output to this group; [`GroupId::ANY`] for no restriction.
    pub out_group: GroupId,
    /// How to add it, and what is kept of it.
    pub flags: FlowModFlags,
    /// What it matches. (`match` is a word of the language.)
    pub match_: Match,
    /// What it does.
    pub instructions: Vec<Instruction>,
}

impl FlowMod {
    /// The priority that `ovs-ofctl` gives to flows without one (`OFP_DEFAULT_PRIORITY`).
    pub const DEFAULT_PRIORITY: u16 = 0x8000;

    /// An entry for table 0 that matches everything and does nothing: a base for `..` updates.
    ///
    /// ```
    /// use openflow::{FlowMod, TableId};
    /// let drop_all = FlowMod { priority: 0, table_id: TableId(3), ..FlowMod::add() };
    /// assert!(drop_all.match_.is_empty());
    /// ```
    pub const fn add() -> Self {
        Self::new(FlowModCommand::Add, TableId(0))
    }

    /// Deletes every entry that the match covers; of all tables, unless
    /// `table_id` is set.
    pub const fn delete() -> Self {
        Self::new(FlowModCommand::Delete, TableId::ALL)
    }

    const fn new(command: FlowModCommand, table_id: TableId) -> Self {
        Self {
            cookie: Cookie(0),
            cookie_mask: 0,
            table_id,
            command,
            idle_timeout: 0,
            hard_timeout: 0,
            priority: Self::DEFAULT_PRIORITY,
            buffer_id: BufferId::NO_BUFFER,
            out_port: PortNo::ANY,
            out_group: GroupId::ANY,
            flags: FlowModFlags::empty(),
            match_: Match::new(),
            instructions: Vec::new(),
        }
    }
}

wire_enum! {
    /// What a flow-mod does (`ofp_flow_mod_command`).
    pub enum FlowModCommand(u8) {
        /// Adds an entry; replaces one of the same match and priority (`OFPFC_ADD`).
        Add = 0,
        /// Changes the instructions of all entries that the match covers (`OFPFC_MODIFY`).
        Modify = 1,
        /// Changes the entry of exactly this match and priority (`OFPFC_MODIFY_STRICT`).
        ModifyStrict = 2,
        /// Deletes all entries that the match covers (`OFPFC_DELETE`).
        Delete = 3,
        /// Deletes the entry of exactly this match and priority (`OFPFC_DELETE_STRICT`).
        DeleteStrict = 4,
    }
}

bitflags! {
    /// How an entry is added, and what is kept of it (`ofp_flow_mod_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct FlowModFlags: u16 {
        /// Send FLOW_REMOVED when it goes (`OFPFF_SEND_FLOW_REM`).
        const SEND_FLOW_REM = 1 << 0;
        /// Refuse it if it overlaps another of the same priority (`OFPFF_CHECK_OVERLAP`).
        const CHECK_OVERLAP = 1 << 1;
        /// Set its counters to zero (`OFPFF_RESET_COUNTS`).
        const RESET_COUNTS = 1 << 2;
        /// Do not count packets (`OFPFF_NO_PKT_COUNTS`).
        const NO_PKT_COUNTS = 1 << 3;
        /// Do not count bytes (`OFPFF_NO_BYT_COUNTS`).
        const NO_BYT_COUNTS = 1 << 4;
        const _ = !0;
    }
}

impl Decode for FlowMod {
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<40>()?;
        Ok(Self {
            cookie: Cookie(fields.get_u64()),
            cookie_mask: fields.get_u64(),
            table_id: TableId(fields.get_u8()),
            command: fields.get_u8().into(),
            idle_timeout: fields.get_u16(),
            hard_timeout: fields.get_u16(),
            priority: fields.get_u16(),
            buffer_id: BufferId(fields.get_u32()),
            out_port: PortNo(fields.get_u32()),
            out_group: GroupId(fields.get_u32()),
            flags: FlowModFlags::from_bits_retain(fields.get_u16()),
            match_: Match::decode(r)?,
            instructions: r.within(&INSTRUCTIONS, r.remaining(), Reader::list)?,
        })
    }
}

impl Encode for FlowMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u64(self.cookie.0);
        out.put_u64(self.cookie_mask);
        out.put_u8(self.table_id.0);
        out.put_u8(self.command.into());
        out.put_u16(self.idle_timeout);
        out.put_u16(self.hard_timeout);
        out.put_u16(self.priority);
        out.put_u32(self.buffer_id.0);
        out.put_u32(self.out_port.0);
        out.put_u32(self.out_group.0);
        out.put_u16(self.flags.bits());
        put_padding(out, 2);
        self.match_.encode(out)?;
        put_list(out, &self.instructions)
    }
}

/// The flow entry in the syntax that `ovs-ofctl add-flow` takes; the command is not part of it.
impl fmt::Display for FlowMod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table={},priority={}", self.table_id.0, self.priority)?;
        match (self.cookie, self.cookie_mask) {
            (Cookie(0), 0) => {}
            (cookie, 0) => write!(f, ",cookie={cookie}")?,
            (cookie, mask) => write!(f, ",cookie={cookie}/{mask:#x}")?,
        }
        if self.idle_timeout > 0 {
            write!(f, ",idle_timeout={}", self.idle_timeout)?;
        }
        if self.hard_timeout > 0 {
            write!(f, ",hard_timeout={}", self.hard_timeout)?;
        }
        if self.out_port != PortNo::ANY {
            write!(f, ",out_port={}", self.out_port)?;
        }
        if self.out_group != GroupId::ANY {
            write!(f, ",out_group={}", self.out_group.0)?;
        }
        for (flag, name) in [
            (FlowModFlags::SEND_FLOW_REM, "send_flow_rem"),
            (FlowModFlags::CHECK_OVERLAP, "check_overlap"),
            (FlowModFlags::RESET_COUNTS, "reset_counts"),
            (FlowModFlags::NO_PKT_COUNTS, "no_packet_counts"),
            (FlowModFlags::NO_BYT_COUNTS, "no_byte_counts"),
        ] {
            if self.flags.contains(flag) {
                write!(f, ",{name}")?;
            }
        }
        if !self.match_.is_empty() {
            write!(f, ",{}", self.match_)?;
        }
        write!(f, " actions={}", Instructions(&self.instructions))
    }
}
