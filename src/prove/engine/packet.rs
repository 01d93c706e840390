//! A packet of which not everything is known, in the pipeline of a bridge.

use openflow::{OFPVID_PRESENT, OxmClass, OxmField, PortNo, Subfield};

use super::explore::Explorer;
use super::value::{Value, Var};

/// The bits of tag control information that hold the VLAN id and say that there is a tag.
const VID_BITS: u16 = 13;
const PRESENT: u128 = OFPVID_PRESENT as u128;
/// TPIDs that Open vSwitch takes for those of a VLAN tag.
pub(crate) const TPIDS: [u16; 2] = [0x8100, 0x88a8];

/// A packet on its way through one bridge. What it has of the frame as it came in is said by
/// variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packet {
    /// All 32 bits of it.
    pub(crate) in_port: Value,
    pub(crate) pkt_mark: Value,
    /// Fields that do not have the value any more that a packet begins with; sorted.
    changed: Vec<(OxmField, Value)>,
    /// The tags that can be matched and changed, outermost first.
    tags: Vec<Tag>,
    /// Tags in the payload that were pushed there by bridges.
    buried: Vec<Tag>,
    /// How many of the tags that the frame came in with are not in its payload any more.
    uncovered: u8,
}

/// A VLAN tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag {
    tpid: u16,
    /// As in `NXM_OF_VLAN_TCI`.
    tci: Value,
}

impl Packet {
    /// A frame from outside, with a tag or without.
    pub(crate) fn received(in_port: PortNo, is_tagged: bool) -> Self {
        let mut packet = Self {
            in_port: port_value(in_port),
            pkt_mark: Value::var(Var::Field(OxmField::PktMark)),
            changed: Vec::new(),
            tags: Vec::new(),
            buried: Vec::new(),
            uncovered: 0,
        };
        if is_tagged {
            packet.uncover(TPIDS[0]);
        }
        packet
    }

    /// The packet on the other side of a patch port: the mark and the frame go with it, the rest
    /// is forgotten.
    pub(crate) fn patched(&self, in_port: PortNo) -> Self {
        Self {
            in_port: port_value(in_port),
            changed: self.header_changes(),
            ..self.clone()
        }
    }

    /// The packet as it comes in again after it has left Open vSwitch: of what it knew about the
    /// frame nothing is left, and its tags are told by its bytes.
    pub(crate) fn returned(&self, in_port: PortNo, explorer: &mut Explorer) -> Self {
        let mut packet = Self {
            pkt_mark: Value::number(0),
            ..self.patched(in_port)
        };
        let mut tags: Vec<Tag> = packet.tags.drain(..).collect();
        tags.append(&mut packet.buried);
        if tags.is_empty() {
            let kind = Value::var(Var::Type(packet.uncovered));
            for tpid in TPIDS {
                if explorer.is(kind, tpid.into(), u16::MAX.into()) {
                    packet.uncover(tpid);
                    break;
                }
            }
        } else {
            packet.buried = tags.split_off(1);
            packet.tags = tags;
        }
        packet
    }

    /// Takes the first tag of the payload out of it.
    fn uncover(&mut self, tpid: u16) {
        self.tags.push(Tag {
            tpid,
            tci: Value::var(Var::Tci(self.uncovered)),
        });
        self.uncovered += 1;
    }

    /// The changes of what is in the frame itself.
    fn header_changes(&self) -> Vec<(OxmField, Value)> {
        let in_frame = |(field, _): &&(OxmField, Value)| !is_memory(*field);
        self.changed.iter().filter(in_frame).copied().collect()
    }

    /// Whether everything in the frame is as it came in, apart from tags.
    pub(crate) fn is_unchanged(&self) -> bool {
        self.changed.iter().all(|(field, _)| is_memory(*field))
    }

    /// The VLAN ids of the tags that do not belong to the payload that it came in with, outermost
    /// first, and how many of the tags that it came in with are off.
    pub(crate) fn vids(&self) -> (Vec<Value>, u8) {
        let tags = self.tags.iter().chain(&self.buried);
        let vids = tags.map(|tag| tag.tci.part(0, VID_BITS - 1));
        (vids.collect(), self.uncovered)
    }

    /// The value of a part of a field; `None` where this packet has no such field.
    pub(crate) fn bits(&self, part: Subfield) -> Option<Value> {
        Some(self.read(part.field)?.part(part.start, part.bits))
    }

    /// The value of a field; `None` where this packet has no such field, or it is not known here.
    pub(crate) fn read(&self, field: OxmField) -> Option<Value> {
        Some(match field {
            OxmField::InPort => self.in_port,
            OxmField::NxInPort => self.in_port.part(0, 16),
            OxmField::PktMark => self.pkt_mark,
            OxmField::EthType | OxmField::NxEthType => match self.buried.first() {
                Some(tag) => Value::number(tag.tpid.into()),
                None => Value::var(Var::Type(self.uncovered)),
            },
            OxmField::VlanVid => match self.tags.first() {
                Some(tag) => tag.tci.part(0, VID_BITS),
                None => Value::number(0),
            },
            OxmField::VlanPcp => self.tags.first()?.tci.part(VID_BITS, 3),
            OxmField::NxVlanTci => match self.tags.first() {
                Some(tag) => tag.tci,
                None => Value::number(0),
            },
            _ => {
                let field = field.canonical();
                match self.changed.binary_search_by_key(&field, |(own, _)| *own) {
                    Ok(position) => self.changed[position].1,
                    Err(_) => beginning(field)?,
                }
            }
        })
    }

    /// Gives the field another value; `None` where this packet has no such field, or it can not be
    /// written.
    fn write(&mut self, field: OxmField, value: Value) -> Option<()> {
        match field {
            OxmField::InPort => self.in_port = value,
            OxmField::NxInPort => {
                self.in_port = match value.as_number() {
                    Some(number) => port_value(PortNo::from_16_bits(number as u16)),
                    None => value,
                }
            }
            OxmField::PktMark => self.pkt_mark = value,
            OxmField::EthType | OxmField::NxEthType | OxmField::NxVlanTci => return None,
            // Open vSwitch adds a tag where there is none, as OpenFlow 1.0 had it.
            OxmField::VlanVid => {
                if self.tags.is_empty() {
                    self.push_tag(TPIDS[0]);
                }
                let tci = &mut self.tags.first_mut()?.tci;
                *tci = tci
                    .with_part(0, VID_BITS, value)?
                    .with_bits(PRESENT, PRESENT);
            }
            OxmField::VlanPcp => {
                let tci = &mut self.tags.first_mut()?.tci;
                *tci = tci.with_part(VID_BITS, 3, value)?;
            }
            _ => {
                let field = field.canonical();
                let beginning = beginning(field)?;
                match self.changed.binary_search_by_key(&field, |(own, _)| *own) {
                    Ok(position) if value == beginning => {
                        self.changed.remove(position);
                    }
                    Ok(position) => self.changed[position].1 = value,
                    Err(_) if value == beginning => {}
                    Err(position) => self.changed.insert(position, (field, value)),
                }
            }
        }
        Some(())
    }

    /// Sets the bits of a field that the mask selects (`OFPAT_SET_FIELD`).
    pub(crate) fn set_field(
        &mut self,
        field: OxmField,
        value: u128,
        mask: Option<u128>,
    ) -> Option<()> {
        let new = match mask {
            Some(mask) => self.read(field)?.with_bits(value, mask & field.full_mask()),
            None => Value::number(value),
        };
        self.write(field, new)
    }

    /// Puts the low bits of `value` into a part of a field (`NXAST_REG_LOAD`).
    pub(crate) fn load(&mut self, to: Subfield, value: Value) -> Option<()> {
        let new = self.read(to.field)?.with_part(to.start, to.bits, value)?;
        self.write(to.field, new)
    }

    /// Copies bits from field to field (`NXAST_REG_MOVE`).
    pub(crate) fn move_bits(&mut self, from: Subfield, to: Subfield) -> Option<()> {
        let value = self.bits(from)?;
        self.load(to, value)
    }

    /// Sets bits of the metadata (`OFPIT_WRITE_METADATA`).
    pub(crate) fn write_metadata(&mut self, value: u64, mask: u64) -> Option<()> {
        self.set_field(OxmField::Metadata, value.into(), Some(mask.into()))
    }

    /// Adds an outermost tag of VID 0 and priority 0 (`OFPAT_PUSH_VLAN` on Open vSwitch).
    pub(crate) fn push_tag(&mut self, tpid: u16) {
        let tci = Value::number(PRESENT);
        self.tags.insert(0, Tag { tpid, tci });
    }

    /// Removes the outermost tag, if any (`OFPAT_POP_VLAN`).
    pub(crate) fn pop_tag(&mut self) {
        if !self.tags.is_empty() {
            self.tags.remove(0);
        }
    }
}

fn port_value(port: PortNo) -> Value {
    Value::number(port.0.into())
}

/// The value of a field in a packet that just came in; `None` for fields that are parts of others.
fn beginning(field: OxmField) -> Option<Value> {
    match field {
        OxmField::Metadata => Some(Value::number(0)),
        // Longer registers are made of the others.
        OxmField::Xxreg0 | OxmField::Xxreg1 | OxmField::Xxreg2 | OxmField::Xxreg3 => None,
        _ if field.class() == OxmClass::PacketRegs => None,
        _ if is_memory(field) => Some(Value::number(0)),
        _ => Some(Value::var(Var::Field(field))),
    }
}

/// Whether the field is no part of a frame, but what a bridge remembers while the frame is there.
fn is_memory(field: OxmField) -> bool {
    matches!(
        field,
        OxmField::Metadata
            | OxmField::Reg0
            | OxmField::Reg1
            | OxmField::Reg2
            | OxmField::Reg3
            | OxmField::Reg4
            | OxmField::Reg5
            | OxmField::Reg6
            | OxmField::Reg7
            | OxmField::Reg8
            | OxmField::Reg9
            | OxmField::Reg10
            | OxmField::Reg11
            | OxmField::Reg12
            | OxmField::Reg13
            | OxmField::Reg14
            | OxmField::Reg15
    )
}
