//! What messages look like: text for people, JSON for programs.
//!
//! Each structure lists its fields once, under the names of the specification; [`writer`] knows
//! both looks. `docs/decode.md` describes the JSON.

mod action;
mod control;
mod extension;
mod flow;
mod flow_match;
mod flow_monitor;
mod group;
mod instruction;
mod message;
mod multipart;
mod names;
mod nicira_action;
mod port;
mod statistics;
mod table_features;
mod values;
mod writer;

pub(super) use message::Whole;
pub(super) use writer::{Fields, Hex, Record, Style, Writer};
