//! Edits of a configuration in place: its comments, the order of its keys and all of its other lines
//! stay as they are.
//!
//! ```text
//! Edit --network, vm, nic, chain--> changes of single keys and items --patch--> text
//! ```
//!
//! An edit looks things up by name in an [`Inventory`], and says what is wrong where it makes no sense.
//! Whether the new text is a good configuration is for [`crate::config::parse`] to say, which knows all
//! the rules. What an edit takes out leaves no key behind that has its default, so that the edit in
//! the other direction mostly gives the old text back.
//!
//! The positions are those of `saphyr-parser`, which reads configurations as well. Of the crates that
//! patch YAML, `yamlpatch` was tried on paper first: it writes mappings in braces anew as a whole, which
//! loses quotes and spacing, and takes an entry out of one with its whole line, and vNICs are written in
//! braces here.

mod chain;
mod emit;
mod lines;
mod network;
mod nic;
mod patch;
mod spans;
mod vm;

use std::fmt;

use crate::config;
use crate::inventory::{Inventory, NoNetwork};

pub use chain::{Instance, Ports, Target};
pub use nic::{Change, NicSettings, Plug, VlanMode};

/// A change of a configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds a network.
    CreateNetwork {
        /// Its name.
        name: String,
        /// Its VLAN.
        vlan: u16,
        /// How many addresses may be learned in it.
        max_macs: Option<u32>,
    },
    /// Takes a network out that nobody uses.
    DeleteNetwork {
        /// Its name, VLAN or UUID.
        name: String,
    },
    /// Adds a VM without vNICs.
    CreateVm {
        /// Its name.
        name: String,
        /// Where it may run; on the only host there is where none is said.
        hosts: Vec<String>,
    },
    /// Takes a VM with all its vNICs out.
    DeleteVm {
        /// Its name.
        name: String,
    },
    /// Adds a vNIC.
    CreateNic {
        /// Of this VM.
        vm: String,
        /// How its OVS interface is told from others.
        plug: Plug,
        /// What it is like.
        settings: NicSettings,
    },
    /// Changes a vNIC.
    UpdateNic {
        /// Of this VM.
        vm: String,
        /// Its port, MAC address or UUID.
        nic: String,
        /// What is to be different.
        settings: NicSettings,
    },
    /// Takes a vNIC out.
    DeleteNic {
        /// Of this VM.
        vm: String,
        /// Its port, MAC address or UUID.
        nic: String,
    },
    /// Puts functions, or an instance of one, in the way of frames or out of it.
    SetEnabled {
        /// Which ones.
        target: Target,
        /// Whether frames reach them.
        enabled: bool,
    },
    /// Adds an instance to a function.
    CreateInstance {
        /// The chain.
        chain: String,
        /// Its function.
        function: String,
        /// Where it is plugged in.
        instance: Instance,
    },
    /// Takes an instance out of its function.
    DeleteInstance {
        /// The instance.
        target: Target,
    },
    /// Gives an instance of an inline function its egress leg, and enables it.
    SetEgress {
        /// The instance.
        target: Target,
        /// The OVS interface.
        egress: String,
    },
    /// Takes the egress leg of an instance of an inline function away, which drains it.
    UnsetEgress {
        /// The instance.
        target: Target,
    },
}

/// Why an edit is not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// There is nothing of this name.
    #[error("there is no {what} {name:?}{suggestion}")]
    Unknown {
        /// What kind of thing.
        what: String,
        /// The name.
        name: String,
        /// The nearest names, as the end of the sentence.
        suggestion: String,
    },
    /// No one network is meant.
    #[error(transparent)]
    Network(#[from] NoNetwork),
    /// There is something of this name already.
    #[error("there is already a {what} {name:?}{place}")]
    Exists {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// Where, as the end of the sentence.
        place: String,
    },
    /// Others need it.
    #[error("the {what} {name:?} is in use by {}; take it out there first", .by.join(", "))]
    InUse {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: String,
        /// Where it is used.
        by: Vec<String>,
    },
    /// It makes no sense.
    #[error("{0}")]
    Senseless(String),
    /// The text is written in a way that can not be edited without changing other things.
    #[error(
        "{path} is written in a way that can not be changed in place, such as with an alias; change \
         the file by hand"
    )]
    Unusual {
        /// Where.
        path: String,
    },
    /// The text is no configuration.
    #[error("the configuration can not be read: {0}")]
    Unreadable(String),
}

/// Makes an edit of the text of a good configuration: the new text, the same where nothing has to
/// change.
///
/// # Errors
///
/// What is wrong with the edit.
pub fn apply(text: &str, edit: &Edit) -> Result<String, EditError> {
    const MARK: char = '\u{feff}';
    let inner = text.strip_prefix(MARK).unwrap_or(text);
    let inventory =
        Inventory::read(inner).map_err(|error| EditError::Unreadable(error.to_string()))?;
    let draft = Draft {
        text: inner.to_owned(),
        inventory: &inventory,
    };
    let text_is_marked = inner.len() != text.len();
    let new = match edit {
        Edit::CreateNetwork {
            name,
            vlan,
            max_macs,
        } => network::create(draft, name, *vlan, *max_macs),
        Edit::DeleteNetwork { name } => network::delete(draft, name),
        Edit::CreateVm { name, hosts } => vm::create(draft, name, hosts),
        Edit::DeleteVm { name } => vm::delete(draft, name),
        Edit::CreateNic { vm, plug, settings } => nic::create(draft, vm, plug, settings),
        Edit::UpdateNic { vm, nic, settings } => nic::update(draft, vm, nic, settings),
        Edit::DeleteNic { vm, nic } => nic::delete(draft, vm, nic),
        Edit::SetEnabled { target, enabled } => chain::set_enabled(draft, target, *enabled),
        Edit::CreateInstance {
            chain,
            function,
            instance,
        } => chain::create_instance(draft, chain, function, instance),
        Edit::DeleteInstance { target } => chain::delete_instance(draft, target),
        Edit::SetEgress { target, egress } => chain::set_egress(draft, target, egress),
        Edit::UnsetEgress { target } => chain::unset_egress(draft, target),
    }?;
    Ok(match text_is_marked {
        true => format!("{MARK}{new}"),
        false => new,
    })
}

/// A text on its way to the new one, and what the old one says.
struct Draft<'i> {
    text: String,
    inventory: &'i Inventory,
}

impl Draft<'_> {
    fn patch(&mut self, path: &[patch::Step], op: &patch::Op<'_>) -> Result<(), EditError> {
        self.text = patch::apply(&self.text, path, op)?;
        Ok(())
    }

    /// Adds an entry to a section of the file, which is made if it is missing.
    fn add(
        &mut self,
        section: &str,
        name: &str,
        value: &serde_yaml::Value,
        depth: usize,
    ) -> Result<(), EditError> {
        let path = patch::path([section]);
        if patch::value(&self.text, &path).is_some() {
            let key = name;
            return self.patch(
                &path,
                &patch::Op::Set {
                    key,
                    value,
                    after: None,
                    depth,
                },
            );
        }
        let mut entries = serde_yaml::Mapping::new();
        entries.insert(name.into(), value.clone());
        self.patch(
            &[],
            &patch::Op::Set {
                key: section,
                value: &entries.into(),
                after: None,
                depth: depth + 1,
            },
        )
    }

    /// Takes an entry of a section out.
    fn drop(&mut self, section: &str, name: &str) -> Result<(), EditError> {
        let op = patch::Op::Unset {
            key: name,
            keep_comment: false,
        };
        self.patch(&patch::path([section]), &op)
    }

    /// The name of the network that is meant.
    fn network(&self, word: &str) -> Result<String, EditError> {
        Ok(self.inventory.find_network(word)?.to_owned())
    }

    /// Fails unless there is a host of this name.
    fn host(&self, name: &str) -> Result<(), EditError> {
        let hosts = &self.inventory.hosts;
        match hosts.contains_key(name) {
            true => Ok(()),
            false => Err(unknown("host", name, hosts.keys(), "the hosts are")),
        }
    }
}

/// There is nothing of this name, but maybe of a similar one.
fn unknown<'n>(
    what: impl Into<String>,
    name: &str,
    existing: impl Iterator<Item = &'n String>,
    introduction: &str,
) -> EditError {
    EditError::Unknown {
        what: what.into(),
        name: name.to_owned(),
        suggestion: config::suggestion(name, existing.map(String::as_str), introduction),
    }
}

fn senseless(message: impl fmt::Display) -> EditError {
    EditError::Senseless(message.to_string())
}
