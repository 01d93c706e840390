//! Edits of every example configuration: what is not edited stays as it is, byte for byte, and the
//! configuration says what it said before, and the edit.

use std::collections::BTreeSet;
use std::path::Path;

use bridgechain::config;
use bridgechain::edit::{
    self, Change, Edit, EditError, Instance, NicSettings, Plug, Ports, Target, VlanMode,
};
use bridgechain::inventory::{self, FoundBy, Inventory};
use bridgechain::topology::{Attachment, Permission, Promiscuous, Topology};
use proptest::prelude::*;
use proptest::sample::Index;

/// A configuration with a layout of its own, such as people make.
const ODD: &str = "\u{feff}---
# Häuser
networks:   # all of them

    a: { vlan: 10 }      # first

    'b c':
        vlan: 20         # second
    \"c\": {vlan: 30,max_macs: 5}
    native: {
      vlan: 0   # none
    }
hosts: {n1: {bridges: {local: l1, service: s1, uplink: u1}}, n2: {bridges: {local: l2, uplink: u2}}}
vms:
    x:   {host: n1, nics: [{port: x0, network: a}, {port: x1, mac: '52-54-00-00-00-01', network: \"c\"}]}
    y:
        host:
          - n1
          - n2
        nics:

        # the only one
        - port: y0      # its port

          # its networks
          network: \"a\"
          vlan_mode: trunked       # default: access
          trunked_networks:        # these
          - a                      # tagged

          - 'b c'
          # end of the list
    z:
        nics: []    # none yet
        host: n2
service_chains:
    c1:
        networks: [a]
        functions:
        - {name: f1, mode: tap, instances: [{host: n1, port: t0}, {host: n1, port: t1, enabled: false}]}
        -   name: f2
            mode: inline       # in the way
            enabled: false     # until Friday
            instances:
            -   {host: n1, ingress: i0, egress: e0}
            -   host: n1       # the other
                ingress: i1
                egress: e1
# the end
...
";

/// Ways to write a section that has nothing in it, with what may stand behind and below it.
const EMPTY: [&str; 9] = [
    "X:",
    "X: {}",
    "X: ~",
    "X: null   # none",
    "X: { }  # none",
    "X:   # none yet",
    "X:\n  # Y: { vlan: 9, host: h }\n\n    # and more",
    "X:\n  # inside\n# at the margin",
    "X:\n  ~   # below",
];

/// A configuration whose sections are empty, each in another way.
fn with_empty_sections(number: usize) -> String {
    let section = |name: &str, offset: usize| {
        let form = EMPTY[(number + offset) % EMPTY.len()];
        form.replacen('X', name, 1)
    };
    let (networks, vms) = (section("networks", 0), section("vms", 1));
    let chains = section("service_chains", 2);
    format!(
        "{networks}\nhosts: {{ h: {{ bridges: {{ local: l, uplink: u }} }} }}\n{vms}\n{chains}\n"
    )
}

fn configs() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs");
    let files = std::fs::read_dir(directory).unwrap();
    let paths = files.map(|file| file.unwrap().path());
    let mut all: Vec<(String, String)> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "yaml"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path.display().to_string(), text)
        })
        .collect();
    all.sort();
    assert!(all.len() > 15);
    all.push(("odd".to_owned(), ODD.to_owned()));
    all.push(("odd, CRLF".to_owned(), ODD.replace('\n', "\r\n")));
    for number in 0..EMPTY.len() {
        let text = with_empty_sections(number);
        all.push((format!("empty {number}, CRLF"), text.replace('\n', "\r\n")));
        all.push((format!("empty {number}"), text));
    }
    let cut = all[0].1.trim_end().to_owned();
    all.push(("without a last line end".to_owned(), cut));
    all
}

fn inventory(text: &str) -> Inventory {
    Inventory::read(text).unwrap()
}

fn topology(text: &str) -> Topology {
    match config::parse("edited.yaml", text) {
        Ok((topology, _)) => topology,
        Err(diagnostics) => panic!("{diagnostics}\n{text}"),
    }
}

/// What is random about an edit.
#[derive(Debug, Clone)]
struct Dice {
    kind: usize,
    picks: Vec<Index>,
    flags: Vec<bool>,
}

fn dice() -> impl Strategy<Value = Dice> {
    let picks = prop::collection::vec(any::<Index>(), 8);
    let flags = prop::collection::vec(any::<bool>(), 8);
    (0..KINDS, picks, flags).prop_map(|(kind, picks, flags)| Dice { kind, picks, flags })
}

const KINDS: usize = 12;

impl Dice {
    /// One of several, if there are any.
    fn pick<T: Clone>(&self, number: usize, all: &[T]) -> Option<T> {
        (!all.is_empty()).then(|| all[self.picks[number].index(all.len())].clone())
    }

    fn settings(&self, known: &Inventory) -> Option<NicSettings> {
        let names: Vec<String> = known.networks.keys().cloned().collect();
        let tagged = known
            .networks
            .iter()
            .filter(|(_, network)| network.vlan != 0);
        let tagged: Vec<String> = tagged.map(|(name, _)| name.clone()).collect();
        let permission = |flag| match flag {
            true => Permission::Accept,
            false => Permission::Reject,
        };
        let mut settings = NicSettings::default();
        match self.picks[1].index(6) {
            0 => {
                let some = tagged.iter().enumerate();
                let some = some.filter(|(index, _)| self.flags[index % 8]);
                let mut some: Vec<String> = some.map(|(_, name)| name.clone()).collect();
                if some.is_empty() {
                    some.push(self.pick(2, &tagged)?);
                }
                settings.trunked_networks = Some(some);
            }
            1 => {
                settings.vlan_mode = Some(VlanMode::Access);
                settings.network = Change::Set(self.pick(2, &names)?);
            }
            2 => settings.network = Change::Set(self.pick(2, &names)?),
            3 => {
                settings.attachment = Some(match self.flags[0] {
                    true => Attachment::Normal,
                    false => Attachment::Direct,
                });
            }
            4 => {
                settings.mac = Change::Set("02:00:00:00:77:77".parse().unwrap());
                settings.forged_transmits = Some(permission(self.flags[0]));
                settings.mac_changes = Some(permission(self.flags[1]));
                settings.promiscuous = Some(match self.flags[2] {
                    true => Promiscuous::Bum,
                    false => Promiscuous::Reject,
                });
            }
            _ => {
                settings.max_macs = match self.flags[0] {
                    true => Change::Set(7),
                    false => Change::Unset,
                };
                settings.storm_limit = Change::Set(100);
            }
        }
        Some(settings)
    }

    /// An edit that makes sense for a configuration, and its inverse where that is promised.
    fn edit(&self, text: &str) -> Option<(Edit, Option<Edit>)> {
        let known = inventory(text);
        let vms: Vec<String> = known.vms.keys().cloned().collect();
        let networks: Vec<String> = known.networks.keys().cloned().collect();
        let chains: Vec<String> = known.service_chains.keys().cloned().collect();
        let hosts: Vec<String> = known.hosts.keys().cloned().collect();
        let nic = |number| {
            let vm = self.pick(number, &vms)?;
            let nic = self.pick(number + 1, &known.vms[&vm].nics)?;
            Some((vm, nic.label().to_owned(), nic))
        };
        Some(match self.kind {
            0 => {
                let name = "new-net".to_owned();
                let limit = self.flags[0].then_some(9);
                // A section that is made for it stays.
                let inverse = (!known.networks.is_empty())
                    .then(|| Edit::DeleteNetwork { name: name.clone() });
                (
                    Edit::CreateNetwork {
                        name,
                        vlan: 4001,
                        max_macs: limit,
                    },
                    inverse,
                )
            }
            1 => (
                Edit::DeleteNetwork {
                    name: self.pick(0, &networks)?,
                },
                None,
            ),
            2 => {
                let name = "VM 99".to_owned();
                let hosts = vec![self.pick(0, &hosts)?];
                let inverse = (!vms.is_empty()).then(|| Edit::DeleteVm { name: name.clone() });
                (Edit::CreateVm { name, hosts }, inverse)
            }
            3 => (
                Edit::DeleteVm {
                    name: self.pick(0, &vms)?,
                },
                None,
            ),
            4 => {
                let vm = self.pick(0, &vms)?;
                let mut settings = self.settings(&known)?;
                if settings.network == Change::Keep {
                    settings.network = Change::Set(self.pick(3, &networks)?);
                }
                let (plug, nic) = match (self.picks[4].index(3), settings.mac) {
                    (0, Change::Set(mac)) => (Plug::Mac, mac.to_string()),
                    (1, mac) => {
                        let found_by = FoundBy {
                            iface_id: Some("new-1".to_owned()),
                            vm_id: self.flags[3].then(|| "7".to_owned()),
                            mac: None,
                        };
                        let nic = match mac {
                            Change::Set(mac) => mac.to_string(),
                            _ => "new-1".to_owned(),
                        };
                        (Plug::Match(found_by), nic)
                    }
                    _ => (Plug::Port("new0".to_owned()), "new0".to_owned()),
                };
                let inverse = Edit::DeleteNic {
                    vm: vm.clone(),
                    nic,
                };
                (Edit::CreateNic { vm, plug, settings }, Some(inverse))
            }
            5 => {
                let (vm, nic, before) = nic(3)?;
                let settings = self.settings(&known)?;
                // From access to trunked and back, where no key says "access".
                let becomes_trunked =
                    before.trunked_networks.is_empty() && settings.trunked_networks.is_some();
                let inverse = becomes_trunked.then(|| Edit::UpdateNic {
                    vm: vm.clone(),
                    nic: nic.clone(),
                    settings: NicSettings {
                        vlan_mode: Some(VlanMode::Access),
                        ..NicSettings::default()
                    },
                });
                (Edit::UpdateNic { vm, nic, settings }, inverse)
            }
            6 => {
                let (vm, nic, _) = nic(0)?;
                (Edit::DeleteNic { vm, nic }, None)
            }
            7 | 8 => {
                let chain = self.pick(0, &chains)?;
                let all = &known.service_chains[&chain].functions;
                let function = self.pick(1, all)?;
                let instance = self.pick(2, &function.instances)?;
                let some = self.flags[1].then(|| instance.clone());
                let target = Target {
                    chain,
                    function: Some(function.name.clone()),
                    instance: some.as_ref().map(|it| it.label().to_owned()),
                    host: some.as_ref().map(|it| it.host.clone()),
                };
                let was = some.map_or(function.enabled, |it| it.enabled);
                let enabled = self.flags[0];
                let edit = |enabled| Edit::SetEnabled {
                    target: target.clone(),
                    enabled,
                };
                // Where the key was written its comment decides whether it stays.
                (edit(enabled), (was && !enabled).then(|| edit(true)))
            }
            9 | 10 => {
                let chain = self.pick(0, &chains)?;
                let function = self.pick(1, &known.service_chains[&chain].functions)?;
                let instance = self.pick(2, &function.instances)?;
                let target = Target {
                    chain,
                    function: Some(function.name),
                    instance: Some(instance.label().to_owned()),
                    host: Some(instance.host),
                };
                let edit = match (self.kind, &instance.egress) {
                    (9, _) | (_, None) => Edit::DeleteInstance { target },
                    _ if self.flags[0] => Edit::UnsetEgress { target },
                    _ => Edit::SetEgress {
                        target,
                        egress: "new1".to_owned(),
                    },
                };
                (edit, None)
            }
            _ => {
                let chain = self.pick(0, &chains)?;
                let function = self.pick(1, &known.service_chains[&chain].functions)?;
                let place = self.pick(2, &function.instances)?;
                let ports = match &*function.mode {
                    "tap" => Ports::Tap("new0".to_owned()),
                    _ => Ports::Inline {
                        ingress: "new0".to_owned(),
                        egress: self.flags[1].then(|| "new1".to_owned()),
                    },
                };
                let waits = matches!(ports, Ports::Inline { egress: None, .. });
                let instance = Instance {
                    host: place.host,
                    ports,
                    enabled: self.flags[0] && !waits,
                };
                let edit = Edit::CreateInstance {
                    chain,
                    function: function.name,
                    instance,
                };
                (edit, None)
            }
        })
    }
}

/// The inventory after an edit, made without looking at the text.
fn expected(mut known: Inventory, edit: &Edit) -> Inventory {
    fn set<T>(change: &Change<T>, field: &mut Option<T>)
    where
        T: Clone,
    {
        match change {
            Change::Keep => {}
            Change::Set(value) => *field = Some(value.clone()),
            Change::Unset => *field = None,
        }
    }
    fn change(nic: &mut inventory::Nic, settings: &NicSettings) {
        let mut mac = nic.address();
        set(&settings.mac, &mut mac);
        nic.mac = mac.map(|mac| mac.to_string());
        set(&settings.network, &mut nic.network);
        set(&settings.max_macs, &mut nic.max_macs);
        set(&settings.storm_limit, &mut nic.storm_limit);
        if let Some(list) = &settings.trunked_networks {
            nic.vlan_mode = "trunked".to_owned();
            nic.trunked_networks = list.clone();
        }
        if settings.vlan_mode == Some(VlanMode::Access) {
            nic.vlan_mode = "access".to_owned();
            nic.trunked_networks.clear();
        }
        let word = |field: &mut String, word: Option<String>| {
            if let Some(word) = word {
                *field = word.to_lowercase();
            }
        };
        word(
            &mut nic.kind,
            settings.attachment.map(|it| format!("{it:?}")),
        );
        word(
            &mut nic.promiscuous,
            settings.promiscuous.map(|it| format!("{it:?}")),
        );
        word(
            &mut nic.forged_transmits,
            settings.forged_transmits.map(|it| format!("{it:?}")),
        );
        word(
            &mut nic.mac_changes,
            settings.mac_changes.map(|it| format!("{it:?}")),
        );
    }
    match edit {
        Edit::CreateNetwork {
            name,
            vlan,
            max_macs,
        } => {
            let network = inventory::Network {
                vlan: *vlan,
                max_macs: *max_macs,
            };
            known.networks.insert(name.clone(), network);
        }
        Edit::DeleteNetwork { name } => {
            known.networks.remove(name);
        }
        Edit::CreateVm { name, hosts } => {
            let vm = inventory::Vm {
                hosts: hosts.clone(),
                nics: vec![],
            };
            known.vms.insert(name.clone(), vm);
        }
        Edit::DeleteVm { name } => {
            known.vms.remove(name);
        }
        Edit::CreateNic { vm, plug, settings } => {
            let mut nic = inventory::Nic::default();
            match plug {
                Plug::Port(port) => nic.port = Some(port.clone()),
                Plug::Match(found_by) => nic.found_by = Some(found_by.clone()),
                Plug::Mac => {}
            }
            change(&mut nic, settings);
            known.vms.get_mut(vm).unwrap().nics.push(nic);
        }
        Edit::UpdateNic { vm, nic, settings } => {
            let owner = known.vms.get_mut(vm).unwrap();
            let index = owner.nic(vm, nic).unwrap();
            change(&mut owner.nics[index], settings);
        }
        Edit::DeleteNic { vm, nic } => {
            let owner = known.vms.get_mut(vm).unwrap();
            let index = owner.nic(vm, nic).unwrap();
            owner.nics.remove(index);
        }
        Edit::SetEnabled { target, enabled } => {
            let functions = &mut known
                .service_chains
                .get_mut(&target.chain)
                .unwrap()
                .functions;
            let named = functions
                .iter_mut()
                .filter(|it| Some(&it.name) == target.function.as_ref());
            for function in named {
                match (&target.instance, &target.host) {
                    (Some(port), Some(host)) => function
                        .instances
                        .iter_mut()
                        .filter(|it| it.has_port(port) && it.host == *host)
                        .for_each(|it| it.enabled = *enabled),
                    _ => function.enabled = *enabled,
                }
            }
        }
        Edit::CreateInstance {
            chain,
            function,
            instance,
        } => {
            let functions = &mut known.service_chains.get_mut(chain).unwrap().functions;
            let function = functions
                .iter_mut()
                .find(|it| it.name == *function)
                .unwrap();
            let (port, ingress, egress) = match &instance.ports {
                Ports::Tap(port) => (Some(port.clone()), None, None),
                Ports::Inline { ingress, egress } => (None, Some(ingress.clone()), egress.clone()),
            };
            function.instances.push(inventory::Instance {
                host: instance.host.clone(),
                port,
                found_by: None,
                ingress,
                ingress_match: None,
                egress,
                egress_match: None,
                enabled: instance.enabled,
            });
        }
        Edit::DeleteInstance { target }
        | Edit::SetEgress { target, .. }
        | Edit::UnsetEgress { target } => {
            let chain = known.service_chains.get_mut(&target.chain).unwrap();
            let mut functions = chain.functions.iter_mut();
            let function = functions.find(|it| Some(&it.name) == target.function.as_ref());
            let instances = &mut function.unwrap().instances;
            let (port, host) = (target.instance.as_ref().unwrap(), target.host.as_ref());
            let is_meant = |it: &inventory::Instance| it.has_port(port) && Some(&it.host) == host;
            match edit {
                Edit::DeleteInstance { .. } => instances.retain(|it| !is_meant(it)),
                _ => {
                    let instance = instances.iter_mut().find(|it| is_meant(it)).unwrap();
                    instance.egress = match edit {
                        Edit::SetEgress { egress, .. } => Some(egress.clone()),
                        _ => None,
                    };
                    instance.enabled = instance.egress.is_some();
                }
            }
        }
    }
    known
}

/// The same with addresses and lists in one form, as their order and notation mean nothing.
fn normal(mut known: Inventory) -> Inventory {
    for nic in known.vms.values_mut().flat_map(|vm| &mut vm.nics) {
        nic.mac = nic.address().map(|mac| mac.to_string());
        nic.trunked_networks.sort();
    }
    known
}

/// The lines of `old` that are not in `new` in the same order, and the other way round.
fn difference(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let diff = similar::TextDiff::from_lines(old, new);
    let of = |tag| {
        let changes = diff
            .iter_all_changes()
            .filter(move |change| change.tag() == tag);
        changes.map(|change| change.value().to_owned()).collect()
    };
    (
        of(similar::ChangeTag::Delete),
        of(similar::ChangeTag::Insert),
    )
}

/// Whether a line is part of a list of networks in lines; with an item goes the comment behind it.
fn is_of_list(line: &str) -> bool {
    let line = line.trim_start();
    let value = line.split('#').next().unwrap_or_default().trim_end();
    value == "trunked_networks:" || (line.starts_with("- ") && !value.contains(':'))
}

/// The comments of lines.
fn comments(lines: &[String]) -> BTreeSet<String> {
    let comment = |line: &String| Some(line[line.find('#')?..].trim().to_owned());
    lines.iter().filter_map(comment).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1800) })]

    #[test]
    fn an_edit_changes_what_it_is_to_change_and_nothing_else(file in any::<Index>(), dice in dice()) {
        let all = configs();
        let (name, text) = file.get(&all);
        let Some((edit, inverse)) = dice.edit(text) else { return Ok(()) };
        let new = match edit::apply(text, &edit) {
            Ok(new) => new,
            // Such as a network that is in use.
            Err(EditError::InUse { .. } | EditError::Exists { .. } | EditError::Senseless(_)) => return Ok(()),
            Err(error) => panic!("{name}: {edit:?}: {error}"),
        };
        let wanted = expected(inventory(text), &edit);
        prop_assert_eq!(normal(inventory(&new)), normal(wanted), "{} {:?}\n{}", name, edit, new);

        // Comments leave only with what they are part of, and only lines in one place are touched.
        let (gone, come) = difference(text, &new);
        let deletes = matches!(
            edit,
            Edit::DeleteVm { .. } | Edit::DeleteNic { .. } | Edit::DeleteNetwork { .. }
                | Edit::DeleteInstance { .. } | Edit::UnsetEgress { .. }
        );
        if deletes {
            prop_assert!(come.len() <= 1, "{name} {edit:?} {come:?}");
        } else {
            let kept: Vec<String> = gone.iter().filter(|line| !is_of_list(line)).cloned().collect();
            let lost: Vec<_> = comments(&kept).difference(&comments(&come)).cloned().collect();
            prop_assert_eq!(lost, Vec::<String>::new(), "{} {:?}\n{}", name, edit, new);
            prop_assert!(gone.len() <= 6, "{name} {edit:?} {gone:?}");
        }
        let crlf = |text: &str| (text.matches("\r\n").count(), text.matches('\n').count());
        let (returns, lines) = crlf(&new);
        prop_assert!(returns == 0 || returns == lines);
        prop_assert_eq!(text.ends_with('\n'), new.ends_with('\n'));

        // What it was before, and the edit: the rest of the topology is the same, where it is good.
        if let Ok((after, _)) = config::parse(name, &new) {
            let before = topology(text);
            prop_assert_eq!(&after.controller, &before.controller);
            for (host, old) in &before.hosts {
                let new = &after.hosts[host];
                prop_assert_eq!((&new.bridges, &new.uplinks), (&old.bridges, &old.uplinks));
                let touched = |vm: &str| match &edit {
                    Edit::CreateVm { name, .. } | Edit::DeleteVm { name } => name == vm,
                    Edit::CreateNic { vm: own, .. } | Edit::UpdateNic { vm: own, .. } | Edit::DeleteNic { vm: own, .. } => own == vm,
                    _ => false,
                };
                let vnics = |host: &bridgechain::topology::Host| -> Vec<_> {
                    host.vnics.iter().filter(|vnic| !touched(&vnic.vm)).cloned().collect()
                };
                prop_assert_eq!(vnics(new), vnics(old));
            }
        }

        if let Some(inverse) = inverse {
            let back = edit::apply(&new, &inverse);
            prop_assert_eq!(back.as_ref(), Ok(text), "{} {:?}\n{}", name, edit, new);
        }
    }
}

fn edited(text: &str, edit: Edit) -> String {
    edit::apply(text, &edit).unwrap()
}

#[test]
fn a_section_without_entries_gets_its_first_in_its_place() {
    let network = || Edit::CreateNetwork {
        name: "a".to_owned(),
        vlan: 3,
        max_macs: None,
    };
    let vm = || Edit::CreateVm {
        name: "v".to_owned(),
        hosts: vec!["h".to_owned()],
    };
    let delete = || Edit::DeleteNetwork {
        name: "a".to_owned(),
    };
    let line = "  a: { vlan: 3 }\n";
    // Below the line of the section, and the comments that belong to it.
    let filled = [
        format!("networks:\n{line}"),
        format!("networks:\n{line}"),
        format!("networks:\n{line}"),
        format!("networks:   # none\n{line}"),
        format!("networks:  # none\n{line}"),
        format!("networks:   # none yet\n{line}"),
        format!("networks:\n  # Y: {{ vlan: 9, host: h }}\n\n    # and more\n{line}"),
        format!("networks:\n  # inside\n{line}# at the margin\n"),
        format!("networks:   # below\n{line}"),
    ];
    for (number, filled) in filled.iter().enumerate() {
        let text = with_empty_sections(number);
        topology(&text);
        let first = edited(&text, network());
        assert!(first.starts_with(&format!("{filled}hosts:")), "{first}");
        let both = edited(&first, vm());
        topology(&both);
        assert_eq!(inventory(&both).vms["v"].hosts, ["h"], "{both}");
        // Deleted, it leaves an empty section behind: so its comments stay, and the next one comes in
        // its place.
        let deleted = edited(&first, delete());
        assert!(deleted.starts_with("networks: {}"), "{deleted}");
        topology(&deleted);
        assert_eq!(edited(&deleted, network()), first, "{deleted}");
        // At the end of a text without a last line end.
        let cut = text.trim_end();
        let last = cut
            .replace("service_chains", "controller")
            .replace("vms", "service_chains");
        let last = last.replace("controller", "vms");
        let new = edited(&last, vm());
        topology(&new);
        assert!(
            !new.ends_with('\n') && inventory(&new).vms.contains_key("v"),
            "{new}"
        );
    }
    let braces = "{ networks: ~, hosts: { h: { bridges: { local: l, uplink: u } } }, vms: null }";
    assert_eq!(
        edited(&edited(braces, network()), vm()),
        "{ networks: { a: { vlan: 3 } }, hosts: { h: { bridges: { local: l, uplink: u } } }, \
         vms: { v: { host: h, nics: [] } } }"
    );
}

fn complaint(text: &str, edit: Edit) -> String {
    edit::apply(text, &edit).unwrap_err().to_string()
}

fn trunk(vm: &str, nic: &str, networks: &[&str]) -> Edit {
    Edit::UpdateNic {
        vm: vm.to_owned(),
        nic: nic.to_owned(),
        settings: NicSettings {
            trunked_networks: Some(networks.iter().map(|&name| name.to_owned()).collect()),
            ..NicSettings::default()
        },
    }
}

#[test]
fn the_house_style_is_kept() {
    let text = std::fs::read_to_string("configs/complete.yaml").unwrap();
    let new = edited(
        &text,
        trunk("VM-A", "52:54:00:00:00:0A", &["demo3000", "demo4000"]),
    );
    let (gone, come) = difference(&text, &new);
    assert_eq!(
        gone,
        ["      - { port: vma0, mac: \"52:54:00:00:00:0a\", network: demo3000 }\n"]
    );
    assert_eq!(
        come,
        [
            "      - { port: vma0, mac: \"52:54:00:00:00:0a\", network: demo3000, vlan_mode: trunked, trunked_networks: [demo3000, demo4000] }\n"
        ]
    );
    let access = Edit::UpdateNic {
        vm: "VM-104".to_owned(),
        nic: "vm104".to_owned(),
        settings: NicSettings {
            vlan_mode: Some(VlanMode::Access),
            ..NicSettings::default()
        },
    };
    let (gone, come) = difference(&text, &edited(&text, access));
    assert_eq!(
        gone,
        [
            "        vlan_mode: trunked        # default: access\n",
            "        trunked_networks: [demo3000, demo4000]\n"
        ]
    );
    assert_eq!(
        come,
        ["        vlan_mode: access        # default: access\n"]
    );
    let new = edited(
        &text,
        Edit::CreateVm {
            name: "VM-B".to_owned(),
            hosts: vec!["node1".to_owned()],
        },
    );
    let nic = Edit::CreateNic {
        vm: "VM-B".to_owned(),
        plug: Plug::Port("vmb0".to_owned()),
        settings: NicSettings {
            network: Change::Set("demo3000".to_owned()),
            ..NicSettings::default()
        },
    };
    let (gone, come) = difference(&text, &edited(&new, nic));
    assert!(gone.is_empty());
    assert_eq!(
        come.concat(),
        "  VM-B:\n    host: node1\n    nics:\n      - { port: vmb0, network: demo3000 }\n"
    );
}

#[test]
fn an_edit_that_makes_no_sense_is_refused_with_what_would() {
    let text = std::fs::read_to_string("configs/complete.yaml").unwrap();
    let owned = str::to_owned;
    for (edit, message) in [
        (
            Edit::DeleteVm {
                name: owned("VM-B"),
            },
            "there is no VM \"VM-B\"; did you mean \"VM-A\"?",
        ),
        (
            Edit::DeleteNetwork {
                name: owned("demo4000"),
            },
            "the network \"demo4000\" is in use by vms.VM-104.nics[0], service_chains.inspect; take it out there first",
        ),
        (
            Edit::CreateNetwork {
                name: owned("native"),
                vlan: 9,
                max_macs: None,
            },
            "there is already a network \"native\"",
        ),
        (
            Edit::CreateNetwork {
                name: owned("x"),
                vlan: 3000,
                max_macs: None,
            },
            "VLAN 3000 is that of the network \"demo3000\" already; no two networks share one",
        ),
        (
            Edit::CreateNetwork {
                name: owned("x"),
                vlan: 4095,
                max_macs: None,
            },
            "there is no VLAN 4095; they are 1 to 4094, and 0 for the untagged network",
        ),
        (
            Edit::CreateVm {
                name: owned("x"),
                hosts: vec![owned("node2")],
            },
            "there is no host \"node2\"; did you mean \"node1\"?",
        ),
        (
            Edit::CreateNic {
                vm: owned("VM-A"),
                plug: Plug::Mac,
                settings: NicSettings {
                    network: Change::Set(owned("native")),
                    ..NicSettings::default()
                },
            },
            "a vNIC needs a port, which is its OVS interface, or something that this is found by: a MAC address, or a match",
        ),
        (
            Edit::CreateNic {
                vm: owned("VM-A"),
                plug: Plug::Match(FoundBy::default()),
                settings: NicSettings {
                    network: Change::Set(owned("native")),
                    ..NicSettings::default()
                },
            },
            "a match without a MAC address, an iface_id or a vm_id finds any interface",
        ),
        (
            trunk("VM-A", "vma1", &["demo3000"]),
            "there is no vNIC of VM-A \"vma1\"; did you mean \"vma0\"?",
        ),
        (
            trunk("VM-A", "vma0", &["demo300"]),
            "there is no network \"demo300\"; did you mean \"demo3000\"?",
        ),
        (
            trunk("VM-A", "vma0", &["native"]),
            "\"native\" is the untagged network and can not be trunked; make it the vNIC's own network instead",
        ),
        (
            trunk("VM-A", "vma0", &[]),
            "a trunked vNIC needs at least one trunked network",
        ),
        (
            Edit::CreateNic {
                vm: owned("VM-A"),
                plug: Plug::Port(owned("ids0")),
                settings: NicSettings {
                    network: Change::Set(owned("native")),
                    ..NicSettings::default()
                },
            },
            "there is already a port \"ids0\" on that host: service_chains.inspect, function \"ids\"",
        ),
        (
            Edit::SetEnabled {
                target: Target {
                    chain: owned("inspect"),
                    function: Some(owned("ipz")),
                    instance: None,
                    host: None,
                },
                enabled: false,
            },
            "there is no function of the chain \"inspect\" called \"ipz\"; did you mean \"ips\"?",
        ),
    ] {
        assert_eq!(complaint(&text, edit), message);
    }
}

#[test]
fn an_instance_that_waits_for_a_leg_is_not_enabled_without() {
    let text = std::fs::read_to_string("configs/complete.yaml").unwrap();
    let target = |port: &str| Target {
        chain: "inspect".to_owned(),
        function: Some("ips".to_owned()),
        instance: Some(port.to_owned()),
        host: None,
    };
    let waiting = edited(
        &text,
        Edit::CreateInstance {
            chain: "inspect".to_owned(),
            function: "ips".to_owned(),
            instance: Instance {
                host: "node1".to_owned(),
                ports: Ports::Inline {
                    ingress: "ips1-in".to_owned(),
                    egress: None,
                },
                enabled: false,
            },
        },
    );
    topology(&waiting);
    let enable = |port: &str| Edit::SetEnabled {
        target: target(port),
        enabled: true,
    };
    assert_eq!(edited(&waiting, enable("ips-in")), waiting);
    assert_eq!(
        complaint(&waiting, enable("ips1-in")),
        "the instance \"ips1-in\" of inspect/ips has no egress leg yet, and stays drained until it has one: `bridgechain acli vm.nic_create ips type=kNetworkFunctionNic network_function_nic_type=kEgress network_function=inspect/ips`"
    );
    let whole = edited(
        &waiting,
        Edit::SetEgress {
            target: target("ips1-in"),
            egress: "ips1-out".to_owned(),
        },
    );
    assert!(
        whole.contains("{ host: node1, ingress: ips1-in, egress: ips1-out }"),
        "{whole}"
    );
    let back = Edit::UnsetEgress {
        target: target("ips1-in"),
    };
    assert_eq!(edited(&whole, back), waiting);
}

#[test]
fn a_vm_without_a_host_is_on_the_only_one() {
    let create = || Edit::CreateVm {
        name: "VM-9".to_owned(),
        hosts: vec![],
    };
    let text = std::fs::read_to_string("configs/complete.yaml").unwrap();
    assert_eq!(
        inventory(&edited(&text, create())).vms["VM-9"].hosts,
        ["node1"]
    );
    let several = std::fs::read_to_string("configs/roaming.yaml").unwrap();
    assert_eq!(
        complaint(&several, create()),
        "say on which host it runs; the hosts are \"node1\", \"node2\", \"node3\""
    );
}

#[test]
fn what_an_alias_stands_for_is_not_changed_in_secret() {
    let text = "
networks: { a: { vlan: 1 }, b: { vlan: 2 } }
hosts: { h: { bridges: { local: l, uplink: u } } }
vms:
  x: { host: h, nics: [{ port: x0, trunked_networks: &all [a], vlan_mode: trunked }] }
  y: { host: h, nics: [{ port: y0, trunked_networks: *all, vlan_mode: trunked }] }
";
    topology(text);
    for (vm, nic) in [("x", "x0"), ("y", "y0")] {
        let refused = edit::apply(text, &trunk(vm, nic, &["a", "b"]));
        assert!(
            matches!(refused, Err(EditError::Unusual { .. })),
            "{refused:?}"
        );
    }
    // What has nothing to do with it can be changed.
    let network = Edit::CreateNetwork {
        name: "c".to_owned(),
        vlan: 3,
        max_macs: None,
    };
    assert!(edited(text, network).contains("b: { vlan: 2 }, c: { vlan: 3 } }"));
}

#[test]
fn sections_are_made_where_they_are_missing() {
    let text = "hosts: { any: { bridges: { learning: '*' } } } # all\n";
    let network = Edit::CreateNetwork {
        name: "a".to_owned(),
        vlan: 3,
        max_macs: None,
    };
    assert_eq!(
        edited(text, network.clone()),
        format!("{text}networks:\n  a: {{ vlan: 3 }}\n")
    );
    let braces = "{ hosts: { any: { bridges: { learning: '*' } } } }\n";
    assert_eq!(
        edited(braces, network),
        "{ hosts: { any: { bridges: { learning: '*' } } }, networks: { a: { vlan: 3 } } }\n"
    );
}
