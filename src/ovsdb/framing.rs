//! JSON objects one after the other, without anything that says how long each is (RFC 7047,
//! section 4).

/// Cuts a stream of bytes into JSON objects. It counts braces and knows strings; whether an object is
/// good JSON is seen when it is read.
#[derive(Debug, Default)]
pub struct Framer {
    buffer: Vec<u8>,
    /// How much of the buffer was looked at.
    seen: usize,
    /// How many objects are open there.
    depth: usize,
    in_string: bool,
    /// The next byte of the string stands for itself.
    escaped: bool,
}

/// Why a stream can not be cut into objects.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Between objects stands something else.
    #[error("byte {0:#04x} where a JSON object should begin: is this an OVS database?")]
    NoObject(u8),
    /// An object is too long.
    #[error("a message is longer than {} MiB", Framer::LONGEST >> 20)]
    TooLong,
}

impl Framer {
    /// How long an object may be. The first answer has all interfaces, some hundred bytes for each.
    pub const LONGEST: usize = 64 << 20;

    /// Adds what was read.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole object, if there is one.
    ///
    /// # Errors
    ///
    /// There is none, and there can be none any more.
    pub fn take(&mut self) -> Result<Option<Vec<u8>>, FrameError> {
        if self.depth == 0 {
            let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
            let blanks = self.buffer.iter().take_while(blank).count();
            self.buffer.drain(..blanks);
        }
        while let Some(&byte) = self.buffer.get(self.seen) {
            self.seen += 1;
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_string => self.escaped = true,
                b'"' if self.depth > 0 => self.in_string = !self.in_string,
                _ if self.in_string => {}
                b'{' => self.depth += 1,
                other if self.depth == 0 => return Err(FrameError::NoObject(other)),
                b'}' => self.depth -= 1,
                _ => {}
            }
            if self.depth == 0 {
                let rest = self.buffer.split_off(self.seen);
                self.seen = 0;
                return Ok(Some(std::mem::replace(&mut self.buffer, rest)));
            }
            if self.seen >= Self::LONGEST {
                return Err(FrameError::TooLong);
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn all(framer: &mut Framer) -> Result<Vec<Value>, FrameError> {
        let mut values = Vec::new();
        while let Some(object) = framer.take()? {
            values.push(serde_json::from_slice(&object).expect("JSON"));
        }
        Ok(values)
    }

    #[test]
    fn only_objects_are_taken() {
        for (text, byte) in [
            ("[1]", b'['),
            ("x{}", b'x'),
            ("}", b'}'),
            ("\"{}\"", b'"'),
            ("\0", 0),
        ] {
            let mut framer = Framer::default();
            framer.extend(text.as_bytes());
            assert_eq!(framer.take(), Err(FrameError::NoObject(byte)), "{text}");
        }
    }

    #[test]
    fn an_object_without_an_end_is_given_up() {
        let mut framer = Framer::default();
        framer.extend(b"{\"a\":\"");
        let chunk = vec![b'x'; 1 << 20];
        for _ in 0..64 {
            assert_eq!(framer.take(), Ok(None));
            framer.extend(&chunk);
        }
        assert_eq!(framer.take(), Err(FrameError::TooLong));
    }

    proptest! {
        /// Wherever the stream is cut, and whatever is in the strings.
        #[test]
        fn objects_come_out_as_they_went_in(
            texts in proptest::collection::vec(".{0,8}|[{}\"\\\\]{0,8}", 0..6),
            cuts in proptest::collection::vec(1_usize..20, 0..50),
        ) {
            let objects: Vec<Value> = texts
                .iter()
                .map(|text| json!({ "text": text, text.as_str(): [{}, { "a": text }] }))
                .collect();
            let stream: String = objects.iter().map(|object| format!("{object}\n ")).collect();
            let (mut framer, mut out) = (Framer::default(), Vec::new());
            let mut rest = stream.as_bytes();
            for cut in cuts {
                let (chunk, after) = rest.split_at(cut.min(rest.len()));
                framer.extend(chunk);
                out.extend(all(&mut framer)?);
                rest = after;
            }
            framer.extend(rest);
            out.extend(all(&mut framer)?);
            prop_assert_eq!(out, objects);
        }

        #[test]
        fn no_bytes_make_it_panic(chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..30), 0..10)) {
            let mut framer = Framer::default();
            for chunk in chunks {
                framer.extend(&chunk);
                while let Ok(Some(_)) = framer.take() {}
            }
        }
    }
}
