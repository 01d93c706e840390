//! The controller and switches that are none, over TCP on the loopback interface.

mod switch;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bridgechain::config;
use bridgechain::controller::Controller;
use bridgechain::cookie::Class;
use bridgechain::topology::{Endpoint, Topology};
use openflow::{FlowRemovedReason, MacAddr, Message};
use switch::{Changes, Switch};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

const ANY: &str = "hosts: { any: { bridges: { learning: '*' } } }";

const CHAIN: &str = "
networks: { blue: { vlan: 10 }, native: { vlan: 0 } }
hosts: { node1: { bridges: { local: lbr, service: sbr, uplink: ubr }, uplinks: [eth1] } }
vms:
  A: { host: node1, nics: [{ port: vma0, network: blue }] }
";

const GUEST: MacAddr = MacAddr([0x52, 0x54, 0, 0, 0, 0x0a]);

/// A controller on a port of its own.
struct Running {
    address: SocketAddr,
    topologies: watch::Sender<Arc<Topology>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Running {
    fn start(config: &str) -> Self {
        let (topologies, followed) = watch::channel(topology(config));
        let controller = Controller::bind(followed).unwrap();
        let address = match controller.endpoints().next() {
            Some(Endpoint::Tcp(address)) => address,
            other => panic!("{other:?}"),
        };
        let task = tokio::spawn(controller.run());
        Self {
            address,
            topologies,
            task,
        }
    }

    fn reload(&self, config: &str) {
        self.topologies.send_replace(topology(config));
    }
}

fn topology(config: &str) -> Arc<Topology> {
    let (mut topology, _) = config::parse("test.yaml", config).unwrap();
    topology.controller.listen = vec![Endpoint::Tcp((Ipv4Addr::LOCALHOST, 0).into())];
    Arc::new(topology)
}

/// A connected bridge that any host takes, in sync.
async fn connected(controller: &Running) -> Switch {
    let mut switch = Switch::new(0xa1, "br-any", &["p1", "p2"]);
    switch.connect(controller.address).await;
    assert_eq!(switch.settle().await.bundles, 1);
    switch
}

fn count(switch: &Switch, class: Class) -> usize {
    switch.flows_with(class.cookie()).count()
}

/// Serves all until none of them is told anything more.
async fn settle_all(switches: &mut [Switch]) -> Vec<Changes> {
    let mut all: Vec<Changes> = switches.iter().map(|_| Changes::default()).collect();
    loop {
        let mut quiet = true;
        for (switch, sum) in switches.iter_mut().zip(&mut all) {
            let changes = switch.settle().await;
            quiet &= changes.is_empty();
            sum.bundles += changes.bundles;
            sum.bundled.extend(changes.bundled);
            sum.plain.extend(changes.plain);
        }
        if quiet {
            return all;
        }
    }
}

#[tokio::test]
async fn a_bridge_gets_its_flows_in_one_bundle() {
    let controller = Running::start(ANY);
    let mut switch = Switch::new(0xa1, "br-any", &[]);
    switch.connect(controller.address).await;
    let changes = switch.settle().await;
    assert_eq!(changes.bundles, 1);
    assert_eq!(changes.bundled.len(), switch.flows.len());
    assert!(count(&switch, Class::Flood) > 0);
    assert!(
        matches!(changes.plain[..], [Message::MeterMod(_)]),
        "{:?}",
        changes.plain
    );
}

#[tokio::test]
async fn a_frame_of_unknown_source_teaches() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    switch.packet_in(1, 7, GUEST).await;
    let changes = switch.settle().await;
    assert_eq!(
        (changes.bundles, changes.plain.len()),
        (0, 2),
        "{changes:?}"
    );
    assert_eq!(count(&switch, Class::LearnedSource), 1);
    assert_eq!(count(&switch, Class::LearnedDestination), 1);

    switch.packet_in(1, 7, GUEST).await;
    assert!(switch.settle().await.is_empty(), "it is known now");
}

#[tokio::test]
async fn a_source_that_was_silent_for_long_is_forgotten() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    switch.packet_in(1, 7, GUEST).await;
    switch.settle().await;
    let source = switch
        .flows_with(Class::LearnedSource.cookie())
        .next()
        .cloned()
        .unwrap();
    switch.remove(&source, FlowRemovedReason::IdleTimeout).await;
    assert!(!switch.settle().await.is_empty());
    assert_eq!(count(&switch, Class::LearnedSource), 0);
    assert_eq!(count(&switch, Class::LearnedDestination), 0);
}

#[tokio::test]
async fn a_bridge_that_comes_back_as_it_was_is_told_nothing() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    switch.packet_in(1, 7, GUEST).await;
    switch.settle().await;
    let flows = switch.flows.clone();
    // The bridge connects again; then the controller is another one, too.
    switch.disconnect();
    switch.connect(controller.address).await;
    assert!(switch.settle().await.is_empty());
    let another = Running::start(ANY);
    switch.connect(another.address).await;
    assert!(switch.settle().await.is_empty());
    assert_eq!(switch.flows, flows);
    // And it has learned from the flows that it found.
    switch.packet_in(1, 7, GUEST).await;
    assert!(switch.settle().await.is_empty());
}

#[tokio::test]
async fn a_bridge_that_lost_its_flows_gets_them_back() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    let flows = std::mem::take(&mut switch.flows);
    switch.connect(controller.address).await;
    assert_eq!(switch.settle().await.bundles, 1);
    assert_eq!(switch.flows, flows);
}

#[tokio::test]
async fn the_newest_connection_of_a_bridge_counts() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    let mut old = switch.connect(controller.address).await.unwrap();
    assert!(switch.settle().await.is_empty());
    let mut rest = Vec::new();
    let read = timeout(Duration::from_secs(10), old.read_to_end(&mut rest)).await;
    assert_eq!(
        read.expect("it is closed in time").unwrap(),
        0,
        "nothing more is said there"
    );
    switch.packet_in(1, 7, GUEST).await;
    assert_eq!(switch.settle().await.plain.len(), 2);
}

#[tokio::test]
async fn bad_peers_are_sent_away_and_the_others_go_on() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    const HELLO: &[u8] = &[4, 0, 0, 8, 0, 0, 0, 1];
    let of_openflow_1_0 = &[1, 0, 0, 8, 0, 0, 0, 1];
    let too_short = &[4, 2, 0, 7, 0, 0, 0, 1];
    let other_version = &[1, 2, 0, 8, 0, 0, 0, 1];
    for (bytes, error) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), [0, 0, 0, 0]),
        (of_openflow_1_0.to_vec(), [0, 0, 0, 0]),
        ([HELLO, too_short].concat(), [0, 1, 0, 6]),
        ([HELLO, other_version].concat(), [0, 1, 0, 0]),
    ] {
        let mut peer = TcpStream::connect(controller.address).await.unwrap();
        peer.write_all(&bytes).await.unwrap();
        let mut answer = Vec::new();
        let read = timeout(Duration::from_secs(10), peer.read_to_end(&mut answer)).await;
        read.expect("the peer is sent away in time").unwrap();
        // The last message is the ERROR with this type and code.
        let mut last = &answer[..];
        while let Some(next) = last.get(usize::from(u16::from_be_bytes([last[2], last[3]]))..) {
            if next.is_empty() {
                break;
            }
            last = next;
        }
        assert_eq!(
            (last[1], &last[8..12]),
            (1, &error[..]),
            "{bytes:?}: {answer:?}"
        );
        assert!(switch.settle().await.is_empty());
    }
}

#[tokio::test]
async fn a_bridge_that_speaks_garbage_in_service_can_come_back() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    switch.garbage().await;
    switch.closed().await;
    switch.connect(controller.address).await;
    assert!(switch.settle().await.is_empty());
}

#[tokio::test]
async fn the_bridges_of_a_host_learn_from_each_other() {
    let controller = Running::start(CHAIN);
    let mut bridges = [
        Switch::new(1, "lbr", &["local-nf", "vma0"]),
        Switch::new(2, "sbr", &["nf-local", "nf-uplink"]),
        Switch::new(3, "ubr", &["uplink-nf", "eth1"]),
    ];
    for bridge in &mut bridges {
        bridge.connect(controller.address).await;
    }
    let changes = settle_all(&mut bridges).await;
    assert!(
        changes.iter().all(|changes| changes.bundles > 0),
        "{changes:?}"
    );

    bridges[0].packet_in(2, 10, GUEST).await;
    let changes = settle_all(&mut bridges).await;
    assert!(
        !changes[0].plain.is_empty() && !changes[2].plain.is_empty(),
        "{changes:?}"
    );
    assert!(
        changes.iter().all(|changes| changes.bundles == 0),
        "{changes:?}"
    );

    // A frame on one bridge, and its answer on the others: also when one of them is away.
    bridges[2].disconnect();
    let another = MacAddr([0x52, 0x54, 0, 0, 0, 0x0b]);
    bridges[0].packet_in(2, 10, another).await;
    assert!(!bridges[0].settle().await.is_empty());
    bridges[2].connect(controller.address).await;
    let changes = settle_all(&mut bridges).await;
    assert!(!changes[2].is_empty(), "it is told what it has missed");
    assert!(
        changes[0].is_empty() && changes[1].is_empty(),
        "{changes:?}"
    );
}

#[tokio::test]
async fn a_reload_changes_only_what_differs_and_new_ports_are_served() {
    let controller = Running::start(CHAIN);
    let mut switch = Switch::new(1, "lbr", &["local-nf", "vma0"]);
    switch.connect(controller.address).await;
    let all = switch.settle().await.bundled.len();

    controller.reload(CHAIN);
    assert!(switch.settle().await.is_empty());

    let more = CHAIN.to_owned() + "  B: { host: node1, nics: [{ port: vmb0, network: blue }] }\n";
    controller.reload(&more);
    assert!(switch.settle().await.is_empty(), "there is no such port");
    switch.add_port(3, "vmb0").await;
    let changes = switch.settle().await;
    assert_eq!(changes.bundles, 1);
    assert!(
        changes.bundled.len() < all,
        "{} of {all}",
        changes.bundled.len()
    );
}

#[tokio::test]
async fn an_unknown_bridge_waits_for_a_reload() {
    let controller = Running::start(CHAIN);
    let mut switch = Switch::new(0xb1, "stranger", &[]);
    switch.connect(controller.address).await;
    assert!(switch.settle().await.is_empty());
    // What happens to its ports meanwhile is not lost.
    switch.add_port(4, "vmc0").await;
    assert!(switch.settle().await.is_empty());
    controller.reload(&CHAIN.replace("lbr", "stranger").replace("vma0", "vmc0"));
    let told = async { while switch.settle().await.is_empty() {} };
    timeout(Duration::from_secs(10), told)
        .await
        .expect("it is served");
    assert!(uses_port(&switch, 4));
}

fn uses_port(switch: &Switch, number: u32) -> bool {
    let needle = format!("in_port={number}");
    switch
        .flows
        .keys()
        .any(|key| key.match_.to_string().contains(&needle))
}

#[tokio::test]
async fn a_bridge_whose_host_is_removed_keeps_its_flows() {
    let controller = Running::start(&format!("{ANY}\n"));
    let mut switch = connected(&controller).await;
    let flows = switch.flows.clone();
    controller.reload(CHAIN);
    switch.closed().await;
    switch.connect(controller.address).await;
    assert!(switch.settle().await.is_empty());
    assert_eq!(switch.flows, flows);
}

#[tokio::test]
async fn a_bridge_that_has_no_place_any_more_is_let_go_and_its_host_goes_on() {
    let controller = Running::start(CHAIN);
    let mut bridges = [
        Switch::new(1, "lbr", &["vma0"]),
        Switch::new(3, "ubr", &["eth1"]),
    ];
    for bridge in &mut bridges {
        bridge.connect(controller.address).await;
    }
    settle_all(&mut bridges).await;
    let [local, uplink] = &mut bridges;
    let flows = local.flows.clone();
    controller.reload(&CHAIN.replace("lbr", "other"));
    local.closed().await;
    local.connect(controller.address).await;
    assert!(local.settle().await.is_empty());
    assert_eq!(local.flows, flows);
    uplink.packet_in(1, 10, GUEST).await;
    assert!(!uplink.settle().await.is_empty());
}

#[tokio::test]
async fn a_datapath_id_of_the_configuration_beats_the_name() {
    let config = CHAIN.replace("lbr", "{ name: lbr, datapath_id: '00000000000000aa' }");
    let controller = Running::start(&config);
    // The name is enough as long as nobody has the datapath id.
    let mut by_name = Switch::new(0xbb, "lbr", &["vma0"]);
    by_name.connect(controller.address).await;
    assert!(!by_name.settle().await.is_empty());
    let mut by_id = Switch::new(0xaa, "renamed", &["vma0"]);
    by_id.connect(controller.address).await;
    assert!(!by_id.settle().await.is_empty());
    by_name.closed().await;
    // And now it is not.
    by_name.connect(controller.address).await;
    by_name.closed().await;
    assert!(by_id.settle().await.is_empty());
}

#[tokio::test]
async fn hosts_that_take_any_bridge_keep_each_one_apart() {
    let controller = Running::start(ANY);
    let mut switch = connected(&controller).await;
    let mut other = Switch::new(0xa2, "br-any", &["p1"]);
    other.connect(controller.address).await;
    assert_eq!(other.settle().await.bundles, 1);
    other.packet_in(1, 7, GUEST).await;
    assert_eq!(other.settle().await.plain.len(), 2);
    assert!(
        switch.settle().await.is_empty(),
        "what one learns is nothing to the other"
    );
}
