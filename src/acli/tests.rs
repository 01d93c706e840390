//! What commands change, print and complete, for one configuration.

use super::{answer, complete, edits, parse, words};
use crate::edit;
use crate::inventory::{Inventory, uuid};

const TEXT: &str = "
networks: { demo: { vlan: 7 }, other: { vlan: 8 }, third: { vlan: 9 } }
hosts: { node1: { bridges: { local: l, service: s, uplink: u } } }
vms:
  A:
    host: node1
    nics:
      - { port: a0, mac: '52:54:00:00:00:0a', network: demo }
service_chains:
  c:
    networks: [demo]
    functions:
      - { name: ids, mode: tap, instances: [{ host: node1, port: t0 }] }
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: i0, egress: e0 }] }
";

/// The text after a command.
fn after(text: &str, line: &str) -> Result<String, String> {
    let command = parse(&words(line).unwrap()).map_err(|error| error.to_string())?;
    let known = Inventory::read(text).unwrap();
    let (edit, _) = edits(&command, &known)?.unwrap();
    edit::apply(text, &edit).map_err(|error| error.to_string())
}

fn inventory(text: &str) -> Inventory {
    crate::config::parse("edited", text).unwrap();
    Inventory::read(text).unwrap()
}

#[test]
fn networks_are_found_by_name_vlan_and_uuid() {
    let uuid = uuid("network", "other").to_string();
    for name in ["other", "8", &uuid, &uuid.to_uppercase()] {
        let line = format!("vm.nic_update A a0 network={name}");
        let known = inventory(&after(TEXT, &line).unwrap());
        assert_eq!(
            known.vms["A"].nics[0].network.as_deref(),
            Some("other"),
            "{name}"
        );
    }
    let error = after(TEXT, "net.delete 10").unwrap_err();
    assert!(
        error.contains("there is no network of VLAN 10; make one first"),
        "{error}"
    );
    let error = after(TEXT, "net.delete othr").unwrap_err();
    assert!(error.contains("did you mean \"other\"?"), "{error}");
}

#[test]
fn a_nic_is_trunked_and_access_again() {
    let trunk = "update_vlan_trunk_info=true vlan_mode=kTrunked trunked_networks=7,other";
    let trunked = after(TEXT, &format!("vm.nic_update A 52:54:00:00:00:0A {trunk}")).unwrap();
    let nic = &inventory(&trunked).vms["A"].nics[0];
    assert_eq!(nic.trunked_networks, ["demo", "other"]);
    let command = parse(&["vm.get", "A"]).unwrap();
    let shown = answer(&command, &inventory(&trunked)).unwrap();
    let block =
        "      trunked_networks: 7\n      trunked_networks: 8\n      type: \"kNormalNic\"\n";
    assert!(
        shown.contains(block) && shown.contains("vlan_mode: \"kTrunked\""),
        "{shown}"
    );
    let back = "vm.nic_update A a0 vlan_mode=kAccess update_vlan_trunk_info=true";
    assert_eq!(after(&trunked, back).unwrap(), TEXT);
}

#[test]
fn what_is_made_up_for_a_nic_is_new_and_always_the_same() {
    let (mut text, mut ports, mut macs) = (TEXT.to_owned(), vec![], vec![]);
    for _ in 0..3 {
        let line = "vm.nic_create A network=third type=kDirectNic";
        assert_eq!(after(&text, line), after(&text, line));
        text = after(&text, line).unwrap();
        let known = inventory(&text);
        let nic = known.vms["A"].nics.last().unwrap();
        assert_eq!(
            (&*nic.kind, nic.network.as_deref()),
            ("direct", Some("third"))
        );
        ports.push(nic.port.clone().unwrap());
        macs.push(nic.address().unwrap());
    }
    ports.dedup();
    macs.dedup();
    assert_eq!((ports.len(), macs.len()), (3, 3));
    assert!(macs.iter().all(|mac| mac.0[..3] == [0x52, 0x54, 0]));
}

#[test]
fn vnics_of_network_functions_become_their_instances() {
    let nic = |vm: &str, leg: &str| {
        format!("vm.nic_create {vm} type=kNetworkFunctionNic network_function_nic_type={leg}")
    };
    let text = after(TEXT, &nic("ids", "kTap port=t1")).unwrap();
    let functions = &inventory(&text).service_chains["c"].functions;
    assert!(functions[0].instances[1].has_port("t1") && functions[0].instances[1].enabled);

    let error = after(TEXT, &nic("ips", "kEgress")).unwrap_err();
    assert!(error.contains("make that first"), "{error}");
    let half = after(TEXT, &nic("ips", "kIngress port=i1")).unwrap();
    let functions = &inventory(&half).service_chains["c"].functions;
    assert!(functions[1].instances[1].has_port("i1") && !functions[1].instances[1].enabled);
    let whole = after(&half, &nic("ips", "kEgress port=e1")).unwrap();
    let instance = "{ host: node1, ingress: i1, egress: e1 }";
    assert!(whole.contains(instance), "{whole}");
    inventory(&whole);

    // Of whichever name, where it is said.
    let line = nic("vm-9", "kTap port=t1 network_function=c/ids");
    assert!(after(TEXT, &line).unwrap().contains("port: t1"));
    let error = after(TEXT, &nic("vm-9", "kTap")).unwrap_err();
    assert!(
        error.contains("say network_function=CHAIN/FUNCTION"),
        "{error}"
    );
    let error = after(TEXT, &nic("ips", "kTap")).unwrap_err();
    assert!(error.contains("is an inline function"), "{error}");
}

#[test]
fn words_are_completed_by_what_there_is() {
    let known = inventory(TEXT);
    let complete = |line: &str| complete(line, &known);
    let none: Vec<String> = Vec::new();
    assert_eq!(
        complete("net.l"),
        (0, vec!["net.list ".to_owned(), "net.list_vms ".to_owned()])
    );
    assert_eq!(complete("net.delete o"), (11, vec!["other ".to_owned()]));
    assert_eq!(
        complete("vm.nic_delete A "),
        (16, vec!["52:54:00:00:00:0a ".to_owned()])
    );
    let line = "vm.nic_update A a0 vlan_mode=kAccess ";
    let (at, keys) = complete(line);
    assert_eq!(at, line.len());
    assert_eq!(
        keys,
        ["network=", "update_vlan_trunk_info=", "trunked_networks="]
    );
    let line = "vm.nic_update A a0 vlan_mode=kT";
    assert_eq!(
        complete(line),
        (line.len() - 2, vec!["kTrunked".to_owned()])
    );
    let line = "vm.nic_update A a0 trunked_networks=demo,ot";
    assert_eq!(complete(line), (line.len() - 2, vec!["other".to_owned()]));
    let line = "vm.nic_create ids network_function=c/ip";
    assert_eq!(complete(line), (line.len() - 4, vec!["c/ips".to_owned()]));
    assert_eq!(complete("foo b"), (4, none));
}
