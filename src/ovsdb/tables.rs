//! A copy of the tables that tell which interface is where, kept up to date.

use std::collections::BTreeMap;

use openflow::{DatapathId, PortNo};
use serde_json::{Map, Value, json};

use super::{Database, Interface};

/// The rows of the three tables, by their UUIDs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tables {
    bridges: BTreeMap<String, Bridge>,
    ports: BTreeMap<String, Port>,
    interfaces: BTreeMap<String, Row>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bridge {
    name: String,
    datapath_id: Option<DatapathId>,
    ports: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Port {
    interfaces: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    name: String,
    external_ids: BTreeMap<String, String>,
    ofport: Option<PortNo>,
}

/// Why updates are not what was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// Something has another type than it should.
    #[error("{place}: expected {expected}, found {found}")]
    Type {
        /// Where: table, row and column.
        place: String,
        /// What should be there.
        expected: &'static str,
        /// What is.
        found: String,
    },
    /// There is no end of rows.
    #[error("more than {} rows: no host has as many interfaces", Tables::MOST_ROWS)]
    TooMany,
}

/// The tables, and what is asked of each.
const BRIDGE: &str = "Bridge";
const PORT: &str = "Port";
const INTERFACE: &str = "Interface";

impl Tables {
    /// How many rows all tables may have together. OpenFlow has numbers for 65,279 ports of a bridge.
    pub const MOST_ROWS: usize = 1 << 19;

    /// What a `monitor` request asks for.
    pub(super) fn requests() -> Value {
        json!({
            BRIDGE: { "columns": ["name", "datapath_id", "ports"] },
            PORT: { "columns": ["interfaces"] },
            INTERFACE: { "columns": ["name", "external_ids", "ofport"] },
        })
    }

    /// Follows `<table-updates>` (RFC 7047, section 4.1.6).
    ///
    /// # Errors
    ///
    /// They are something else; the copy is then of no use any more.
    pub fn update(&mut self, updates: &Value) -> Result<(), TableError> {
        for (table, rows) in object(updates, || "the tables".to_owned())? {
            for (uuid, update) in object(rows, || format!("table {table}"))? {
                let place = || format!("{table} {uuid}");
                let new = match object(update, place)?.get("new") {
                    None | Some(Value::Null) => None,
                    Some(new) => Some(Columns {
                        table,
                        uuid,
                        values: object(new, place)?,
                    }),
                };
                match table.as_str() {
                    BRIDGE => set(&mut self.bridges, uuid, new, Columns::bridge)?,
                    PORT => set(&mut self.ports, uuid, new, Columns::port)?,
                    INTERFACE => set(&mut self.interfaces, uuid, new, Columns::interface)?,
                    // Nobody asked.
                    _ => {}
                }
                if self.bridges.len() + self.ports.len() + self.interfaces.len() > Self::MOST_ROWS {
                    return Err(TableError::TooMany);
                }
            }
        }
        Ok(())
    }

    /// What the rows say together.
    pub fn database(&self) -> Database {
        let mut at: BTreeMap<&str, &str> = BTreeMap::new();
        for bridge in self.bridges.values() {
            let ports = bridge.ports.iter().filter_map(|port| self.ports.get(port));
            for interface in ports.flat_map(|port| &port.interfaces) {
                at.insert(interface, &bridge.name);
            }
        }
        let bridges = self.bridges.values();
        let interfaces = self.interfaces.iter();
        Database {
            bridges: bridges
                .map(|bridge| (bridge.name.clone(), bridge.datapath_id))
                .collect(),
            interfaces: interfaces
                .filter(|(_, row)| !row.external_ids.is_empty())
                .map(|(uuid, row)| {
                    let interface = Interface {
                        bridge: at.get(uuid.as_str()).map(|&bridge| bridge.to_owned()),
                        external_ids: row.external_ids.clone(),
                        ofport: row.ofport,
                    };
                    (row.name.clone(), interface)
                })
                .collect(),
        }
    }
}

/// Puts a row in, or takes it out.
fn set<'a, R>(
    rows: &mut BTreeMap<String, R>,
    uuid: &str,
    new: Option<Columns<'a>>,
    read: impl FnOnce(&Columns<'a>) -> Result<R, TableError>,
) -> Result<(), TableError> {
    match new {
        Some(columns) => rows.insert(uuid.to_owned(), read(&columns)?),
        None => rows.remove(uuid),
    };
    Ok(())
}

/// The columns of a row.
struct Columns<'a> {
    table: &'a str,
    uuid: &'a str,
    values: &'a Map<String, Value>,
}

impl Columns<'_> {
    fn bridge(&self) -> Result<Bridge, TableError> {
        let datapath_id = self.set("datapath_id")?;
        let datapath_id = datapath_id.first().and_then(|id| id.as_str());
        Ok(Bridge {
            name: self.text("name")?,
            // Whatever is no id does not name the bridge that is connected.
            datapath_id: datapath_id
                .and_then(|id| u64::from_str_radix(id, 16).ok())
                .map(DatapathId),
            ports: self.references("ports")?,
        })
    }

    fn port(&self) -> Result<Port, TableError> {
        let interfaces = self.references("interfaces")?;
        Ok(Port { interfaces })
    }

    fn interface(&self) -> Result<Row, TableError> {
        let column = "external_ids";
        let value = self.value(column)?;
        let pairs = match (value[0].as_str(), value[1].as_array()) {
            (Some("map"), Some(pairs)) => pairs,
            _ => return Err(self.wrong(column, "a map")),
        };
        let pair = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
            Some([Value::String(key), Value::String(value)]) => Ok((key.clone(), value.clone())),
            _ => Err(self.wrong(column, "pairs of texts")),
        };
        Ok(Row {
            name: self.text("name")?,
            external_ids: pairs.iter().map(pair).collect::<Result<_, _>>()?,
            ofport: self.port_number("ofport")?,
        })
    }

    /// A port number; -1 stands for a port that could not be made.
    fn port_number(&self, column: &str) -> Result<Option<PortNo>, TableError> {
        match self.set(column)?.as_slice() {
            [] => Ok(None),
            [number] if number.is_i64() => {
                let number = number.as_i64().and_then(|it| u32::try_from(it).ok());
                Ok(number.map(PortNo))
            }
            _ => Err(self.wrong(column, "a port number")),
        }
    }

    fn value(&self, column: &str) -> Result<&Value, TableError> {
        let value = self.values.get(column);
        value.ok_or_else(|| self.wrong(column, "a value"))
    }

    fn text(&self, column: &str) -> Result<String, TableError> {
        let text = self.value(column)?.as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.wrong(column, "a text"))
    }

    /// The members of a set, which is written as its member where it has one.
    fn set(&self, column: &str) -> Result<Vec<&Value>, TableError> {
        let value = self.value(column)?;
        match (value[0].as_str(), &value[1]) {
            (Some("set"), Value::Array(members)) => Ok(members.iter().collect()),
            (Some("set"), _) => Err(self.wrong(column, "a set")),
            _ => Ok(vec![value]),
        }
    }

    /// The rows of another table that are referred to.
    fn references(&self, column: &str) -> Result<Vec<String>, TableError> {
        let members = self.set(column)?.into_iter();
        let uuid = |member: &Value| match (member[0].as_str(), member[1].as_str()) {
            (Some("uuid"), Some(uuid)) => Ok(uuid.to_owned()),
            _ => Err(self.wrong(column, "UUIDs")),
        };
        members.map(uuid).collect()
    }

    fn wrong(&self, column: &str, expected: &'static str) -> TableError {
        TableError::Type {
            place: format!("{} {}, column {column}", self.table, self.uuid),
            expected,
            found: excerpt(self.values.get(column)),
        }
    }
}

fn object(
    value: &Value,
    place: impl FnOnce() -> String,
) -> Result<&Map<String, Value>, TableError> {
    value.as_object().ok_or_else(|| TableError::Type {
        place: place(),
        expected: "an object",
        found: excerpt(Some(value)),
    })
}

/// The beginning of a value, for a message.
pub(super) fn excerpt(value: Option<&Value>) -> String {
    const LONGEST: usize = 60;
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    let text = value.to_string();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
