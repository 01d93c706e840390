//! What a switch does to a packet.

mod display;
mod nicira;
mod wire;

use bytes::Bytes;

use crate::oxm::{Oxm, OxmField, RawOxm};
use crate::types::{GroupId, PortNo, QueueId, TableId};

pub(crate) use wire::ACTIONS;

/// One action of a list or set (`ofp_action_header`, §7.2.5).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Action {
    /// Send the packet out of a port (`OFPAT_OUTPUT`).
    Output {
        /// Where to.
        port: PortNo,
        /// How many bytes at most go to the controller; [`Action::NO_BUFFER_LEN`] for all of
        /// them. Without meaning for other ports.
        max_len: u16,
    },
    /// Copy the TTL from the next to the outermost header (`OFPAT_COPY_TTL_OUT`).
    CopyTtlOut,
    /// Copy the TTL from the outermost to the next header (`OFPAT_COPY_TTL_IN`).
    CopyTtlIn,
    /// Set the TTL of the outermost MPLS label (`OFPAT_SET_MPLS_TTL`).
    SetMplsTtl(u8),
    /// Count down the TTL of the outermost MPLS label (`OFPAT_DEC_MPLS_TTL`).
    DecMplsTtl,
    /// Push a VLAN tag of this ethertype, 0x8100 or 0x88a8 (`OFPAT_PUSH_VLAN`).
    PushVlan(u16),
    /// Remove the outermost VLAN tag (`OFPAT_POP_VLAN`).
    PopVlan,
    /// Push an MPLS label of this ethertype, 0x8847 or 0x8848 (`OFPAT_PUSH_MPLS`).
    PushMpls(u16),
    /// Remove the outermost MPLS label; the packet is of this ethertype then (`OFPAT_POP_MPLS`).
    PopMpls(u16),
    /// Put the packet in a queue of the port it goes out of (`OFPAT_SET_QUEUE`).
    SetQueue(QueueId),
    /// Hand the packet to a group (`OFPAT_GROUP`).
    Group(GroupId),
    /// Set the TTL of IP (`OFPAT_SET_NW_TTL`).
    SetNwTtl(u8),
    /// Count down the TTL of IP (`OFPAT_DEC_NW_TTL`).
    DecNwTtl,
    /// Set a header field (`OFPAT_SET_FIELD`). A mask needs Open vSwitch or OpenFlow 1.5.
    SetField(Oxm),
    /// Set a field that this crate does not know (`OFPAT_SET_FIELD`).
    SetFieldRaw(RawOxm),
    /// Push a PBB header of this ethertype, 0x88e7 (`OFPAT_PUSH_PBB`).
    PushPbb(u16),
    /// Remove the outermost PBB header (`OFPAT_POP_PBB`).
    PopPbb,
    /// Look the packet up in this table as if it had come in by `in_port` (`NXAST_RESUBMIT`).
    Resubmit {
        /// 16 bits, as in OpenFlow 1.0; `0xfff8` keeps the port.
        in_port: u16,
    },
    /// Look the packet up in another table (`NXAST_RESUBMIT_TABLE`).
    ResubmitTable {
        /// 16 bits, as in OpenFlow 1.0; `0xfff8` keeps the port.
        in_port: u16,
        /// 255 stays in this table.
        table_id: TableId,
    },
    /// Copy bits from field to field (`NXAST_REG_MOVE`); both subfields have the same width.
    RegMove {
        /// Where from.
        src: Subfield,
        /// Where to.
        dst: Subfield,
    },
    /// Write a number into bits of a field (`NXAST_REG_LOAD`).
    RegLoad {
        /// Where to, at most 64 bits.
        dst: Subfield,
        /// What, in the low bits.
        value: u64,
    },
    /// An action of an experimenter that this crate does not know (`OFPAT_EXPERIMENTER`).
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows the experimenter id, padding included: a multiple of 8 bytes.
        data: Bytes,
    },
    /// An action with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `type`.
        kind: u16,
        /// What follows type and length.
        data: Bytes,
    },
}

impl Action {
    /// As `max_len` of an output to the controller: the whole packet (`OFPCML_NO_BUFFER`).
    pub const NO_BUFFER_LEN: u16 = 0xffff;

    /// Sends the packet out of `port`.
    pub const fn output(port: PortNo) -> Self {
        Self::Output { port, max_len: 0 }
    }

    /// Sends at most `max_len` bytes of the packet to the controller.
    pub const fn controller(max_len: u16) -> Self {
        Self::Output {
            port: PortNo::CONTROLLER,
            max_len,
        }
    }

    /// Sets `field` to `value`.
    pub fn set_field(field: OxmField, value: impl Into<u128>) -> Self {
        Self::SetField(Oxm::new(field, value))
    }
}

/// Some bits of a field: `field[start..start+bits-1]` in the syntax of `ovs-ofctl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subfield {
    /// The field.
    pub field: OxmField,
    /// The lowest bit; bit 0 is the least significant.
    pub start: u16,
    /// How many bits.
    pub bits: u16,
}

impl Subfield {
    /// All bits of `field`.
    pub fn whole(field: OxmField) -> Self {
        Self {
            field,
            start: 0,
            bits: field.bits().into(),
        }
    }
}
