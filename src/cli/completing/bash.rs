//! What bash needs besides: it takes `:` and `=` for ends of words, which are in the middle of MAC
//! addresses and of the arguments of `acli`, and replaces only what is behind the last of them.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use clap_complete::engine::{self, CompletionCandidate};
use clap_complete::env::EnvCompleter;

use super::typed::{self, LINE};

/// In this variable bash hands over its `COMP_WORDBREAKS`.
const BREAKS: &str = "_BRIDGECHAIN_BREAKS";

/// The function that bash calls. It hands over the line rather than its words, which bash has
/// broken up.
const SCRIPT: &str = r#"_clap_complete_NAME() {
    local IFS=$'\n'
    COMPREPLY=( $( VAR=bash LINE="${COMP_LINE:0:COMP_POINT}" BREAKS="$COMP_WORDBREAKS" \
        "COMPLETER" -- NAME 2> /dev/null ) )
    if [[ "${COMPREPLY-}" =~ [=/:]$ ]]; then
        compopt -o nospace 2> /dev/null
    fi
}
if (( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404 )); then
    complete -o bashdefault -o nosort -F _clap_complete_NAME BIN
else
    complete -o bashdefault -F _clap_complete_NAME BIN
fi
"#;

/// Completion for bash.
pub(super) struct Bash;

impl EnvCompleter for Bash {
    fn name(&self) -> &'static str {
        "bash"
    }

    fn is(&self, name: &str) -> bool {
        name == "bash"
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        // In double quotes, where four characters have a meaning.
        let mut quoted = String::new();
        for c in completer.chars() {
            if "\\\"$`".contains(c) {
                quoted.push('\\');
            }
            quoted.push(c);
        }
        let script = SCRIPT
            .replace("NAME", name)
            .replace("BIN", bin)
            .replace("COMPLETER", &quoted)
            .replace("LINE=", &format!("{LINE}="))
            .replace("BREAKS=", &format!("{BREAKS}="))
            .replace("VAR=", &format!("{var}="));
        buf.write_all(script.as_bytes())
    }

    fn write_complete(
        &self,
        command: &mut clap::Command,
        _: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let words = typed::words();
        let breaks = env::var(BREAKS).unwrap_or_default();
        let word = words.last().cloned().unwrap_or_default();
        let last = words.len().saturating_sub(1);
        let words = words.into_iter().map(OsString::from).collect();
        // Where nothing can be said, nothing is.
        let found = engine::complete(command, words, last, current_dir).unwrap_or_default();
        let found = found.iter().map(CompletionCandidate::get_value);
        for candidate in found {
            let rest = behind_breaks(&candidate.to_string_lossy(), &word, &breaks);
            writeln!(buf, "{rest}")?;
        }
        Ok(())
    }
}

/// What is put in the place of the part of `word` that bash takes for the word: quoted, where it
/// needs to be.
fn behind_breaks(candidate: &str, word: &str, breaks: &str) -> String {
    let end = word.rfind(|c| ":=".contains(c) && breaks.contains(c));
    let known = end.map_or("", |end| &word[..=end]);
    let rest = candidate.strip_prefix(known).unwrap_or(candidate);
    let mut quoted = String::new();
    for c in rest.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !"-_./:=,@%+~".contains(c) {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_bash_does_not_replace_is_not_given_to_it_again() {
        let breaks = " \t\n\"'><=;|&(:";
        let behind = |word| behind_breaks("52:54:00:00:00:0a", word, breaks);
        assert_eq!(behind(""), "52:54:00:00:00:0a");
        assert_eq!(behind("52"), "52:54:00:00:00:0a");
        assert_eq!(behind("52:5"), "54:00:00:00:0a");
        assert_eq!(behind("52:54:"), "00:00:00:0a");
        let whole = behind_breaks("52:54:00:00:00:0a", "52:5", " ");
        assert_eq!(whole, "52:54:00:00:00:0a", "where : is no end of a word");
        assert_eq!(behind_breaks("--vm=VM 9", "--vm=V", breaks), "VM\\ 9");
    }
}
