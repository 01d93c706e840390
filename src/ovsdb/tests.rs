//! A server that says the right thing, and ones that do not.

use std::time::Instant;

use openflow::PortNo;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

/// A connection, after what it sends first.
fn session() -> Session {
    let mut session = Session::new(Instant::now());
    session.take_output();
    session
}

fn receive(session: &mut Session, message: &Value) -> Result<bool, SessionError> {
    session.receive(Instant::now(), message.to_string().as_bytes())
}

fn uuid(row: &str) -> Value {
    json!(["uuid", row])
}

/// What ovs-vswitchd's database answers with one guest; recorded, and shortened.
fn answer() -> Value {
    json!({ "id": "bridgechain", "error": null, "result": {
        "Bridge": { "b1": { "new": { "name": "br0.local", "datapath_id": "00004c6f63616c21",
            "ports": ["set", [uuid("p1"), uuid("p2")]] } },
            "b2": { "new": { "name": "br0", "datapath_id": ["set", []], "ports": uuid("p3") } } },
        "Port": { "p1": { "new": { "interfaces": uuid("i1") } },
            "p2": { "new": { "interfaces": ["set", [uuid("i2"), uuid("i9")]] } },
            "p3": { "new": { "interfaces": ["set", []] } } },
        "Interface": { "i1": { "new": { "name": "br0.local", "external_ids": ["map", []], "ofport": 65534 } },
            "i2": { "new": { "name": "vnet0", "ofport": 3, "external_ids": ["map", [
                ["attached-mac", "52:54:00:00:00:0a"], ["iface-status", "active"]]] } } } } })
}

/// An update of one row of a table.
fn update(table: &str, row: &str, new: Value) -> Value {
    json!({ "id": null, "method": "update",
        "params": ["bridgechain", { table: { row: { "old": {}, "new": new } } }] })
}

fn interface(name: &str, ids: Value) -> Value {
    json!({ "name": name, "external_ids": ids, "ofport": ["set", []] })
}

#[test]
fn the_state_is_asked_for_and_followed() {
    let mut session = Session::new(Instant::now());
    let asked: Value = serde_json::from_slice(&session.take_output()).expect("JSON");
    assert_eq!(asked["method"], "monitor");
    assert_eq!(asked["params"][0], "Open_vSwitch");
    assert_eq!(
        asked["params"][2]["Interface"]["columns"],
        json!(["name", "external_ids", "ofport"])
    );
    assert_eq!(session.database(), None);

    assert!(receive(&mut session, &answer()).expect("an answer"));
    let database = session.database().expect("an answer");
    let ids = [
        ("attached-mac", "52:54:00:00:00:0a"),
        ("iface-status", "active"),
    ];
    let vnet0 = Interface {
        bridge: Some("br0.local".to_owned()),
        external_ids: ids
            .map(|(key, value)| (key.to_owned(), value.to_owned()))
            .into(),
        ofport: Some(PortNo(3)),
    };
    assert_eq!(database.interfaces, [("vnet0".to_owned(), vnet0)].into());
    let bridges = [
        ("br0".to_owned(), None),
        ("br0.local".to_owned(), Some(DatapathId(0x4c6f_6361_6c21))),
    ];
    assert_eq!(database.bridges, bridges.into());

    let gone = update("Interface", "i2", Value::Null);
    assert!(receive(&mut session, &gone).expect("an update"));
    assert!(
        session
            .database()
            .expect("a database")
            .interfaces
            .is_empty()
    );
    let other = update(
        "Interface",
        "i9",
        interface("tap1", json!(["map", [["vm-id", "x"]]])),
    );
    assert!(receive(&mut session, &other).expect("an update"));
    let database = session.database().expect("a database");
    assert_eq!(
        database.interfaces["tap1"].bridge.as_deref(),
        Some("br0.local")
    );
}

#[test]
fn a_port_that_is_not_made_has_no_number() {
    let mut session = session();
    receive(&mut session, &answer()).expect("an answer");
    for (told, expected) in [
        (json!(7), Some(PortNo(7))),
        (json!(["set", []]), None),
        (json!(["set", [8]]), Some(PortNo(8))),
        (json!(-1), None),
    ] {
        let mut row = interface("vnet0", json!(["map", [["vm-id", "x"]]]));
        row["ofport"] = told.clone();
        assert!(receive(&mut session, &update("Interface", "i2", row)).expect("an update"));
        let database = session.database().expect("a database");
        assert_eq!(database.interfaces["vnet0"].ofport, expected, "{told}");
    }
}

#[test]
fn an_echo_is_answered_and_a_silent_server_is_given_up() {
    let start = Instant::now();
    let mut session = Session::new(start);
    session.take_output();
    let echo = json!({ "id": "echo", "method": "echo", "params": [1, "a"] });
    assert!(!receive(&mut session, &echo).expect("fine"));
    let reply: Value = serde_json::from_slice(&session.take_output()).expect("JSON");
    assert_eq!(
        reply,
        json!({ "id": "echo", "result": [1, "a"], "error": null })
    );

    let mut session = Session::new(start);
    session.take_output();
    let due = session.poll_timeout();
    assert_eq!(due, start + Session::SILENCE);
    session.handle_timeout(start).expect("too early");
    assert!(session.take_output().is_empty());
    session.handle_timeout(due).expect("asked");
    let asked: Value = serde_json::from_slice(&session.take_output()).expect("JSON");
    assert_eq!(asked["method"], "echo");
    let answered = json!({ "id": asked["id"], "result": [], "error": null }).to_string();
    session
        .receive(due, answered.as_bytes())
        .expect("it is there");
    let due = session.poll_timeout();
    session.handle_timeout(due).expect("asked again");
    let error = session
        .handle_timeout(session.poll_timeout())
        .expect_err("silent");
    assert_eq!(error.to_string(), "no answer for 10 s");
}

#[test]
fn what_is_not_understood_ends_the_connection_and_says_where() {
    let with = |column: &str, value: Value| {
        let mut row = interface("vnet0", json!(["map", []]));
        row[column] = value;
        update("Interface", "i1", row)
    };
    let bridge = |ports: Value| json!({ "name": "br0", "datapath_id": "1", "ports": ports });
    let cases = [
        (
            with("external_ids", json!({ "a": "b" })),
            "Interface i1, column external_ids: expected a map, found {\"a\":\"b\"}",
        ),
        (
            with("external_ids", json!(["map", [["a", 1]]])),
            "column external_ids: expected pairs of texts",
        ),
        (
            with("external_ids", json!(["map", [["a", "b", "c"]]])),
            "column external_ids: expected pairs of texts",
        ),
        (
            with("external_ids", json!(["map", "a"])),
            "column external_ids: expected a map",
        ),
        (
            with("name", json!(7)),
            "Interface i1, column name: expected a text, found 7",
        ),
        (
            with("name", json!(["set", []])),
            "column name: expected a text",
        ),
        (
            update("Interface", "i1", json!({ "name": "vnet0" })),
            "column external_ids: expected a value, found nothing",
        ),
        (
            with("ofport", json!("3")),
            "Interface i1, column ofport: expected a port number, found \"3\"",
        ),
        (
            with("ofport", json!(["set", [3, 4]])),
            "column ofport: expected a port number",
        ),
        (
            update("Interface", "i1", json!([])),
            "Interface i1: expected an object, found []",
        ),
        (
            update("Bridge", "b1", bridge(json!(["set", "p1"]))),
            "Bridge b1, column ports: expected a set",
        ),
        (
            update("Bridge", "b1", bridge(json!([["uuid", "p1"]]))),
            "Bridge b1, column ports: expected UUIDs",
        ),
        (
            json!({ "id": null, "method": "update", "params": ["bridgechain", 3] }),
            "the tables: expected an object, found 3",
        ),
        (
            json!({ "id": null, "method": "update", "params": ["bridgechain", { "Port": [] }] }),
            "table Port: expected an object",
        ),
        (
            json!({ "id": null, "method": "update", "params": ["another", {}] }),
            "not understood",
        ),
        (
            json!({ "id": null, "method": "monitor_canceled", "params": ["bridgechain"] }),
            "not understood",
        ),
        (answer(), "not understood"),
        (
            json!({ "id": 3, "result": {}, "error": null }),
            "not understood",
        ),
        (json!({}), "not understood: {}"),
    ];
    for (message, expected) in cases {
        let mut session = session();
        receive(&mut session, &answer()).expect("an answer");
        let error = receive(&mut session, &message)
            .expect_err(expected)
            .to_string();
        assert!(error.contains(expected), "{message}: {error}");
    }
}

#[test]
fn a_server_without_the_database_is_told_apart() {
    let mut session = session();
    let refused = json!({ "id": "bridgechain", "result": null,
        "error": { "error": "unknown database", "details": "Open_vSwitch" } });
    let error = receive(&mut session, &refused).expect_err("refused");
    assert_eq!(
        error.to_string(),
        "the server refuses to tell of the database Open_vSwitch: unknown database (Open_vSwitch)"
    );
    // An update before the answer, and bytes of something else altogether.
    let early = update("Port", "p1", Value::Null);
    assert!(receive(&mut self::session(), &early).is_err());
    let http = self::session().receive(Instant::now(), b"HTTP/1.1 400 Bad Request\r\n");
    assert!(
        http.expect_err("HTTP")
            .to_string()
            .contains("is this an OVS database?")
    );
}

#[test]
fn deep_and_broken_json_is_refused() {
    for text in [
        format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("{}{}", "{\"a\":".repeat(100_000) + "1", "}".repeat(100_000)),
        "{]}".to_owned(),
        "{\"a\":\"\u{1}\"}".to_owned(),
    ] {
        let result = session().receive(Instant::now(), text.as_bytes());
        assert!(matches!(result, Err(SessionError::Json(_))), "{result:?}");
    }
    let cut_off = answer().to_string();
    let mut session = session();
    assert!(
        !session
            .receive(Instant::now(), &cut_off.as_bytes()[..cut_off.len() - 1])
            .expect("not whole")
    );
    assert_eq!(session.database(), None);
}

#[test]
fn there_is_an_end_to_rows() {
    let mut tables = Tables::default();
    let rows: serde_json::Map<String, Value> = (0..=Tables::MOST_ROWS)
        .map(|row| {
            (
                row.to_string(),
                json!({ "new": { "interfaces": ["set", []] } }),
            )
        })
        .collect();
    assert_eq!(
        tables.update(&json!({ "Port": rows })),
        Err(TableError::TooMany)
    );
}

/// A change of a row: which, and what it is then.
#[derive(Debug, Clone)]
enum Change {
    Bridge(usize, Option<Vec<usize>>),
    Port(usize, Option<Vec<usize>>),
    Interface(usize, Option<String>),
}

fn change() -> impl Strategy<Value = Change> {
    let references = || prop::option::weighted(0.8, prop::collection::vec(0..4usize, 0..3));
    prop_oneof![
        (0..2usize, references()).prop_map(|(row, ports)| Change::Bridge(row, ports)),
        (0..4usize, references()).prop_map(|(row, interfaces)| Change::Port(row, interfaces)),
        (0..4usize, prop::option::weighted(0.8, "[a-c]?"))
            .prop_map(|(row, id)| Change::Interface(row, id)),
    ]
}

fn set(kind: &str, members: &[usize]) -> Value {
    let mut members: Vec<Value> = members
        .iter()
        .map(|member| uuid(&format!("{kind}{member}")))
        .collect();
    match members.len() {
        1 => members.remove(0),
        _ => json!(["set", members]),
    }
}

/// The row after a change: table, UUID, columns.
fn row(change: &Change) -> (&'static str, String, Value) {
    match change {
        Change::Bridge(row, ports) => ("Bridge", format!("b{row}"), ports.as_ref().map_or(Value::Null, |ports| {
            json!({ "name": format!("br{row}"), "datapath_id": "a", "ports": set("p", ports) })
        })),
        Change::Port(row, interfaces) => ("Port", format!("p{row}"), interfaces.as_ref().map_or(Value::Null, |all| {
            json!({ "interfaces": set("i", all) })
        })),
        Change::Interface(row, id) => ("Interface", format!("i{row}"), id.as_ref().map_or(Value::Null, |id| {
            let ids = if id.is_empty() { json!([]) } else { json!([["vm-id", id]]) };
            interface(&format!("vnet{row}"), json!(["map", ids]))
        })),
    }
}

proptest! {
    /// However it came about, what is known is what one answer with the last state would have told.
    #[test]
    fn what_is_known_is_the_last_state(changes in prop::collection::vec(change(), 0..60)) {
        let (mut followed, mut last) = (Tables::default(), BTreeMap::new());
        for change in &changes {
            let (table, uuid, new) = row(change);
            followed.update(&json!({ table: { uuid.as_str(): { "new": new } } })).expect("good");
            match new {
                Value::Null => last.remove(&(table, uuid)),
                new => last.insert((table, uuid), new),
            };
        }
        let mut at_once = Tables::default();
        let mut all = json!({});
        for ((table, uuid), new) in last {
            all[table][uuid.as_str()] = json!({ "new": new });
        }
        at_once.update(&all).expect("good");
        prop_assert_eq!(followed.database(), at_once.database());
        prop_assert_eq!(followed, at_once);
    }

    #[test]
    fn nothing_makes_it_panic(texts in prop::collection::vec("\\{(\"(method|params|id|error|result)\":(\"update\"|\"echo\"|\"bridgechain\"|null|\\[\\]|\\{\\}|\\[\"bridgechain\",\\{\"Port\":\\{\"a\":\\{\\}\\}\\}\\]),?){0,5}\\}", 0..5)) {
        let mut session = session();
        for text in texts {
            if session.receive(Instant::now(), text.as_bytes()).is_err() {
                break;
            }
        }
    }
}
