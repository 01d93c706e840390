//! What several tests need: the corpus, and encoding without ceremony.

use std::path::Path;

use bytes::Bytes;
use openflow::{Message, Xid};

/// A message of the corpus.
pub(crate) struct Sample {
    /// File, and the command or hand that made the message.
    pub(crate) origin: String,
    /// The message.
    pub(crate) wire: Bytes,
}

/// All messages of `tests/corpus`: one a line in hex, after comment lines that say where the next
/// messages are from.
pub(crate) fn corpus() -> Vec<Sample> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<_> = std::fs::read_dir(directory)
        .expect("the corpus is there")
        .map(|entry| entry.expect("the directory can be read").path())
        .collect();
    files.sort();
    files.iter().flat_map(|file| samples(file)).collect()
}

fn samples(file: &Path) -> Vec<Sample> {
    let text = std::fs::read_to_string(file).expect("the file can be read");
    let name = file
        .file_name()
        .expect("it has a name")
        .to_string_lossy()
        .into_owned();
    let mut origin = String::new();
    let mut samples = Vec::new();
    for line in text.lines() {
        match line.strip_prefix('#') {
            Some(comment) => origin = format!("{name}:{comment}"),
            None if line.is_empty() => {}
            None => samples.push(Sample {
                origin: origin.clone(),
                wire: hex(line),
            }),
        }
    }
    samples
}

/// The bytes of hex digits, which may have blanks between them.
pub(crate) fn hex(text: &str) -> Bytes {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| {
            c.to_digit(16)
                .unwrap_or_else(|| panic!("{c:?} is no hex digit")) as u8
        })
        .collect();
    assert!(
        digits.len().is_multiple_of(2),
        "an odd number of hex digits: {text}"
    );
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// The message as bytes.
pub(crate) fn encode(xid: Xid, message: &Message) -> Bytes {
    let mut out = Vec::new();
    message
        .encode(xid, &mut out)
        .unwrap_or_else(|error| panic!("{error}: {message:?}"));
    out.into()
}

/// `wire` cut to its first `length` bytes, with a header that says so.
pub(crate) fn cut(wire: &[u8], length: usize) -> Bytes {
    let mut cut = wire[..length].to_vec();
    if let Some(field) = cut.get_mut(2..4) {
        field.copy_from_slice(&(length as u16).to_be_bytes());
    }
    cut.into()
}
