//! What a switch does to a packet.

mod bundle;
mod conntrack;
mod controller;
mod display;
mod encap;
mod learn;
mod nicira;
mod sample;
mod subfield;
mod wire;

use bytes::Bytes;

pub use bundle::{Bundle, HashFields, LinkAlgorithm, MemberAlgorithm, Multipath};
pub use conntrack::{Conntrack, CtFlags, CtZone, Nat, NatFlags};
pub use controller::ControllerProperty;
pub use encap::EncapProperty;
pub use learn::{Learn, LearnDestination, LearnFlags, LearnLimit, LearnSource, LearnSpec};
pub use sample::{Sample, SampleDirection, SampleOutput};
pub use subfield::Subfield;

use crate::codec::{Reader, put_list};
use crate::error::{DecodeError, EncodeError};
use crate::msg::PacketInReason;
use crate::oxm::{Oxm, OxmField, OxmId, RawOxm};
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
    /// The same with the fields of the connection's original direction
    /// (`NXAST_RESUBMIT_TABLE_CT`).
    ResubmitTableCt {
        /// 16 bits, as in OpenFlow 1.0; `0xfff8` keeps the port.
        in_port: u16,
        /// 255 stays in this table.
        table_id: TableId,
    },
    /// Set the lower 32 bits of the tunnel key, the upper to zero (`NXAST_SET_TUNNEL`).
    SetTunnel(u32),
    /// Set the tunnel key (`NXAST_SET_TUNNEL64`).
    SetTunnel64(u64),
    /// Undo `SetQueue` (`NXAST_POP_QUEUE`).
    PopQueue,
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
    /// Set a field, which may be wide, an experimenter's, and masked (`NXAST_REG_LOAD2`).
    RegLoad2(Oxm),
    /// Copy bits from field to field, as OpenFlow 1.5 does (`ONFACT_COPY_FIELD`, ONF 3200); both
    /// subfields have the same width.
    CopyField {
        /// Where from.
        src: Subfield,
        /// Where to.
        dst: Subfield,
    },
    /// Nothing; the bytes are for people (`NXAST_NOTE`). 6 bytes, 14, 22 and so on.
    Note(Bytes),
    /// Hash the packet and write the link that this chooses into a field (`NXAST_MULTIPATH`).
    Multipath(Multipath),
    /// Hash the packet and output it to the member that this chooses, or write that into a
    /// field (`NXAST_BUNDLE`, `NXAST_BUNDLE_LOAD`).
    Bundle(Box<Bundle>),
    /// Output to the port whose number is in a field (`NXAST_OUTPUT_REG`).
    OutputReg {
        /// Where the number is.
        src: Subfield,
        /// As for [`Action::Output`].
        max_len: u16,
    },
    /// The same; the field may be an experimenter's (`NXAST_OUTPUT_REG2`).
    OutputReg2 {
        /// Where the number is.
        src: Subfield,
        /// As for [`Action::Output`].
        max_len: u16,
    },
    /// Output at most `max_len` bytes (`NXAST_OUTPUT_TRUNC`).
    OutputTrunc {
        /// 16 bits, as in OpenFlow 1.0.
        port: u16,
        /// How many bytes at most.
        max_len: u32,
    },
    /// Add or change a flow entry (`NXAST_LEARN`, `NXAST_LEARN2`).
    Learn(Box<Learn>),
    /// Carry out nothing behind this action (`NXAST_EXIT`).
    Exit,
    /// Shorten the timeouts of the flow entry when a packet has FIN or RST
    /// (`NXAST_FIN_TIMEOUT`).
    FinTimeout {
        /// The new idle timeout in seconds; 0 changes nothing.
        idle_timeout: u16,
        /// The new hard timeout in seconds; 0 changes nothing.
        hard_timeout: u16,
    },
    /// Send the packet to a certain controller (`NXAST_CONTROLLER`).
    Controller {
        /// How many bytes at most.
        max_len: u16,
        /// The id that the controller gave itself; 0 unless it did.
        controller_id: u16,
        /// The reason to give.
        reason: PacketInReason,
    },
    /// The same with more options (`NXAST_CONTROLLER2`).
    Controller2(Vec<ControllerProperty>),
    /// Count down the TTL of IP; an invalid one is reported to these controllers
    /// (`NXAST_DEC_TTL_CNT_IDS`).
    DecTtlCntIds(Vec<u16>),
    /// Set the bits of the metadata where `mask` has ones, as an action
    /// (`NXAST_WRITE_METADATA`).
    WriteMetadata {
        /// The new bits.
        metadata: u64,
        /// Which ones.
        mask: u64,
    },
    /// Push bits of a field on a stack (`NXAST_STACK_PUSH`).
    StackPush(Subfield),
    /// Pop them into a field (`NXAST_STACK_POP`).
    StackPop(Subfield),
    /// Report packets over IPFIX (`NXAST_SAMPLE`, `NXAST_SAMPLE2`, `NXAST_SAMPLE3`).
    Sample(Sample),
    /// Match a part of a conjunction (`NXAST_CONJUNCTION`).
    Conjunction {
        /// Which part, from 0.
        clause: u8,
        /// How many parts there are.
        n_clauses: u8,
        /// Which conjunction; a match on `conj_id` finds it.
        id: u32,
    },
    /// Send the packet through connection tracking (`NXAST_CT`).
    Ct(Box<Conntrack>),
    /// Translate addresses, inside [`Action::Ct`] (`NXAST_NAT`).
    Nat(Box<Nat>),
    /// Forget the state of the connection (`NXAST_CT_CLEAR`).
    CtClear,
    /// Carry out actions on a copy of the packet (`NXAST_CLONE`).
    Clone(Vec<Action>),
    /// Push a header (`NXAST_ENCAP`).
    Encap {
        /// A hint about the size of the header, 0 for none.
        hdr_size: u16,
        /// The type of the packet then: namespace and type, 16 bits each.
        packet_type: u32,
        /// What the header has.
        properties: Vec<EncapProperty>,
    },
    /// Remove the outermost header (`NXAST_DECAP`).
    Decap {
        /// The type of the packet then: namespace and type, 16 bits each.
        packet_type: u32,
    },
    /// Count down the TTL of NSH (`NXAST_DEC_NSH_TTL`).
    DecNshTtl,
    /// Write into a bit whether the packet is longer (`NXAST_CHECK_PKT_LARGER`).
    CheckPktLarger {
        /// Longer than this, in bytes.
        pkt_len: u16,
        /// The field with the bit.
        field: OxmField,
        /// Which bit of it.
        bit: u16,
    },
    /// Remove tunnel metadata (`NXAST_DELETE_FIELD`).
    DeleteField(OxmId),
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

    /// Reads a list of actions, alone.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] as for a message.
    pub fn list_from_wire(wire: &Bytes) -> Result<Vec<Self>, DecodeError> {
        Reader::new(wire, &ACTIONS).list()
    }

    /// Appends a list of actions.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where one has no form on the wire; what has been appended is of no use
    /// then.
    pub fn list_to_wire(actions: &[Self], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put_list(out, actions)
    }

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
