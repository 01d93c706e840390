//! Reads tables as `ovs-vsctl --format=json list` prints them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::facts::{Bridge, Controller, DatapathIds, Facts, Port};
use crate::setup::ListingError;

/// Arguments of `ovs-vsctl` that print what [`parse`] reads.
pub const LISTING: [&str; 20] = [
    "--format=json",
    "--columns=other_config",
    "list",
    "Open_vSwitch",
    "--",
    "--columns=name,fail_mode,datapath_id,datapath_type,other_config,controller,protocols,ports,\
     stp_enable,rstp_enable,mirrors",
    "list",
    "Bridge",
    "--",
    "--columns=_uuid,target,is_connected,connection_mode,status",
    "list",
    "Controller",
    "--",
    "--columns=_uuid,name,interfaces",
    "list",
    "Port",
    "--",
    "--columns=_uuid,name,type,options,external_ids,error,link_state,admin_state,mtu,ofport,\
     mac_in_use",
    "list",
    "Interface",
];

/// Arguments of `ovs-vsctl` that print what [`parse_bridges`] reads.
pub const BRIDGES: [&str; 4] = [
    "--format=json",
    "--columns=name,datapath_id",
    "list",
    "Bridge",
];

/// Reads what `ovs-vsctl` printed for [`BRIDGES`].
///
/// # Errors
///
/// The text is something else.
pub fn parse_bridges(listing: &str) -> Result<DatapathIds, ListingError> {
    let table: Value = serde_json::from_str(listing)?;
    let rows = Row::all(&table).ok_or(ListingError::Table("Bridge"))?;
    let rows = rows.iter();
    Ok(rows
        .map(|row| (row.text("name"), row.first("datapath_id")))
        .collect())
}

/// Reads what `ovs-vsctl` printed for [`LISTING`].
///
/// # Errors
///
/// The text is something else.
pub fn parse(listing: &str) -> Result<Facts, ListingError> {
    let mut tables = serde_json::Deserializer::from_str(listing).into_iter::<Value>();
    let mut next = |name| -> Result<Vec<Row>, ListingError> {
        let table = tables.next().ok_or(ListingError::Table(name))??;
        Row::all(&table).ok_or(ListingError::Table(name))
    };
    let switch = next("Open_vSwitch")?;
    let bridges = next("Bridge")?;
    let controllers = by_uuid(next("Controller")?, controller);
    let ports = by_uuid(next("Port")?, |row| {
        (row.text("name"), row.set("interfaces"))
    });
    let interfaces = by_uuid(next("Interface")?, |row| (row.text("name"), port(row)));
    let bridge = |row: &Row| {
        let rows = row.set("ports");
        let rows = rows.iter().filter_map(|uuid| ports.get(uuid));
        let members = rows.flat_map(|(name, members)| {
            let members = members.iter().filter_map(|uuid| interfaces.get(uuid));
            members.map(move |(own, port)| {
                let row = name.clone();
                let port = port.clone();
                (own.clone(), Port { row, ..port })
            })
        });
        let targets = row.set("controller");
        let targets = targets.iter().filter_map(|uuid| controllers.get(uuid));
        Bridge {
            fail_mode: row.first("fail_mode"),
            datapath_id: row.first("datapath_id"),
            datapath_type: row.text("datapath_type"),
            other_config: row.map("other_config"),
            protocols: row.set("protocols"),
            has_spanning_tree: row.flag("stp_enable") || row.flag("rstp_enable"),
            mirrors: row.set("mirrors").len(),
            controllers: targets.cloned().collect(),
            ports: members.collect(),
        }
    };
    let settings = switch.first().map(|row| row.map("other_config"));
    Ok(Facts {
        vlan_limit: settings.and_then(|mut settings| settings.remove("vlan-limit")),
        bridges: bridges
            .iter()
            .map(|row| (row.text("name"), bridge(row)))
            .collect(),
        ..Facts::default()
    })
}

fn by_uuid<T>(rows: Vec<Row>, read: impl Fn(&Row) -> T) -> BTreeMap<String, T> {
    let rows = rows.iter();
    rows.map(|row| (row.text("_uuid"), read(row))).collect()
}

fn controller(row: &Row) -> Controller {
    Controller {
        target: row.text("target"),
        is_connected: row.flag("is_connected"),
        connection_mode: row.first("connection_mode"),
        last_error: row.map("status").remove("last_error"),
    }
}

fn port(row: &Row) -> Port {
    let is_up = |column| row.first(column).map(|state| state == "up");
    Port {
        row: String::new(),
        kind: row.text("type"),
        options: row.map("options"),
        external_ids: row.map("external_ids"),
        error: row.first("error"),
        has_link: is_up("link_state"),
        is_up: is_up("admin_state"),
        mtu: row.first("mtu").and_then(|mtu| mtu.parse().ok()),
        // -1 where it could not be opened.
        ofport: row.first("ofport").and_then(|number| number.parse().ok()),
        mac: row.first("mac_in_use"),
    }
}

/// A row of a table by column.
struct Row(BTreeMap<String, Value>);

impl Row {
    /// The rows of `{"headings": [NAME...], "data": [[CELL...]...]}`.
    fn all(table: &Value) -> Option<Vec<Self>> {
        let headings = table["headings"].as_array()?;
        let rows = table["data"].as_array()?.iter();
        rows.map(|cells| {
            let cells = cells.as_array()?;
            let names = headings.iter().filter_map(Value::as_str).map(str::to_owned);
            Some(Self(names.zip(cells.iter().cloned()).collect()))
        })
        .collect()
    }

    /// A cell as a set of atoms: it is one, or `["set", [ATOM, ...]]` (RFC 7047, section 5.1).
    fn set(&self, column: &str) -> BTreeSet<String> {
        let Some(cell) = self.0.get(column) else {
            return BTreeSet::new();
        };
        match (cell[0].as_str(), cell[1].as_array()) {
            (Some("set"), Some(atoms)) => atoms.iter().filter_map(atom).collect(),
            _ => atom(cell).into_iter().collect(),
        }
    }

    fn first(&self, column: &str) -> Option<String> {
        self.set(column).pop_first()
    }

    fn text(&self, column: &str) -> String {
        self.first(column).unwrap_or_default()
    }

    fn flag(&self, column: &str) -> bool {
        self.0.get(column) == Some(&Value::Bool(true))
    }

    /// A cell that is `["map", [[KEY, VALUE], ...]]`.
    fn map(&self, column: &str) -> BTreeMap<String, String> {
        let pairs = self.0.get(column).and_then(|cell| cell[1].as_array());
        let pairs = pairs.into_iter().flatten();
        pairs
            .filter_map(|pair| Some((atom(&pair[0])?, atom(&pair[1])?)))
            .collect()
    }
}

/// Text, a number, or `["uuid", TEXT]`.
fn atom(value: &Value) -> Option<String> {
    match value {
        Value::Number(number) => Some(number.to_string()),
        other => other.as_str().or(other[1].as_str()).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Printed by ovs-vsctl 3.1.0, uuids shortened.
    const PRINTED: &str = r#"
{"data":[[["map",[["vlan-limit","2"]]]]],"headings":["other_config"]}
{"data":[["br0","secure","00000612555c2d48","netdev",["map",[["disable-in-band","true"]]],["uuid","38"],"OpenFlow13",["set",[["uuid","5d"],["uuid","f0"]]],false,true,["set",[]]]],
 "headings":["name","fail_mode","datapath_id","datapath_type","other_config","controller","protocols","ports","stp_enable","rstp_enable","mirrors"]}
{"data":[[["uuid","38"],"tcp:127.0.0.1:6653",false,["set",[]],["map",[["last_error","Connection refused"],["state","BACKOFF"]]]]],
 "headings":["_uuid","target","is_connected","connection_mode","status"]}
{"data":[[["uuid","f0"],"bond0",["set",[["uuid","39"],["uuid","a1"]]]],[["uuid","5d"],"br0",["uuid","09"]]],"headings":["_uuid","name","interfaces"]}
{"data":[[["uuid","09"],"br0","internal",["map",[]],["map",[]],["set",[]],"down","down",1500,65534,"02:00:00:00:00:01"],
         [["uuid","a1"],"nope","",["map",[]],["map",[]],"could not open network device nope (No such device)",["set",[]],["set",[]],["set",[]],-1,["set",[]]],
         [["uuid","39"],"eth1","",["map",[["peer","x"]]],["map",[["iface-id","y"]]],["set",[]],"up","up",1600,3,["set",[]]]],
 "headings":["_uuid","name","type","options","external_ids","error","link_state","admin_state","mtu","ofport","mac_in_use"]}"#;

    #[test]
    fn reads_what_ovs_vsctl_prints() {
        let facts = parse(PRINTED).expect("a listing");
        let text = str::to_owned;
        let pair = |key: &str, value: &str| BTreeMap::from([(text(key), text(value))]);
        assert_eq!(facts.vlan_limit.as_deref(), Some("2"));
        let local = Port {
            row: text("br0"),
            kind: text("internal"),
            has_link: Some(false),
            is_up: Some(false),
            mtu: Some(1500),
            ofport: Some(65534),
            mac: Some(text("02:00:00:00:00:01")),
            ..Port::default()
        };
        let eth1 = Port {
            row: text("bond0"),
            options: pair("peer", "x"),
            external_ids: pair("iface-id", "y"),
            has_link: Some(true),
            is_up: Some(true),
            mtu: Some(1600),
            ofport: Some(3),
            ..Port::default()
        };
        let nope = Port {
            row: text("bond0"),
            error: Some(text("could not open network device nope (No such device)")),
            ..Port::default()
        };
        let bridge = Bridge {
            fail_mode: Some(text("secure")),
            datapath_id: Some(text("00000612555c2d48")),
            datapath_type: text("netdev"),
            other_config: pair("disable-in-band", "true"),
            protocols: [text("OpenFlow13")].into(),
            has_spanning_tree: true,
            mirrors: 0,
            controllers: vec![Controller {
                target: text("tcp:127.0.0.1:6653"),
                is_connected: false,
                connection_mode: None,
                last_error: Some(text("Connection refused")),
            }],
            ports: [
                (text("br0"), local),
                (text("eth1"), eth1),
                (text("nope"), nope),
            ]
            .into(),
        };
        assert_eq!(facts.bridges, [(text("br0"), bridge)].into());
    }

    #[test]
    fn reads_the_datapath_ids_of_another_database() {
        let printed = r#"{"data":[["br0","00000612555c2d48"],["br1",["set",[]]]],"headings":["name","datapath_id"]}"#;
        let text = str::to_owned;
        let expected = [
            (text("br0"), Some(text("00000612555c2d48"))),
            (text("br1"), None),
        ];
        let read = parse_bridges(printed).expect("a listing");
        assert_eq!(read, expected.into());
        assert!(parse_bridges("").is_err());
    }

    #[test]
    fn refuses_what_is_no_listing() {
        for listing in ["", "x", "{}", r#"{"data":[],"headings":[]}"#] {
            assert!(parse(listing).is_err(), "{listing}");
        }
    }
}
