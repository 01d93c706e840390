//! Match fields as type, length and value (OXM, §7.2.3).

mod id;
mod table;
mod wire;

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;

pub use id::OxmId;
use table::{FIELDS, FieldInfo, Format};
pub use table::{OxmClass, OxmField, Prerequisite};

use crate::display::Hex;
use crate::mac::MacAddr;
use crate::types::PortNo;

/// Bit of `vlan_vid` that says that there is a tag (`OFPVID_PRESENT`).
pub const OFPVID_PRESENT: u16 = 0x1000;
/// Value of `vlan_vid` where there is no tag (`OFPVID_NONE`).
pub const OFPVID_NONE: u16 = 0;

impl OxmField {
    /// All fields that this crate knows.
    pub fn all() -> impl Iterator<Item = Self> {
        FIELDS.iter().map(|info| info.field)
    }

    fn info(self) -> &'static FieldInfo {
        &FIELDS[self as usize]
    }

    /// Who numbers the field.
    pub fn class(self) -> OxmClass {
        self.info().class
    }

    /// The `oxm_field`, 7 bits.
    pub fn number(self) -> u8 {
        self.info().number
    }

    /// How many bits of the field mean something, counted from the lowest.
    pub fn bits(self) -> u8 {
        self.info().bits
    }

    /// The length of the value on the wire in bytes: without mask, without experimenter id.
    pub fn byte_len(self) -> usize {
        self.info().bytes.into()
    }

    /// Whether the specification, or Open vSwitch for its own fields, allows a mask.
    pub fn is_maskable(self) -> bool {
        self.info().maskable
    }

    /// What else a match must have for this field to be allowed in it.
    pub fn prerequisite(self) -> Prerequisite {
        self.info().prerequisite
    }

    /// Class, number and length as on the wire, without mask.
    pub(crate) fn header(self) -> u32 {
        self.info().header
    }

    /// The name in C, such as `OXM_OF_ETH_DST`; `ovs-ofctl` takes it in `move` and `load`.
    pub fn c_name(self) -> &'static str {
        self.info().c_name
    }

    /// The name of the specification, such as `eth_dst`; no two fields have the same.
    pub fn name(self) -> &'static str {
        self.info().name
    }

    /// The name in `ovs-ofctl` syntax, such as `dl_dst`.
    pub fn ofctl_name(self) -> &'static str {
        self.info().ofctl_name
    }

    /// A value of the field as `ovs-ofctl` writes it: an address, a port, a number.
    pub fn display(self, value: u128) -> impl fmt::Display {
        Value(self.info().format, value)
    }

    /// All ones over [`bits`](Self::bits): a mask with these bits set masks nothing.
    pub fn full_mask(self) -> u128 {
        u128::MAX >> (128 - u32::from(self.bits()))
    }
}

/// A known field with its value, in a match or a set-field action.
///
/// ```
/// use openflow::{MacAddr, Oxm, OxmField};
/// let oxm = Oxm::new(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]));
/// assert_eq!(oxm.to_string(), "dl_dst=52:54:00:00:00:0a");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oxm {
    /// The field.
    pub field: OxmField,
    /// The bytes of the value read as a big-endian number.
    pub value: u128,
    /// The bytes of the mask likewise; `None` where the field is sent without one.
    pub mask: Option<u128>,
}

impl Oxm {
    /// `field` is exactly `value`.
    pub fn new(field: OxmField, value: impl Into<u128>) -> Self {
        Self {
            field,
            value: value.into(),
            mask: None,
        }
    }

    /// `field` is `value` in the bits where `mask` is one.
    pub fn masked(field: OxmField, value: impl Into<u128>, mask: impl Into<u128>) -> Self {
        Self {
            field,
            value: value.into(),
            mask: Some(mask.into()),
        }
    }
}

/// A field that this crate does not know, or one of variable length (`tun_metadata`), as it came.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RawOxm {
    /// The `oxm_class`.
    pub class: u16,
    /// The `oxm_field`, 7 bits.
    pub field: u8,
    /// Whether the second half of the value is a mask.
    pub has_mask: bool,
    /// What follows the 4-byte header, at most 255 bytes: experimenter id, value and mask.
    pub payload: Bytes,
}

impl RawOxm {
    /// Name and `value[/mask]` of tunnel metadata as `set_field` of `ovs-ofctl` takes them.
    pub(crate) fn as_set_field(&self) -> Option<(String, String)> {
        let index = id::tun_metadata(self.class, self.field)?;
        let value = match self.has_mask {
            true => {
                let (value, mask) = self.payload.split_at(self.payload.len() / 2);
                format!("0x{}/0x{}", Hex(value), Hex(mask))
            }
            false => format!("0x{}", Hex(&self.payload)),
        };
        Some((format!("tun_metadata{index}"), value))
    }
}

/// One entry of a match.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MatchEntry {
    /// A known field.
    Oxm(Oxm),
    /// Another field.
    Raw(RawOxm),
}

impl From<Oxm> for MatchEntry {
    fn from(oxm: Oxm) -> Self {
        Self::Oxm(oxm)
    }
}

impl From<RawOxm> for MatchEntry {
    fn from(raw: RawOxm) -> Self {
        Self::Raw(raw)
    }
}

impl From<MacAddr> for u128 {
    fn from(mac: MacAddr) -> Self {
        mac.to_u64().into()
    }
}

impl From<PortNo> for u128 {
    fn from(port: PortNo) -> Self {
        port.0.into()
    }
}

impl Oxm {
    /// Name and `value[/mask]` as `set_field` of `ovs-ofctl` takes them.
    pub(crate) fn as_set_field(&self) -> (&'static str, impl fmt::Display) {
        let info = self.field.info();
        let name = match self.field {
            // `vlan_vid` with its present bit; `dl_vlan` would be another field.
            OxmField::VlanVid => "vlan_vid",
            _ => info.ofctl_name,
        };
        (
            name,
            ValueAndMask {
                format: info.format,
                value: self.value,
                mask: self.mask,
            },
        )
    }
}

/// The value alone, as `ovs-ofctl` writes it behind the name of the field.
struct Value(Format, u128);

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(format, value) = *self;
        // The fields of each format are at most as wide as the type that it is cut to here.
        match format {
            Format::Decimal => write!(f, "{value}"),
            Format::Mac => write!(f, "{}", MacAddr::from_u64(value as u64)),
            Format::Ipv4 => write!(f, "{}", Ipv4Addr::from_bits(value as u32)),
            Format::Ipv6 => write!(f, "{}", Ipv6Addr::from_bits(value)),
            Format::Port => write!(f, "{}", PortNo(value as u32)),
            Format::Port16 => write!(f, "{}", PortNo::from_16_bits(value as u16)),
            Format::PacketType => write!(f, "({},{:#x})", value >> 16, value & 0xffff),
            Format::Hex | Format::VlanVid | Format::Frag => write!(f, "{value:#x}"),
        }
    }
}

struct ValueAndMask {
    format: Format,
    value: u128,
    mask: Option<u128>,
}

impl fmt::Display for ValueAndMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            format,
            value,
            mask,
        } = *self;
        match (format, mask) {
            (Format::Frag, mask) => match frag_word(value, mask) {
                Some(word) => f.write_str(word),
                None => write!(f, "{value:#x}/{:#x}", mask.unwrap_or(FRAG_MASK)),
            },
            (_, None) => Value(format, value).fmt(f),
            (Format::Decimal, Some(mask)) => write!(f, "{value:#x}/{mask:#x}"),
            (_, Some(mask)) => write!(f, "{}/{}", Value(format, value), Value(format, mask)),
        }
    }
}

/// Both bits of `ip_frag`: a fragment, and not the first one.
const FRAG_MASK: u128 = 3;

/// The word for a match on `ip_frag`, where there is one.
fn frag_word(value: u128, mask: Option<u128>) -> Option<&'static str> {
    match (value, mask.unwrap_or(FRAG_MASK) & FRAG_MASK) {
        (0, 3) => Some("no"),
        (1, 1) => Some("yes"),
        (1, 3) => Some("first"),
        (3, 3) => Some("later"),
        (0, 2) => Some("not_later"),
        _ => None,
    }
}

/// In `ovs-ofctl` syntax: `dl_vlan=3000`, `dl_dst=01:00:00:00:00:00/01:00:00:00:00:00`.
impl fmt::Display for Oxm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FieldInfo {
            format, ofctl_name, ..
        } = *self.field.info();
        let Self { value, mask, .. } = *self;
        match format {
            Format::VlanVid => fmt_vlan_vid(f, value, mask),
            format => write!(
                f,
                "{ofctl_name}={}",
                ValueAndMask {
                    format,
                    value,
                    mask
                }
            ),
        }
    }
}

/// `dl_vlan` says nothing about a missing tag, so anything but "this tag" is written as the tag
/// control information, of which `vlan_vid` with its present bit is the lower part.
fn fmt_vlan_vid(f: &mut fmt::Formatter<'_>, value: u128, mask: Option<u128>) -> fmt::Result {
    let full = OxmField::VlanVid.full_mask();
    let present = u128::from(OFPVID_PRESENT);
    match mask.unwrap_or(full) {
        mask if mask == full && value & present != 0 => write!(f, "dl_vlan={}", value & !present),
        mask => write!(f, "vlan_tci={value:#06x}/{mask:#06x}"),
    }
}

/// Tunnel metadata in `ovs-ofctl` syntax, other fields by their numbers.
impl fmt::Display for RawOxm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.as_set_field() {
            Some((name, value)) => write!(f, "{name}={value}"),
            None => {
                let Self { class, field, .. } = self;
                write!(f, "oxm({class:#06x}:{field})=0x{}", Hex(&self.payload))
            }
        }
    }
}

impl fmt::Display for MatchEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Oxm(oxm) => oxm.fmt(f),
            Self::Raw(raw) => raw.fmt(f),
        }
    }
}
