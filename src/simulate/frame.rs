//! A frame as bridges see it: the Ethernet header, and what flows look at behind it.

use std::fmt;

use openflow::MacAddr;

use super::headers::Headers;
use crate::protocols::ethertype;

/// An Ethernet frame.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Frame {
    /// Destination address.
    pub dst: MacAddr,
    /// Source address.
    pub src: MacAddr,
    /// VLAN tags, outermost first.
    pub tags: Vec<Tag>,
    /// What follows the tags.
    pub ethertype: u16,
    /// The headers behind, for an `ethertype` that says so; `None` for a payload that nobody looks
    /// into.
    pub headers: Option<Headers>,
    /// Stands for what is hashed of a payload that nobody looks into. It is the same in both
    /// directions of a conversation.
    pub flow_hash: u32,
}

/// A VLAN tag (IEEE 802.1Q §9.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Tag {
    /// Tag protocol id: [`Tag::CUSTOMER`] or [`Tag::SERVICE`].
    pub tpid: u16,
    /// Priority code point, 0 to 7.
    pub pcp: u8,
    /// VLAN id, 0 to 4095; 0 carries a priority only.
    pub vid: u16,
}

impl Frame {
    /// An untagged frame of the type of IPv4.
    pub fn new(src: MacAddr, dst: MacAddr) -> Self {
        Self {
            dst,
            src,
            tags: Vec::new(),
            ethertype: ethertype::IPV4,
            headers: None,
            flow_hash: 0,
        }
    }

    /// The frame with a customer tag of `vid` around it.
    #[must_use]
    pub fn tagged(mut self, vid: u16) -> Self {
        self.tags.insert(0, Tag::new(vid));
        self
    }

    /// The frame with these headers.
    #[must_use]
    pub fn carrying(self, headers: Headers) -> Self {
        Self {
            ethertype: headers.ethertype(),
            headers: Some(headers),
            ..self
        }
    }
}

impl Tag {
    /// Tag protocol id of customer tags (IEEE 802.1Q).
    pub const CUSTOMER: u16 = 0x8100;
    /// Tag protocol id of service tags (IEEE 802.1ad).
    pub const SERVICE: u16 = 0x88a8;

    /// A customer tag of priority 0.
    pub fn new(vid: u16) -> Self {
        Self {
            tpid: Self::CUSTOMER,
            pcp: 0,
            vid,
        }
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.tpid, self.vid) {
            (_, 0) => f.write_str("priority-tagged"),
            (Self::CUSTOMER, vid) => write!(f, "tagged {vid}"),
            (tpid, vid) => write!(f, "tagged {vid} ({tpid:#06x})"),
        }
    }
}

/// How the frame is tagged: `untagged`, `tagged 3000`, `tagged 3000, tagged 5`.
pub struct Tags<'f>(pub &'f [Tag]);

impl fmt::Display for Tags<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([outermost, inner @ ..]) = self else {
            return f.write_str("untagged");
        };
        write!(f, "{outermost}")?;
        inner.iter().try_for_each(|tag| write!(f, ", {tag}"))
    }
}

impl fmt::Display for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}, {}", self.src, self.dst, Tags(&self.tags))?;
        match self.headers {
            Some(headers) => write!(f, ", {headers}"),
            None => Ok(()),
        }
    }
}
