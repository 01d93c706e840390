//! Bundles: several messages that take effect together or not at all (ONF extension 230).

use bitflags::bitflags;
use bytes::{Buf, BufMut};

use crate::codec::{Decode, Encode, Reader, pad_to_8, padding_to_8, put_list, put_padding};
use crate::error::{DecodeError, EncodeError, Problem};
use crate::macros::wire_enum;
use crate::message::Message;
use crate::property::RawProperty;
use crate::types::Xid;

/// Opens, closes, commits or discards a bundle (`ofp_bundle_ctrl_msg`, ONF 2300).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BundleControl {
    /// The bundle, as the controller numbers it.
    pub bundle_id: u32,
    /// What to do, or what was done.
    pub kind: BundleControlKind,
    /// How it is carried out; the same in all messages of a bundle.
    pub flags: BundleFlags,
    /// Properties of experimenters; none is in use.
    pub properties: Vec<RawProperty>,
}

impl BundleControl {
    /// A control message without properties.
    pub const fn new(bundle_id: u32, kind: BundleControlKind, flags: BundleFlags) -> Self {
        Self {
            bundle_id,
            kind,
            flags,
            properties: Vec::new(),
        }
    }
}

wire_enum! {
    /// What a bundle control message does (`ofp_bundle_ctrl_type`).
    pub enum BundleControlKind(u16) {
        /// `OFPBCT_OPEN_REQUEST`
        OpenRequest = 0,
        /// `OFPBCT_OPEN_REPLY`
        OpenReply = 1,
        /// `OFPBCT_CLOSE_REQUEST`
        CloseRequest = 2,
        /// `OFPBCT_CLOSE_REPLY`
        CloseReply = 3,
        /// `OFPBCT_COMMIT_REQUEST`
        CommitRequest = 4,
        /// `OFPBCT_COMMIT_REPLY`
        CommitReply = 5,
        /// `OFPBCT_DISCARD_REQUEST`
        DiscardRequest = 6,
        /// `OFPBCT_DISCARD_REPLY`
        DiscardReply = 7,
    }
}

bitflags! {
    /// How a bundle is carried out (`ofp_bundle_flags`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct BundleFlags: u16 {
        /// All of it or nothing (`OFPBF_ATOMIC`).
        const ATOMIC = 1 << 0;
        /// In the order of the messages (`OFPBF_ORDERED`).
        const ORDERED = 1 << 1;
        const _ = !0;
    }
}

/// Adds a message to a bundle (`ofp_bundle_add_msg`, ONF 2301).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct BundleAdd {
    /// The bundle.
    pub bundle_id: u32,
    /// The flags it was opened with.
    pub flags: BundleFlags,
    /// The message: a flow-mod, group-mod, port-mod or packet-out. Bundles do not nest.
    pub message: Box<Message>,
    /// The xid of `message`: `None` for the one of the bundle-add, which is the only valid one.
    pub inner_xid: Option<Xid>,
    /// Properties of experimenters; none is in use.
    pub properties: Vec<RawProperty>,
}

impl BundleAdd {
    /// Adds `message`, with the xid of the bundle-add and without properties.
    pub fn new(bundle_id: u32, flags: BundleFlags, message: Message) -> Self {
        let message = Box::new(message);
        Self {
            bundle_id,
            flags,
            message,
            inner_xid: None,
            properties: Vec::new(),
        }
    }
}

impl Decode for BundleControl {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let bundle_id = fields.get_u32();
        let kind = fields.get_u16().into();
        let flags = BundleFlags::from_bits_retain(fields.get_u16());
        Ok(Self {
            bundle_id,
            kind,
            flags,
            properties: r.list()?,
        })
    }
}

impl Encode for BundleControl {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.bundle_id);
        out.put_u16(self.kind.into());
        out.put_u16(self.flags.bits());
        put_list(out, &self.properties)
    }
}

const NESTED: EncodeError = EncodeError::Impossible {
    structure: "ofp_bundle_add_msg",
    problem: "bundles do not nest",
};

impl BundleAdd {
    pub(crate) fn decode(r: &mut Reader<'_>, xid: Xid) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<8>()?;
        let bundle_id = fields.get_u32();
        fields.advance(2);
        let flags = BundleFlags::from_bits_retain(fields.get_u16());

        let start = r.offset();
        let (inner_xid, message) = r.nested(1, Message::decode_from)?;
        if message.is_of_bundle() {
            return Err(r.error("message", Problem::TooDeep { limit: 1 }));
        }
        // The message is padded where a property follows, and only there.
        if !r.is_empty() {
            r.skip(padding_to_8(r.offset() - start), "pad")?;
            if r.is_empty() {
                return Err(r.truncated("properties", 4));
            }
        }
        Ok(Self {
            bundle_id,
            flags,
            message: Box::new(message),
            inner_xid: Some(inner_xid).filter(|&inner| inner != xid),
            properties: r.list()?,
        })
    }

    pub(crate) fn encode(&self, out: &mut Vec<u8>, xid: Xid) -> Result<(), EncodeError> {
        if self.message.is_of_bundle() {
            return Err(NESTED);
        }
        out.put_u32(self.bundle_id);
        put_padding(out, 2);
        out.put_u16(self.flags.bits());
        let start = out.len();
        self.message.encode(self.inner_xid.unwrap_or(xid), out)?;
        if !self.properties.is_empty() {
            pad_to_8(out, start);
        }
        put_list(out, &self.properties)
    }
}
