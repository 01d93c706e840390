//! Names of what there is.

use std::ffi::OsStr;
use std::path::PathBuf;
use std::time::Duration;

use bridgechain::acli;
use bridgechain::config;
use bridgechain::inventory::{Chain, Function, Inventory};
use bridgechain::topology::{Controller, Endpoint};
use clap::ArgMatches;
use clap_complete::engine::{ArgValueCandidates, ArgValueCompleter, CompletionCandidate};

use super::super::client::Client;
use super::super::source::Source;
use super::typed;

/// How long the controller may take to answer: who types does not wait.
const PATIENCE: Duration = Duration::from_millis(500);

/// Names of networks.
pub(in super::super) fn networks() -> ArgValueCandidates {
    named(|known, _| {
        let all = known.networks.iter();
        all.map(|(name, network)| told(name, &format!("VLAN {}", network.vlan)))
            .collect()
    })
}

/// Names of VMs.
pub(in super::super) fn vms() -> ArgValueCandidates {
    named(|known, _| vms_of(known))
}

/// Names of hosts.
pub(in super::super) fn hosts() -> ArgValueCandidates {
    named(|known, _| known.hosts.keys().map(CompletionCandidate::new).collect())
}

/// MAC addresses and ports of the vNICs of the VM that is given already.
pub(in super::super) fn nics() -> ArgValueCandidates {
    named(|known, given| {
        let vm = text(given, "vm").and_then(|vm| known.vms.get(vm));
        let nics = vm.map(|vm| &vm.nics[..]).unwrap_or_default();
        let mac = |nic: &bridgechain::inventory::Nic| nic.address().map(|mac| mac.to_string());
        let macs = nics.iter().filter_map(|nic| {
            let port = nic.port.as_deref().unwrap_or_default();
            Some(told(&mac(nic)?, port))
        });
        let ports = nics.iter().filter_map(|nic| {
            let mac = mac(nic).unwrap_or_default();
            Some(told(nic.port.as_ref()?, &mac))
        });
        macs.chain(ports).collect()
    })
}

/// Names of service chains.
pub(in super::super) fn chains() -> ArgValueCandidates {
    named(|known, _| {
        let all = known.service_chains.iter();
        all.map(|(name, chain)| told(name, &chain.networks.join(", ")))
            .collect()
    })
}

/// Names of the functions of the chain that is given already.
pub(in super::super) fn functions() -> ArgValueCandidates {
    named(|known, given| {
        let functions = chain_of(known, given).map(|chain| &chain.functions[..]);
        let functions = functions.unwrap_or_default().iter();
        functions.map(|it| told(&it.name, &it.mode)).collect()
    })
}

/// Ports of the instances of the function that is given already.
pub(in super::super) fn instances() -> ArgValueCandidates {
    named(|known, given| {
        let is_it = |it: &&Function| Some(it.name.as_str()) == text(given, "function");
        let function = chain_of(known, given).and_then(|chain| chain.functions.iter().find(is_it));
        let instances = function.map(|it| &it.instances[..]).unwrap_or_default();
        let told = instances.iter().map(|it| told(it.label(), &it.host));
        told.collect()
    })
}

/// Who may send a frame that is traced.
pub(in super::super) fn senders() -> ArgValueCandidates {
    named(|known, _| and_words(vms_of(known), &["uplink", "host"]))
}

/// Who a frame that is traced may be sent to.
pub(in super::super) fn receivers() -> ArgValueCandidates {
    const WORDS: [&str; 5] = ["broadcast", "multicast", "unknown", "host", "outside"];
    named(|known, _| and_words(vms_of(known), &WORDS))
}

/// Words of AHV's `acli`, as its prompt completes them.
pub(in super::super) fn acli_words() -> ArgValueCompleter {
    ArgValueCompleter::new(|word: &OsStr| {
        let Some((word, given)) = word.to_str().zip(typed::given()) else {
            return Vec::new();
        };
        let before = given.try_get_many::<String>("command").ok().flatten();
        let before = before.into_iter().flatten();
        let mut line: String = before.map(|word| format!("{word} ")).collect();
        let start = line.len();
        line.push_str(word);
        let known = inventory(&given).unwrap_or_default();
        let (at, found) = acli::complete(&line, &known);
        let kept = &line[start.min(at)..at];
        let found = found.iter();
        found
            .map(|found| CompletionCandidate::new(format!("{kept}{}", found.trim_end())))
            .collect()
    })
}

fn named(
    names: impl Fn(&Inventory, &ArgMatches) -> Vec<CompletionCandidate> + Send + Sync + 'static,
) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let given = typed::given().unwrap_or_default();
        match inventory(&given) {
            Some(known) => names(&known, &given),
            None => Vec::new(),
        }
    })
}

/// What there is, by the file or the controller that the words name.
fn inventory(given: &ArgMatches) -> Option<Inventory> {
    let path = |id| given.try_get_one::<PathBuf>(id).ok().flatten();
    let text = match path("config") {
        Some(file) => String::from_utf8(config::read(file).ok()?).ok()?,
        None => {
            let client = match given.try_get_one::<Endpoint>("api").ok().flatten() {
                Some(api) => Client::at(api.clone(), path("api_token_file").map(PathBuf::as_path)),
                None => Client::of(&Controller::default()),
            };
            let source = Source::Api(client.ok()?.within(PATIENCE));
            source.see().ok()?.text
        }
    };
    Inventory::read(&text).ok()
}

fn vms_of(known: &Inventory) -> Vec<CompletionCandidate> {
    let all = known.vms.iter();
    all.map(|(name, vm)| told(name, &vm.hosts.join(", ")))
        .collect()
}

fn chain_of<'i>(known: &'i Inventory, given: &ArgMatches) -> Option<&'i Chain> {
    known.service_chains.get(text(given, "chain")?)
}

fn and_words(mut names: Vec<CompletionCandidate>, words: &[&str]) -> Vec<CompletionCandidate> {
    names.extend(words.iter().copied().map(CompletionCandidate::new));
    names
}

/// An argument that is given.
fn text<'m>(given: &'m ArgMatches, id: &str) -> Option<&'m str> {
    let text = given.try_get_one::<String>(id).ok().flatten();
    text.map(String::as_str)
}

/// A name with what shells show beside it.
fn told(name: &str, help: &str) -> CompletionCandidate {
    let help = (!help.is_empty()).then(|| help.to_owned().into());
    CompletionCandidate::new(name).help(help)
}
