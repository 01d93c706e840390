//! Text in fields of fixed size.

use std::borrow::Cow;
use std::fmt;

/// A text in `N` bytes, padded with NUL: port names, table names, descriptions.
///
/// All `N` bytes are kept, so that what a switch sends comes back unchanged; comparison with
/// `str` and `Display` stop at the first NUL. The text need not be UTF-8.
///
/// ```
/// use openflow::PortName;
/// let name = PortName::new("br0.local").unwrap();
/// assert_eq!(name, *"br0.local");
/// assert_eq!(name.to_string(), "br0.local");
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FixedStr<const N: usize>(pub [u8; N]);

/// The name of a port: at most 15 bytes and a NUL (`OFP_MAX_PORT_NAME_LEN`).
pub type PortName = FixedStr<16>;

impl<const N: usize> FixedStr<N> {
    /// `text`, or `None` where it does not leave room for the NUL at the end.
    pub fn new(text: &str) -> Option<Self> {
        let mut bytes = [0; N];
        let room = bytes.get_mut(..text.len()).filter(|_| text.len() < N)?;
        room.copy_from_slice(text.as_bytes());
        Some(Self(bytes))
    }

    /// The bytes before the first NUL.
    pub fn as_bytes(&self) -> &[u8] {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(N);
        &self.0[..end]
    }

    /// The text, with what is not UTF-8 replaced.
    pub fn to_str_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(self.as_bytes())
    }
}

impl<const N: usize> Default for FixedStr<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> fmt::Display for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.to_str_lossy())
    }
}

impl<const N: usize> fmt::Debug for FixedStr<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str_lossy(), f)
    }
}

impl<const N: usize> PartialEq<str> for FixedStr<N> {
    fn eq(&self, text: &str) -> bool {
        self.as_bytes() == text.as_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_leaves_room_for_the_final_nul() {
        assert_eq!(FixedStr::<4>::new("abc"), Some(FixedStr(*b"abc\0")));
        assert_eq!(FixedStr::<4>::new("abcd"), None);
    }

    #[test]
    fn a_full_field_without_nul_is_read_whole() {
        assert_eq!(FixedStr(*b"abcd").to_string(), "abcd");
        assert_eq!(FixedStr(*b"a\0cd"), *"a");
    }
}
