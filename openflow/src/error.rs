//! What can be wrong with bytes, and with a message that is to become bytes.

use crate::header::MessageType;
use crate::msg::ErrorCode;
use crate::oxm::OxmField;

/// Bytes that are not an OpenFlow 1.3 message.
///
/// Says where and what, for the log, and which OpenFlow error the peer should get for it.
///
/// ```
/// use bytes::Bytes;
/// use openflow::{ErrorCode, Message};
/// // A FLOW_MOD that ends after its header.
/// let error = Message::decode(Bytes::from_static(&[4, 14, 0, 8, 0, 0, 0, 1])).unwrap_err();
/// assert_eq!(error.to_string(), "FlowMod: ofp_flow_mod at offset 8: fixed part needs 40 bytes, 0 are left");
/// assert_eq!(error.error_code(), ErrorCode::OFPBRC_BAD_LEN);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{structure} at offset {offset}: {field} {problem}", in_message(.message))]
pub struct DecodeError {
    pub(crate) message: Option<MessageType>,
    pub(crate) structure: &'static str,
    pub(crate) field: &'static str,
    pub(crate) offset: usize,
    pub(crate) problem: Problem,
    pub(crate) error_code: ErrorCode,
}

fn in_message(message: &Option<MessageType>) -> String {
    message.map_or_else(String::new, |kind| format!("{kind:?}: "))
}

impl DecodeError {
    /// The message that the bytes were to be, where its header is well-formed.
    pub fn message(&self) -> Option<MessageType> {
        self.message
    }

    /// The same in a message of this kind; the innermost message stays.
    #[cold]
    pub(crate) fn in_message(self, kind: MessageType) -> Self {
        Self {
            message: self.message.or(Some(kind)),
            ..self
        }
    }

    /// The structure, by its name in C.
    pub fn structure(&self) -> &'static str {
        self.structure
    }

    /// The field of the structure.
    pub fn field(&self) -> &'static str {
        self.field
    }

    /// Where the field is, in bytes from the start of what was given to decode.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong with it.
    pub fn problem(&self) -> Problem {
        self.problem
    }

    /// The OpenFlow error that the peer should be sent.
    pub fn error_code(&self) -> ErrorCode {
        self.error_code
    }
}

/// What is wrong with a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes end before the field does.
    #[error("needs {needed} bytes, {available} are left")]
    Truncated {
        /// How many bytes it takes.
        needed: usize,
        /// How many there are.
        available: usize,
    },
    /// A length that its structure can not have.
    #[error("is {found}, expected {expected}")]
    BadLength {
        /// The length.
        found: usize,
        /// What it may be.
        expected: ExpectedLength,
    },
    /// Bytes are left where the structure has ended.
    #[error("leaves {left} bytes")]
    LeftOver {
        /// How many.
        left: usize,
    },
    /// A number that may not be here.
    #[error("is {found}, expected {expected}")]
    BadValue {
        /// The number.
        found: u32,
        /// What it may be.
        expected: &'static str,
    },
    /// Actions inside actions, or messages inside messages, deeper than any switch takes.
    #[error("is deeper than {limit}")]
    TooDeep {
        /// How deep they may be.
        limit: usize,
    },
}

/// Which lengths a structure can have, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpectedLength {
    /// This one.
    Exactly(usize),
    /// This one or more.
    AtLeast(usize),
    /// This one or less.
    AtMost(usize),
    /// A multiple of this.
    MultipleOf(usize),
}

impl std::fmt::Display for ExpectedLength {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(length) => write!(f, "{length}"),
            Self::AtLeast(length) => write!(f, "{length} or more"),
            Self::AtMost(length) => write!(f, "{length} or less"),
            Self::MultipleOf(length) => write!(f, "a multiple of {length}"),
        }
    }
}

/// A message that has no form on the wire.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A length that does not fit in its field, of a message most often.
    #[error("{structure} is {length} bytes long, at most {max} are possible")]
    TooLong {
        /// The structure, by its name in C.
        structure: &'static str,
        /// How long it would be.
        length: usize,
        /// How long it may be.
        max: usize,
    },
    /// A value or mask that does not fit in the bytes of its match field.
    #[error("{} is {} bytes long, {value:#x} does not fit", .field.c_name(), .field.byte_len())]
    ValueTooWide {
        /// The field.
        field: OxmField,
        /// The value or mask.
        value: u128,
    },
    /// Raw bytes that leave their structure at an odd length.
    #[error("{structure} is {length} bytes long, expected a multiple of {multiple}")]
    Misaligned {
        /// The structure, by its name in C.
        structure: &'static str,
        /// How long it would be.
        length: usize,
        /// What its length must be a multiple of.
        multiple: usize,
    },
    /// Two parts of a structure that contradict each other, or a part that can not be said.
    #[error("{structure}: {problem}")]
    Impossible {
        /// The structure, by its name in C.
        structure: &'static str,
        /// What is wrong.
        problem: &'static str,
    },
}
