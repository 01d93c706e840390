//! What a flow entry matches.

use std::fmt;

use bytes::{Buf, BufMut, Bytes};

use crate::codec::{
    Decode, Encode, Reader, Structure, pad_to_8, padding_to_8, put_list, set_length,
};
use crate::display::Separated;
use crate::error::{DecodeError, EncodeError, Problem};
use crate::msg::ErrorCode;
use crate::oxm::{MatchEntry, Oxm, OxmField};

/// A list of match fields, in the order of the wire (`ofp_match`, §7.2.3).
///
/// ```
/// use openflow::{MacAddr, Match, OFPVID_PRESENT, OxmField, PortNo};
/// let m = Match::new()
///     .with(OxmField::InPort, PortNo(1))
///     .with(OxmField::VlanVid, OFPVID_PRESENT | 3000)
///     .with_masked(OxmField::EthDst, 1u64 << 40, 1u64 << 40);
/// assert_eq!(
///     m.to_string(),
///     "in_port=1,dl_vlan=3000,dl_dst=01:00:00:00:00:00/01:00:00:00:00:00"
/// );
/// assert_eq!(m.get(OxmField::InPort), Some((1, None)));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Match {
    entries: Vec<MatchEntry>,
}

impl Match {
    /// Matches every packet.
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
        }
    }

    /// Adds "`field` is `value`" at the end.
    #[must_use]
    pub fn with(mut self, field: OxmField, value: impl Into<u128>) -> Self {
        self.push(Oxm::new(field, value));
        self
    }

    /// Adds "`field` is `value` where `mask` has ones" at the end.
    #[must_use]
    pub fn with_masked(
        mut self,
        field: OxmField,
        value: impl Into<u128>,
        mask: impl Into<u128>,
    ) -> Self {
        self.push(Oxm::masked(field, value, mask));
        self
    }

    /// Adds an entry at the end. That the field is not there yet is not checked.
    pub fn push(&mut self, entry: impl Into<MatchEntry>) {
        self.entries.push(entry.into());
    }

    /// Value and mask of the first entry of `field`.
    pub fn get(&self, field: OxmField) -> Option<(u128, Option<u128>)> {
        self.oxms()
            .find(|oxm| oxm.field == field)
            .map(|oxm| (oxm.value, oxm.mask))
    }

    /// The entries, in the order of the wire.
    pub fn entries(&self) -> &[MatchEntry] {
        &self.entries
    }

    /// The entries of known fields, in the order of the wire.
    pub fn oxms(&self) -> impl Iterator<Item = &Oxm> {
        self.entries.iter().filter_map(|entry| match entry {
            MatchEntry::Oxm(oxm) => Some(oxm),
            MatchEntry::Raw(_) => None,
        })
    }

    /// Whether every packet matches.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Reads a match with its header and padding, alone.
    ///
    /// # Errors
    ///
    /// A [`DecodeError`] as for a message.
    pub fn from_wire(wire: &Bytes) -> Result<Self, DecodeError> {
        let mut r = Reader::new(wire, &MATCH);
        let match_ = <Self as Decode>::decode(&mut r)?;
        r.finish()?;
        Ok(match_)
    }

    /// Appends the match with its header and padding.
    ///
    /// # Errors
    ///
    /// An [`EncodeError`] where it has no form on the wire; what has been appended is of no use then.
    pub fn to_wire(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        self.encode(out)
    }

    /// The same match in the one form that can be compared: sorted by class and number, masks of
    /// all ones dropped, entries whose mask is zero removed, value bits outside the mask zero.
    ///
    /// A match that was sent to Open vSwitch and the one read back have the same canonical form.
    #[must_use]
    pub fn canonical(&self) -> Self {
        let mut entries: Vec<_> = self
            .entries
            .iter()
            .filter_map(|entry| match entry {
                MatchEntry::Oxm(oxm) => canonical_oxm(oxm).map(MatchEntry::Oxm),
                raw => Some(raw.clone()),
            })
            .collect();
        entries.sort_by_key(wire_place);
        Self { entries }
    }
}

fn canonical_oxm(oxm: &Oxm) -> Option<Oxm> {
    let full = oxm.field.full_mask();
    match oxm.mask.map(|mask| mask & full) {
        Some(0) => None,
        Some(mask) if mask != full => Some(Oxm::masked(oxm.field, oxm.value & mask, mask)),
        _ => Some(Oxm::new(oxm.field, oxm.value)),
    }
}

/// Class, number and experimenter id.
fn wire_place(entry: &MatchEntry) -> (u16, u8, Option<u32>) {
    match entry {
        MatchEntry::Oxm(oxm) => {
            let class = oxm.field.class();
            (class.number(), oxm.field.number(), class.experimenter())
        }
        MatchEntry::Raw(raw) => (raw.class, raw.field, None),
    }
}

const MATCH: Structure = Structure::new("ofp_match", ErrorCode::OFPBMC_BAD_LEN);
/// `OFPMT_OXM`, the only kind of match in OpenFlow 1.3.
const OXM: u16 = 1;
const HEADER_LEN: usize = 4;

impl Decode for Match {
    /// Also skips the padding, which `length` does not count.
    #[inline]
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut header = r.fixed::<HEADER_LEN>()?;
        let kind = header.get_u16();
        let length = usize::from(header.get_u16());
        if kind != OXM {
            return Err(bad_kind(r, start, kind));
        }
        let entries = r.body(&MATCH, HEADER_LEN, start + 2, length, |r| {
            // Most fields take 8 bytes or a little more.
            let mut entries = Vec::with_capacity(r.remaining().div_ceil(8));
            while !r.is_empty() {
                entries.push(MatchEntry::decode(r)?);
            }
            Ok(entries)
        })?;
        r.skip(padding_to_8(length), "padding of match")?;
        Ok(Self { entries })
    }
}

#[cold]
fn bad_kind(r: &mut Reader<'_>, offset: usize, kind: u16) -> DecodeError {
    r.enter(&MATCH);
    let problem = Problem::BadValue {
        found: kind.into(),
        expected: "1 (OFPMT_OXM)",
    };
    DecodeError {
        offset,
        error_code: ErrorCode::OFPBMC_BAD_TYPE,
        ..r.error("type", problem)
    }
}

impl Encode for Match {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(OXM);
        out.put_u16(0);
        put_list(out, &self.entries)?;
        set_length(out, start, start + 2, MATCH.name)?;
        pad_to_8(out, start);
        Ok(())
    }
}

/// Forms of a match that extensions use.
impl Match {
    /// The length that the header of a match gives, padding not counted, if it is one.
    pub(crate) fn peek_length(bytes: &[u8]) -> Option<usize> {
        let &[k0, k1, l0, l1] = bytes.first_chunk()?;
        let is_match = u16::from_be_bytes([k0, k1]) == OXM;
        is_match.then(|| u16::from_be_bytes([l0, l1]).into())
    }

    /// Reads `length` bytes of match fields without a header, and skips the padding.
    pub(crate) fn decode_bare(r: &mut Reader<'_>, length: usize) -> Result<Self, DecodeError> {
        let match_ = r.within(&MATCH, length, Self::decode_entries)?;
        r.skip(padding_to_8(length), "padding of match")?;
        Ok(match_)
    }

    /// Reads match fields to the end.
    pub(crate) fn decode_entries(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Ok(Self { entries: r.list()? })
    }

    /// Appends the match fields alone.
    pub(crate) fn encode_entries(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        put_list(out, &self.entries)
    }

    /// Appends the match fields without a header but with padding, and writes their length into the
    /// 16 bits at `length_at`.
    pub(crate) fn encode_bare(
        &self,
        out: &mut Vec<u8>,
        length_at: usize,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        self.encode_entries(out)?;
        set_length(out, start, length_at, MATCH.name)?;
        pad_to_8(out, start);
        Ok(())
    }
}

impl FromIterator<MatchEntry> for Match {
    fn from_iter<T: IntoIterator<Item = MatchEntry>>(entries: T) -> Self {
        Self {
            entries: entries.into_iter().collect(),
        }
    }
}

impl FromIterator<Oxm> for Match {
    fn from_iter<T: IntoIterator<Item = Oxm>>(oxms: T) -> Self {
        oxms.into_iter().map(MatchEntry::Oxm).collect()
    }
}

/// In `ovs-ofctl` syntax, separated by commas; nothing for the empty match.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Separated(&self.entries).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oxm::{OFPVID_NONE, OFPVID_PRESENT};

    #[test]
    fn canonical_form_ignores_order_and_masks_that_mask_nothing() {
        let sent = Match::new()
            .with_masked(OxmField::PktMark, 0xffu8, 0xfu8)
            .with_masked(OxmField::VlanVid, OFPVID_PRESENT | 5, 0x1fffu16)
            .with_masked(OxmField::Metadata, 0u8, 0u8)
            .with(OxmField::InPort, 1u8);
        let read_back = Match::new()
            .with_masked(OxmField::PktMark, 0xfu8, 0xfu8)
            .with(OxmField::InPort, 1u8)
            .with(OxmField::VlanVid, OFPVID_PRESENT | 5);
        assert_eq!(sent.canonical(), read_back.canonical());
        assert_ne!(sent.canonical(), Match::new().with(OxmField::InPort, 1u8));
    }

    #[test]
    fn vlan_id_is_written_so_that_ovs_ofctl_means_the_same() {
        let vid = |value: u16| Match::new().with(OxmField::VlanVid, value).to_string();
        assert_eq!(vid(OFPVID_PRESENT | 3000), "dl_vlan=3000");
        assert_eq!(vid(OFPVID_NONE), "vlan_tci=0x0000/0x1fff");
        let any_tag = Match::new().with_masked(OxmField::VlanVid, OFPVID_PRESENT, OFPVID_PRESENT);
        assert_eq!(any_tag.to_string(), "vlan_tci=0x1000/0x1000");
    }
}
