//! In which line of a file something is configured.

use std::path::Path;

use super::read;
use super::tree::{self, Node, NodeId, Tree, Value};
use crate::compile::Origin;

/// Where things stand in a file that was read before and found good.
#[derive(Debug)]
pub struct Lines {
    file: String,
    tree: Tree,
}

impl Lines {
    /// Those of the file at `path`; `None` where it can not be read any more.
    pub fn load(path: &Path) -> Option<Self> {
        let text = String::from_utf8(read(path).ok()?).ok()?;
        Self::of(&path.display().to_string(), &text)
    }

    /// Those of a text, which is in `file`.
    pub fn of(file: &str, text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        Some(Self {
            file: file.to_owned(),
            tree: tree::read(text).ok()?,
        })
    }

    /// What `line` is called: `FILE:LINE`.
    pub fn place(&self, line: usize) -> String {
        format!("{}:{line}", self.file)
    }

    /// The line of what a flow comes from, on the host called `host`.
    pub fn line(&self, host: &str, origin: &Origin) -> Option<usize> {
        let tree = &self.tree;
        let key = |path: &[&str]| tree.entry(path).map(|(key, _)| key.id());
        let at = match origin {
            Origin::Network(name) => key(&["networks", name]),
            Origin::Chain(name) => key(&["service_chains", name]),
            Origin::Function { chain, name } => {
                let functions = tree.entry(&["service_chains", chain, "functions"]);
                let mut functions = functions.and_then(|(_, list)| list.items())?;
                functions.find_map(|it| is(it, "name", name).then_some(it.id()))
            }
            Origin::Vnic { vm, port, mac } => {
                let nics = tree.entry(&["vms", vm, "nics"])?.1;
                let by_port = nics.items()?.find(|nic| is(*nic, "port", port));
                let by_mac = || {
                    let mac = (*mac)?;
                    let has_it = |nic: &Node<'_>| {
                        let own = value(*nic, "mac");
                        let own = own.map(|own| own.replace('-', ":").parse());
                        own == Some(Ok(mac))
                    };
                    nics.items()?.find(has_it)
                };
                by_port.or_else(by_mac).map(Node::id)
            }
            Origin::Uplink(name) => {
                let uplinks = tree.entry(&["hosts", host, "uplinks"])?.1;
                let mut names = uplinks.items()?;
                let it = names.find(|it| *it.value() == Value::Text(name.clone()));
                it.map(Node::id)
            }
        };
        at.map(|at| self.line_of(at))
    }

    /// The line of the host itself.
    pub fn host(&self, host: &str) -> Option<usize> {
        let (key, _) = self.tree.entry(&["hosts", host])?;
        Some(self.line_of(key.id()))
    }

    fn line_of(&self, at: NodeId) -> usize {
        self.tree.position(at).line
    }
}

/// The text behind `key`.
fn value<'t>(node: Node<'t>, key: &str) -> Option<&'t str> {
    let mut entries = node.entries()?;
    let is_key = |node: &Node<'_>| matches!(node.value(), Value::Text(text) if text == key);
    match entries.find(|(own, _)| is_key(own))?.1.value() {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn is(node: Node<'_>, key: &str, text: &str) -> bool {
    value(node, key) == Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
networks:
  a: { vlan: 1 }
hosts:
  node1:
    bridges: { local: l, service: s, uplink: u }
    uplinks:
      - eth1
      - eth2
vms:
  VM-A:
    host: node1
    nics:
      - port: vma0
        network: a
      - { port: vma1, mac: 52-54-00-00-00-01, network: a }
service_chains:
  c:
    networks: [a]
    functions:
      - name: ids
        mode: tap
        instances: [{ host: node1, port: ids0 }]
      - mode: tap
        name: far
        instances: [{ host: node1, port: far0 }]
";

    #[test]
    fn everything_has_its_line() {
        let lines = Lines::of("lab.yaml", TEXT).expect("YAML");
        let text = str::to_owned;
        let vnic = |port: &str, mac: Option<&str>| Origin::Vnic {
            vm: text("VM-A"),
            port: text(port),
            mac: mac.map(|mac| mac.parse().expect("an address")),
        };
        let function = |name: &str| Origin::Function {
            chain: text("c"),
            name: text(name),
        };
        for (origin, line) in [
            (Origin::Network(text("a")), 2),
            (Origin::Uplink(text("eth2")), 8),
            (vnic("vma0", None), 13),
            (vnic("vma1", None), 15),
            (vnic("tap17", Some("52:54:00:00:00:01")), 15),
            (Origin::Chain(text("c")), 17),
            (function("ids"), 20),
            (function("far"), 23),
        ] {
            assert_eq!(lines.line("node1", &origin), Some(line), "{origin:?}");
        }
        assert_eq!(lines.line("node1", &Origin::Network(text("b"))), None);
        assert_eq!(lines.line("node2", &Origin::Uplink(text("eth2"))), None);
        assert_eq!(lines.host("node1"), Some(4));
        assert_eq!(lines.place(4), "lab.yaml:4");
    }
}
