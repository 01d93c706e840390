//! A packet in the pipeline: the frame and what a bridge remembers about it, as match fields.

use openflow::{MacAddr, Match, MatchEntry, OFPVID_PRESENT, Oxm, OxmField, PortNo, Subfield};

use super::frame::{Frame, Tag};

const REGISTERS: [OxmField; 16] = [
    OxmField::Reg0,
    OxmField::Reg1,
    OxmField::Reg2,
    OxmField::Reg3,
    OxmField::Reg4,
    OxmField::Reg5,
    OxmField::Reg6,
    OxmField::Reg7,
    OxmField::Reg8,
    OxmField::Reg9,
    OxmField::Reg10,
    OxmField::Reg11,
    OxmField::Reg12,
    OxmField::Reg13,
    OxmField::Reg14,
    OxmField::Reg15,
];

const PRESENT: u128 = OFPVID_PRESENT as u128;

/// How many tags of a received frame Open vSwitch looks at (`other_config:vlan-limit` is 1 unless
/// somebody raises it). What is inside of them belongs to the payload, also once they are popped.
const VLAN_LIMIT: usize = 1;

/// A packet on its way through one bridge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Packet {
    /// The frame as it was received, with the addresses that it has now.
    header: Frame,
    /// The tags that can be matched and changed, outermost first.
    tags: Vec<Tag>,
    /// The tags of the payload.
    inner: Vec<Tag>,
    pub(super) in_port: PortNo,
    pub(super) metadata: u64,
    pub(super) pkt_mark: u32,
    registers: [u32; REGISTERS.len()],
}

impl Packet {
    /// `frame` as it is received from outside: nothing is remembered about it.
    pub(super) fn received(in_port: PortNo, mut frame: Frame) -> Self {
        let mut tags = std::mem::take(&mut frame.tags);
        let inner = tags.split_off(VLAN_LIMIT.min(tags.len()));
        Self {
            header: frame,
            tags,
            inner,
            in_port,
            metadata: 0,
            pkt_mark: 0,
            registers: [0; REGISTERS.len()],
        }
    }

    /// `frame` as it is received from outside with a mark.
    pub(super) fn marked(in_port: PortNo, frame: Frame, pkt_mark: u32) -> Self {
        Self {
            pkt_mark,
            ..Self::received(in_port, frame)
        }
    }

    /// The packet on the other side of a patch port: the mark and the frame go with it, the rest
    /// is forgotten.
    pub(super) fn patched(self, in_port: PortNo) -> Self {
        Self {
            in_port,
            metadata: 0,
            registers: [0; REGISTERS.len()],
            ..self
        }
    }

    /// The frame as it would be sent now.
    pub(super) fn frame(&self) -> Frame {
        let tags = self.tags.iter().chain(&self.inner).copied().collect();
        Frame {
            tags,
            ..self.header.clone()
        }
    }

    /// Whether every field that `match_` names is there and has the value asked for.
    pub(super) fn matches(&self, match_: &Match) -> bool {
        match_.entries().iter().all(|entry| match *entry {
            MatchEntry::Oxm(Oxm { field, value, mask }) => self
                .read(field)
                .is_some_and(|found| (found ^ value) & mask.unwrap_or(u128::MAX) == 0),
            MatchEntry::Raw(_) => false,
        })
    }

    /// The value of a part of a field; `None` where this packet has no such field.
    pub(super) fn bits(&self, part: Subfield) -> Option<u128> {
        Some((self.read(part.field)? >> part.start) & low_bits(part.bits))
    }

    /// The field's value; `None` where this packet has no such field.
    fn read(&self, field: OxmField) -> Option<u128> {
        Some(match field {
            OxmField::InPort => self.in_port.0.into(),
            OxmField::NxInPort => to_16_bits(self.in_port).into(),
            OxmField::Metadata => self.metadata.into(),
            OxmField::PktMark => self.pkt_mark.into(),
            OxmField::EthDst | OxmField::NxEthDst => self.header.dst.to_u64().into(),
            OxmField::EthSrc | OxmField::NxEthSrc => self.header.src.to_u64().into(),
            OxmField::EthType | OxmField::NxEthType => self.type_after_tags().into(),
            OxmField::VlanVid => match self.tags.first() {
                Some(tag) => PRESENT | u128::from(tag.vid),
                None => 0,
            },
            OxmField::VlanPcp => self.tags.first()?.pcp.into(),
            OxmField::NxVlanTci => match self.tags.first() {
                Some(tag) => PRESENT | u128::from(tag.pcp) << 13 | u128::from(tag.vid),
                None => 0,
            },
            _ => match register(field) {
                Some(register) => self.registers[register].into(),
                None => self.behind_tags(field)?,
            },
        })
    }

    /// The value of a field of the headers. Those behind a tag that is not looked at are not
    /// looked at either.
    fn behind_tags(&self, field: OxmField) -> Option<u128> {
        let headers = self.header.headers.filter(|_| self.inner.is_empty())?;
        headers.read(field)
    }

    /// Gives the field another value; `None` where this packet has no such field, or it can not
    /// be written.
    fn write(&mut self, field: OxmField, value: u128) -> Option<()> {
        match field {
            OxmField::NxInPort => self.in_port = from_16_bits(value as u16),
            OxmField::InPort => self.in_port = PortNo(value as u32),
            OxmField::Metadata => self.metadata = value as u64,
            OxmField::PktMark => self.pkt_mark = value as u32,
            OxmField::EthDst | OxmField::NxEthDst => {
                self.header.dst = MacAddr::from_u64(value as u64);
            }
            OxmField::EthSrc | OxmField::NxEthSrc => {
                self.header.src = MacAddr::from_u64(value as u64);
            }
            // Open vSwitch adds a tag where there is none, as OpenFlow 1.0 had it.
            OxmField::VlanVid => {
                if self.tags.is_empty() {
                    self.push_tag(Tag::CUSTOMER);
                }
                self.tags.first_mut()?.vid = (value & 0xfff) as u16;
            }
            OxmField::VlanPcp => self.tags.first_mut()?.pcp = (value & 7) as u8,
            _ => self.registers[register(field)?] = value as u32,
        }
        Some(())
    }

    /// Sets a field, or the bits of it that the mask selects (`OFPAT_SET_FIELD`).
    pub(super) fn set_field(&mut self, oxm: &Oxm) -> Option<()> {
        match oxm.mask {
            Some(mask) => {
                let old = self.read(oxm.field)?;
                self.write(oxm.field, old & !mask | oxm.value & mask)
            }
            None => self.write(oxm.field, oxm.value),
        }
    }

    /// Copies bits from field to field (`NXAST_REG_MOVE`).
    pub(super) fn move_bits(&mut self, from: Subfield, to: Subfield) -> Option<()> {
        let value = self.bits(from)?;
        self.load(to, value)
    }

    /// Puts the low bits of `value` into a part of a field (`NXAST_REG_LOAD`).
    pub(super) fn load(&mut self, to: Subfield, value: u128) -> Option<()> {
        let mask = low_bits(to.bits) << to.start;
        let old = self.read(to.field)?;
        self.write(to.field, old & !mask | (value << to.start) & mask)
    }

    /// What follows the tags that can be matched.
    fn type_after_tags(&self) -> u16 {
        self.inner
            .first()
            .map_or(self.header.ethertype, |tag| tag.tpid)
    }

    /// The hash of the conversation that it belongs to.
    pub(super) fn flow_hash(&self) -> u32 {
        let headers = self.header.headers.filter(|_| self.inner.is_empty());
        self.header.flow_hash ^ headers.map_or(0, |headers| headers.conversation())
    }

    /// The address that it comes from.
    pub(super) fn source(&self) -> MacAddr {
        self.header.src
    }

    /// Adds an outermost tag of VID 0 and priority 0 (`OFPAT_PUSH_VLAN` on Open vSwitch).
    pub(super) fn push_tag(&mut self, tpid: u16) {
        self.tags.insert(
            0,
            Tag {
                tpid,
                pcp: 0,
                vid: 0,
            },
        );
    }

    /// Removes the outermost tag, if any (`OFPAT_POP_VLAN`).
    pub(super) fn pop_tag(&mut self) {
        if !self.tags.is_empty() {
            self.tags.remove(0);
        }
    }
}

fn register(field: OxmField) -> Option<usize> {
    REGISTERS.iter().position(|&register| register == field)
}

fn low_bits(count: u16) -> u128 {
    match count {
        128.. => u128::MAX,
        _ => (1 << count) - 1,
    }
}

/// The 16-bit form of a port number: reserved ports keep their low 16 bits, and what does not
/// fit is no port (`NXM_OF_IN_PORT`).
fn to_16_bits(port: PortNo) -> u16 {
    u16::try_from(port.0).unwrap_or(port.0 as u16)
}

fn from_16_bits(port: u16) -> PortNo {
    const RESERVED: u16 = 0xff00;
    match port {
        RESERVED.. => PortNo(0xffff_0000 | u32::from(port)),
        _ => PortNo(port.into()),
    }
}
