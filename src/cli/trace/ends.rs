//! Where a frame is sent from, and where to: what the command line means on these hosts.

use std::fmt;

use anyhow::{anyhow, bail};
use bridgechain::config;
use bridgechain::cookie::Class;
use bridgechain::learning::Location;
use bridgechain::simulate::{Frame, Network, Step};
use bridgechain::topology::{Host, Topology, Vnic};
use openflow::MacAddr;
use serde::{Serialize, Serializer};

use super::site::{Occupant, Site};

/// Addresses of stations that have none in the configuration. Locally administered, as nobody's.
pub(super) const OF_SENDER: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x01]);
pub(super) const OF_DESTINATION: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0x02]);
const UNKNOWN: MacAddr = MacAddr([0x02, 0, 0, 0, 0, 0xff]);
/// Multicast DNS.
const MULTICAST: MacAddr = MacAddr([0x01, 0x00, 0x5e, 0x00, 0x00, 0xfb]);

/// Who sends the frame.
#[derive(Debug, Serialize)]
pub(super) struct Sender {
    /// In words.
    pub(super) who: String,
    #[serde(serialize_with = "as_text")]
    pub(super) mac: MacAddr,
    #[serde(skip)]
    pub(super) at: Location,
    /// Where its address is taken to have been learned; pinned addresses are not.
    #[serde(skip)]
    pub(super) learned_at: Option<Location>,
}

/// Whom the frame is for.
#[derive(Debug, Serialize)]
pub(super) struct Destination {
    /// In words.
    pub(super) who: String,
    #[serde(serialize_with = "as_text")]
    pub(super) mac: MacAddr,
    /// Where its address is taken to have been learned.
    #[serde(skip)]
    pub(super) learned_at: Option<Location>,
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// `VM`, `VM/MAC` or `VM/PORT`.
struct Selector<'a> {
    vm: &'a str,
    nic: Option<&'a str>,
}

impl<'a> Selector<'a> {
    fn new(text: &'a str) -> Self {
        match text.split_once('/') {
            Some((vm, nic)) => Self { vm, nic: Some(nic) },
            None => Self {
                vm: text,
                nic: None,
            },
        }
    }

    /// Whether this vNIC is meant.
    fn selects(&self, vnic: &Vnic) -> bool {
        let nic = |nic: &str| {
            nic == vnic.port || nic.parse().is_ok_and(|mac: MacAddr| vnic.mac == Some(mac))
        };
        vnic.vm == self.vm && self.nic.is_none_or(nic)
    }

    /// The vNICs meant on `host`.
    fn vnics<'t>(&self, host: &'t Host) -> impl Iterator<Item = &'t Vnic> {
        host.vnics.iter().filter(|vnic| self.selects(vnic))
    }
}

/// A vNIC as it can be asked for.
fn exactly(host: &Host, vnic: &Vnic) -> String {
    match vnic.mac {
        Some(mac) => format!("{}/{mac} ({} on {})", vnic.vm, vnic.port, host.name),
        None => format!("{}/{} (on {})", vnic.vm, vnic.port, host.name),
    }
}

/// Where `from` sends on one of these hosts.
pub(super) fn sender<'s, 't>(
    sites: &'s [Site<'t>],
    from: &str,
) -> anyhow::Result<(&'s Site<'t>, Sender)> {
    let selector = Selector::new(from);
    let vnics: Vec<_> = sites
        .iter()
        .flat_map(|site| selector.vnics(site.host).map(move |vnic| (site, vnic)))
        .collect();
    match vnics.as_slice() {
        [] => {}
        [(site, vnic)] => {
            let at = site.port(&vnic.port)?;
            return Ok((site, vnic_sender(vnic, at)));
        }
        [(_, first), rest @ ..] if rest.iter().all(|(_, other)| is_same(first, other)) => {
            let choices = vnics
                .iter()
                .map(|(site, _)| format!("--host {}", site.host.name));
            bail!("{from} may be on several hosts; say {}", one_of(choices));
        }
        several => {
            let choices = several.iter().map(|(site, vnic)| exactly(site.host, vnic));
            bail!("{from} has several vNICs; say {}", one_of(choices));
        }
    }
    let others: Vec<_> = sites
        .iter()
        .filter_map(|site| Some((site, port_sender(site, from)?)))
        .collect();
    match others.len() {
        0 => Err(nobody(sites, selector.vm, from)),
        1 => others
            .into_iter()
            .next()
            .ok_or_else(|| nobody(sites, selector.vm, from)),
        _ => {
            let choices = others
                .iter()
                .map(|(site, _)| format!("--host {}", site.host.name));
            bail!("{from:?} is on several hosts; say {}", one_of(choices));
        }
    }
}

/// Whether these are one vNIC, that of a VM which may be on several hosts.
fn is_same(one: &Vnic, other: &Vnic) -> bool {
    one.roams && one.vm == other.vm && one.port == other.port
}

fn vnic_sender(vnic: &Vnic, at: Location) -> Sender {
    Sender {
        who: format!("{} at {}", vnic.vm, vnic.port),
        mac: vnic.mac.unwrap_or(OF_SENDER),
        at,
        learned_at: vnic.pinned_mac().is_none().then_some(at),
    }
}

/// An uplink, the host itself, or any port by its name.
fn port_sender(site: &Site<'_>, from: &str) -> Option<Sender> {
    let at = match from {
        "uplink" => site.uplinks().next(),
        "host" => site.host_itself(),
        name => site.find(name),
    }?;
    let port = site.port_name(at);
    let who = match site.occupant(at) {
        Occupant::HostItself => "the host itself".to_owned(),
        Occupant::Uplink => format!("outside at uplink {port}"),
        Occupant::Vm(_) => return site.vnic(at).map(|vnic| vnic_sender(vnic, at)),
        Occupant::Function(function) => format!("{function} at {port}"),
        Occupant::Patch | Occupant::Unknown => format!("port {port} of {}", site.bridge(at.role)),
    };
    Some(Sender {
        who,
        mac: OF_SENDER,
        at,
        learned_at: Some(site.place(at)),
    })
}

/// The sender outside by that of the uplinks, used as one, which takes this frame in. The physical
/// switch sends it there, or by all of them.
pub(super) fn taken_by(
    site: &Site<'_>,
    network: &Network,
    sender: Sender,
    frame: &Frame,
) -> Sender {
    let is_refused = |step: &Step<'_>| match step {
        Step::Lookup { matched, .. } => {
            matched.and_then(|(_, flow)| Class::of(flow.cookie)) == Some(Class::DropStandby)
        }
        _ => false,
    };
    let takes = |at: &Location| {
        let walk = network.inject(at.role, at.port, frame.clone());
        !walk.pass.steps.iter().any(is_refused)
    };
    let taking = site.uplinks().find(takes);
    taking
        .and_then(|at| port_sender(site, &site.port_name(at)))
        .unwrap_or(sender)
}

fn nobody(sites: &[Site<'_>], vm: &str, from: &str) -> anyhow::Error {
    if sites
        .iter()
        .any(|site| site.host.vnics.iter().any(|vnic| vnic.vm == vm))
    {
        let vnics = sites.iter().flat_map(|site| {
            let of_vm = site.host.vnics.iter().filter(move |vnic| vnic.vm == vm);
            of_vm.map(|vnic| exactly(site.host, vnic))
        });
        return anyhow!("{vm} has no vNIC {from:?}; say {}", one_of(vnics));
    }
    if matches!(from, "uplink" | "host") {
        return anyhow!("there is no {from} that a frame could come from");
    }
    let names = sites.iter().flat_map(Site::names);
    let suggestion = config::suggestion(from, names, "frames may be sent from uplink, host,");
    anyhow!("there is no VM and no port {from:?}{suggestion}")
}

fn one_of(choices: impl Iterator<Item = String>) -> String {
    choices.collect::<Vec<_>>().join(" or ")
}

/// Whom `to` means for a frame that `sender` sends with this tag.
pub(super) fn destination(
    site: &Site<'_>,
    topology: &Topology,
    sender: &Sender,
    to: &str,
    vid: Option<u16>,
) -> anyhow::Result<Destination> {
    if let Some(destination) = vm_destination(site, topology, sender, to, vid)? {
        return Ok(destination);
    }
    let plain = |mac| {
        Ok(Destination {
            who: to.to_owned(),
            mac,
            learned_at: None,
        })
    };
    match to {
        "broadcast" => plain(MacAddr::BROADCAST),
        "multicast" => plain(MULTICAST),
        "unknown" => plain(UNKNOWN),
        "host" => Ok(Destination {
            who: "the host itself".to_owned(),
            mac: OF_DESTINATION,
            learned_at: Some(site.port(to)?),
        }),
        "outside" => match outside(site, sender) {
            Some(uplink) => Ok(Destination {
                who: format!("outside at uplink {}", site.port_name(uplink)),
                mac: OF_DESTINATION,
                learned_at: Some(uplink),
            }),
            None => bail!(
                "host {} has no uplink, so nothing is outside",
                site.host.name
            ),
        },
        _ => match to.parse() {
            Ok(mac) => Ok(address(site, topology, sender, mac)),
            Err(_) => {
                let vms = topology.hosts.values().flat_map(|host| &host.vnics);
                let names = vms.map(|vnic| vnic.vm.as_str());
                let keywords = ["broadcast", "multicast", "unknown", "host", "outside"];
                let suggestion =
                    config::suggestion(to, names.chain(keywords), "a frame may be sent to");
                bail!("{to:?} is neither a VM nor a MAC address{suggestion}")
            }
        },
    }
}

/// A VM; `None` where there is none of that name.
fn vm_destination(
    site: &Site<'_>,
    topology: &Topology,
    sender: &Sender,
    to: &str,
    vid: Option<u16>,
) -> anyhow::Result<Option<Destination>> {
    let selector = Selector::new(to);
    let on = |host| selector.vnics(host).map(move |vnic| (host, vnic));
    let others = topology.hosts.values();
    let others = others.filter(|host| host.name != site.host.name);
    let mut found: Vec<(&Host, &Vnic)> = Vec::new();
    // A VM that may be on several hosts is taken to be on this one, if it may be here.
    for (host, vnic) in on(site.host).chain(others.flat_map(on)) {
        if !found.iter().any(|(_, other)| is_same(other, vnic)) {
            found.push((host, vnic));
        }
    }
    // Of several vNICs the one is meant that the frame can reach as a frame of its network.
    if found.len() > 1 {
        let vlan = site.network_of(sender.at, vid);
        let is_member =
            |vnic: &Vnic| vlan.is_some_and(|vlan| vnic.membership.delivery(vlan).is_some());
        if found.iter().filter(|(_, vnic)| is_member(vnic)).count() == 1 {
            found.retain(|(_, vnic)| is_member(vnic));
        }
    }
    match found.as_slice() {
        [] => Ok(None),
        [(host, vnic)] => Ok(Some(vnic_destination(site, sender, host, vnic)?)),
        several => {
            let choices = several.iter().map(|(host, vnic)| exactly(host, vnic));
            bail!("{to} has several vNICs; say {}", one_of(choices));
        }
    }
}

fn vnic_destination(
    site: &Site<'_>,
    sender: &Sender,
    host: &Host,
    vnic: &Vnic,
) -> anyhow::Result<Destination> {
    let mac = vnic.mac.unwrap_or(OF_DESTINATION);
    if host.name != site.host.name {
        return Ok(Destination {
            who: format!("{} on host {}", vnic.vm, host.name),
            mac,
            learned_at: outside(site, sender),
        });
    }
    Ok(Destination {
        who: format!("{} at {}", vnic.vm, vnic.port),
        mac,
        learned_at: match vnic.pinned_mac() {
            Some(_) => None,
            None => Some(site.port(&vnic.port)?),
        },
    })
}

/// An address: that of a vNIC, or any other, of which nothing is known.
fn address(site: &Site<'_>, topology: &Topology, sender: &Sender, mac: MacAddr) -> Destination {
    let elsewhere = || {
        topology
            .hosts
            .values()
            .find_map(|host| Some((host, host.owner(mac)?)))
    };
    match (site.host.owner(mac), elsewhere()) {
        (Some(vnic), _) => Destination {
            who: format!("{} at {}", vnic.vm, vnic.port),
            mac,
            learned_at: vnic.roaming_mac().and_then(|_| site.find(&vnic.port)),
        },
        (None, Some((host, vnic))) => Destination {
            who: format!("{} on host {}", vnic.vm, host.name),
            mac,
            learned_at: outside(site, sender),
        },
        (None, None) => Destination {
            who: "an address".to_owned(),
            mac,
            learned_at: None,
        },
    }
}

/// The uplink behind which what is not on the host is: another one than the sender's, if possible.
fn outside(site: &Site<'_>, sender: &Sender) -> Option<Location> {
    let uplinks: Vec<Location> = site.uplinks().collect();
    let other = uplinks.iter().find(|uplink| **uplink != sender.at);
    other.or(uplinks.first()).map(|uplink| site.place(*uplink))
}
