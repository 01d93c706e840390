//! Match fields and matches.

use super::*;

pub(super) fn field() -> impl Strategy<Value = OxmField> {
    select(OxmField::all().collect::<Vec<_>>())
}

pub(super) fn value_of(field: OxmField) -> impl Strategy<Value = u128> {
    any::<u128>().prop_map(move |value| value >> (128 - 8 * field.byte_len()))
}

pub(super) fn oxm() -> impl Strategy<Value = Oxm> {
    field().prop_flat_map(|field| {
        (value_of(field), prop::option::of(value_of(field))).prop_map(move |(value, mask)| Oxm {
            field,
            value,
            mask,
        })
    })
}

pub(super) fn raw_oxm() -> impl Strategy<Value = RawOxm> {
    (2..0x1000u16, 0..0x80u8, any::<bool>(), bytes(0..=255)).prop_map(
        |(class, field, has_mask, payload)| RawOxm {
            class,
            field,
            has_mask,
            payload,
        },
    )
}

pub(super) fn flow_match() -> impl Strategy<Value = Match> {
    let entry = prop_oneof![
        8 => oxm().prop_map(MatchEntry::Oxm),
        1 => raw_oxm().prop_map(MatchEntry::Raw),
    ];
    list(entry).prop_map(|entries| entries.into_iter().collect())
}

pub(super) fn subfield(bits: u16) -> impl Strategy<Value = Subfield> {
    (field(), 0..1024u16).prop_map(move |(field, start)| Subfield { field, start, bits })
}

/// A field whose header has no experimenter id.
pub(super) fn short_field() -> impl Strategy<Value = OxmField> {
    field().prop_filter("an experimenter's", |field| {
        field.class().experimenter().is_none()
    })
}

/// A part of a field as it fits in 16 bits.
pub(super) fn range() -> impl Strategy<Value = Subfield> {
    (short_field(), 0..1024u16, 1..=64u16).prop_map(|(field, start, bits)| Subfield {
        field,
        start,
        bits,
    })
}

pub(super) fn subfields() -> impl Strategy<Value = (Subfield, Subfield)> {
    any::<u16>().prop_flat_map(|bits| (subfield(bits), subfield(bits)))
}

pub(super) fn oxm_id() -> impl Strategy<Value = OxmId> {
    let known = (field(), any::<bool>()).prop_map(|(field, mask)| match mask {
        true => OxmId::from(field).with_mask(),
        false => OxmId::from(field),
    });
    let unknown = prop_oneof![
        (0..0xffff_0000u32).prop_map(|header| OxmId {
            header,
            experimenter: None
        }),
        (0xffff_0000..=u32::MAX, any::<u32>()).prop_map(|(header, experimenter)| OxmId {
            header,
            experimenter: Some(experimenter)
        }),
    ];
    prop_oneof![known, unknown]
}
