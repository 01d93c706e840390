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
#[error(
    "{0:?} is no entity tag; expected what ETag said, in quotes, or several of these, or * alone"
)]
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

    /// Reads the value of `If-Match`; of several such headers, their values with commas between them.
    /// Tags that were never given out match nothing, and weak ones (`W/"x"`) are such.
    fn from_str(text: &str) -> Result<Self, EtagError> {
        if text.trim() == "*" {
            return Ok(Self::Any);
        }
        let mut tags = Vec::new();
        let mut seen = false;
        for tag in elements(text) {
            seen = true;
            let strong = tag.strip_prefix("W/").is_none();
            let opaque = tag.strip_prefix("W/").unwrap_or(tag);
            let inner = opaque.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
            if inner.is_none_or(|inner| inner.contains(['"', ' '])) {
                return Err(EtagError(tag.to_owned()));
            }
            if strong {
                tags.extend(tag.parse::<Etag>());
            }
        }
        match seen {
            true => Ok(Self::Is(tags)),
            false => Err(EtagError(text.to_owned())),
        }
    }
}

/// The elements of a list, of which some may be empty. A comma between quotes is part of one.
fn elements(list: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let elements = list.split(move |byte: char| {
        quoted ^= byte == '"';
        byte == ',' && !quoted
    });
    elements.map(str::trim).filter(|it| !it.is_empty())
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
        for wrong in [
            "",
            ",",
            "x",
            "\"x",
            "x\"",
            "*, \"x\"",
            "*, *",
            "w/\"x\"",
            "\"a\" \"b\"",
        ] {
            assert!(wrong.parse::<Precondition>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_list_may_have_gaps_and_commas_in_its_tags() {
        let (a, b) = (Etag::of(b"a"), Etag::of(b"b"));
        let list: Precondition = format!(", \"x,y\" ,,{a},{b}, ").parse().unwrap();
        assert_eq!(list, Precondition::Is(vec![a, b]));
    }

    #[test]
    fn a_weak_tag_matches_nothing() {
        let (a, b) = (Etag::of(b"a"), Etag::of(b"b"));
        let weak: Precondition = format!("W/{a}").parse().unwrap();
        assert!(!weak.allows(a));
        let both: Precondition = format!("W/{a}, {b}").parse().unwrap();
        assert!(!both.allows(a) && both.allows(b));
    }
}
