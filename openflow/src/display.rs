//! What several types need to be written in the syntax of `ovs-ofctl`.

use std::fmt;

/// The elements with commas between them.
pub(crate) struct Separated<'a, T>(pub(crate) &'a [T]);

impl<T: fmt::Display> fmt::Display for Separated<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, element) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { "," };
            write!(f, "{comma}{element}")?;
        }
        Ok(())
    }
}
