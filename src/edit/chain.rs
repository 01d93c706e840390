//! Service chains: functions and their instances.

use serde_yaml::{Mapping, Value};

use super::patch::{self, Op, Step};
use super::{Draft, EditError, senseless, unknown};
use crate::inventory;

/// Functions of a chain, or an instance of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The chain.
    pub chain: String,
    /// One of its functions; all of them where that is missing.
    pub function: Option<String>,
    /// An instance of the function, by one of its ports.
    pub instance: Option<String>,
    /// The host of the instance, which is needed where several have a port of this name.
    pub host: Option<String>,
}

/// An instance of a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// Its host.
    pub host: String,
    /// Where it is plugged in.
    pub ports: Ports,
    /// Whether it gets frames.
    pub enabled: bool,
}

/// The ports of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ports {
    /// Of a tap.
    Tap(String),
    /// Of an inline function.
    Inline {
        /// The leg that faces the VMs.
        ingress: String,
        /// The leg that faces the uplink; without one it waits for it, drained.
        egress: Option<String>,
    },
}

pub(super) fn set_enabled(
    draft: Draft<'_>,
    target: &Target,
    enabled: bool,
) -> Result<String, EditError> {
    if target.instance.is_some() && enabled {
        let (chain, index, at) = locate(&draft, target)?;
        let function = &find_chain(&draft, chain)?.functions[index];
        let (name, instance) = (&function.name, &function.instances[at]);
        if instance.waits() {
            return Err(senseless(format_args!(
                "the instance {:?} of {chain}/{name} has no egress leg yet, and stays drained until \
                 it has one: `bridgechain acli vm.nic_create {name} type=kNetworkFunctionNic \
                 network_function_nic_type=kEgress network_function={chain}/{name}`",
                instance.label(),
            )));
        }
    }
    put_enabled(draft, target, enabled)
}

fn put_enabled(mut draft: Draft<'_>, target: &Target, enabled: bool) -> Result<String, EditError> {
    for (path, after) in places(&draft, target)? {
        let old = patch::value(&draft.text, &patch::key(&path, "enabled"));
        let old = old.and_then(|value| value.as_bool());
        if old.unwrap_or(true) == enabled {
            continue;
        }
        // The default is not written, unless there is a comment about it.
        if enabled && !patch::has_comment(&draft.text, &path, "enabled") {
            let op = Op::Unset {
                key: "enabled",
                keep_comment: true,
            };
            draft.patch(&path, &op)?;
        } else {
            let op = Op::Set {
                key: "enabled",
                value: &enabled.into(),
                after,
                depth: 0,
            };
            draft.patch(&path, &op)?;
        }
    }
    Ok(draft.text)
}

pub(super) fn create_instance(
    mut draft: Draft<'_>,
    chain: &str,
    function: &str,
    instance: &Instance,
) -> Result<String, EditError> {
    draft.host(&instance.host)?;
    let known = find_chain(&draft, chain)?;
    let index = find_function(chain, known, function)?;
    let mut value = Mapping::new();
    value.insert("host".into(), instance.host.as_str().into());
    match (&instance.ports, &*known.functions[index].mode) {
        (Ports::Tap(port), "tap") => {
            value.insert("port".into(), port.as_str().into());
        }
        (Ports::Inline { ingress, egress }, "inline") => {
            value.insert("ingress".into(), ingress.as_str().into());
            if let Some(egress) = egress {
                value.insert("egress".into(), egress.as_str().into());
            }
        }
        (Ports::Tap(_), _) => {
            return Err(senseless(format_args!(
                "{function:?} is an inline function: an instance has an ingress and an egress leg"
            )));
        }
        (Ports::Inline { .. }, _) => {
            return Err(senseless(format_args!(
                "{function:?} is a tap: an instance has one port, which gets copies"
            )));
        }
    }
    if !instance.enabled {
        value.insert("enabled".into(), false.into());
    }
    let path = instances(chain, index);
    let value = Value::from(value);
    draft.patch(&path, &Op::Append { value: &value })?;
    Ok(draft.text)
}

pub(super) fn delete_instance(mut draft: Draft<'_>, target: &Target) -> Result<String, EditError> {
    let (chain, index, at) = locate(&draft, target)?;
    let function = &find_chain(&draft, chain)?.functions[index];
    if function.instances.len() == 1 {
        return Err(senseless(format_args!(
            "{:?} is the only instance of {chain}/{}, and a function has at least one; to let frames \
             pass without it: `bridgechain chain disable {chain} {}`",
            function.instances[at].label(),
            function.name,
            function.name,
        )));
    }
    refuse_to_stop_frames(chain, function, at)?;
    draft.patch(&instances(chain, index), &Op::Remove { index: at })?;
    Ok(draft.text)
}

pub(super) fn set_egress(
    mut draft: Draft<'_>,
    target: &Target,
    egress: &str,
) -> Result<String, EditError> {
    for (path, _) in places(&draft, target)? {
        let op = Op::Set {
            key: "egress",
            value: &egress.into(),
            after: Some("ingress"),
            depth: 0,
        };
        draft.patch(&path, &op)?;
    }
    put_enabled(draft, target, true)
}

pub(super) fn unset_egress(mut draft: Draft<'_>, target: &Target) -> Result<String, EditError> {
    let (chain, index, at) = locate(&draft, target)?;
    let function = &find_chain(&draft, chain)?.functions[index];
    refuse_to_stop_frames(chain, function, at)?;
    let op = Op::Unset {
        key: "egress",
        keep_comment: false,
    };
    draft.patch(&patch::item(&instances(chain, index), at), &op)?;
    put_enabled(draft, target, false)
}

/// Fails where frames pass an instance now, and would stop without it.
fn refuse_to_stop_frames(
    chain: &str,
    function: &inventory::Function,
    at: usize,
) -> Result<(), EditError> {
    let own = &function.instances[at];
    let stops = function.mode == "inline"
        && function.enabled
        && !function.shadow
        && function.failure_policy.as_deref() != Some("fail_open");
    let mut others = function.instances.iter().enumerate();
    let has_another = others.any(|(index, it)| index != at && it.host == own.host && it.enabled);
    if !stops || !own.enabled || has_another {
        return Ok(());
    }
    Err(senseless(format_args!(
        "{:?} is the last instance of {chain}/{} in service on {}, and frames would stop there \
         (fail_close); let them pass without it first: `bridgechain chain drain {chain} {}`",
        own.label(),
        function.name,
        own.host,
        function.name,
    )))
}

/// Where something stands in the file, with the key behind which a new one goes.
type Spot = (Vec<Step>, Option<&'static str>);

/// Where what is meant stands.
fn places(draft: &Draft<'_>, target: &Target) -> Result<Vec<Spot>, EditError> {
    let Target {
        chain, function, ..
    } = target;
    let known = find_chain(draft, chain)?;
    let path = patch::path(["service_chains", chain, "functions"]);
    let Some(function) = function else {
        let all = 0..known.functions.len();
        return Ok(all
            .map(|index| (patch::item(&path, index), Some("mode")))
            .collect());
    };
    if target.instance.is_some() {
        let (_, index, at) = locate(draft, target)?;
        return Ok(vec![(patch::item(&instances(chain, index), at), None)]);
    }
    let index = find_function(chain, known, function)?;
    Ok(vec![(patch::item(&path, index), Some("mode"))])
}

/// The chain of the instance that is meant, the index of its function, and its own.
fn locate<'t>(draft: &Draft<'_>, target: &'t Target) -> Result<(&'t str, usize, usize), EditError> {
    let Target {
        chain,
        function,
        instance,
        host,
    } = target;
    let (function, port) = (
        function.as_deref().unwrap_or_default(),
        instance.as_deref().unwrap_or_default(),
    );
    let known = find_chain(draft, chain)?;
    let index = find_function(chain, known, function)?;
    let all = &known.functions[index].instances;
    let is_meant = |it: &inventory::Instance| {
        it.has_port(port) && host.as_ref().is_none_or(|host| it.host == *host)
    };
    let meant = all.iter().enumerate().filter(|(_, it)| is_meant(it));
    let meant: Vec<(usize, &inventory::Instance)> = meant.collect();
    match &meant[..] {
        [] => {
            let ports: Vec<String> = all.iter().map(|it| it.label().to_owned()).collect();
            let what = format!("instance of {chain}/{function} with the port");
            Err(unknown(what, port, ports.iter(), "there are those with"))
        }
        [(at, _)] => Ok((chain, index, *at)),
        several => {
            let hosts: Vec<&str> = several.iter().map(|(_, it)| &*it.host).collect();
            Err(senseless(format_args!(
                "{chain}/{function} has an instance with the port {port:?} on each of {}; say on \
                 which host",
                hosts.join(", ")
            )))
        }
    }
}

fn instances(chain: &str, function: usize) -> Vec<Step> {
    let functions = patch::path(["service_chains", chain, "functions"]);
    patch::key(&patch::item(&functions, function), "instances")
}

fn find_chain<'i>(draft: &Draft<'i>, name: &str) -> Result<&'i inventory::Chain, EditError> {
    let chains = &draft.inventory.service_chains;
    chains
        .get(name)
        .ok_or_else(|| unknown("service chain", name, chains.keys(), "the chains are"))
}

fn find_function(chain: &str, known: &inventory::Chain, name: &str) -> Result<usize, EditError> {
    let found = known.functions.iter().position(|it| it.name == name);
    found.ok_or_else(|| {
        let names: Vec<String> = known.functions.iter().map(|it| it.name.clone()).collect();
        let what = format!("function of the chain {chain:?} called");
        unknown(what, name, names.iter(), "it has")
    })
}
