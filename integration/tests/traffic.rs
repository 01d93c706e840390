//! Real stacks talk to each other: ARP, neighbour discovery, ICMP, TCP.

mod common;

use std::net::Ipv4Addr;
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail};
use common::{TRUNKED, WORLD, start};
use integration::command::run;
use integration::inbox::Inbox;
use integration::{Lab, wait};

/// What is moved by TCP in each direction: more than the buffers on the way hold.
const BYTES: u64 = 16_000_000;

/// A server that is killed when it is dropped.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn address(lab: &Lab, port: &str) -> Result<Ipv4Addr> {
    lab.station(port)?
        .address
        .with_context(|| format!("{port} has no address"))
}

fn ping(lab: &Lab, from: &str, to: &str) -> Result<String> {
    let mut ping = lab.namespace(from)?.command("ping");
    run(ping.args(["-q", "-c", "3", "-i", "0.05", "-W", "5", to]))
}

/// Moves data by TCP in both directions.
fn iperf3(lab: &Lab, from: &str, to: &str) -> Result<()> {
    let address = address(lab, to)?.to_string();
    for direction in [&[][..], &["--reverse"]] {
        let mut server = lab.namespace(to)?.command("iperf3");
        server.args(["--server", "--one-off", "--forceflush"]);
        let mut server = Server(server.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?);
        let notes = server.0.stdout.take().map(Inbox::lines).unwrap_or_default();
        let listens = |line: &String| line.contains("listening");
        let listening = notes.wait(|lines| lines.iter().any(listens).then_some(()));
        listening.context("iperf3 does not listen")?;

        let mut client = lab.namespace(from)?.command("iperf3");
        client
            .args([
                "--client",
                &address,
                "--bytes",
                &BYTES.to_string(),
                "--json",
            ])
            .args(direction);
        let report: serde_json::Value = serde_json::from_str(&run(&mut client)?)?;
        let bytes = |side: &str| report["end"][side]["bytes"].as_u64().unwrap_or(0);
        // What is still on its way when the sender is done is not counted at the other end.
        if bytes("sum_sent") < BYTES || bytes("sum_received") == 0 {
            bail!("{from} and {to} {direction:?}: {report}");
        }
    }
    Ok(())
}

/// No device ever received a frame with its own address as the source.
fn assert_no_echo(lab: &Lab) {
    let plan = lab.layout().plan();
    lab.sightings().read(|all| {
        for seen in all {
            let own = plan.station(&seen.port).map(|station| station.mac);
            assert_ne!(
                own,
                Some(seen.frame.src),
                "{} got its own frame back: {:?}",
                seen.port,
                seen.frame
            );
        }
    });
}

#[test]
fn arp_icmp_and_tcp_between_guests_outside_and_the_host() -> Result<()> {
    let (lab, _controller) = start(WORLD)?;
    for (from, to) in [
        ("vma0", "vmb0"),
        ("vmn0", "eth1"),
        ("eth1", "vmn0"),
        ("vmn0", "br0"),
        ("br0", "eth1"),
    ] {
        let arping = [
            "-f",
            "-q",
            "-w",
            "10",
            "-I",
            lab.station(from)?.device(),
            &address(&lab, to)?.to_string(),
        ];
        run(lab.namespace(from)?.command("arping").args(arping))?;
        ping(&lab, from, &address(&lab, to)?.to_string())?;
    }
    iperf3(&lab, "vma0", "vmb0")?;
    iperf3(&lab, "vmn0", "eth1")?;
    iperf3(&lab, "vmn0", "br0")?;
    assert_no_echo(&lab);
    Ok(())
}

#[test]
fn ipv6_guests_pass_duplicate_address_detection_and_find_each_other() -> Result<()> {
    let (lab, _controller) = start(&format!("{WORLD}{TRUNKED}"))?;
    let guests = ["vma0", "vmb0", "vmn0", "eth1"];
    for port in guests {
        // The kernel gives the device a link-local address, and probes whether somebody else has
        // it.
        lab.namespace(port)?
            .sysctl("net.ipv6.conf.eth0.disable_ipv6", "0")?;
    }
    let mut addresses = Vec::new();
    for port in guests {
        addresses.push(wait::until(&format!("an IPv6 address of {port}"), || {
            link_local(&lab, port)
        })?);
    }
    ping(&lab, "vma0", &format!("{}%eth0", addresses[1]))?;
    ping(&lab, "vmn0", &format!("{}%eth0", addresses[3]))?;
    assert_no_echo(&lab);
    Ok(())
}

/// The link-local address of a station once it is in use.
fn link_local(lab: &Lab, port: &str) -> Result<Option<String>> {
    let shown = lab.namespace(port)?.ip(&[
        "-6", "-o", "address", "show", "dev", "eth0", "scope", "link",
    ])?;
    if shown.contains("dadfailed") {
        bail!("{port} believes that somebody else has its address: {shown}");
    }
    if shown.contains("tentative") {
        return Ok(None);
    }
    let address = shown
        .split_whitespace()
        .skip_while(|word| *word != "inet6")
        .nth(1);
    Ok(address
        .and_then(|address| address.split('/').next())
        .map(str::to_owned))
}
