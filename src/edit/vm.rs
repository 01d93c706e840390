//! VMs.

use serde_yaml::{Mapping, Value};

use super::{Draft, EditError, senseless, unknown};
use crate::config;

pub(super) fn create(
    mut draft: Draft<'_>,
    name: &str,
    hosts: &[String],
) -> Result<String, EditError> {
    if draft.inventory.vms.contains_key(name) {
        return Err(EditError::Exists {
            what: "VM",
            name: name.to_owned(),
            place: String::new(),
        });
    }
    for host in hosts {
        draft.host(host)?;
    }
    let known: Vec<&str> = draft.inventory.hosts.keys().map(String::as_str).collect();
    let host = match hosts {
        [] => match known[..] {
            [only] => Value::from(only),
            _ => {
                let hosts = config::suggestion("", known.into_iter(), "the hosts are");
                return Err(senseless(format_args!("say on which host it runs{hosts}")));
            }
        },
        [host] => Value::from(host.as_str()),
        several => several.iter().map(String::as_str).collect(),
    };
    let mut value = Mapping::new();
    value.insert("host".into(), host);
    value.insert("nics".into(), Value::Sequence(Vec::new()));
    draft.add("vms", name, &Value::from(value), 1)?;
    Ok(draft.text)
}

pub(super) fn delete(mut draft: Draft<'_>, name: &str) -> Result<String, EditError> {
    let vms = &draft.inventory.vms;
    if !vms.contains_key(name) {
        return Err(unknown("VM", name, vms.keys(), "the VMs are"));
    }
    let by = draft.inventory.users_of_vm(name);
    if !by.is_empty() {
        return Err(EditError::InUse {
            what: "VM",
            name: name.to_owned(),
            by,
        });
    }
    draft.drop("vms", name)?;
    Ok(draft.text)
}
