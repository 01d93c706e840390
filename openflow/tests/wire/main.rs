//! The codec against the wire: vectors, messages of other implementations, generated messages,
//! malformed bytes, and other programs as judges.

mod common;
mod corpus;
mod lengths;
mod malformed;
mod nesting;
mod oracle;
mod roundtrip;
mod strategies;
