//! Colours, on a terminal only.

use std::env;
use std::io::{self, IsTerminal};

/// How text is set off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// What is wrong.
    Red,
    /// What may be.
    Yellow,
    /// What is well.
    Green,
}

/// Whether text is coloured at all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    is_coloured: bool,
}

impl Style {
    /// Without colours.
    #[cfg(test)]
    pub(super) const PLAIN: Self = Self { is_coloured: false };

    /// For stdout: coloured where that is a terminal that can be, unless `NO_COLOR` is set
    /// (<https://no-color.org>).
    pub(super) fn stdout() -> Self {
        let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
        Self {
            is_coloured: io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb,
        }
    }

    /// `text` in a colour.
    pub(super) fn paint(self, colour: Colour, text: &str) -> String {
        let code = match colour {
            Colour::Red => "1;31",
            Colour::Yellow => "33",
            Colour::Green => "32",
        };
        match self.is_coloured {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// How many columns `text` takes on a terminal: colours take none.
pub(super) fn width(text: &str) -> usize {
    let mut width = 0;
    let mut is_escape = false;
    for c in text.chars() {
        match (is_escape, c) {
            (false, '\x1b') => is_escape = true,
            (false, _) => width += 1,
            (true, 'm') => is_escape = false,
            (true, _) => {}
        }
    }
    width
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_take_no_room() {
        let style = Style { is_coloured: true };
        let painted = style.paint(Colour::Red, "DOWN");
        assert_eq!(painted, "\x1b[1;31mDOWN\x1b[0m");
        assert_eq!(width(&painted), 4);
        assert_eq!(Style::PLAIN.paint(Colour::Red, "DOWN"), "DOWN");
    }
}
