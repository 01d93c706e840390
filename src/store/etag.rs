//! Which version of a text one has seen.

use std::fmt;
use std::str::FromStr;

use uuid::Uuid;

/// The namespace of tags, which are UUIDs of texts.
const NAMESPACE: Uuid = Uuid::from_u128(0x6272_6964_6765_5c68_a169_6e00_6574_6167);

/// The tag of a text: the same for the same bytes. As an HTTP header it is in quotes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Etag(Uuid);

/// What a header says is no tag.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no entity tag; it is what ETag said, in quotes")]
pub struct EtagError(String);

/// Which text must be there for a change to be made (`If-Match`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Precondition {
    /// Any (`*`).
    Any,
    /// One of these.
    Is(Vec<Etag>),
}

impl Etag {
    /// The tag of a text.
    pub fn of(text: &[u8]) -> Self {
        Self(Uuid::new_v5(&NAMESPACE, text))
    }
}

impl fmt::Display for Etag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

impl FromStr for Etag {
    type Err = EtagError;

    fn from_str(text: &str) -> Result<Self, EtagError> {
        let inner = text
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let tag = inner.and_then(|text| Uuid::try_parse(text).ok());
        tag.map(Self).ok_or_else(|| EtagError(text.to_owned()))
    }
}

impl Precondition {
    /// Whether a text with this tag may be replaced.
    pub fn allows(&self, tag: Etag) -> bool {
        match self {
            Self::Any => true,
            Self::Is(tags) => tags.contains(&tag),
        }
    }
}

impl FromStr for Precondition {
    type Err = EtagError;

    /// Reads the value of `If-Match`. Tags that were never given out match nothing.
    fn from_str(text: &str) -> Result<Self, EtagError> {
        match text.trim() {
            "*" => Ok(Self::Any),
            tags => {
                let quoted =
                    |tag: &&str| tag.starts_with('"') && tag.ends_with('"') && tag.len() > 1;
                let mut known = Vec::new();
                for tag in tags.split(',').map(str::trim) {
                    match tag.parse() {
                        Ok(tag) => known.push(tag),
                        Err(_) if quoted(&tag) => {}
                        Err(error) => return Err(error),
                    }
                }
                Ok(Self::Is(known))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_that_of_the_bytes() {
        let tag = Etag::of(b"a");
        assert_eq!(tag, Etag::of(b"a"));
        assert_ne!(tag, Etag::of(b"b"));
        assert_eq!(tag.to_string().parse(), Ok(tag));
        assert!("a".parse::<Etag>().is_err());
    }

    #[test]
    fn a_precondition_is_a_list_of_tags_or_a_star() {
        let (a, b) = (Etag::of(b"a"), Etag::of(b"b"));
        let both: Precondition = format!("{a} , {b}").parse().unwrap();
        assert!(both.allows(a) && both.allows(b) && !both.allows(Etag::of(b"c")));
        let any: Precondition = " * ".parse().unwrap();
        assert!(any.allows(a));
        let other: Precondition = "\"somebody's\"".parse().unwrap();
        assert!(!other.allows(a));
        assert!("W/\"x\"".parse::<Precondition>().is_err());
        assert!("".parse::<Precondition>().is_err());
    }
}
