//! Choosing among links by hash.

use std::fmt;

use bytes::{Buf, BufMut};

use super::Subfield;
use super::nicira::{decode_u16_list, impossible};
use super::subfield::{decode_short_field, encode_short_field};
use crate::codec::{Reader, pad_to_8, put_padding};
use crate::display::Separated;
use crate::error::{DecodeError, EncodeError};
use crate::macros::wire_enum;
use crate::oxm::OxmId;
use crate::types::PortNo;

wire_enum! {
    /// Which fields of a packet a hash is over (`nx_hash_fields`).
    pub enum HashFields(u16) {
        /// The Ethernet source (`NX_HASH_FIELDS_ETH_SRC`).
        EthSrc = 0,
        /// Layers 2 to 4, the same in both directions (`NX_HASH_FIELDS_SYMMETRIC_L4`).
        SymmetricL4 = 1,
        /// Addresses and TCP ports, the same in both directions
        /// (`NX_HASH_FIELDS_SYMMETRIC_L3L4`).
        SymmetricL3L4 = 2,
        /// The same with UDP ports (`NX_HASH_FIELDS_SYMMETRIC_L3L4_UDP`).
        SymmetricL3L4Udp = 3,
        /// The network source (`NX_HASH_FIELDS_NW_SRC`).
        NwSrc = 4,
        /// The network destination (`NX_HASH_FIELDS_NW_DST`).
        NwDst = 5,
        /// Network addresses, the same in both directions (`NX_HASH_FIELDS_SYMMETRIC_L3`).
        SymmetricL3 = 6,
    }
}

impl fmt::Display for HashFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EthSrc => f.write_str("eth_src"),
            Self::SymmetricL4 => f.write_str("symmetric_l4"),
            Self::SymmetricL3L4 => f.write_str("symmetric_l3l4"),
            Self::SymmetricL3L4Udp => f.write_str("symmetric_l3l4+udp"),
            Self::NwSrc => f.write_str("nw_src"),
            Self::NwDst => f.write_str("nw_dst"),
            Self::SymmetricL3 => f.write_str("symmetric_l3"),
            Self::Unknown(number) => number.fmt(f),
        }
    }
}

wire_enum! {
    /// How a hash chooses a link (`nx_mp_algorithm`).
    pub enum LinkAlgorithm(u16) {
        /// The remainder of a division (`NX_MP_ALG_MODULO_N`).
        ModuloN = 0,
        /// The range that it is in (`NX_MP_ALG_HASH_THRESHOLD`).
        HashThreshold = 1,
        /// The highest random weight (`NX_MP_ALG_HRW`).
        Hrw = 2,
        /// A mix (`NX_MP_ALG_ITER_HASH`).
        IterHash = 3,
    }
}

impl fmt::Display for LinkAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ModuloN => f.write_str("modulo_n"),
            Self::HashThreshold => f.write_str("hash_threshold"),
            Self::Hrw => f.write_str("hrw"),
            Self::IterHash => f.write_str("iter_hash"),
            Self::Unknown(number) => number.fmt(f),
        }
    }
}

/// Writes the link that a hash chooses into a field (`nx_action_multipath`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Multipath {
    /// What the hash is over.
    pub fields: HashFields,
    /// A seed.
    pub basis: u16,
    /// How it chooses.
    pub algorithm: LinkAlgorithm,
    /// The number of links less one.
    pub max_link: u16,
    /// A parameter of the algorithm.
    pub arg: u32,
    /// Where the link's number goes.
    pub dst: Subfield,
}

impl Multipath {
    /// `None` where it has a field that this crate does not know.
    pub(super) fn decode(r: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        let mut numbers = r.fixed::<18>()?;
        let fields = numbers.get_u16().into();
        let basis = numbers.get_u16();
        numbers.advance(2);
        let algorithm = numbers.get_u16().into();
        let max_link = numbers.get_u16();
        let arg = numbers.get_u32();
        numbers.advance(2);
        let range = numbers.get_u16();
        let field = decode_short_field(r)?;
        Ok(field.map(|field| Self {
            fields,
            basis,
            algorithm,
            max_link,
            arg,
            dst: Subfield::from_range(field, range),
        }))
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u16(self.fields.into());
        out.put_u16(self.basis);
        put_padding(out, 2);
        out.put_u16(self.algorithm.into());
        out.put_u16(self.max_link);
        out.put_u32(self.arg);
        put_padding(out, 2);
        out.put_u16(self.dst.range()?);
        encode_short_field(out, self.dst.field)
    }
}

impl fmt::Display for Multipath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            fields,
            basis,
            algorithm,
            max_link,
            arg,
            dst,
        } = self;
        let links = u32::from(*max_link) + 1;
        write!(
            f,
            "multipath({fields},{basis},{algorithm},{links},{arg},{dst})"
        )
    }
}

wire_enum! {
    /// How a hash chooses a member (`nx_bd_algorithm`).
    pub enum MemberAlgorithm(u16) {
        /// The first that is up (`NX_BD_ALG_ACTIVE_BACKUP`).
        ActiveBackup = 0,
        /// The highest random weight (`NX_BD_ALG_HRW`).
        Hrw = 1,
    }
}

impl fmt::Display for MemberAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActiveBackup => f.write_str("active_backup"),
            Self::Hrw => f.write_str("hrw"),
            Self::Unknown(number) => number.fmt(f),
        }
    }
}

/// Outputs to the member that a hash chooses, or writes it into a field (`nx_action_bundle`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bundle {
    /// How it chooses.
    pub algorithm: MemberAlgorithm,
    /// What the hash is over.
    pub fields: HashFields,
    /// A seed.
    pub basis: u16,
    /// What members are, as the header of a field; ports of 16 bits: [`Bundle::PORTS`].
    pub member_kind: u32,
    /// The members.
    pub members: Vec<u16>,
    /// Where the member goes (`NXAST_BUNDLE_LOAD`); `None` to output (`NXAST_BUNDLE`).
    pub dst: Option<Subfield>,
}

impl Bundle {
    /// The kind of members that are ports (`NXM_OF_IN_PORT`).
    pub const PORTS: u32 = 0x0000_0002;

    /// `None` where it has a field that this crate does not know.
    pub(super) fn decode(r: &mut Reader<'_>, load: bool) -> Result<Option<Self>, DecodeError> {
        let mut numbers = r.fixed::<22>()?;
        let algorithm = numbers.get_u16().into();
        let fields = numbers.get_u16().into();
        let basis = numbers.get_u16();
        let member_kind = numbers.get_u32();
        let n_members = usize::from(numbers.get_u16());
        let range = numbers.get_u16();
        let id = OxmId {
            header: numbers.get_u32(),
            experimenter: None,
        };
        let dst = match (load, id.field()) {
            (false, _) => None,
            (true, Some(field)) => Some(Subfield::from_range(field, range)),
            (true, None) => return Ok(None),
        };
        let members = decode_u16_list(r, n_members)?;
        Ok(Some(Self {
            algorithm,
            fields,
            basis,
            member_kind,
            members,
            dst,
        }))
    }

    /// `start` is where the action begins.
    pub(super) fn encode(&self, out: &mut Vec<u8>, start: usize) -> Result<(), EncodeError> {
        let n_members =
            u16::try_from(self.members.len()).map_err(|_| impossible("too many members"))?;
        out.put_u16(self.algorithm.into());
        out.put_u16(self.fields.into());
        out.put_u16(self.basis);
        out.put_u32(self.member_kind);
        out.put_u16(n_members);
        match self.dst {
            Some(dst) => {
                out.put_u16(dst.range()?);
                encode_short_field(out, dst.field)?;
            }
            None => put_padding(out, 6),
        }
        put_padding(out, 4);
        self.members.iter().for_each(|&member| out.put_u16(member));
        pad_to_8(out, start);
        Ok(())
    }
}

impl fmt::Display for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            algorithm,
            fields,
            basis,
            ..
        } = self;
        let name = if self.dst.is_some() {
            "bundle_load"
        } else {
            "bundle"
        };
        write!(f, "{name}({fields},{basis},{algorithm},")?;
        match self.member_kind {
            Self::PORTS => f.write_str("ofport,")?,
            kind => write!(f, "{kind:#010x},")?,
        }
        if let Some(dst) = self.dst {
            write!(f, "{dst},")?;
        }
        let members: Vec<_> = self
            .members
            .iter()
            .map(|&port| PortNo::from_16_bits(port))
            .collect();
        write!(f, "members:{})", Separated(&members))
    }
}
