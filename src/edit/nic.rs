//! vNICs.

use openflow::MacAddr;
use serde_yaml::{Mapping, Value};

use super::patch::{self, Op, Step};
use super::{Draft, EditError, senseless, unknown};
use crate::inventory::{FoundBy, Nic, Vm};
use crate::topology::{Attachment, Permission, Promiscuous};

/// What becomes of a setting that a vNIC may have or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It gets this value.
    Set(T),
    /// It has none any more.
    Unset,
}

/// How the OVS interface of a vNIC is told from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plug {
    /// By its name.
    Port(String),
    /// By what the OVS database says about it.
    Match(FoundBy),
    /// By the address that is pinned to the vNIC, which the OVS database has too.
    Mac,
}

/// How a vNIC is a member of networks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VlanMode {
    /// Of one, untagged.
    Access,
    /// Of several, tagged.
    Trunked,
}

/// Settings of a vNIC. Those that are not given have their defaults, or stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NicSettings {
    /// The OVS interface, of a vNIC that is there already.
    pub port: Option<String>,
    /// The address pinned to it.
    pub mac: Change<MacAddr>,
    /// Its network, by name, VLAN or UUID.
    pub network: Change<String>,
    /// `trunked` is also what it is if it has `trunked_networks`.
    pub vlan_mode: Option<VlanMode>,
    /// The networks that are tagged, likewise; all of them.
    pub trunked_networks: Option<Vec<String>>,
    /// Where it is plugged in.
    pub attachment: Option<Attachment>,
    /// What it sees.
    pub promiscuous: Option<Promiscuous>,
    /// Whether it may send from other addresses.
    pub forged_transmits: Option<Permission>,
    /// Whether frames to other addresses reach it.
    pub mac_changes: Option<Permission>,
    /// How many addresses may be learned at it.
    pub max_macs: Change<u32>,
    /// How many broadcast and multicast frames it may send per second.
    pub storm_limit: Change<u32>,
}

impl<T> Change<T> {
    /// The value behind it, given the one before.
    fn or(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Set(value) => Some(value),
            Self::Unset => None,
        }
    }
}

impl NicSettings {
    /// The mode that it has with these.
    fn mode(&self, before: VlanMode) -> VlanMode {
        let listed = self.trunked_networks.as_ref().map(|_| VlanMode::Trunked);
        self.vlan_mode.or(listed).unwrap_or(before)
    }

    /// The same with the names of the networks.
    fn with_names(&self, draft: &Draft<'_>) -> Result<Self, EditError> {
        let mut settings = self.clone();
        if let Change::Set(network) = &mut settings.network {
            *network = draft.network(network)?;
        }
        for network in settings.trunked_networks.iter_mut().flatten() {
            *network = draft.network(network)?;
        }
        Ok(settings)
    }

    /// Fails where they do not fit together on a vNIC that is like `before`.
    fn check(&self, draft: &Draft<'_>, before: &Nic) -> Result<(), EditError> {
        let trunked = self.trunked_networks.as_ref();
        for network in trunked.into_iter().flatten() {
            let untagged = draft.inventory.networks.get(network);
            if untagged.is_some_and(|network| network.vlan == 0) {
                return Err(senseless(format_args!(
                    "{network:?} is the untagged network and can not be trunked; make it the vNIC's \
                     own network instead"
                )));
            }
        }
        let network = self.network.clone().or(before.network.clone());
        match self.mode(mode_of(before)) {
            VlanMode::Access if trunked.is_some() => Err(senseless(
                "an access vNIC has no trunked networks; make it a trunked one, or leave them out",
            )),
            VlanMode::Access if network.is_none() => Err(senseless(
                "an access vNIC needs a network: it is a member of just one",
            )),
            VlanMode::Trunked if trunked.is_some_and(Vec::is_empty) => Err(senseless(
                "a trunked vNIC needs at least one trunked network",
            )),
            VlanMode::Trunked if trunked.is_none() && before.trunked_networks.is_empty() => Err(
                senseless("a trunked vNIC needs trunked networks: those that are tagged"),
            ),
            _ => Ok(()),
        }
    }
}

pub(super) fn create(
    mut draft: Draft<'_>,
    vm: &str,
    plug: &Plug,
    settings: &NicSettings,
) -> Result<String, EditError> {
    let known = find_vm(&draft, vm)?;
    let blank = Nic::default();
    let settings = settings.with_names(&draft)?;
    settings.check(&draft, &blank)?;
    check_mac(&draft, settings.mac, None)?;
    let mut value = Mapping::new();
    match plug {
        Plug::Port(port) => {
            check_port(&draft, port, &known.hosts)?;
            value.insert("port".into(), port.as_str().into());
        }
        Plug::Match(found_by) => {
            value.insert("match".into(), matching(found_by)?);
        }
        Plug::Mac if matches!(settings.mac, Change::Set(_)) => {}
        Plug::Mac => {
            return Err(senseless(
                "a vNIC needs a port, which is its OVS interface, or something that this is found by: \
                 a MAC address, or a match",
            ));
        }
    }
    for Wanted { key, new, default } in settings.wanted(&blank) {
        if let Some(new) = new
            && default.is_none_or(|default| new != default)
        {
            value.insert(key.into(), new);
        }
    }
    let value = Value::from(value);
    let owner = patch::path(["vms", vm]);
    let nics = patch::key(&owner, "nics");
    if patch::value(&draft.text, &nics).is_none() {
        draft.patch(&owner, &set("nics", &Value::Sequence(Vec::new())))?;
    }
    draft.patch(&nics, &Op::Append { value: &value })?;
    Ok(draft.text)
}

pub(super) fn update(
    mut draft: Draft<'_>,
    vm: &str,
    nic: &str,
    settings: &NicSettings,
) -> Result<String, EditError> {
    let (known, index) = find(&draft, vm, nic)?;
    let before = &known.nics[index];
    let settings = settings.with_names(&draft)?;
    settings.check(&draft, before)?;
    if let Some(port) = &settings.port
        && before.port.as_ref() != Some(port)
    {
        check_port(&draft, port, &known.hosts)?;
    }
    check_mac(&draft, settings.mac, Some((vm, index)))?;
    let at = patch::item(&patch::path(["vms", vm, "nics"]), index);
    for Wanted { key, new, default } in settings.wanted(before) {
        let own = patch::key(&at, key);
        match (patch::value(&draft.text, &own), new) {
            (old, new) if old == new => {}
            (None, Some(new)) if default.is_some_and(|default| new == default) => {}
            (Some(Value::Sequence(old)), Some(Value::Sequence(new))) => {
                set_list(&mut draft, &own, &old, &new)?;
            }
            // What has its default is not written, unless there is a comment about it.
            (Some(_), Some(new))
                if default.is_some_and(|default| new == default)
                    && !patch::has_comment(&draft.text, &at, key) =>
            {
                draft.patch(&at, &unset(key))?;
            }
            (_, Some(new)) => draft.patch(&at, &set(key, &new))?,
            (Some(_), None) => draft.patch(&at, &unset(key))?,
            (None, None) => {}
        }
    }
    Ok(draft.text)
}

pub(super) fn delete(mut draft: Draft<'_>, vm: &str, nic: &str) -> Result<String, EditError> {
    let (_, index) = find(&draft, vm, nic)?;
    draft.patch(&patch::path(["vms", vm, "nics"]), &Op::Remove { index })?;
    Ok(draft.text)
}

/// What an interface is found by, as it is written.
fn matching(found_by: &FoundBy) -> Result<Value, EditError> {
    let keys = [
        ("mac", &found_by.mac),
        ("iface_id", &found_by.iface_id),
        ("vm_id", &found_by.vm_id),
    ];
    let keys = keys
        .into_iter()
        .filter_map(|(key, value)| Some((key.into(), value.as_deref()?.into())));
    let keys: Mapping = keys.collect();
    match keys.is_empty() {
        true => Err(senseless(
            "a match without a MAC address, an iface_id or a vm_id finds any interface",
        )),
        false => Ok(keys.into()),
    }
}

/// A key of a vNIC, and what it is to be.
struct Wanted {
    key: &'static str,
    /// `None` where it is to be missing.
    new: Option<Value>,
    /// What it is where it is missing.
    default: Option<&'static str>,
}

impl NicSettings {
    /// The keys that are to be something else than on a vNIC that is like `before`, or may be.
    fn wanted(&self, before: &Nic) -> Vec<Wanted> {
        let mut all = Vec::new();
        let mut push = |key, new, default| all.push(Wanted { key, new, default });
        if let Some(port) = &self.port {
            push("port", Some(port.as_str().into()), None);
        }
        match self.mac {
            // However it is written.
            Change::Set(mac) if before.address() == Some(mac) => {}
            mac => optional(
                mac,
                |mac| mac.to_string().into(),
                |new| push("mac", new, None),
            ),
        }
        let network = self.network.clone();
        optional(network, Value::from, |new| push("network", new, None));
        if self.vlan_mode.is_some() || self.trunked_networks.is_some() {
            let mode = self.mode(mode_of(before));
            let word = match mode {
                VlanMode::Access => "access",
                VlanMode::Trunked => "trunked",
            };
            push("vlan_mode", Some(word.into()), Some("access"));
            match (&self.trunked_networks, mode) {
                (_, VlanMode::Access) => push("trunked_networks", None, None),
                (Some(networks), VlanMode::Trunked) => {
                    let networks = networks.iter().map(String::as_str).collect();
                    push("trunked_networks", Some(networks), None);
                }
                (None, VlanMode::Trunked) => {}
            }
        }
        let mut word = |key, word: Option<&'static str>, default| {
            if let Some(word) = word {
                push(key, Some(word.into()), Some(default));
            }
        };
        let attachment = self.attachment.map(|attachment| match attachment {
            Attachment::Normal => "normal",
            Attachment::Direct => "direct",
        });
        word("type", attachment, "normal");
        let promiscuous = self.promiscuous.map(|promiscuous| match promiscuous {
            Promiscuous::Bum => "bum",
            Promiscuous::Accept => "accept",
            Promiscuous::Reject => "reject",
        });
        word("promiscuous", promiscuous, "bum");
        let permission = |permission| match permission {
            Permission::Accept => "accept",
            Permission::Reject => "reject",
        };
        let forged = self.forged_transmits.map(permission);
        word("forged_transmits", forged, "accept");
        word("mac_changes", self.mac_changes.map(permission), "accept");
        optional(self.max_macs, Value::from, |new| {
            push("max_macs", new, None)
        });
        optional(self.storm_limit, Value::from, |new| {
            push("storm_limit", new, None)
        });
        all
    }
}

/// Hands on what a setting is to be, if it is to change.
fn optional<T>(change: Change<T>, value: impl Fn(T) -> Value, mut push: impl FnMut(Option<Value>)) {
    match change {
        Change::Keep => {}
        Change::Set(new) => push(Some(value(new))),
        Change::Unset => push(None),
    }
}

fn set<'o>(key: &'o str, value: &'o Value) -> Op<'o> {
    Op::Set {
        key,
        value,
        after: None,
        depth: 0,
    }
}

fn unset(key: &str) -> Op<'_> {
    Op::Unset {
        key,
        keep_comment: true,
    }
}

/// Makes a list have the same items as `new`, in whatever order.
fn set_list(
    draft: &mut Draft<'_>,
    path: &[Step],
    old: &[Value],
    new: &[Value],
) -> Result<(), EditError> {
    // First what comes, since a list in lines is never empty.
    for value in new.iter().filter(|value| !old.contains(value)) {
        draft.patch(path, &Op::Append { value })?;
    }
    for (index, value) in old.iter().enumerate().rev() {
        if !new.contains(value) {
            draft.patch(path, &Op::Remove { index })?;
        }
    }
    Ok(())
}

fn mode_of(nic: &Nic) -> VlanMode {
    match &*nic.vlan_mode {
        "trunked" => VlanMode::Trunked,
        _ => VlanMode::Access,
    }
}

fn find_vm<'i>(draft: &Draft<'i>, name: &str) -> Result<&'i Vm, EditError> {
    let vms = &draft.inventory.vms;
    vms.get(name)
        .ok_or_else(|| unknown("VM", name, vms.keys(), "the VMs are"))
}

/// A vNIC by its port, MAC address or UUID.
fn find<'i>(draft: &Draft<'i>, vm: &str, nic: &str) -> Result<(&'i Vm, usize), EditError> {
    let known = find_vm(draft, vm)?;
    match known.nic(vm, nic) {
        Some(index) => Ok((known, index)),
        None => {
            let names = known.nics.iter();
            let names: Vec<String> = names
                .flat_map(|nic| [Some(nic.label().to_owned()), nic.mac.clone()])
                .flatten()
                .collect();
            let what = format!("vNIC of {vm}");
            Err(unknown(what, nic, names.iter(), "it has"))
        }
    }
}

/// Fails where a port is taken on one of the hosts.
fn check_port(draft: &Draft<'_>, port: &str, hosts: &[String]) -> Result<(), EditError> {
    let taken = |place: String| {
        Err(EditError::Exists {
            what: "port",
            name: port.to_owned(),
            place: format!(" on that host: {place}"),
        })
    };
    for (name, vm) in &draft.inventory.vms {
        let shared = vm.hosts.iter().any(|host| hosts.contains(host));
        let mut ports = vm.nics.iter().map(|nic| nic.port.as_deref());
        if shared && let Some(index) = ports.position(|own| own == Some(port)) {
            return taken(format!("vms.{name}.nics[{index}]"));
        }
    }
    for (name, chain) in &draft.inventory.service_chains {
        for function in &chain.functions {
            let mut instances = function.instances.iter();
            if instances.any(|it| hosts.contains(&it.host) && it.has_port(port)) {
                return taken(format!(
                    "service_chains.{name}, function {:?}",
                    function.name
                ));
            }
        }
    }
    Ok(())
}

/// Fails where a MAC address belongs to another vNIC than that at `own`.
fn check_mac(
    draft: &Draft<'_>,
    mac: Change<MacAddr>,
    own: Option<(&str, usize)>,
) -> Result<(), EditError> {
    let Change::Set(mac) = mac else { return Ok(()) };
    for (name, vm) in &draft.inventory.vms {
        for (index, nic) in vm.nics.iter().enumerate() {
            if nic.address() == Some(mac) && own != Some((name, index)) {
                return Err(EditError::Exists {
                    what: "vNIC with the address",
                    name: mac.to_string(),
                    place: format!(": vms.{name}.nics[{index}]"),
                });
            }
        }
    }
    Ok(())
}
