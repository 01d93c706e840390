//! The resources that only tell.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Shared;
use super::inventory;
use super::problem::{Name, Problem, Query, known};
use crate::controller::Observer;
use crate::inventory::{NoNetwork, find_network};
use crate::status::{
    Bridges, Chain, Chains, Drops, Functions, Host, Hosts, Mac, Macs, Network, Networks, Ports,
    Status, Vm, Vms, Vnics,
};
use crate::topology::{self, Topology};

/// All of them.
pub(super) fn resources() -> OpenApiRouter<Shared> {
    OpenApiRouter::new()
        .routes(routes!(status))
        .routes(routes!(hosts))
        .routes(routes!(host))
        .routes(routes!(bridges))
        .routes(routes!(ports))
        .routes(routes!(networks))
        .routes(routes!(network))
        .routes(routes!(vms))
        .routes(routes!(vm))
        .routes(routes!(vnics))
        .routes(routes!(chains))
        .routes(routes!(chain))
        .routes(routes!(functions))
        .routes(routes!(macs))
        .routes(routes!(drops))
}

/// What is asked for: what agrees with all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OnHost {
    /// On this host only.
    host: Option<String>,
}

/// What is asked for: what agrees with all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Members {
    /// In this network only: its name, its VLAN id, or its UUID.
    network: Option<String>,
    /// Of this VM only.
    vm: Option<String>,
    /// On this host only.
    host: Option<String>,
}

/// What is asked for: what agrees with all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct OfChain {
    /// Of this chain only.
    chain: Option<String>,
    /// On this host only.
    host: Option<String>,
}

/// The state of all hosts: bridges, functions, counts.
#[utoipa::path(get, path = "/v1/status", tag = "state",
    responses((status = 200, description = "The state", body = Status), Problem))]
async fn status(State(observer): State<Observer>) -> Result<Json<Status>, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    Ok(Json(Status::clone(&status)))
}

/// All hosts.
#[utoipa::path(get, path = "/v1/hosts", tag = "state",
    responses((status = 200, description = "The hosts", body = Hosts), Problem))]
async fn hosts(State(observer): State<Observer>) -> Result<Json<Hosts>, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let hosts = status.hosts.clone();
    Ok(Json(Hosts { hosts }))
}

/// One host.
#[utoipa::path(get, path = "/v1/hosts/{host}", tag = "state",
    params(("host" = String, Path, description = "Its name")),
    responses((status = 200, description = "The host", body = Host), Problem))]
async fn host(State(observer): State<Observer>, Name(name): Name) -> Result<Json<Host>, Problem> {
    host_exists(&observer.topology(), &name).map_err(Problem::not_found)?;
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let host = status.hosts.iter().find(|host| host.name == name);
    host.map(|host| Json(host.clone()))
        .ok_or_else(|| Problem::not_found(format!("nothing is known of host {name:?}")))
}

/// The bridges of all hosts: whether they are connected, and the flows they hold.
#[utoipa::path(get, path = "/v1/bridges", tag = "state", params(OnHost),
    responses((status = 200, description = "The bridges", body = Bridges), Problem))]
async fn bridges(
    State(observer): State<Observer>,
    Query(asked): Query<OnHost>,
) -> Result<Json<Bridges>, Problem> {
    asked.check(&observer.topology())?;
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let mut bridges = inventory::bridges(&status);
    bridges.retain(|bridge| is(&asked.host, Some(&bridge.host)));
    Ok(Json(Bridges { bridges }))
}

/// The ports of all bridges, and those that are expected there.
#[utoipa::path(get, path = "/v1/ports", tag = "state", params(OnHost),
    responses((status = 200, description = "The ports", body = Ports), Problem))]
async fn ports(
    State(observer): State<Observer>,
    Query(asked): Query<OnHost>,
) -> Result<Json<Ports>, Problem> {
    asked.check(&observer.topology())?;
    let all = observer.ports().await.ok_or_else(Problem::ending)?;
    let ports = all.ports.iter();
    let ports = ports.filter(|port| is(&asked.host, Some(&port.host)));
    Ok(Json(Ports {
        ports: ports.cloned().collect(),
    }))
}

/// All networks, with the vNICs that are members of them.
#[utoipa::path(get, path = "/v1/networks", tag = "configuration",
    responses((status = 200, description = "The networks", body = Networks), Problem))]
async fn networks(State(observer): State<Observer>) -> Json<Networks> {
    let networks = inventory::networks(&observer.topology());
    Json(Networks { networks })
}

/// One network.
#[utoipa::path(get, path = "/v1/networks/{network}", tag = "configuration",
    params(("network" = String, Path, description = "Its name, its VLAN id, or its UUID")),
    responses((status = 200, description = "The network", body = Network), Problem))]
async fn network(
    State(observer): State<Observer>,
    Name(name): Name,
) -> Result<Json<Network>, Problem> {
    let topology = observer.topology();
    let name = network_name(&topology, &name).map_err(|error| no_network(&error))?;
    let mut networks = inventory::networks(&topology).into_iter();
    let found = networks.find(|network| network.name == name);
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no network {name:?}")))
}

/// The VMs that have a vNIC.
#[utoipa::path(get, path = "/v1/vms", tag = "configuration", params(OnHost),
    responses((status = 200, description = "The VMs", body = Vms), Problem))]
async fn vms(
    State(observer): State<Observer>,
    Query(asked): Query<OnHost>,
) -> Result<Json<Vms>, Problem> {
    let topology = observer.topology();
    asked.check(&topology)?;
    let ports = observer.ports().await.ok_or_else(Problem::ending)?;
    let mut vms = inventory::vms(inventory::vnics(&topology, &ports.ports));
    vms.retain(|vm| vm.hosts.iter().any(|host| is(&asked.host, Some(host))));
    Ok(Json(Vms { vms }))
}

/// One VM.
#[utoipa::path(get, path = "/v1/vms/{vm}", tag = "configuration",
    params(("vm" = String, Path, description = "Its name")),
    responses((status = 200, description = "The VM", body = Vm), Problem))]
async fn vm(State(observer): State<Observer>, Name(name): Name) -> Result<Json<Vm>, Problem> {
    let topology = observer.topology();
    vm_exists(&topology, &name).map_err(Problem::not_found)?;
    let ports = observer.ports().await.ok_or_else(Problem::ending)?;
    let vms = inventory::vms(inventory::vnics(&topology, &ports.ports));
    let vm = vms.into_iter().find(|vm| vm.name == name);
    vm.map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no VM {name:?}")))
}

/// The vNICs of all VMs, with what their bridges say of their ports.
#[utoipa::path(get, path = "/v1/vnics", tag = "configuration", params(Members),
    responses((status = 200, description = "The vNICs", body = Vnics), Problem))]
async fn vnics(
    State(observer): State<Observer>,
    Query(asked): Query<Members>,
) -> Result<Json<Vnics>, Problem> {
    let topology = observer.topology();
    // vNICs are members of networks only.
    let wanted = asked.check(&topology, false)?;
    let ports = observer.ports().await.ok_or_else(Problem::ending)?;
    let mut vnics = inventory::vnics(&topology, &ports.ports);
    vnics.retain(|vnic| {
        let mut networks = vnic.trunked_networks.iter().chain(&vnic.network);
        let network = wanted.is_none_or(|wanted| {
            networks.any(|name| topology.networks.get(name).map(|vlan| vlan.id()) == Some(wanted))
        });
        network && is(&asked.vm, Some(&vnic.vm)) && is(&asked.host, Some(&vnic.host))
    });
    Ok(Json(Vnics { vnics }))
}

/// All service chains, with the health of their functions.
#[utoipa::path(get, path = "/v1/chains", tag = "configuration",
    responses((status = 200, description = "The chains", body = Chains), Problem))]
async fn chains(State(observer): State<Observer>) -> Result<Json<Chains>, Problem> {
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let chains = inventory::chains(&observer.topology(), &status);
    Ok(Json(Chains { chains }))
}

/// One service chain.
#[utoipa::path(get, path = "/v1/chains/{chain}", tag = "configuration",
    params(("chain" = String, Path, description = "Its name")),
    responses((status = 200, description = "The chain", body = Chain), Problem))]
async fn chain(State(observer): State<Observer>, Name(name): Name) -> Result<Json<Chain>, Problem> {
    let topology = observer.topology();
    chain_exists(&topology, &name).map_err(Problem::not_found)?;
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let chains = inventory::chains(&topology, &status);
    let chain = chains.into_iter().find(|chain| chain.name == name);
    chain
        .map(Json)
        .ok_or_else(|| Problem::not_found(format!("there is no service chain {name:?}")))
}

/// The network functions of all hosts, with the health of their instances.
#[utoipa::path(get, path = "/v1/functions", tag = "state", params(OfChain),
    responses((status = 200, description = "The functions", body = Functions), Problem))]
async fn functions(
    State(observer): State<Observer>,
    Query(asked): Query<OfChain>,
) -> Result<Json<Functions>, Problem> {
    asked.check(&observer.topology())?;
    let status = observer.status().await.ok_or_else(Problem::ending)?;
    let mut functions = inventory::functions(&status);
    functions
        .retain(|it| is(&asked.chain, Some(&it.function.chain)) && is(&asked.host, Some(&it.host)));
    Ok(Json(Functions { functions }))
}

/// The MAC addresses that are known, those of the configuration and those that are learned.
#[utoipa::path(get, path = "/v1/macs", tag = "state", params(Members),
    responses((status = 200, description = "The MAC addresses", body = Macs), Problem))]
async fn macs(
    State(observer): State<Observer>,
    Query(asked): Query<Members>,
) -> Result<Json<Macs>, Problem> {
    let topology = observer.topology();
    let wanted = asked.check(&topology, learns_in_all(&topology))?;
    let all = observer.macs().await.ok_or_else(Problem::ending)?;
    let is_asked_for = |mac: &&Mac| {
        wanted.is_none_or(|vlan| mac.vlan == vlan)
            && is(&asked.vm, mac.vm.as_deref())
            && is(&asked.host, Some(&mac.host))
    };
    Ok(Json(Macs {
        macs: all.macs.iter().filter(is_asked_for).cloned().collect(),
    }))
}

/// The frames that bridges have dropped, by cause. They are asked for it, a second apart at the most.
#[utoipa::path(get, path = "/v1/drops", tag = "state", params(OnHost),
    responses((status = 200, description = "The frames", body = Drops), Problem))]
async fn drops(
    State(observer): State<Observer>,
    Query(asked): Query<OnHost>,
) -> Result<Json<Drops>, Problem> {
    asked.check(&observer.topology())?;
    let observed = observer.observed().await.ok_or_else(Problem::ending)?;
    let drops = observed.iter().flat_map(|host| &host.statistics.drops);
    let drops = drops.filter(|dropped| is(&asked.host, Some(&dropped.host)));
    Ok(Json(Drops {
        drops: drops.cloned().collect(),
    }))
}

impl OnHost {
    fn check(&self, topology: &Topology) -> Result<(), Problem> {
        check(&self.host, |host| host_exists(topology, host))
    }
}

impl Members {
    /// The VLAN of the network that is asked for, if one is; where it `may_be` known nevertheless, one
    /// that is no network too.
    fn check(&self, topology: &Topology, may_be: bool) -> Result<Option<u16>, Problem> {
        check(&self.host, |host| host_exists(topology, host))?;
        check(&self.vm, |vm| vm_exists(topology, vm))?;
        let Some(network) = &self.network else {
            return Ok(None);
        };
        match network_name(topology, network) {
            Ok(name) => Ok(topology.networks.get(name).map(|vlan| vlan.id())),
            Err(NoNetwork::OfVlan(vlan)) if may_be => Ok(Some(vlan)),
            Err(error) => Err(no_network(&error)),
        }
    }
}

/// Whether there is a host that learns in VLANs that are no networks.
fn learns_in_all(topology: &Topology) -> bool {
    let mut hosts = topology.hosts.values().map(|host| &host.bridges);
    hosts.any(|bridges| !matches!(bridges, topology::Bridges::Chain(_)))
}

impl OfChain {
    fn check(&self, topology: &Topology) -> Result<(), Problem> {
        check(&self.host, |host| host_exists(topology, host))?;
        check(&self.chain, |chain| chain_exists(topology, chain))
    }
}

fn check(
    asked: &Option<String>,
    exists: impl FnOnce(&str) -> Result<(), String>,
) -> Result<(), Problem> {
    let asked = asked.as_deref();
    asked.map_or(Ok(()), exists).map_err(Problem::not_found)
}

fn host_exists(topology: &Topology, name: &str) -> Result<(), String> {
    known("host", name, topology.hosts.keys().map(String::as_str))
}

fn vm_exists(topology: &Topology, name: &str) -> Result<(), String> {
    let vnics = topology.hosts.values().flat_map(|host| &host.vnics);
    known("VM", name, vnics.map(|vnic| vnic.vm.as_str()))
}

fn chain_exists(topology: &Topology, name: &str) -> Result<(), String> {
    let chains = topology.hosts.values().flat_map(|host| &host.chains);
    known("service chain", name, chains.map(|chain| &*chain.name))
}

/// Whether what was found is what was asked for, if anything was.
fn is(asked: &Option<String>, found: Option<&str>) -> bool {
    asked.is_none() || asked.as_deref() == found
}

/// The name of the network that is asked for.
fn network_name<'t>(topology: &'t Topology, asked: &str) -> Result<&'t str, NoNetwork> {
    let networks = topology.networks.iter();
    find_network(
        networks.map(|(name, vlan)| (name.as_str(), vlan.id())),
        asked,
    )
}

fn no_network(error: &NoNetwork) -> Problem {
    match error {
        NoNetwork::Ambiguous { .. } | NoNetwork::NoVlan(_) => {
            Problem::bad_request(error.to_string())
        }
        NoNetwork::Unknown { .. } | NoNetwork::OfVlan(_) => Problem::not_found(error.to_string()),
    }
}
