//! Every resource is described, and answers as described.

use std::fs;

use bridgechain::api;
use openflow::MacAddr;
use serde_json::{Value, json};

use crate::run::{Run, bridgechain, text};
use crate::switch::Switch;

/// Names that exist, for the paths that take one.
const NAMES: [(&str, &str); 4] = [
    ("{host}", "node1"),
    ("{network}", "demo"),
    ("{vm}", "VM-A"),
    ("{chain}", "inspect"),
];

fn get(run: &Run, resource: &str) -> Value {
    serde_json::from_str(&run.get(resource)).unwrap()
}

/// The problem that a resource is answered with.
fn problem(run: &Run, resource: &str) -> (u16, String) {
    let (head, body) = run.exchange(&format!("GET {resource}"), "");
    assert!(
        head.contains("application/problem+json"),
        "{resource}: {head}"
    );
    let problem: api::Problem = serde_json::from_str(&body).unwrap();
    assert!(head.contains(&problem.status.to_string()), "{head}");
    (problem.status, problem.detail)
}

/// The local bridge of node1, in sync.
async fn local_bridge(run: &Run) -> Switch {
    let mut switch = Switch::new(0x11, "l", &["vma0", "local-nf", "extra"]);
    switch.connect(run.address()).await;
    switch.settle().await;
    switch
}

/// The schema of the answer of a resource, where that is JSON.
fn schema(document: &Value, operation: &Value, status: &str, kind: &str) -> Option<Value> {
    let schema = &operation["responses"][status]["content"][kind]["schema"];
    (!schema.is_null()).then(|| {
        json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "allOf": [schema],
            "components": document["components"],
        })
    })
}

fn validate(schema: &Value, answer: &Value, what: &str) {
    let validator = jsonschema::validator_for(schema).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(answer)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(wrong.is_empty(), "{what}: {wrong:#?}\n{answer:#}");
}

#[tokio::test]
async fn every_resource_answers_as_the_document_says() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    switch.add_port(9, "another").await;
    switch.settle().await;
    let document = get(&run, "/v1/openapi.json");
    let mut checked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(operation["operationId"].is_string(), "{what}");
            let refusal = schema(&document, operation, "default", "application/problem+json");
            let refusal = refusal.unwrap_or_else(|| panic!("{what} says nothing of problems"));
            let (_, body) = run.request("GET /v1/nothing");
            validate(&refusal, &serde_json::from_str(&body).unwrap(), &what);
            if method != "get" {
                continue;
            }
            if let Some(schema) = schema(&document, operation, "200", "application/json") {
                let resource = NAMES
                    .iter()
                    .fold(path.clone(), |path, (key, name)| path.replace(key, name));
                validate(&schema, &get(&run, &resource), &what);
                checked += 1;
            }
        }
    }
    assert!(checked >= 16, "only {checked} resources with a schema");
    // A schema that takes anything proves nothing.
    let macs = schema(
        &document,
        &document["paths"]["/v1/macs"]["get"],
        "200",
        "application/json",
    );
    let validator = jsonschema::validator_for(&macs.unwrap()).unwrap();
    assert!(!validator.is_valid(&json!({ "macs": [{ "host": "node1" }] })));
    run.end();
}

#[test]
fn the_document_is_printed_and_names_no_schema_that_it_does_not_have() {
    let output = bridgechain(&["openapi"]).output().unwrap();
    assert!(output.status.success());
    let printed = text(&output.stdout);
    let document: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(
        document["openapi"].as_str().unwrap().split('.').next(),
        Some("3")
    );
    assert_eq!(document["info"]["version"], env!("CARGO_PKG_VERSION"));
    let mut references = printed.split("\"#/components/schemas/").skip(1).peekable();
    assert!(references.peek().is_some());
    for reference in references {
        let name = reference.split('"').next().unwrap();
        assert!(
            document["components"]["schemas"][name].is_object(),
            "{name}"
        );
    }
    let served = get(&Run::start(), "/v1/openapi.json");
    assert_eq!(served, document);
}

#[tokio::test]
async fn what_there_is_is_told() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    switch.packet_in(3, 7, MacAddr([2, 0, 0, 0, 0, 7])).await;
    switch.settle().await;

    let bridges = get(&run, "/v1/bridges?host=node1");
    let local = &bridges["bridges"][0];
    assert_eq!(
        (&local["name"], &local["connected"]),
        (&json!("l"), &json!(true))
    );
    assert_eq!(local["flows"], json!(switch.flows.len()));
    assert_eq!(local["flows"], local["wanted_flows"]);

    let ports = get(&run, "/v1/ports?host=node1");
    let port = |name: &str| {
        let ports = ports["ports"].as_array().unwrap().iter();
        ports
            .filter(|port| port["name"] == name)
            .map(Value::clone)
            .next()
            .unwrap()
    };
    assert_eq!(
        port("vma0"),
        json!({
            "host": "node1", "bridge": "l", "name": "vma0", "interface": "vma0", "number": 1, "link": true,
            "purpose": "vnic", "vm": "VM-A", "function": null
        })
    );
    for (name, purpose, number) in [
        ("l", "local", json!(0xffff_fffe_u32)),
        ("local-nf", "patch", json!(2)),
        ("extra", "other", json!(3)),
        ("ids0", "function", Value::Null),
        ("eth1", "uplink", Value::Null),
    ] {
        let port = port(name);
        assert_eq!(
            (&port["purpose"], &port["number"]),
            (&json!(purpose), &number),
            "{name}"
        );
    }
    assert_eq!(port("ids0")["function"], "inspect/ids");

    let network = get(&run, "/v1/networks/demo");
    assert_eq!(network, get(&run, "/v1/networks/7"));
    assert_eq!(
        network,
        json!({
            "name": "demo", "vlan": 7, "max_macs": null, "chain": "inspect",
            "vnics": [{ "vm": "VM-A", "host": "node1", "port": "vma0", "tagged": false }]
        })
    );
    assert_eq!(get(&run, "/v1/networks")["networks"], json!([network]));

    let vm = get(&run, "/v1/vms/VM-A");
    assert_eq!(vm["hosts"], json!(["node1"]));
    assert_eq!(
        vm["vnics"],
        json!([{
            "vm": "VM-A", "host": "node1", "port": "vma0", "interface": "vma0", "bridge": "l", "present": true,
            "link": true, "mac": "52:54:00:00:00:0a", "vlan_mode": "access", "network": "demo",
            "trunked_networks": [], "type": "normal", "promiscuous": "bum",
            "forged_transmits": "accept", "mac_changes": "accept", "max_macs": null,
            "storm_limit": 100, "roams": false
        }])
    );
    for query in ["", "?network=demo", "?network=7&vm=VM-A&host=node1"] {
        assert_eq!(
            get(&run, &format!("/v1/vnics{query}"))["vnics"],
            vm["vnics"],
            "{query}"
        );
    }
    assert_eq!(get(&run, "/v1/vnics?host=any")["vnics"], json!([]));
    assert_eq!(get(&run, "/v1/vms?host=any")["vms"], json!([]));
    assert_eq!(get(&run, "/v1/vms")["vms"], json!([vm]));

    let chain = get(&run, "/v1/chains/inspect");
    assert_eq!(chain["networks"], json!(["demo"]));
    let ips = &chain["functions"][1];
    assert_eq!(
        (
            &ips["name"],
            &ips["mode"],
            &ips["failure_policy"],
            &ips["enabled"]
        ),
        (
            &json!("ips"),
            &json!("inline"),
            &json!("fail_close"),
            &json!(false)
        )
    );
    let instance = &ips["instances"][0];
    assert_eq!(
        (&instance["host"], &instance["name"]),
        (&json!("node1"), &json!("in"))
    );
    let functions = get(&run, "/v1/functions?chain=inspect&host=node1");
    assert_eq!(functions["functions"][1]["name"], "ips");
    assert_eq!(
        functions["functions"][1]["instances"][0]["health"],
        instance["health"]
    );
    assert_eq!(get(&run, "/v1/functions?host=any")["functions"], json!([]));
    assert_eq!(
        get(&run, "/v1/hosts/node1"),
        get(&run, "/v1/hosts")["hosts"][1]
    );

    let macs = get(&run, "/v1/macs?vm=VM-A&network=demo&host=node1");
    assert_eq!(
        macs["macs"],
        json!([{
            "host": "node1", "network": "demo", "vlan": 7, "mac": "52:54:00:00:00:0a",
            "origin": "pinned", "bridge": "l", "port": "vma0", "port_number": 1, "vm": "VM-A",
            "since_seconds": null
        }])
    );
    assert_eq!(get(&run, "/v1/macs?network=8")["macs"], json!([]));
    run.end();
}

#[tokio::test]
async fn a_learned_address_is_told_with_its_port() {
    let run = Run::start();
    // A bridge that only the host that takes any has a place for.
    let mut switch = Switch::new(0xa1, "br-any", &["p1", "p2"]);
    switch.connect(run.address()).await;
    switch.settle().await;
    switch.packet_in(2, 9, MacAddr([2, 0, 0, 0, 0, 7])).await;
    switch.settle().await;
    let macs = get(&run, "/v1/macs?host=any");
    let mac = &macs["macs"][0];
    let shown = [
        &mac["mac"],
        &mac["port"],
        &mac["vlan"],
        &mac["network"],
        &mac["origin"],
    ];
    let expected = [
        json!("02:00:00:00:00:07"),
        json!("p2"),
        json!(9),
        Value::Null,
        json!("learned"),
    ];
    assert_eq!(shown.map(Value::clone), expected);
    assert!(mac["since_seconds"].as_f64().unwrap() < 60.0);
    run.end();
}

/// Where no host learns in other VLANs, a VLAN that is no network is as wrong as a name that is none.
#[test]
fn a_vlan_that_nobody_can_know_is_a_mistake() {
    let run = Run::start();
    let path = run.directory.path().join("lab.yaml");
    let any = "  any: { bridges: { learning: '*' } }\n";
    let config = fs::read_to_string(&path).unwrap();
    assert!(config.contains(any));
    assert_eq!(get(&run, "/v1/macs?network=8")["macs"], json!([]));
    fs::write(&path, config.replace(any, "")).unwrap();
    run.reload();
    let (status, detail) = problem(&run, "/v1/macs?network=8");
    assert_eq!((status, &*detail), (404, "there is no network of VLAN 8"));
    get(&run, "/v1/macs?network=7");
    run.end();
}

#[test]
fn a_mistake_is_answered_with_what_would_be_right() {
    let run = Run::start();
    for (resource, status, detail) in [
        (
            "/v1/macs?network=dem",
            404,
            "there is no network \"dem\"; did you mean \"demo\"?",
        ),
        (
            "/v1/macs?network=5000",
            400,
            "there is no VLAN 5000; they are 1 to 4094, and 0 for the untagged network",
        ),
        ("/v1/macs?network=4095", 400, "they are 1 to 4094"),
        ("/v1/macs?network=70000", 400, "they are 1 to 4094"),
        ("/v1/macs?network=", 404, "there is no network \"\""),
        ("/v1/vnics?network=4095", 400, "they are 1 to 4094"),
        ("/v1/vnics?network=8", 404, "there is no network of VLAN 8"),
        (
            "/v1/macs?host=x",
            404,
            "there is no host \"x\"; there are \"any\", \"node1\"",
        ),
        (
            "/v1/macs?vm=x",
            404,
            "there is no VM \"x\"; there are \"VM-A\"",
        ),
        (
            "/v1/macs?net=demo",
            400,
            "unknown field `net`, expected one of `network`, `vm`, `host`",
        ),
        (
            "/v1/macs?host=any&host=node1",
            400,
            "duplicate field `host`",
        ),
        ("/v1/bridges?host=x", 404, "there is no host"),
        ("/v1/ports?host=x", 404, "there is no host"),
        ("/v1/vms?host=x", 404, "there is no host"),
        ("/v1/vnics?vm=x", 404, "there is no VM"),
        ("/v1/functions?chain=x", 404, "there is no service chain"),
        (
            "/v1/events?since=x",
            400,
            "since: expected the sequence number of an event, 0 to 9223372036854775807, instead of \"x\"",
        ),
        (
            "/v1/events?since=9223372036854775808",
            400,
            "since: expected the sequence number of an event",
        ),
        (
            "/v1/events/stream?since=-1",
            400,
            "since: expected the sequence number of an event",
        ),
        (
            "/v1/events?wait=31",
            400,
            "wait: expected whole seconds, 0 to 30",
        ),
        (
            "/v1/events?wait=9223372036854775808",
            400,
            "wait: expected whole seconds, 0 to 30",
        ),
        (
            "/v1/events?wait=99999999999999999999",
            400,
            "wait: expected whole seconds, 0 to 30",
        ),
        ("/v1/events?wait=-1", 400, "wait: expected whole seconds"),
        ("/v1/events?wait=x", 400, "wait: expected whole seconds"),
        ("/v1/events/stream?wait=1", 400, "leave out `wait`"),
        ("/v1/hosts/x", 404, "there is no host"),
        ("/v1/networks/8", 404, "there is no network of VLAN 8"),
        ("/v1/vms/vm-a", 404, "did you mean \"VM-A\"?"),
        ("/v1/chains/x", 404, "there is no service chain"),
        ("/v1/vms/%ff", 400, "UTF-8"),
        ("/", 404, "/v1/openapi.json says what there is"),
        ("/v2/status", 404, "there is nothing at /v2/status"),
    ] {
        let (found, said) = problem(&run, resource);
        assert_eq!(found, status, "{resource}: {said}");
        assert!(said.contains(detail), "{resource}: {said}");
    }
    for id in ["x", "", "9223372036854775808", "\u{fc}"] {
        let headers = format!("Last-Event-ID: {id}\r\n");
        let (head, body) = run.exchange("GET /v1/events/stream", &headers);
        assert!(head.starts_with("HTTP/1.0 400 "), "{id}: {head}");
        assert!(
            body.contains("Last-Event-ID: expected the sequence"),
            "{body}"
        );
    }
    let (head, body) = run.exchange("CONNECT a:1", "");
    assert!(head.starts_with("HTTP/1.0 404 "), "{head}");
    assert!(body.contains("there is nothing at a:1; "), "{body}");
    let (head, body) = run.exchange("DELETE /v1/status", "");
    assert!(
        head.starts_with("HTTP/1.0 405 ") && head.contains("allow: GET"),
        "{head}"
    );
    assert!(body.contains("DELETE is not for /v1/status"), "{body}");
    run.end();
}
