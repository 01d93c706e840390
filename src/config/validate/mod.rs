//! Whether what the file says fits together: every name is defined, nothing is used twice.

mod chains;
mod hosts;
mod networks;
mod vms;
mod warnings;

use self::hosts::Hosts;
use self::networks::Networks;
use super::raw::Config;
use super::report::Report;
use crate::topology::Topology;

/// Makes the topology. What does not fit is reported and left out, so the result is only good if
/// nothing was reported.
pub(super) fn topology(config: &Config, report: &mut Report<'_>) -> Topology {
    let networks = Networks::new(&config.networks, report);
    let mut hosts = Hosts::new(&config.hosts, report);
    vms::place(&config.vms, &networks, &mut hosts, report);
    chains::place(config, &networks, &mut hosts, report);
    let max_macs = networks.max_macs();
    let networks = networks.into_vlans();
    let topology = Topology {
        controller: config.controller.clone(),
        hosts: hosts.into_hosts(&networks.values().copied().collect(), &max_macs),
        networks,
    };
    // What was left out would be missed there.
    if !report.has_mistakes() {
        warnings::check(config, &topology, report);
    }
    topology
}
