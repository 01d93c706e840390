//! The secret that a client of the API over TCP has to know.

use std::fs;
use std::io;
use std::path::Path;

use axum::http::{HeaderMap, header};
use subtle::ConstantTimeEq;
use tracing::warn;

use crate::config;

/// A secret of the controller and its clients.
#[derive(Clone)]
pub struct Token(String);

/// Why a request is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stranger {
    /// It shows no token.
    Missing,
    /// It shows another one.
    Wrong,
}

/// The fewest characters of a token: too many to be tried out.
const SHORTEST: usize = 16;
/// The most that is read of its file.
const LONGEST: u64 = 4096;

/// A file that holds no token.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// It can not be read.
    #[error("cannot read the token from {path}: {error}")]
    Read {
        /// Which file.
        path: String,
        /// Why.
        error: io::Error,
    },
    /// It has something else in it.
    #[error(
        "{path} holds no token: expected one line of at least {SHORTEST} letters, digits or other \
         visible ASCII characters, such as `openssl rand -hex 32` gives"
    )]
    Unfit {
        /// Which file.
        path: String,
    },
}

impl Token {
    /// The token in the file at `path`. White space around it is no part of it.
    ///
    /// # Errors
    ///
    /// Where the file can not be read, or holds no token.
    pub fn read(path: &Path) -> Result<Self, TokenError> {
        let path_text = || path.display().to_string();
        let text = contents(path).map_err(|error| TokenError::Read {
            path: path_text(),
            error,
        })?;
        let token = text.trim();
        let is_fit = token.len() >= SHORTEST && token.bytes().all(|byte| byte.is_ascii_graphic());
        match is_fit {
            true => Ok(Self(token.to_owned())),
            false => Err(TokenError::Unfit { path: path_text() }),
        }
    }

    /// Warns where others than the owner and the group of the file at `path` may read it.
    pub(super) fn warn_if_exposed(path: &Path) {
        if config::is_exposed(path) {
            warn!(file = %path.display(), "everybody on this machine can read the token: chmod o-r");
        }
    }

    /// Lets a request in that shows this token (`Authorization: Bearer TOKEN`). How long that takes
    /// says nothing about it but its length.
    pub(super) fn admit(&self, headers: &HeaderMap) -> Result<(), Stranger> {
        let shown = headers.get(header::AUTHORIZATION);
        let shown = shown.and_then(|value| value.as_bytes().split_at_checked(7));
        match shown {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case(b"Bearer ") => {
                let is_it = bool::from(token.ct_eq(self.0.as_bytes()));
                is_it.then_some(()).ok_or(Stranger::Wrong)
            }
            _ => Err(Stranger::Missing),
        }
    }

    /// The header by which a client shows it.
    pub fn header(&self) -> String {
        format!("Authorization: Bearer {}", self.0)
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
    }
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(..)")
    }
}

fn contents(path: &Path) -> io::Result<String> {
    use io::Read;
    let mut text = String::new();
    fs::File::open(path)?
        .take(LONGEST)
        .read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "0123456789abcdef";

    fn read(text: &str) -> Result<Token, TokenError> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("token");
        fs::write(&path, text).unwrap();
        Token::read(&path)
    }

    #[test]
    fn a_token_is_one_line_that_can_not_be_guessed() {
        assert_eq!(read(&format!("{SECRET}\n")).unwrap().0, SECRET);
        for unfit in [
            "",
            "\n",
            "short",
            "0123456789 abcdef",
            "0123456789abcdef\nmore",
            "0123456789äbcdef",
        ] {
            let error = read(unfit).unwrap_err();
            assert!(matches!(error, TokenError::Unfit { .. }), "{unfit:?}");
        }
        let error = Token::read(Path::new("/nowhere/token")).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("cannot read the token from /nowhere/token: ")
        );
    }

    #[test]
    fn only_the_whole_token_is_let_in() {
        let token = read(SECRET).unwrap();
        let shows = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().unwrap());
            token.admit(&headers)
        };
        for right in ["Bearer", "bearer"] {
            assert_eq!(shows(&format!("{right} {SECRET}")), Ok(()));
        }
        for wrong in [
            "Bearer 0123456789abcdeF",
            "Bearer 0123456789abcde",
            "Bearer 0123456789abcdef0",
            "Bearer ",
        ] {
            assert_eq!(shows(wrong), Err(Stranger::Wrong), "{wrong}");
        }
        for none in ["Basic 0123456789abcdef", "Bear", SECRET] {
            assert_eq!(shows(none), Err(Stranger::Missing), "{none}");
        }
        assert_eq!(token.admit(&HeaderMap::new()), Err(Stranger::Missing));
        assert!(!format!("{token:?}").contains(SECRET));
    }
}
