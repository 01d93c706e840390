//! Matches: an object by field name in JSON, the syntax of `ovs-ofctl` in text.

use std::collections::HashMap;
use std::fmt::{self, Display};
use std::net::{Ipv4Addr, Ipv6Addr};

use openflow::{MacAddr, Match, MatchEntry, Oxm, OxmClass, OxmField, OxmId, RawOxm};

use super::writer::{Hex, Style, Value, Writer};

impl Value for Match {
    fn write(&self, out: &mut Writer) {
        match out.style() {
            // Without quotes an empty match would be nothing at all.
            Style::Text if self.is_empty() => out.raw("any"),
            Style::Text => out.raw(self),
            Style::Json => write_object(self.entries(), out),
        }
    }
}

/// A set-field action's field, as a match of this field alone.
impl Value for MatchEntry {
    fn write(&self, out: &mut Writer) {
        match out.style() {
            Style::Text => out.raw(self),
            Style::Json => write_object(std::slice::from_ref(self), out),
        }
    }
}

/// A field that is there more than once, which no switch takes but the wire allows, is an array: an
/// object that has a name twice would lose one of them in most parsers.
fn write_object(entries: &[MatchEntry], out: &mut Writer) {
    let mut places = HashMap::new();
    let mut fields: Vec<(Name<'_>, Vec<&MatchEntry>)> = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = Name::of(entry);
        let place = *places.entry(name).or_insert(fields.len());
        match fields.get_mut(place) {
            Some((_, entries)) => entries.push(entry),
            None => fields.push((name, vec![entry])),
        }
    }
    out.record(|record| {
        for (name, entries) in fields {
            record.entry(name, |out| match entries[..] {
                [entry] => FieldValue(entry).write(out),
                _ => out.list(entries, |out, entry| FieldValue(entry).write(out)),
            });
        }
    });
}

/// What a field is called.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Name<'a> {
    Known(OxmField),
    /// Class, number and experimenter id, where the class has one.
    Unknown(u16, u8, Option<&'a [u8]>),
}

impl<'a> Name<'a> {
    fn of(entry: &'a MatchEntry) -> Self {
        match entry {
            MatchEntry::Oxm(oxm) => Self::Known(oxm.field),
            MatchEntry::Raw(raw) => Self::Unknown(raw.class, raw.field, split_raw(raw).0),
        }
    }
}

/// `eth_dst`; `0x8003:5` for field 5 of class 0x8003; `0xffff:5:0x00002320` for an experimenter's.
impl Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Known(field) => f.write_str(field.name()),
            // Fields of tunnel metadata have a name, but no fixed length.
            Self::Unknown(NXM_1, number @ TUN_METADATA_0..=TUN_METADATA_63, None) => {
                write!(f, "tun_metadata{}", number - TUN_METADATA_0)
            }
            Self::Unknown(class, number, experimenter) => {
                write!(f, "{class:#06x}:{number}")?;
                match experimenter {
                    Some(id) => write!(f, ":0x{}", Hex(id)),
                    None => Ok(()),
                }
            }
        }
    }
}

const NXM_1: u16 = OxmClass::Nxm1.number();
/// `NXM_NX_TUN_METADATA0` and the last one.
const TUN_METADATA_0: u8 = 40;
const TUN_METADATA_63: u8 = 103;

/// A field without a value, with `/mask` where it may have a mask.
impl Value for OxmId {
    fn write(&self, out: &mut Writer) {
        let exact = Self {
            header: self.header & !HAS_MASK,
            ..*self
        };
        let experimenter = self.experimenter.map(u32::to_be_bytes);
        let name = match exact.field() {
            Some(field) => Name::Known(field),
            None => {
                let experimenter = experimenter.as_ref().map(|id| &id[..]);
                Name::Unknown(self.class(), self.number(), experimenter)
            }
        };
        let mask = if self.has_mask() { "/mask" } else { "" };
        out.word(format_args!("{name}{mask}"));
    }
}

/// Of the header of a match field: a mask follows the value.
const HAS_MASK: u32 = 1 << 8;

/// Experimenter id, if the field has one, and the rest of the payload.
fn split_raw(raw: &RawOxm) -> (Option<&[u8]>, &[u8]) {
    match raw.payload.split_first_chunk::<4>() {
        Some((id, rest)) if raw.class == OxmClass::EXPERIMENTER => (Some(id), rest),
        _ => (None, &raw.payload),
    }
}

struct FieldValue<'a>(&'a MatchEntry);

impl Value for FieldValue<'_> {
    fn write(&self, out: &mut Writer) {
        match self.0 {
            MatchEntry::Oxm(oxm) => write_known(oxm, out),
            MatchEntry::Raw(raw) => {
                let (_, payload) = split_raw(raw);
                // Without knowing the field, the halves are all that can be told.
                match raw.has_mask && payload.len().is_multiple_of(2) {
                    true => {
                        let (value, mask) = payload.split_at(payload.len() / 2);
                        out.word(format_args!("{}/{}", Hex(value), Hex(mask)));
                    }
                    false => out.hex(payload),
                }
            }
        }
    }
}

fn write_known(oxm: &Oxm, out: &mut Writer) {
    let form = Form::of(oxm.field);
    match (form, oxm.mask) {
        (_, Some(mask)) => out.word(format_args!(
            "{}/{}",
            form.of_number(oxm.value),
            form.of_number(mask)
        )),
        // Programs read numbers up to 64 bits.
        (Form::Number, None) if oxm.field.bits() <= 64 => out.number(oxm.value, oxm.value),
        (_, None) => out.word(form.of_number(oxm.value)),
    }
}

/// The usual form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Number,
    Mac,
    Ipv4,
    Ipv6,
}

impl Form {
    fn of(field: OxmField) -> Self {
        match field {
            OxmField::EthDst
            | OxmField::EthSrc
            | OxmField::ArpSha
            | OxmField::ArpTha
            | OxmField::Ipv6NdSll
            | OxmField::Ipv6NdTll
            | OxmField::NxEthDst
            | OxmField::NxEthSrc
            | OxmField::NxArpSha
            | OxmField::NxArpTha
            | OxmField::NxNdSll
            | OxmField::NxNdTll => Self::Mac,
            OxmField::Ipv4Src
            | OxmField::Ipv4Dst
            | OxmField::ArpSpa
            | OxmField::ArpTpa
            | OxmField::NxIpSrc
            | OxmField::NxIpDst
            | OxmField::NxArpSpa
            | OxmField::NxArpTpa
            | OxmField::TunIpv4Src
            | OxmField::TunIpv4Dst
            | OxmField::CtNwSrc
            | OxmField::CtNwDst => Self::Ipv4,
            OxmField::Ipv6Src
            | OxmField::Ipv6Dst
            | OxmField::Ipv6NdTarget
            | OxmField::NxIpv6Src
            | OxmField::NxIpv6Dst
            | OxmField::NxNdTarget
            | OxmField::TunIpv6Src
            | OxmField::TunIpv6Dst
            | OxmField::CtIpv6Src
            | OxmField::CtIpv6Dst => Self::Ipv6,
            _ => Self::Number,
        }
    }

    fn of_number(self, number: u128) -> FormedNumber {
        FormedNumber { form: self, number }
    }
}

struct FormedNumber {
    form: Form,
    number: u128,
}

impl Display for FormedNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.number;
        // The fields of each form are as wide as the type that they are cut to here.
        match self.form {
            Form::Number => write!(f, "{number:#x}"),
            Form::Mac => MacAddr::from_u64(number as u64).fmt(f),
            Form::Ipv4 => Ipv4Addr::from_bits(number as u32).fmt(f),
            Form::Ipv6 => Ipv6Addr::from_bits(number).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use openflow::PortNo;

    use super::*;

    fn json(m: &Match) -> String {
        let mut out = Writer::new(Style::Json);
        m.write(&mut out);
        out.line().to_owned()
    }

    #[test]
    fn values_have_their_usual_form_with_and_without_mask() {
        let m = Match::new()
            .with(OxmField::InPort, PortNo::LOCAL)
            .with(OxmField::EthType, 0x0800u16)
            .with(OxmField::EthSrc, MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]))
            .with_masked(OxmField::EthDst, 1u64 << 40, 1u64 << 40)
            .with_masked(OxmField::VlanVid, 0x1000u16, 0x1000u16)
            .with_masked(OxmField::Ipv4Src, 0x0a00_0000u32, 0xff00_0000u32)
            .with(OxmField::Ipv6Dst, 0xfe80u128 << 112 | 1)
            .with(OxmField::Metadata, u64::MAX)
            .with(OxmField::CtLabel, u128::MAX);
        assert_eq!(
            json(&m),
            concat!(
                r#"{"in_port":4294967294,"eth_type":2048,"eth_src":"52:54:00:00:00:0a","#,
                r#""eth_dst":"01:00:00:00:00:00/01:00:00:00:00:00","vlan_vid":"0x1000/0x1000","#,
                r#""ipv4_src":"10.0.0.0/255.0.0.0","ipv6_dst":"fe80::1","#,
                r#""metadata":18446744073709551615,"#,
                r#""ct_label":"0xffffffffffffffffffffffffffffffff"}"#,
            )
        );
    }

    #[test]
    fn unknown_fields_keep_their_numbers_and_bytes() {
        let raw = |class, field, has_mask, payload| RawOxm {
            class,
            field,
            has_mask,
            payload: Bytes::from_static(payload),
        };
        let entries = [
            raw(0x8003, 5, false, &[0xab, 0xcd]),
            raw(0x8003, 6, true, &[1, 2, 0xff, 0xfe]),
            raw(0xffff, 7, false, &[0, 0, 0x23, 0x20, 9]),
        ];
        let m: Match = entries.into_iter().map(MatchEntry::from).collect();
        assert_eq!(
            json(&m),
            r#"{"0x8003:5":"abcd","0x8003:6":"0102/fffe","0xffff:7:0x00002320":"09"}"#
        );
    }

    #[test]
    fn a_field_that_is_there_twice_is_an_array() {
        let m = Match::new()
            .with(OxmField::EthType, 1u16)
            .with(OxmField::InPort, 7u32)
            .with(OxmField::EthType, 2u16);
        assert_eq!(json(&m), r#"{"eth_type":[1,2],"in_port":7}"#);
    }

    /// Fails where the codec learns an address field that is not listed in [`Form::of`].
    #[test]
    fn every_address_field_has_the_form_of_its_address() {
        for field in OxmField::all() {
            let text = Match::new().with(field, 0u8).to_string();
            let expected = match text.split_once('=').map(|(_, value)| value) {
                Some("00:00:00:00:00:00") => Form::Mac,
                Some("0.0.0.0") => Form::Ipv4,
                Some("::") => Form::Ipv6,
                _ => Form::Number,
            };
            assert_eq!(Form::of(field), expected, "{field:?}: {text}");
        }
    }
}
