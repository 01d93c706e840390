//! `/v1/macs`: the MAC table.

use axum::Json;
use axum::extract::State;
use serde::Deserialize;
use utoipa::IntoParams;

use super::problem::{Problem, Query, known};
use crate::controller::Observer;
use crate::status::{Mac, Macs};
use crate::topology::Topology;

/// Which MAC addresses are asked for: those that agree with all that is given.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// In this network: its name, or its VLAN id.
    network: Option<String>,
    /// At a vNIC of this VM.
    vm: Option<String>,
    /// On this host.
    host: Option<String>,
}

/// The MAC addresses that are known, those of the configuration and those that are learned.
#[utoipa::path(
    get, path = "/v1/macs", tag = "reads", params(Asked),
    responses(
        (status = 200, description = "The MAC addresses", body = Macs),
        (status = 400, description = "The query has mistakes", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The controller is ending", body = Problem, content_type = "application/problem+json"),
    )
)]
pub(super) async fn macs(
    State(observer): State<Observer>,
    Query(asked): Query<Asked>,
) -> Result<Json<Macs>, Problem> {
    let topology = observer.topology();
    asked.check(&topology).map_err(Problem::bad_request)?;
    let all = observer.macs().await.ok_or_else(Problem::ending)?;
    let macs = all.macs.iter().filter(|mac| asked.agrees(mac));
    Ok(Json(Macs {
        macs: macs.cloned().collect(),
    }))
}

impl Asked {
    fn check(&self, topology: &Topology) -> Result<(), String> {
        if let Some(host) = &self.host {
            known("host", host, topology.hosts.keys().map(String::as_str))?;
        }
        if let Some(vm) = &self.vm {
            let vnics = topology.hosts.values().flat_map(|host| &host.vnics);
            known("VM", vm, vnics.map(|vnic| &*vnic.vm))?;
        }
        match &self.network {
            Some(network) if network.parse::<u16>().is_err() => {
                let networks = topology.networks.keys().map(String::as_str);
                known("network", network, networks)
            }
            _ => Ok(()),
        }
    }

    fn agrees(&self, mac: &Mac) -> bool {
        let is = |wanted: &Option<String>, found: Option<&str>| {
            wanted.is_none() || wanted.as_deref() == found
        };
        let network = self.network.as_deref().is_none_or(|wanted| {
            Some(wanted) == mac.network.as_deref() || wanted.parse() == Ok(mac.vlan)
        });
        network && is(&self.vm, mac.vm.as_deref()) && is(&self.host, Some(&mac.host))
    }
}
