//! Ethernet addresses.

use std::fmt;
use std::str::FromStr;

/// A 48-bit Ethernet address, in wire order.
///
/// ```
/// use openflow::MacAddr;
/// let mac: MacAddr = "52:54:00:00:00:0a".parse()?;
/// assert_eq!(mac.to_u64(), 0x5254_0000_000a);
/// assert_eq!(mac.to_string(), "52:54:00:00:00:0a");
/// assert!(MacAddr::BROADCAST.is_multicast());
/// # Ok::<(), openflow::ParseMacError>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// `ff:ff:ff:ff:ff:ff`.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether the group bit is set; true of the broadcast address too.
    pub const fn is_multicast(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// The address read as a big-endian number.
    pub const fn to_u64(self) -> u64 {
        let [a, b, c, d, e, f] = self.0;
        u64::from_be_bytes([0, 0, a, b, c, d, e, f])
    }

    /// The address whose big-endian number is in the low 48 bits; the others are ignored.
    pub const fn from_u64(number: u64) -> Self {
        let [_, _, a, b, c, d, e, f] = number.to_be_bytes();
        Self([a, b, c, d, e, f])
    }
}

impl fmt::Display for MacAddr {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(out, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MacAddr({self})")
    }
}

impl From<[u8; 6]> for MacAddr {
    fn from(bytes: [u8; 6]) -> Self {
        Self(bytes)
    }
}

/// Why a text is not an Ethernet address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseMacError {
    /// Not six parts between colons.
    #[error("a MAC address has 6 parts between colons, this has {found}")]
    Parts {
        /// How many parts there are.
        found: usize,
    },
    /// A part is not two hex digits.
    #[error("{part:?} is not two hex digits")]
    Digits {
        /// The part.
        part: String,
    },
}

impl FromStr for MacAddr {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = text.split(':').count();
        if found != 6 {
            return Err(ParseMacError::Parts { found });
        }
        let mut bytes = [0; 6];
        for (byte, part) in bytes.iter_mut().zip(text.split(':')) {
            let well_formed = part.len() == 2 && part.bytes().all(|b| b.is_ascii_hexdigit());
            *byte = u8::from_str_radix(part, 16)
                .ok()
                .filter(|_| well_formed)
                .ok_or_else(|| ParseMacError::Digits {
                    part: part.to_owned(),
                })?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong_with_a_text() {
        assert_eq!(
            "52:54:00".parse::<MacAddr>(),
            Err(ParseMacError::Parts { found: 3 })
        );
        for part in ["5", "+1", "0g", "123", ""] {
            assert_eq!(
                format!("{part}:54:00:00:00:0a").parse::<MacAddr>(),
                Err(ParseMacError::Digits {
                    part: part.to_owned()
                })
            );
        }
    }

    #[test]
    fn numbers_and_addresses_convert_both_ways() {
        let mac = MacAddr([0x01, 0x23, 0x45, 0x67, 0x89, 0xab]);
        assert_eq!(mac.to_u64(), 0x0123_4567_89ab);
        assert_eq!(MacAddr::from_u64(0xffff_0123_4567_89ab), mac);
        assert!(mac.is_multicast());
        assert!(!MacAddr([0x52, 0x54, 0, 0, 0, 1]).is_multicast());
    }
}
