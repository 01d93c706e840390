//! `bridgechain setup` on a real Open vSwitch: what it makes, and that doing it again changes
//! nothing.

use std::fs;
use std::process::Output;

use anyhow::{Context, Result};
use integration::controller;
use integration::netns::Namespace;
use integration::ovs::PrivateOvs;
use integration::run_dir::{self, RunDir};

const CONFIG: &str = "\
networks: { demo3000: { vlan: 3000 }, native: { vlan: 0 } }
hosts:
  node1:
    bridges:
      local: br0.local
      service: { name: br.nf, datapath_id: \"00000000000000af\" }
      uplink: br0
    uplinks: [eth1]
    patches: { service_uplink: [\"nf,up\", \"up,nf\"] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - name: ids
        mode: tap
        instances:
          - { host: node1, port: er0, remote: { type: erspan, ip: 192.0.2.9, session: 7, index: 291 } }
          - { host: node1, port: gre0, remote: { type: gre, ip: 192.0.2.9 } }
          - { host: node1, port: ids0 }
          - { host: node1, port: vx0, remote: { type: vxlan, ip: \"2001:db8::9\", vni: 77 } }
";

/// The tunnels of the config, with their types and options.
const TUNNELS: [(&str, &str, &str); 3] = [
    (
        "er0",
        "erspan",
        r#"{erspan_idx="0x123", erspan_ver="1", key="7", remote_ip="192.0.2.9"}"#,
    ),
    ("gre0", "gre", r#"{remote_ip="192.0.2.9"}"#),
    ("vx0", "vxlan", r#"{key="77", remote_ip="2001:db8::9"}"#),
];

/// The columns that are set up, by table; others count or describe what goes on.
const TABLES: [(&str, &str); 4] = [
    (
        "Bridge",
        "_uuid,name,controller,datapath_type,fail_mode,other_config,ports,protocols",
    ),
    ("Controller", "_uuid,target,connection_mode"),
    ("Port", "_uuid,name,interfaces,tag,trunks"),
    ("Interface", "_uuid,name,type,options"),
];

/// An Open vSwitch without bridges, a device for the uplink, and the config.
struct Switch {
    ovs: PrivateOvs,
    /// Takes everything down in the end.
    run_dir: RunDir,
}

fn switch() -> Result<Switch> {
    let run_dir = RunDir::create(&run_dir::unique_name())?;
    let host = Namespace::add(run_dir::namespace(run_dir.name(), "host"))?;
    let ovs = PrivateOvs::start(&run_dir.path(), &host)?;
    host.ip(&[
        "link", "add", "eth1", "type", "veth", "peer", "name", "outside",
    ])?;
    fs::write(run_dir.path().join("lab.yaml"), CONFIG)?;
    Ok(Switch { ovs, run_dir })
}

fn setup(switch: &Switch, options: &[&str]) -> Result<Output> {
    let program = controller::program()?.to_str().context("a path in UTF-8")?;
    let mut setup = switch.ovs.command(program);
    setup
        .arg("setup")
        .arg(switch.run_dir.path().join("lab.yaml"))
        .args(["--host", "node1"]);
    setup.args(["--datapath-type", "netdev", "--db", &switch.ovs.db()]);
    Ok(setup.args(options).output()?)
}

/// Sets the bridges up, which has to go well.
fn set_up(switch: &Switch) -> Result<()> {
    let output = setup(switch, &[])?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && stderr.is_empty(), "{stderr}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "node1: br0.local, br.nf, br0 set up for tcp:127.0.0.1:6653\n"
    );
    Ok(())
}

fn database(switch: &Switch) -> Result<String> {
    let mut text = String::new();
    for (table, columns) in TABLES {
        let rows = switch.ovs.vsctl(&[
            "--format=csv",
            &format!("--columns={columns}"),
            "list",
            table,
        ])?;
        let mut rows: Vec<&str> = rows.lines().collect();
        rows.sort_unstable();
        text.push_str(&rows.join("\n"));
        text.push('\n');
    }
    Ok(text)
}

/// A column, without the quotes that ovs-vsctl puts around some text.
fn value(switch: &Switch, table: &str, record: &str, column: &str) -> Result<String> {
    let value = switch.ovs.vsctl(&["get", table, record, column])?;
    Ok(value.trim().trim_matches('"').to_owned())
}

#[test]
fn what_it_makes_is_there_and_works() -> Result<()> {
    let switch = switch()?;
    set_up(&switch)?;
    for (bridge, datapath_id) in [
        ("br0.local", "c22d211094a03546"),
        ("br.nf", "00000000000000af"),
        ("br0", "eba553d1e6664f33"),
    ] {
        assert_eq!(value(&switch, "Bridge", bridge, "fail_mode")?, "secure");
        // The one in force, not the one asked for.
        assert_eq!(
            value(&switch, "Bridge", bridge, "datapath_id")?,
            datapath_id
        );
        let in_band = value(&switch, "Bridge", bridge, "other-config:disable-in-band")?;
        assert_eq!(in_band, "true");
        assert_eq!(value(&switch, "Bridge", bridge, "protocols")?, "[]");
        assert_eq!(
            value(&switch, "Controller", bridge, "target")?,
            "tcp:127.0.0.1:6653"
        );
        assert_eq!(
            value(&switch, "Controller", bridge, "connection_mode")?,
            "out-of-band"
        );
    }
    for (bridge, ports) in [
        ("br0.local", "local-nf\n"),
        ("br.nf", "er0\ngre0\nnf,up\nnf-local\nvx0\n"),
        ("br0", "eth1\nup,nf\n"),
    ] {
        assert_eq!(switch.ovs.vsctl(&["list-ports", bridge])?, ports);
    }
    for (port, peer) in [
        ("local-nf", "nf-local"),
        ("nf,up", "up,nf"),
        ("up,nf", "nf,up"),
    ] {
        assert_eq!(value(&switch, "Interface", port, "type")?, "patch");
        assert_eq!(value(&switch, "Interface", port, "options:peer")?, peer);
        // Open, so the peer was found.
        assert_eq!(value(&switch, "Interface", port, "error")?, "[]");
        switch.ovs.ofport(port)?;
    }
    for (port, kind, options) in TUNNELS {
        assert_eq!(value(&switch, "Interface", port, "type")?, kind);
        assert_eq!(value(&switch, "Interface", port, "options")?, options);
        assert_eq!(value(&switch, "Interface", port, "error")?, "[]");
        switch.ovs.ofport(port)?;
    }
    Ok(())
}

#[test]
fn a_tunnel_becomes_what_the_configuration_says() -> Result<()> {
    let switch = switch()?;
    set_up(&switch)?;
    switch.ovs.vsctl(&[
        "--",
        "set",
        "Interface",
        "er0",
        "options={remote_ip=192.0.2.1,key=8,erspan_ver=2,erspan_dir=1}",
        "--",
        "set",
        "Interface",
        "gre0",
        "options:key=5",
        "options:ttl=7",
        "--",
        "set",
        "Interface",
        "vx0",
        "type=erspan",
        "options:erspan_ver=1",
        "options:erspan_idx=1",
    ])?;
    set_up(&switch)?;
    // What the configuration says nothing about stays.
    let altered = [
        (
            "er0",
            r#"{erspan_dir="1", erspan_idx="0x123", erspan_ver="1", key="7", remote_ip="192.0.2.9"}"#,
        ),
        ("gre0", r#"{remote_ip="192.0.2.9", ttl="7"}"#),
        ("vx0", TUNNELS[2].2),
    ];
    for (port, options) in altered {
        assert_eq!(value(&switch, "Interface", port, "options")?, options);
    }
    assert_eq!(value(&switch, "Interface", "vx0", "type")?, "vxlan");
    Ok(())
}

#[test]
fn doing_it_again_changes_nothing() -> Result<()> {
    let switch = switch()?;
    set_up(&switch)?;
    let once = database(&switch)?;
    set_up(&switch)?;
    assert_eq!(database(&switch)?, once);
    Ok(())
}

#[test]
fn what_was_altered_is_set_right_and_the_rest_left_alone() -> Result<()> {
    let switch = switch()?;
    set_up(&switch)?;
    let good = database(&switch)?;
    switch.ovs.vsctl(&[
        "--",
        "set-fail-mode",
        "br0",
        "standalone",
        "--",
        "remove",
        "Bridge",
        "br.nf",
        "other-config",
        "disable-in-band",
        "--",
        "set",
        "Controller",
        "br0.local",
        "connection_mode=in-band",
        "--",
        "del-port",
        "br.nf",
        "nf-local",
    ])?;
    set_up(&switch)?;
    let altered = database(&switch)?;
    // The port that is made again has another uuid.
    let without_uuids = |text: &str| {
        let uuid = |word: &&str| word.len() != 36 || word.matches('-').count() != 4;
        let split = |c: char| !c.is_ascii_alphanumeric() && c != '-';
        let mut words: Vec<String> = text.split(split).filter(uuid).map(str::to_owned).collect();
        words.sort_unstable();
        words
    };
    assert_eq!(without_uuids(&altered), without_uuids(&good));

    switch.ovs.vsctl(&[
        "--",
        "set",
        "Bridge",
        "br0",
        "protocols=OpenFlow10",
        "other-config:hwaddr=52:54:00:00:00:01",
        "--",
        "set-controller",
        "br0",
        "tcp:192.0.2.1:6653",
    ])?;
    set_up(&switch)?;
    assert_eq!(
        value(&switch, "Bridge", "br0", "protocols")?,
        "[OpenFlow10, OpenFlow13]"
    );
    assert_eq!(
        value(&switch, "Bridge", "br0", "other-config:hwaddr")?,
        "52:54:00:00:00:01"
    );
    assert_eq!(
        switch.ovs.vsctl(&["get-controller", "br0"])?,
        "tcp:127.0.0.1:6653\n"
    );
    Ok(())
}

#[test]
fn a_dry_run_changes_nothing_and_prints_what_does() -> Result<()> {
    let switch = switch()?;
    let empty = database(&switch)?;
    let output = setup(&switch, &["--dry-run"])?;
    assert!(output.status.success());
    assert_eq!(database(&switch)?, empty);
    // What it printed is a command for the shell.
    let printed = String::from_utf8(output.stdout)?;
    assert!(
        switch
            .ovs
            .command("sh")
            .args(["-c", &printed])
            .status()?
            .success()
    );
    let by_hand = database(&switch)?;
    set_up(&switch)?;
    assert_eq!(database(&switch)?, by_hand);
    Ok(())
}

#[test]
fn a_port_on_another_bridge_fails_the_whole_of_it() -> Result<()> {
    let switch = switch()?;
    switch.ovs.vsctl(&[
        "add-br",
        "other",
        "--",
        "set",
        "Bridge",
        "other",
        "datapath_type=netdev",
    ])?;
    switch.ovs.vsctl(&["add-port", "other", "eth1"])?;
    let before = database(&switch)?;
    let output = setup(&switch, &[])?;
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(
        stderr.contains("eth1") && stderr.contains("other"),
        "{stderr}"
    );
    assert_eq!(database(&switch)?, before);
    Ok(())
}
