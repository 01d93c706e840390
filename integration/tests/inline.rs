//! Inline functions, with a bump in the wire.

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result};
use common::{NOBODY, start};
use integration::Lab;
use integration::frame::{Frame, Tag};
use openflow::MacAddr;

const INLINE: &str = "
controller: { api: 'unix:@DIR@/api.sock' }
networks: { demo3000: { vlan: 3000 } }
hosts:
  node1: { bridges: { local: br0.local, service: br.nf, uplink: br0 }, uplinks: [eth1] }
vms:
  VM-A: { host: node1, nics: [{ port: vma0, mac: '52:54:00:00:00:0a', network: demo3000 }] }
  VM-U: { host: node1, nics: [{ port: vmu0, network: demo3000 }] }
service_chains:
  inspect:
    networks: [demo3000]
    functions:
      - { name: ips, mode: inline, instances: [{ host: node1, ingress: ips-in, egress: ips-out }] }
";

/// How often the function looks for frames.
const PACE: Duration = Duration::from_millis(1);

/// Sends out of one leg of a function what arrives at the other, until it is dropped.
struct Bump {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Bump {
    fn start(lab: &Lab, ingress: &'static str, egress: &'static str) -> Result<Self> {
        let open = |leg| lab.namespace(leg)?.raw_socket("eth0");
        let (to_ingress, to_egress) = (open(ingress)?, open(egress)?);
        let sightings = lab.sightings().clone();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let mut done = sightings.read(<[_]>::len);
        let thread = thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let arrived = sightings.read(|all| all[done..].to_vec());
                done += arrived.len();
                for seen in arrived {
                    let out = match seen.port.as_str() {
                        port if port == ingress => &to_egress,
                        port if port == egress => &to_ingress,
                        _ => continue,
                    };
                    // A leg that is down lets nothing through, as a real function would.
                    let _ = out.send(&seen.frame.encode());
                }
                thread::sleep(PACE);
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Bump {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Sends a frame and waits until it arrives at another port.
fn reaches(lab: &Lab, marker: u64, from: &str, src: MacAddr, dst: MacAddr, to: &str) -> Result<()> {
    let station = lab.station(from)?;
    let tags: Vec<Tag> = station.tags();
    let socket = lab.namespace(from)?.raw_socket(station.device())?;
    socket.send(&Frame::probe(src, dst, tags, marker).encode())?;
    let arrived = lab.sightings().wait(|all| {
        all.iter()
            .any(|seen| seen.port == to && seen.frame.marker() == Some(marker))
            .then_some(())
    });
    arrived.with_context(|| format!("nothing from {src} at {from} to {dst} arrived at {to}"))
}

#[test]
fn a_station_that_has_left_a_guest_reaches_it_from_outside() -> Result<()> {
    let (lab, _controller) = start(INLINE)?;
    let _bump = Bump::start(&lab, "ips-in", "ips-out")?;
    let guest = lab.mac("vmu0")?;

    reaches(&lab, 1, "vmu0", NOBODY, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 2, "vmu0", guest, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 3, "eth1", NOBODY, MacAddr::BROADCAST, "vma0")?;
    reaches(&lab, 4, "eth1", NOBODY, MacAddr::BROADCAST, "vmu0")?;
    reaches(&lab, 5, "eth1", NOBODY, guest, "vmu0")
}
