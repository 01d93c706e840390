//! What bridges have counted: metrics, and drops by cause.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::process::{Command, Stdio};

use bridgechain::cookie::Class;
use serde_json::{Value, json};

use crate::run::Run;
use crate::switch::Switch;

/// The local bridge of node1, in sync, with frames in its flows.
async fn local_bridge(run: &Run) -> Switch {
    let mut switch = Switch::new(0x11, "l", &["vma0", "local-nf", "extra"]);
    switch.connect(run.address()).await;
    switch.settle().await;
    for class in [Class::DropVlan, Class::DropSpoofed, Class::Pipeline] {
        let keys: Vec<_> = switch.flows_with(class.cookie()).cloned().collect();
        switch.frames.extend(keys.into_iter().map(|key| (key, 5)));
    }
    switch
}

/// The samples of a text, by name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let parsed = samples.map(|line| {
        let (sample, value) = line.rsplit_once(' ').unwrap();
        (sample, value.parse().unwrap())
    });
    parsed.collect()
}

#[tokio::test]
async fn traffic_is_told_by_vnic_network_and_cause() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    let text = run.get_from(&mut switch, "/metrics").await;
    let samples = samples(&text);
    let vnic = "host=\"node1\",vm=\"VM-A\",port=\"vma0\"";
    let of = |sample: String| {
        *samples
            .get(&*sample)
            .unwrap_or_else(|| panic!("{sample}: {text}"))
    };
    let vnic = |name: &str, direction: &str| {
        of(format!(
            "bridgechain_vnic_{name}_total{{{vnic},direction=\"{direction}\"}}"
        ))
    };
    assert_eq!(vnic("frames", "from_guest"), 10.0);
    assert_eq!(vnic("frames", "to_guest"), 100.0);
    assert_eq!(vnic("bytes", "from_guest"), 1000.0);
    assert_eq!(vnic("bytes", "to_guest"), 10_000.0);
    // Untagged and priority-tagged frames, and of each those that are limited.
    let network = "host=\"node1\",network=\"demo\",source=\"vnics\"";
    assert_eq!(
        of(format!("bridgechain_network_frames_total{{{network}}}")),
        20.0
    );
    assert_eq!(
        of(format!("bridgechain_network_bytes_total{{{network}}}")),
        2000.0
    );
    let dropped = |cause: &str, of_vnic: bool| {
        let (port, vm) = if of_vnic { ("vma0", "VM-A") } else { ("", "") };
        of(format!(
            "bridgechain_dropped_frames_total{{host=\"node1\",bridge=\"l\",cause=\"{cause}\",port=\"{port}\",vm=\"{vm}\"}}"
        ))
    };
    assert_eq!(dropped("vlan", true), 5.0);
    assert_eq!(dropped("storm_limit", true), 3.0);
    assert_eq!(dropped("packet_in_rate", false), 3.0);
    assert!(dropped("spoofed", false) >= 5.0);
    for (step, count) in [("read_back", 1.0), ("transaction", 1.0)] {
        let labels = format!("host=\"node1\",step=\"{step}\"");
        assert_eq!(
            of(format!("bridgechain_reconcile_seconds_count{{{labels}}}")),
            count
        );
        let all = format!("bridgechain_reconcile_seconds_bucket{{{labels},le=\"+Inf\"}}");
        assert_eq!(of(all), count);
    }
    assert_eq!(
        of("bridgechain_packet_ins_total{host=\"node1\"}".to_owned()),
        0.0
    );

    let drops = run.get_from(&mut switch, "/v1/drops?host=node1").await;
    let drops: Value = serde_json::from_str(&drops).unwrap();
    let vlan = drops["drops"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["port"] == "vma0");
    assert_eq!(
        *vlan.unwrap(),
        json!({
            "host": "node1", "bridge": "l", "cause": "vlan", "port": "vma0", "vm": "VM-A",
            "frames": 5, "bytes": 500
        })
    );
    run.end();
}

#[tokio::test]
async fn bridges_are_asked_only_if_somebody_asks_and_not_more_often_than_once_a_second() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    for resource in ["/v1/status", "/v1/macs", "/v1/ports"] {
        run.get_from(&mut switch, resource).await;
    }
    assert_eq!(switch.surveys.get(), 0);
    let began = std::time::Instant::now();
    for _ in 0..20 {
        run.get_from(&mut switch, "/metrics").await;
    }
    let seconds = began.elapsed().as_secs() as usize;
    let surveys = switch.surveys.get();
    assert!(
        (1..=seconds + 1).contains(&surveys),
        "{surveys} in {seconds} s"
    );
    run.end();
}

#[tokio::test]
async fn a_bridge_that_does_not_answer_keeps_nobody_waiting() {
    let run = Run::start();
    let switch = local_bridge(&run).await;
    // Nobody serves the switch.
    let samples_of = run.get("/metrics");
    assert!(
        samples_of.contains(
            "bridgechain_bridge_connected{host=\"node1\",bridge=\"l\",role=\"local\"} 1\n"
        )
    );
    assert_eq!(switch.surveys.get(), 0);
    run.end();
}

/// Where Prometheus is installed its own tool says whether the text is right.
#[tokio::test]
async fn promtool_takes_the_metrics() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    let text = run.get_from(&mut switch, "/metrics").await;
    let promtool = std::env::var_os("PROMTOOL").unwrap_or_else(|| "promtool".into());
    let child = Command::new(promtool)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("SKIPPED: promtool is not installed (Debian: prometheus)");
        run.end();
        return;
    };
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{text}");
    run.end();
}

/// The rules of the text format that a slip would break: every sample stands below the type of its
/// metric, in one block, and once.
#[tokio::test]
async fn the_text_is_in_order() {
    let run = Run::start();
    let mut switch = local_bridge(&run).await;
    let text = run.get_from(&mut switch, "/metrics").await;
    assert!(text.ends_with('\n'));
    let mut metric = "";
    let (mut metrics, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            metric = rest.split(' ').next().unwrap();
            assert!(metrics.insert(metric), "{metric} comes twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert_eq!(name, metric);
            let is_total = name.ends_with("_total");
            assert_eq!(kind == "counter", is_total, "{name} is a {kind}");
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let (name, labels) = sample.split_once('{').unwrap();
            let ends = ["", "_bucket", "_sum", "_count"];
            let is_of = ends
                .iter()
                .any(|end| name.strip_suffix(end) == Some(metric));
            assert!(is_of, "{line} below {metric}");
            assert!(labels.ends_with('}'), "{line}");
            assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
            assert!(seen.insert(sample), "{sample} comes twice");
        }
    }
    run.end();
}
