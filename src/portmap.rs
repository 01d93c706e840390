//! Port numbers before any bridge has told its own: assumed ones.

use openflow::PortNo;

use crate::ports::Ports;
use crate::topology::{Bridges, FunctionKind, Host, Role};

/// The names of the ports that the configuration gives to the bridge of `host` with `role`, patch
/// ports among them and LOCAL not.
pub fn configured(host: &Host, role: Role) -> Vec<&str> {
    let vnics = || host.vnics.iter().map(|vnic| vnic.port.as_str());
    let uplinks = || host.uplinks.iter().map(String::as_str);
    match &host.bridges {
        Bridges::Chain(chain) => {
            let roles: Vec<Role> = host.bridges().map(|(role, _)| role).collect();
            let patches = chain
                .patches
                .iter()
                .zip(roles.windows(2))
                .flat_map(|(patch, ends)| {
                    [
                        (ends[0], patch.left.as_str()),
                        (ends[1], patch.right.as_str()),
                    ]
                });
            let patches = patches
                .filter(|(end, _)| *end == role)
                .map(|(_, name)| name);
            match role {
                Role::Local => vnics().chain(patches).collect(),
                Role::Service => functions(host).into_iter().chain(patches).collect(),
                Role::Uplink => uplinks().chain(patches).collect(),
                Role::Learning => Vec::new(),
            }
        }
        Bridges::Learning(_) if role == Role::Learning => vnics().chain(uplinks()).collect(),
        Bridges::Learning(_) | Bridges::AnyLearning => Vec::new(),
    }
}

/// The ports of the network functions.
fn functions(host: &Host) -> Vec<&str> {
    let functions = host.chains.iter().flat_map(|chain| &chain.functions);
    functions
        .flat_map(|function| match &function.kind {
            FunctionKind::Tap { instances } => {
                instances.iter().map(String::as_str).collect::<Vec<_>>()
            }
            FunctionKind::Inline { instances, .. } => instances
                .iter()
                .flat_map(|legs| [legs.ingress.as_str(), legs.egress.as_str()])
                .collect(),
        })
        .collect()
}

/// The ports of a bridge as if all that are configured were there, numbered from 1 in the order
/// of the configuration, and LOCAL.
pub fn assumed(host: &Host, role: Role) -> Ports {
    let local = host
        .bridge(role)
        .map(|bridge| (bridge.name.clone(), PortNo::LOCAL));
    let names = configured(host, role).into_iter().map(str::to_owned);
    names.zip((1..).map(PortNo)).chain(local).collect()
}
