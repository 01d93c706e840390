//! Open vSwitch translates a frame 64 steps deep, and then drops it: the longest search for an
//! instance that is up, of those that a configuration may ask for, is not as deep.

use bridgechain::health::Failed;
use bridgechain::ofctl::Dialect;
use bridgechain::topology::{Host, Role};
use bridgechain::{compile, config};

use crate::ovs::{Ovs, all_ports, bridge_name};

/// Which legs are down.
#[derive(Debug, Clone, Copy)]
enum Down {
    /// All.
    Both,
    /// The ingress leg of all, or the egress leg of the first two.
    Crossed,
    /// The egress leg of all, or the ingress leg of the first two.
    CrossedOtherwise,
}

fn configuration(functions: usize, instances: usize, redundancy: &str) -> String {
    let mut text = String::from(
        "
networks: { demo: { vlan: 7 } }
hosts:
  node1:
    bridges: { local: l, service: s, uplink: u }
    uplinks: [eth1, eth2]
    uplink_mode: balance
vms:
  A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo }] }
  B: { host: node1, nics: [{ port: vmb0, mac: '52:54:00:00:00:0b', network: demo }] }
service_chains:
  inspect:
    networks: [demo]
    functions:
",
    );
    for function in 0..functions {
        text += &format!("    - name: ips{function}\n      mode: inline\n      instances:\n");
        for instance in 0..instances {
            let [ingress, egress] = legs(function, instance);
            text += &format!("      - {{ host: node1, ingress: {ingress}, egress: {egress} }}\n");
        }
        text += &format!("      failure_policy: fail_open\n      redundancy: {redundancy}\n");
    }
    text
}

fn legs(function: usize, instance: usize) -> [String; 2] {
    ["in", "out"].map(|leg| format!("{leg}{function}.{instance}"))
}

/// What Open vSwitch does with a broadcast that comes in by a port.
fn trace(ovs: &Ovs, host: &Host, role: Role, port: &str, tagged: bool) -> String {
    let vlan = if tagged { ",dl_vlan=7" } else { "" };
    let far = "udp,dl_dst=ff:ff:ff:ff:ff:ff,nw_src=192.0.2.1,nw_dst=192.0.2.2";
    let source = if tagged {
        "02:00:00:00:00:01"
    } else {
        "52:54:00:00:00:0a"
    };
    let flow = format!("{far},in_port={port},dl_src={source}{vlan}");
    ovs.appctl(&["ofproto/trace", bridge_name(host, role), &flow])
}

#[test]
fn a_chain_of_which_all_instances_are_down_is_bypassed_however_many_they_are() {
    let Some(ovs) = Ovs::start() else { return };
    for (functions, instances, redundancy) in [
        (1, 17, "active_active"),
        (4, 3, "active_active"),
        (11, 2, "active_active"),
        (1, 19, "active_passive"),
        (28, 1, "active_active"),
    ] {
        let text = configuration(functions, instances, redundancy);
        let topology = config::parse("test.yaml", &text).unwrap().0;
        let more = configuration(functions, instances + 1, redundancy);
        assert!(config::parse("test.yaml", &more).is_err());
        let host = &topology.hosts["node1"];
        let bridges = all_ports(host);
        ovs.add_host(host, &bridges);
        for (role, ports) in &bridges {
            let failed = Failed::default();
            let program = compile::bridge(host, &topology.controller, *role, ports, &failed);
            ovs.load(bridge_name(host, *role), Dialect::Numbers, &program);
        }
        let (_, ports_of_functions) = bridges
            .iter()
            .find(|(role, _)| *role == Role::Service)
            .expect("the bridge of the functions");
        for down in [Down::Both, Down::Crossed, Down::CrossedOtherwise] {
            let mut links = Vec::new();
            for (function, instance) in
                (0..functions).flat_map(|it| (0..instances).map(move |other| (it, other)))
            {
                let is_down = match (down, instance) {
                    (Down::Both, _) => [true, true],
                    (Down::Crossed, 0 | 1) | (Down::CrossedOtherwise, 2..) => [false, true],
                    _ => [true, false],
                };
                let of_instance = legs(function, instance).into_iter().zip(is_down);
                links.extend(of_instance.map(|(leg, is_down)| (leg, !is_down)));
            }
            let links: Vec<_> = links
                .iter()
                .map(|(leg, is_up)| {
                    (
                        Role::Service,
                        ports_of_functions.get(leg).unwrap(),
                        &**leg,
                        *is_up,
                    )
                })
                .collect();
            ovs.set_links(host, &links);
            let case = format!("{functions} functions of {instances} {redundancy}, {down:?}");
            let from_guest = trace(&ovs, host, Role::Local, "vma0", false);
            let from_uplinks =
                ["eth1", "eth2"].map(|uplink| trace(&ovs, host, Role::Uplink, uplink, true));
            assert!(
                !from_guest.contains("actions: drop"),
                "{case}: {from_guest}"
            );
            for trace in from_uplinks.iter().chain([&from_guest]) {
                let is_too_deep = trace.contains("over max translation depth");
                assert!(!is_too_deep, "{case}: {trace}");
            }
        }
        ovs.remove_host(host, &bridges);
    }
}
