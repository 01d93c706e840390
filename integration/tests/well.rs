//! `bridgechain doctor` on hosts of every kind, as `setup` makes them and the controller serves them:
//! it finds nothing but what is so.

mod common;

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use common::{WORLD, start};
use integration::controller;
use integration::{Lab, wait};
use serde_json::Value;

/// Examples with one host and named bridges, and what is found there: the lab's ports have the MTU of
/// Ethernet, which has no room for a second tag.
const CONFIGS: [(&str, &[&str]); 8] = [
    ("copying.yaml", &["mtu rec0"]),
    ("learning.yaml", &[]),
    ("native-vlan.yaml", &[]),
    ("no-service.yaml", &[]),
    ("port-security.yaml", &[]),
    ("remote-sinks.yaml", &[]),
    ("trunk.yaml", &[]),
    ("unpinned.yaml", &[]),
];

/// Check and subject of each finding.
fn findings(lab: &Lab) -> Result<Vec<String>> {
    let program = controller::program()?.to_str().context("a path in UTF-8")?;
    let mut doctor = lab.ovs().command(program);
    doctor.arg("doctor").arg(lab.layout().config());
    doctor.arg("--json");
    let output = doctor.stdin(Stdio::null()).output()?;
    let report: Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    let all = report["findings"].as_array().context("no findings")?;
    let wrong = all.iter().filter(|finding| finding["level"] != "ok");
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    Ok(wrong
        .map(|it| format!("{} {}", text(&it["check"]), text(&it["subject"])))
        .collect())
}

#[test]
fn hosts_of_every_kind_are_well() -> Result<()> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../configs");
    let mut failures = Vec::new();
    let mut worlds = Vec::new();
    for (file, expected) in CONFIGS {
        let config = std::fs::read_to_string(directory.join(file))?;
        let api = "controller: { api: \"unix:@DIR@/api.sock\" }\n";
        assert!(!config.contains("\ncontroller:"), "{file}");
        worlds.push((file, format!("{api}{config}"), expected));
    }
    let bonded = WORLD.replace("[eth1]", "[eth1, eth2]\n    uplink_mode: balance");
    worlds.push(("bonded uplinks", bonded, &[]));
    for (file, config, expected) in worlds {
        let (lab, _controller) = start(&config).with_context(|| file.to_owned())?;
        let mut last = Vec::new();
        let found = wait::until(&format!("the right findings for {file}"), || {
            last = findings(&lab)?;
            Ok((last == expected).then_some(()))
        });
        if let Err(error) = found {
            failures.push(format!("{error:#}: {last:?}"));
        }
    }
    assert_eq!(failures, [""; 0]);
    Ok(())
}
