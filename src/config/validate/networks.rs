//! Networks by name.

use std::collections::BTreeMap;

use crate::config::fields::Spanned;
use crate::config::names::suggestion;
use crate::config::raw::Network;
use crate::config::report::Report;
use crate::topology::Vlan;

/// The networks that there are. One whose VLAN is wrong is known by name only.
pub(super) struct Networks<'c> {
    vlans: BTreeMap<&'c str, Option<Vlan>>,
    max_macs: BTreeMap<Vlan, u32>,
}

impl<'c> Networks<'c> {
    /// Reports networks that share a VLAN.
    pub(super) fn new(networks: &'c [Network], report: &mut Report<'_>) -> Self {
        let mut owners: BTreeMap<Vlan, &Spanned<String>> = BTreeMap::new();
        let mut vlans = BTreeMap::new();
        let mut limits = BTreeMap::new();
        for Network {
            name,
            vlan,
            max_macs,
        } in networks
        {
            vlans.insert(name.value.as_str(), vlan.as_ref().map(|vlan| vlan.value));
            let Some(vlan) = vlan else { continue };
            if let Some(limit) = max_macs {
                limits.insert(vlan.value, *limit);
            }
            if let Some(owner) = owners.get(&vlan.value) {
                let line = report.line(owner.at);
                report.mistake(
                    vlan.at,
                    format!(
                        "VLAN {} is already the network {:?} (line {line}); a VLAN has one name",
                        vlan.value, owner.value
                    ),
                );
            } else {
                owners.insert(vlan.value, name);
            }
        }
        Self {
            vlans,
            max_macs: limits,
        }
    }

    /// The VLAN of the network `name`; `None` once it has been reported that there is none.
    pub(super) fn resolve(&self, name: &Spanned<String>, report: &mut Report<'_>) -> Option<Vlan> {
        if let Some(vlan) = self.vlans.get(name.value.as_str()) {
            return *vlan;
        }
        let hint = suggestion(&name.value, self.vlans.keys().copied(), "the networks are");
        report.mistake(
            name.at,
            format!("there is no network {:?}{hint}", name.value),
        );
        None
    }

    /// How many addresses may be learned in those where that is limited.
    pub(super) fn max_macs(&self) -> BTreeMap<Vlan, u32> {
        self.max_macs.clone()
    }

    /// Name and VLAN of each.
    pub(super) fn into_vlans(self) -> BTreeMap<String, Vlan> {
        let named = |(name, vlan): (&str, Option<Vlan>)| Some((name.to_owned(), vlan?));
        self.vlans.into_iter().filter_map(named).collect()
    }
}
