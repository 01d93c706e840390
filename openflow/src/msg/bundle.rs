//! Bundles: several messages that take effect together or not at all (ONF extension 230).

use bitflags::bitflags;

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
