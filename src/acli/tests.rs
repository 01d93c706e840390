//! What commands change, print and complete, for one configuration.

use super::{answer, complete, edits, parse, question, words};
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
    let (edits, _) = edits(&command, &known)?.unwrap();
    let mut text = text.to_owned();
    for edit in &edits {
        text = edit::apply(&text, edit).map_err(|error| error.to_string())?;
    }
    Ok(text)
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
    assert!(
        half.contains("{ host: node1, ingress: i1, enabled: false }"),
        "{half}"
    );
    inventory(&half);
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
fn a_nic_may_be_found_and_have_no_port() {
    let nic = |how: &str| {
        let text = after(TEXT, &format!("vm.nic_create A network=third {how}")).unwrap();
        inventory(&text).vms["A"].nics[1].clone()
    };
    let found = nic("iface_id=3f6c vm_id=8f2d");
    assert_eq!((found.port.as_ref(), found.mac.as_ref()), (None, None));
    let found_by = found.found_by.unwrap();
    assert_eq!(found_by.iface_id.as_deref(), Some("3f6c"));
    assert_eq!(found_by.vm_id.as_deref(), Some("8f2d"));
    let pinned = nic("iface_id=3f6c mac=52:54:00:00:00:0b");
    assert_eq!(pinned.mac.as_deref(), Some("52:54:00:00:00:0b"));
    let given = nic("port=none mac=52:54:00:00:00:0b");
    assert_eq!((given.port, given.found_by), (None, None));
    assert_eq!(given.mac.as_deref(), Some("52:54:00:00:00:0b"));
    let made_up = nic("port=none");
    assert!(made_up.port.is_none() && made_up.mac.is_some());
}

#[test]
fn vms_are_deleted_with_their_nics_and_what_goes_is_said_before() {
    let text = after(TEXT, "vm.create 'B,C'").unwrap();
    let text = after(&text, "vm.create D").unwrap();
    let asked = |list: &str| {
        let command = parse(&["vm.delete", list]).unwrap();
        question(&command, &inventory(&text))
    };
    assert_eq!(asked("A"), Ok(Some("Delete \"A\" with 1 vNIC?".to_owned())));
    let several = "Delete \"D\", \"A\" with 1 vNIC?".to_owned();
    assert_eq!(asked("D, A,D"), Ok(Some(several)));
    let named = "Delete \"B,C\" with 0 vNICs?".to_owned();
    assert_eq!(asked("B,C"), Ok(Some(named)));
    let id = uuid("vm", "D").to_string();
    let left = inventory(&after(&text, &format!("vm.delete A,{id}")).unwrap());
    assert_eq!(left.vms.keys().collect::<Vec<_>>(), ["B,C"]);
    let error = after(&text, "vm.delete D,E").unwrap_err();
    assert!(error.contains("there is no VM \"E\""), "{error}");
    let others = parse(&["vm.list"]).unwrap();
    assert_eq!(question(&others, &inventory(&text)), Ok(None));
}

#[test]
fn an_instance_that_waits_for_its_leg_is_not_one_that_is_drained() {
    let nic = |leg: &str| {
        format!("vm.nic_create ips type=kNetworkFunctionNic network_function_nic_type={leg}")
    };
    let drained = TEXT.replace("egress: e0 }", "egress: e0, enabled: false }");
    let error = after(&drained, &nic("kEgress port=e1")).unwrap_err();
    assert!(error.contains("make that first"), "{error}");

    // The drained one is beside the one that waits, and stays as it is.
    let half = after(&drained, &nic("kIngress port=i1")).unwrap();
    let whole = after(&half, &nic("kEgress port=e1")).unwrap();
    let instances = "[{ host: node1, ingress: i0, egress: e0, enabled: false }, \
                     { host: node1, ingress: i1, egress: e1 }]";
    assert!(whole.contains(instances), "{whole}");

    // A second one would not be told from the first, and there is a way out of that.
    let error = after(&half, &nic("kIngress port=i2")).unwrap_err();
    let way_out = "vm.nic_delete ips i1 network_function=c/ips";
    assert!(error.contains(&format!("`{way_out}`")), "{error}");
    assert_eq!(after(&half, way_out).unwrap(), drained);
    let by_hand = half.replace(
        "enabled: false }]",
        "enabled: false }, { host: node1, ingress: i3, enabled: false }]",
    );
    let error = after(&by_hand, &nic("kEgress")).unwrap_err();
    assert!(error.contains("wait for their kEgress (i1, i3)"), "{error}");
    let one = after(&by_hand, "vm.nic_delete ips i3").unwrap();
    assert_eq!(one, half);
}

#[test]
fn vnics_of_network_functions_are_deleted_leg_by_leg() {
    let create = "vm.nic_create ips type=kNetworkFunctionNic network_function_nic_type";
    let half = after(TEXT, &format!("{create}=kIngress port=i1")).unwrap();
    let whole = after(&half, &format!("{create}=kEgress port=e1")).unwrap();
    let error = after(&whole, "vm.nic_delete ips i1").unwrap_err();
    let way_out = "vm.nic_delete ips e1 network_function=c/ips";
    assert!(error.contains(&format!("`{way_out}`")), "{error}");
    assert_eq!(after(&whole, way_out).unwrap(), half);
    assert_eq!(after(&whole, "vm.nic_delete ips e1").unwrap(), half);
    assert_eq!(after(&half, "vm.nic_delete ips i1").unwrap(), TEXT);

    let more = "vm.nic_create ids type=kNetworkFunctionNic network_function_nic_type=kTap port=t1";
    let two = after(TEXT, more).unwrap();
    assert_eq!(after(&two, "vm.nic_delete ids t1").unwrap(), TEXT);
    let first = after(&two, "vm.nic_delete ids t0").unwrap();
    assert!(
        first.contains("instances: [{ host: node1, port: t1 }]"),
        "{first}"
    );

    // What a chain would break by.
    let error = after(TEXT, "vm.nic_delete ids t0").unwrap_err();
    assert!(error.contains("the only instance of c/ids"), "{error}");
    assert!(
        error.contains("`bridgechain chain disable c ids`"),
        "{error}"
    );
    let error = after(&half, "vm.nic_delete ips e0").unwrap_err();
    assert!(error.contains("frames would stop there"), "{error}");
    assert!(error.contains("`bridgechain chain drain c ips`"), "{error}");
    let open = half.replace("mode: inline,", "mode: inline, failure_policy: fail_open,");
    for passes in [
        open,
        half.replace("mode: inline,", "mode: inline, enabled: false,"),
        half.replace("egress: e0", "egress: e0, enabled: false"),
        half.replace("mode: inline,", "mode: inline, shadow: true,"),
    ] {
        let text = after(&passes, "vm.nic_delete ips e0").unwrap();
        assert!(
            text.contains("{ host: node1, ingress: i0, enabled: false }"),
            "{text}"
        );
        inventory(&text);
    }

    // Of whichever name, where it is said, and guests come first.
    let text = after(&two, "vm.nic_delete vm-9 t1 network_function=c/ids").unwrap();
    assert_eq!(text, TEXT);
    let error = after(&two, "vm.nic_delete vm-9 t1").unwrap_err();
    assert!(error.contains("say network_function=c/ids"), "{error}");
    let error = after(&two, "vm.nic_delete A a1").unwrap_err();
    assert!(error.contains("there is no vNIC of A \"a1\""), "{error}");
    let error = after(&two, "vm.nic_delete ids sink").unwrap_err();
    assert!(
        error.contains("there are those with \"t0\", \"t1\""),
        "{error}"
    );
    assert!(!after(&two, "vm.nic_delete A a0").unwrap().contains("a0"));
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
    let legs = ["i0 ", "e0 "].map(str::to_owned).to_vec();
    assert_eq!(complete("vm.nic_delete ips "), (18, legs));
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
