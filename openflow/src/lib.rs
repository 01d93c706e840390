//! OpenFlow 1.3, as Open vSwitch speaks it: messages as types, from bytes and to bytes.
//!
//! No socket, no clock, no thread: what arrives on a connection goes through a [`Framer`], each
//! message through [`Message::decode`]; what is to be sent through [`Message::encode`].
//!
//! ```
//! use bytes::BytesMut;
//! use openflow::{
//!     Action, FlowMod, Framer, Instruction, MacAddr, Match, Message, OxmField, PortNo, Xid,
//! };
//!
//! // Frames for this address go out of port 2.
//! let flow = Message::FlowMod(FlowMod {
//!     priority: 100,
//!     match_: Match::new().with(OxmField::EthDst, MacAddr([0x52, 0x54, 0, 0, 0, 0x0a])),
//!     instructions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(2))])],
//!     ..FlowMod::add()
//! });
//! let mut out = Vec::new();
//! flow.encode(Xid(7), &mut out)?;
//!
//! // The other side.
//! let mut buffer = BytesMut::from(&out[..]);
//! let frame = Framer::new().next(&mut buffer)?.expect("the message is whole");
//! assert_eq!(Message::decode(frame)?, (Xid(7), flow));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What can be relied on
//!
//! - Every message of OpenFlow 1.3.5, in both directions, and the extensions of the ONF and of Open
//!   vSwitch that are in use over it, are types. What this crate does not know (a message, an
//!   experimenter, an action, a match field, a number) becomes a value that keeps its bytes.
//! - A message that was accepted encodes to the bytes that it came from, but for padding, which is
//!   written as zero. Where the bytes could say a thing in two ways, the value says which.
//! - Numbers are not judged: a match without its prerequisites is the switch's to refuse. Lengths
//!   are: one that does not fit what it is the length of, missing bytes and left-over bytes are a
//!   [`DecodeError`], which names message, structure, field and offset, and gives the OpenFlow
//!   error for the peer.
//! - No input makes it panic, allocate more than some twenty times the length of the message, or take
//!   more than time in proportion to it.
//! - Payloads are slices of the received buffer. Encoding into a buffer with room does not
//!   allocate.
//!
//! # Where to look
//!
//! [`Message`] is the list of messages; multiparts are in [`MultipartRequestBody`] and
//! [`MultipartReplyBody`], the messages of Open vSwitch in [`NxMessage`]. [`OxmField`] is the list of
//! match fields, [`Action`] and [`Instruction`] of what can be done with a packet. `Display` of
//! [`Match`], [`Action`], [`Instructions`] and [`FlowMod`] is the syntax of `ovs-ofctl`. Sections (§)
//! are those of the OpenFlow 1.3.5 specification; names in C are in the text of every item, so that a
//! search for them ends there.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod action;
mod codec;
mod display;
mod error;
pub mod experimenter;
mod fixed_str;
mod flow_match;
mod frame;
mod header;
mod instruction;
mod mac;
mod macros;
mod message;
mod msg;
mod multipart;
mod nx;
mod oxm;
mod property;
mod types;

pub use action::{
    Action, Bundle, Conntrack, ControllerProperty, CtFlags, CtZone, EncapProperty, HashFields,
    Learn, LearnDestination, LearnFlags, LearnLimit, LearnSource, LearnSpec, LinkAlgorithm,
    MemberAlgorithm, Multipath, Nat, NatFlags, Sample, SampleDirection, SampleOutput, Subfield,
};
pub use error::{DecodeError, EncodeError, ExpectedLength, Problem};
pub use fixed_str::{FixedStr, PortName};
pub use flow_match::Match;
pub use frame::{FrameError, Framer};
pub use header::{Header, MessageType, VERSION};
pub use instruction::{Instruction, Instructions};
pub use mac::{MacAddr, ParseMacError};
pub use message::Message;
pub use msg::*;
pub use multipart::*;
pub use nx::*;
pub use oxm::{
    MatchEntry, OFPVID_NONE, OFPVID_PRESENT, Oxm, OxmClass, OxmField, OxmId, Prerequisite, RawOxm,
};
pub use property::RawProperty;
pub use types::{
    BufferId, Cookie, DatapathId, GroupId, MeterId, ParseDatapathIdError, PortNo, QueueId, TableId,
    Xid,
};
