//! Connection tracking and address translation.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use bitflags::bitflags;
use bytes::{Buf, BufMut};

use super::nicira::{decode_nested, impossible};
use super::{Action, Subfield};
use crate::codec::{Reader, pad_to_8, put_list, put_padding};
use crate::display::Separated;
use crate::error::{DecodeError, EncodeError};
use crate::oxm::OxmId;
use crate::types::TableId;

/// Sends a packet through connection tracking (`nx_action_conntrack`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conntrack {
    /// Whether the connection is committed, and how.
    pub flags: CtFlags,
    /// The zone in which it is tracked.
    pub zone: CtZone,
    /// The table where the packet goes on with its connection known; [`TableId::ALL`] for none.
    pub recirc_table: TableId,
    /// The helper for this port, such as 21 for FTP; 0 for none.
    pub alg: u16,
    /// What is set in the connection, and how its addresses are translated.
    pub actions: Vec<Action>,
}

bitflags! {
    /// How a connection is tracked (`nx_conntrack_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct CtFlags: u16 {
        /// It is kept beyond this packet (`NX_CT_F_COMMIT`).
        const COMMIT = 1 << 0;
        /// One in the other direction is replaced (`NX_CT_F_FORCE`).
        const FORCE = 1 << 1;
        const _ = !0;
    }
}

/// The zone of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtZone {
    /// This one.
    Immediate(u16),
    /// The one whose number is in a field.
    Field(Subfield),
}

impl Conntrack {
    /// `None` where the zone is in a field that this crate does not know.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let mut fields = r.fixed::<14>()?;
        let flags = CtFlags::from_bits_retain(fields.get_u16());
        let zone_src = OxmId {
            header: fields.get_u32(),
            experimenter: None,
        };
        let zone = fields.get_u16();
        let recirc_table = TableId(fields.get_u8());
        fields.advance(3);
        let alg = fields.get_u16();
        let zone = match (zone_src.header, zone_src.field()) {
            (0, _) => CtZone::Immediate(zone),
            (_, Some(field)) => CtZone::Field(Subfield::from_range(field, zone)),
            (_, None) => return Ok(None),
        };
        let actions = decode_nested(r)?;
        Ok(Some(Self {
            flags,
            zone,
            recirc_table,
            alg,
            actions,
        }))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.flags.bits());
        match self.zone {
            CtZone::Immediate(zone) => {
                out.put_u32(0);
                out.put_u16(zone);
            }
            CtZone::Field(subfield) => {
                let id = OxmId::from(subfield.field);
                if id.experimenter.is_some() || id.header == 0 {
                    return Err(impossible("a zone can not be in this field"));
                }
                out.put_u32(id.header);
                out.put_u16(subfield.range()?);
            }
        }
        out.put_u8(self.recirc_table.0);
        put_padding(out, 3);
        out.put_u16(self.alg);
        put_list(out, &self.actions)
    }
}

/// Translates addresses and ports (`nx_action_nat`).
///
/// A range without a maximum is one address or port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nat {
    /// Of the source or the destination, and how one is chosen from the range.
    pub flags: NatFlags,
    /// The first address.
    pub ipv4_min: Option<Ipv4Addr>,
    /// The last address.
    pub ipv4_max: Option<Ipv4Addr>,
    /// The first address.
    pub ipv6_min: Option<Ipv6Addr>,
    /// The last address.
    pub ipv6_max: Option<Ipv6Addr>,
    /// The first port.
    pub proto_min: Option<u16>,
    /// The last port.
    pub proto_max: Option<u16>,
}

bitflags! {
    /// How addresses are translated (`nx_nat_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct NatFlags: u16 {
        /// Those of the source (`NX_NAT_F_SRC`).
        const SRC = 1 << 0;
        /// Those of the destination (`NX_NAT_F_DST`).
        const DST = 1 << 1;
        /// The same after a restart (`NX_NAT_F_PERSISTENT`).
        const PERSISTENT = 1 << 2;
        /// The port by a hash (`NX_NAT_F_PROTO_HASH`).
        const PROTO_HASH = 1 << 3;
        /// The port at random (`NX_NAT_F_PROTO_RANDOM`).
        const PROTO_RANDOM = 1 << 4;
        const _ = !0;
    }
}

/// Which parts of the range follow (`nx_nat_range`).
mod present {
    pub(super) const IPV4_MIN: u16 = 1 << 0;
    pub(super) const IPV4_MAX: u16 = 1 << 1;
    pub(super) const IPV6_MIN: u16 = 1 << 2;
    pub(super) const IPV6_MAX: u16 = 1 << 3;
    pub(super) const PROTO_MIN: u16 = 1 << 4;
    pub(super) const PROTO_MAX: u16 = 1 << 5;
    pub(super) const ALL: u16 = (1 << 6) - 1;
}

impl Nat {
    /// `None` where the range has parts that this crate does not know.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let mut fields = r.fixed::<6>()?;
        fields.advance(2);
        let flags = NatFlags::from_bits_retain(fields.get_u16());
        let present = fields.get_u16();
        if present & !present::ALL != 0 {
            return Ok(None);
        }
        let mut ipv4 = |bit| match present & bit {
            0 => Ok(None),
            _ => r
                .fixed::<4>()
                .map(|mut address| Some(address.get_u32().into())),
        };
        let (ipv4_min, ipv4_max) = (ipv4(present::IPV4_MIN)?, ipv4(present::IPV4_MAX)?);
        let mut ipv6 = |bit| match present & bit {
            0 => Ok(None),
            _ => r
                .fixed::<16>()
                .map(|mut address| Some(address.get_u128().into())),
        };
        let (ipv6_min, ipv6_max) = (ipv6(present::IPV6_MIN)?, ipv6(present::IPV6_MAX)?);
        let mut port = |bit| match present & bit {
            0 => Ok(None),
            _ => r.fixed::<2>().map(|mut port| Some(port.get_u16())),
        };
        let (proto_min, proto_max) = (port(present::PROTO_MIN)?, port(present::PROTO_MAX)?);
        r.skip(r.remaining() % 8, "pad")?;
        Ok(Some(Self {
            flags,
            ipv4_min,
            ipv4_max,
            ipv6_min,
            ipv6_max,
            proto_min,
            proto_max,
        }))
    }

    /// `start` is where the action begins.
    pub(super) fn encode(&self, out: &mut Vec<u8>, start: usize) {
        let present = [
            (self.ipv4_min.is_some(), present::IPV4_MIN),
            (self.ipv4_max.is_some(), present::IPV4_MAX),
            (self.ipv6_min.is_some(), present::IPV6_MIN),
            (self.ipv6_max.is_some(), present::IPV6_MAX),
            (self.proto_min.is_some(), present::PROTO_MIN),
            (self.proto_max.is_some(), present::PROTO_MAX),
        ];
        put_padding(out, 2);
        out.put_u16(self.flags.bits());
        out.put_u16(
            present
                .iter()
                .filter(|(here, _)| *here)
                .map(|(_, bit)| bit)
                .sum(),
        );
        for address in [self.ipv4_min, self.ipv4_max].into_iter().flatten() {
            out.extend_from_slice(&address.octets());
        }
        for address in [self.ipv6_min, self.ipv6_max].into_iter().flatten() {
            out.extend_from_slice(&address.octets());
        }
        for port in [self.proto_min, self.proto_max].into_iter().flatten() {
            out.put_u16(port);
        }
        pad_to_8(out, start);
    }
}

impl fmt::Display for Conntrack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        for (flag, name) in [(CtFlags::COMMIT, "commit"), (CtFlags::FORCE, "force")] {
            if self.flags.contains(flag) {
                parts.push(name.to_owned());
            }
        }
        if self.recirc_table != TableId::ALL {
            parts.push(format!("table={}", self.recirc_table.0));
        }
        match self.zone {
            CtZone::Immediate(0) => {}
            CtZone::Immediate(zone) => parts.push(format!("zone={zone}")),
            CtZone::Field(subfield) => parts.push(format!("zone={subfield}")),
        }
        // Translation stands beside `exec`, though both are actions on the wire.
        let (nat, exec): (Vec<_>, Vec<_>) = self
            .actions
            .iter()
            .partition(|action| matches!(action, Action::Nat(_)));
        parts.extend(nat.iter().map(ToString::to_string));
        if !exec.is_empty() {
            parts.push(format!("exec({})", Separated(&exec)));
        }
        match self.alg {
            0 => {}
            21 => parts.push("alg=ftp".to_owned()),
            69 => parts.push("alg=tftp".to_owned()),
            alg => parts.push(format!("alg={alg}")),
        }
        match parts.as_slice() {
            [] => f.write_str("ct"),
            parts => write!(f, "ct({})", Separated(parts)),
        }
    }
}

impl fmt::Display for Nat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let side = match (
            self.flags.contains(NatFlags::SRC),
            self.flags.contains(NatFlags::DST),
        ) {
            (true, _) => "src",
            (false, true) => "dst",
            (false, false) => return f.write_str("nat"),
        };
        write!(f, "nat({side}")?;
        let ports = self.proto_min.is_some();
        let bracket = |address: Ipv6Addr| match ports {
            true => format!("[{address}]"),
            false => address.to_string(),
        };
        let first = self
            .ipv4_min
            .map(|a| a.to_string())
            .or(self.ipv6_min.map(bracket));
        let last = self
            .ipv4_max
            .map(|a| a.to_string())
            .or(self.ipv6_max.map(bracket));
        if first.is_some() || ports {
            write!(f, "={}", first.unwrap_or_default())?;
        }
        if let Some(last) = last {
            write!(f, "-{last}")?;
        }
        if let Some(first) = self.proto_min {
            write!(f, ":{first}")?;
        }
        if let Some(last) = self.proto_max {
            write!(f, "-{last}")?;
        }
        for (flag, name) in [
            (NatFlags::PERSISTENT, "persistent"),
            (NatFlags::PROTO_HASH, "hash"),
            (NatFlags::PROTO_RANDOM, "random"),
        ] {
            if self.flags.contains(flag) {
                write!(f, ",{name}")?;
            }
        }
        f.write_str(")")
    }
}
