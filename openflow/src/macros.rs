//! Declarative macros for the two kinds of number that OpenFlow is made of: number spaces with
//! reserved values, and short lists of named values.

/// A newtype over an integer, with named reserved values that `Debug` and `Display` print by name.
///
/// The text after `=>` is how `ovs-ofctl` writes the value.
macro_rules! number {
    (
        $(#[$meta:meta])*
        pub struct $name:ident($raw:ty);
        $( $(#[$const_meta:meta])* $constant:ident = $value:expr => $text:literal; )*
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub $raw);

        impl $name {
            $( $(#[$const_meta])* pub const $constant: Self = Self($value); )*
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                match *self {
                    $( Self::$constant => f.write_str($text), )*
                    Self(raw) => std::fmt::Display::fmt(&raw, f),
                }
            }
        }

        impl From<$raw> for $name {
            fn from(raw: $raw) -> Self {
                Self(raw)
            }
        }

        impl From<$name> for $raw {
            fn from(number: $name) -> Self {
                number.0
            }
        }
    };
}

/// An enum over an integer that keeps numbers it has no name for in `Unknown`.
///
/// Only `From<raw>` should make `Unknown`; it never does for a number that has a name.
macro_rules! wire_enum {
    (
        $(#[$meta:meta])*
        pub enum $name:ident($raw:ty) {
            $( $(#[$variant_meta:meta])* $variant:ident = $value:expr, )*
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A number without a name in this crate.
            Unknown($raw),
        }

        impl From<$raw> for $name {
            fn from(raw: $raw) -> Self {
                match raw {
                    $( $value => Self::$variant, )*
                    _ => Self::Unknown(raw),
                }
            }
        }

        impl From<$name> for $raw {
            fn from(named: $name) -> Self {
                match named {
                    $( $name::$variant => $value, )*
                    $name::Unknown(raw) => raw,
                }
            }
        }
    };
}

pub(crate) use number;
pub(crate) use wire_enum;
