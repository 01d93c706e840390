//! What an OVS database has already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The bridges in a database, as far as setting up depends on them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Present {
    pub(super) bridges: BTreeMap<String, PresentBridge>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct PresentBridge {
    /// Where its controllers are.
    pub(super) controllers: BTreeSet<String>,
    /// Empty for OVS's default, which includes OpenFlow 1.3.
    pub(super) protocols: BTreeSet<String>,
}

/// Why a listing is not what `ovs-vsctl` prints.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListingError {
    /// Not JSON.
    #[error("ovs-vsctl printed no JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// Not the two tables of [`Present::LISTING`].
    #[error("ovs-vsctl printed no table {0}")]
    Table(&'static str),
}

/// A row of a table: each cell is a set of atoms, as text.
type Row = Vec<BTreeSet<String>>;

impl Present {
    /// Arguments of `ovs-vsctl` that print what [`Present::parse`] reads.
    pub const LISTING: [&str; 8] = [
        "--format=json",
        "--columns=name,controller,protocols",
        "list",
        "Bridge",
        "--",
        "--columns=_uuid,target",
        "list",
        "Controller",
    ];

    /// Reads what `ovs-vsctl` printed for [`Present::LISTING`].
    ///
    /// # Errors
    ///
    /// The text is something else.
    pub fn parse(listing: &str) -> Result<Self, ListingError> {
        let mut tables = serde_json::Deserializer::from_str(listing).into_iter::<Value>();
        let mut next = |name| -> Result<Vec<Row>, ListingError> {
            let table = tables.next().ok_or(ListingError::Table(name))??;
            let rows = table["data"].as_array().ok_or(ListingError::Table(name))?;
            Ok(rows.iter().map(row).collect())
        };
        let bridges = next("Bridge")?;
        let mut targets = BTreeMap::new();
        for row in next("Controller")? {
            let [uuid, target] =
                <[_; 2]>::try_from(row).map_err(|_| ListingError::Table("Controller"))?;
            targets.extend(uuid.into_iter().zip(target));
        }
        let mut present = Self::default();
        for row in bridges {
            let [names, controllers, protocols] =
                <[_; 3]>::try_from(row).map_err(|_| ListingError::Table("Bridge"))?;
            let controllers = controllers
                .iter()
                .filter_map(|uuid| targets.get(uuid).cloned());
            let bridge = PresentBridge {
                controllers: controllers.collect(),
                protocols,
            };
            present
                .bridges
                .extend(names.into_iter().map(|name| (name, bridge.clone())));
        }
        Ok(present)
    }
}

/// A cell is an atom or `["set", [ATOM, ...]]`; an atom is text or `["uuid", TEXT]` (RFC 7047,
/// section 5.1).
fn row(cells: &Value) -> Row {
    let atom = |value: &Value| value.as_str().or(value[1].as_str()).map(str::to_owned);
    let cell = |value: &Value| match (value[0].as_str(), value[1].as_array()) {
        (Some("set"), Some(atoms)) => atoms.iter().filter_map(atom).collect(),
        _ => atom(value).into_iter().collect(),
    };
    cells.as_array().into_iter().flatten().map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(items: &[&str]) -> BTreeSet<String> {
        items.iter().map(|&item| item.to_owned()).collect()
    }

    /// Printed by ovs-vsctl 3.1.0, uuids shortened.
    #[test]
    fn reads_what_ovs_vsctl_prints() {
        let listing = r#"{"data":[["br0",["uuid","8f6e"],["set",[]]],
                                  ["br1",["set",[["uuid","aa01"],["uuid","aa02"]]],["set",["OpenFlow10","OpenFlow13"]]],
                                  ["br2",["set",[]],"OpenFlow15"]],
                          "headings":["name","controller","protocols"]}
                         {"data":[[["uuid","8f6e"],"tcp:127.0.0.1:6653"],[["uuid","aa01"],"tcp:192.0.2.1:6653"],
                                  [["uuid","aa02"],"unix:/run/c.sock"]],
                          "headings":["_uuid","target"]}"#;
        let present = Present::parse(listing).expect("a listing");
        let bridge = |controllers: &[&str], protocols: &[&str]| PresentBridge {
            controllers: set(controllers),
            protocols: set(protocols),
        };
        assert_eq!(
            present.bridges,
            BTreeMap::from([
                ("br0".to_owned(), bridge(&["tcp:127.0.0.1:6653"], &[])),
                (
                    "br1".to_owned(),
                    bridge(
                        &["tcp:192.0.2.1:6653", "unix:/run/c.sock"],
                        &["OpenFlow10", "OpenFlow13"]
                    )
                ),
                ("br2".to_owned(), bridge(&[], &["OpenFlow15"])),
            ])
        );
    }

    #[test]
    fn refuses_what_is_no_listing() {
        let table = r#"{"data":[["br0"]]}"#;
        for listing in ["", "x", "{}", table, r#"{"data":[]} {"data":[[1]]}"#] {
            assert!(Present::parse(listing).is_err(), "{listing}");
        }
    }
}
