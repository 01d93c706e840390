//! Collects what the checks find, so that one run reports everything.

use super::diagnostic::{Diagnostic, Excerpt, Place, Severity};
use super::tree::{NodeId, Tree};

/// Mistakes and warnings found so far, by node.
#[derive(Debug)]
pub(super) struct Report<'t> {
    tree: &'t Tree,
    findings: Vec<(Severity, NodeId, String)>,
}

impl<'t> Report<'t> {
    /// Nothing found so far in `tree`.
    pub(super) fn new(tree: &'t Tree) -> Self {
        Self {
            tree,
            findings: Vec::new(),
        }
    }

    /// The file is to be refused for what stands at `at`.
    pub(super) fn mistake(&mut self, at: NodeId, message: impl Into<String>) {
        self.findings.push((Severity::Mistake, at, message.into()));
    }

    /// What stands at `at` is allowed, but probably not what was meant.
    pub(super) fn warning(&mut self, at: NodeId, message: impl Into<String>) {
        self.findings.push((Severity::Warning, at, message.into()));
    }

    /// Whether the file is to be refused.
    pub(super) fn has_mistakes(&self) -> bool {
        self.findings
            .iter()
            .any(|(severity, ..)| *severity == Severity::Mistake)
    }

    /// The line that a node stands on, from 1; for "already in line 7".
    pub(super) fn line(&self, at: NodeId) -> usize {
        self.tree.position(at).line
    }

    /// Everything found, in the order of the file. `text` is what the tree was read from.
    pub(super) fn into_diagnostics(self, file: &str, text: &str) -> Vec<Diagnostic> {
        let tree = self.tree;
        let lines: Vec<&str> = lines(text).collect();
        let mut diagnostics: Vec<Diagnostic> = self
            .findings
            .into_iter()
            .map(|(severity, at, message)| {
                let position = tree.position(at);
                let line = position
                    .line
                    .checked_sub(1)
                    .and_then(|index| lines.get(index));
                Diagnostic {
                    severity,
                    file: file.to_owned(),
                    place: Some(Place {
                        line: position.line,
                        column: position.column,
                        path: tree.path(at),
                        excerpt: Excerpt::new(line.unwrap_or(&""), position.column, position.width),
                    }),
                    message,
                }
            })
            .collect();
        diagnostics.sort_by_key(|found| found.place.as_ref().map(|at| (at.line, at.column)));
        diagnostics
    }
}

/// The lines of `text` as YAML counts them: ended by LF, CR LF or CR.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n')
        .flat_map(|line| line.strip_suffix('\r').unwrap_or(line).split('\r'))
}
