//! OpenFlow 1.3 codec.
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
