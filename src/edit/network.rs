//! Networks.

use serde_yaml::{Mapping, Value};

use super::{Draft, EditError, senseless};
use crate::inventory::NoNetwork;
use crate::topology::Vlan;

pub(super) fn create(
    mut draft: Draft<'_>,
    name: &str,
    vlan: u16,
    max_macs: Option<u32>,
) -> Result<String, EditError> {
    if draft.inventory.networks.contains_key(name) {
        return Err(EditError::Exists {
            what: "network",
            name: name.to_owned(),
            place: String::new(),
        });
    }
    if Vlan::new(vlan).is_none() {
        return Err(NoNetwork::NoVlan(vlan.to_string()).into());
    }
    if let Some(other) = draft.inventory.network_of_vlan(vlan) {
        return Err(senseless(format_args!(
            "VLAN {vlan} is that of the network {other:?} already; no two networks share one"
        )));
    }
    let mut value = Mapping::new();
    value.insert("vlan".into(), vlan.into());
    if let Some(limit) = max_macs {
        value.insert("max_macs".into(), limit.into());
    }
    draft.add("networks", name, &Value::from(value), 0)?;
    Ok(draft.text)
}

pub(super) fn delete(mut draft: Draft<'_>, word: &str) -> Result<String, EditError> {
    let name = draft.network(word)?;
    let by = draft.inventory.users_of_network(&name);
    if !by.is_empty() {
        return Err(EditError::InUse {
            what: "network",
            name,
            by,
        });
    }
    draft.drop("networks", &name)?;
    Ok(draft.text)
}
