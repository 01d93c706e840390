//! What the rule does not speak of.

use crate::topology::{Attachment, Copying, FunctionKind, Host};

/// What of a host can not be proved, in words; empty where all of it can.
pub fn beyond(host: &Host) -> Vec<String> {
    let mut beyond = Vec::new();
    for vnic in &host.vnics {
        let at = format!("{} at {}", vnic.vm, vnic.port);
        if vnic.attachment == Attachment::Direct {
            beyond.push(format!("the direct vNIC of {at}"));
        }
        if vnic.security.max_macs.is_some() {
            beyond.push(format!("max_macs of {at}"));
        }
    }
    for vlan in host.max_macs.keys() {
        beyond.push(format!("max_macs of VLAN {vlan}"));
    }
    for chain in &host.chains {
        for function in &chain.functions {
            if let FunctionKind::Tap { copying, instances } = &function.kind
                && (*copying != Copying::default()
                    || instances.iter().any(|instance| instance.remote.is_some()))
            {
                beyond.push(format!(
                    "what is copied to {} ({})",
                    function.name, chain.name
                ));
            }
        }
    }
    beyond
}
