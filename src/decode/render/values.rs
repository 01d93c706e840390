//! Single values: numbers, addresses, texts, bytes.

use std::net::{Ipv4Addr, Ipv6Addr};

use bytes::Bytes;
use openflow::{
    BufferId, Cookie, DatapathId, FixedStr, GroupId, MacAddr, MeterId, PortNo, QueueId, TableId,
};

use super::writer::{Value, Writer};

macro_rules! plain_numbers {
    ($($type:ty),*) => {
        $(
            impl Value for $type {
                fn write(&self, out: &mut Writer) {
                    out.number(self, self);
                }
            }
        )*
    };
}
plain_numbers!(u8, u16, u32, u64);

/// Numbers with reserved values, or with a usual form, that people know by name.
macro_rules! shown_numbers {
    ($($type:ty),*) => {
        $(
            impl Value for $type {
                fn write(&self, out: &mut Writer) {
                    out.number(self.0, self);
                }
            }
        )*
    };
}
shown_numbers!(
    PortNo, GroupId, MeterId, TableId, QueueId, BufferId, Cookie, DatapathId
);

/// A number that people read in hexadecimal: a mask, an experimenter id, an ethertype.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hexadecimal<T>(pub(super) T);

impl<T: Into<u64> + Copy> Value for Hexadecimal<T> {
    fn write(&self, out: &mut Writer) {
        let number: u64 = self.0.into();
        out.number(number, format_args!("{number:#x}"));
    }
}

macro_rules! words {
    ($($type:ty),*) => {
        $(
            impl Value for $type {
                fn write(&self, out: &mut Writer) {
                    out.word(self);
                }
            }
        )*
    };
}
words!(MacAddr, Ipv4Addr, Ipv6Addr);

impl<const N: usize> Value for FixedStr<N> {
    fn write(&self, out: &mut Writer) {
        out.quoted(&self.to_str_lossy());
    }
}

impl Value for Bytes {
    fn write(&self, out: &mut Writer) {
        out.hex(self);
    }
}

/// A name that is known here: a constant of the specification without its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name(pub(super) &'static str);

impl Value for Name {
    fn write(&self, out: &mut Writer) {
        out.word(self.0);
    }
}
