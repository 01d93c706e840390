//! Several hosts at one switch.
//!
//! ```text
//!   node1                     node2                     node3
//!  +---------------------+   +---------------------+   +---------------------+
//!  | br0.local br.nf br0 |   | br0.local br.nf br0 |   | br0.local br.nf br0 |
//!  +----------------eth1-+   +----------------eth1-+   +----------------eth1-+
//!                     |                         |                        |
//!                  +--+-------------------------+------------------------+--+
//!                  |  a plain switch                             (outside)  |
//!                  +--------------------------------------------------------+
//! ```
//!
//! Each host is a [`Lab`] of its own: an Open vSwitch in a namespace, with bridges and ports of the
//! same names as the others have. A station is called `node1:vma0`; `node1:eth1` is the port of the
//! switch, which shows what that host sends. The controller listens on a Unix socket
//! (`unix:@DIR@/openflow.sock`), which namespaces of the network do not divide.

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::thread;

use anyhow::{Context, Result, anyhow};
use bridgechain::topology::Topology;
use openflow::MacAddr;

use crate::capture::Sighting;
use crate::controller::Controller;
use crate::frame::Frame;
use crate::inbox::Inbox;
use crate::lab::{Attached, DIR, Lab};
use crate::layout::{self, Layout};
use crate::netns::Namespace;
use crate::plan::{OUTSIDE, Plan, Role, SWITCH, Station};
use crate::probe::{Probe, Seen, await_marker, new_marker};
use crate::run_dir::{self, RunDir};
use crate::stream::{Stream, Tally};
use crate::switch::{Kind, Switch};

/// The controller's socket in the directory of a host: Open vSwitch connects to none that is
/// elsewhere.
const SOCKET: &str = "openflow.sock";
/// The address of the station outside.
const OUTSIDE_MAC: MacAddr = MacAddr([0x02, 0xbc, 0xff, 0, 0, 1]);

/// Who serves the hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// One controller for all of them.
    Shared,
    /// A controller on each host, all with the same config.
    PerHost,
}

/// Several hosts at one switch, with every frame captured at every station.
///
/// Its config needs the untagged network: what tells that all frames have arrived is untagged.
#[derive(Debug)]
pub struct Fabric {
    hosts: BTreeMap<String, Lab>,
    outside: Attached,
    /// What arrived at the station outside.
    sightings: Inbox<Sighting>,
    control: Control,
    switch: Switch,
    run_dir: RunDir,
}

/// The controllers of a fabric.
#[derive(Debug)]
pub struct Controllers {
    shared: Option<Controller>,
    own: BTreeMap<String, Controller>,
}

impl Controllers {
    /// The one that serves a host.
    ///
    /// # Errors
    ///
    /// There is no such host.
    pub fn of(&self, host: &str) -> Result<&Controller> {
        let controller = self.shared.as_ref().or_else(|| self.own.get(host));
        controller.with_context(|| format!("nobody serves {host}"))
    }

    /// All of them, each once.
    pub fn iter(&self) -> impl Iterator<Item = &Controller> {
        self.shared.iter().chain(self.own.values())
    }
}

impl Fabric {
    /// Brings up all hosts of a config, without controllers. [`DIR`] in the text stands for the
    /// directory of each host.
    ///
    /// # Errors
    ///
    /// The caller is not root, the config is refused, or a tool is missing or fails.
    pub fn from_config(text: &str, control: Control) -> Result<Self> {
        Self::with_switch(text, control, None)
    }

    /// The same, with a switch of this kind.
    ///
    /// # Errors
    ///
    /// As [`from_config`](Self::from_config).
    pub fn with_switch(text: &str, control: Control, kind: Option<Kind>) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        layout::write_config(&run_dir, &in_dir(&run_dir, text))?;
        let topology = layout::load_config(&layout::config(&run_dir))?;
        let namespace = Namespace::add(run_dir.place().namespace(SWITCH))?;
        let switch = Switch::build(&run_dir, namespace, kind)?;

        let plans = Plan::of_all(&topology);
        let beside = |name: &str, plan| Lab::beside_others(text, name, plan, switch.namespace());
        let hosts = at_once(plans, beside)?
            .into_iter()
            .collect::<BTreeMap<_, _>>();
        for lab in hosts.values() {
            for port in switch_ports(lab.layout()) {
                switch.plug(port)?;
            }
            if control == Control::Shared {
                symlink(run_dir.path().join(SOCKET), lab.dir().join(SOCKET))?;
            }
        }
        let sightings = Inbox::default();
        let outside = plug_in_outside(&run_dir, &topology, &switch, &sightings)?;
        Ok(Self {
            hosts,
            outside,
            sightings,
            control,
            switch,
            run_dir,
        })
    }

    /// Starts the controllers.
    ///
    /// # Errors
    ///
    /// `bridgechain` cannot be built or started.
    pub fn start_controllers(&self) -> Result<Controllers> {
        let mut controllers = Controllers {
            shared: None,
            own: BTreeMap::new(),
        };
        match self.control {
            Control::Shared => {
                let config = layout::config(&self.run_dir);
                let started = Controller::start(self.switch.namespace(), &config)?;
                controllers.shared = Some(started);
            }
            Control::PerHost => {
                for (name, lab) in &self.hosts {
                    controllers
                        .own
                        .insert(name.clone(), lab.start_controller()?);
                }
            }
        }
        Ok(controllers)
    }

    /// Waits until all bridges of all hosts were brought into line with the config.
    ///
    /// # Errors
    ///
    /// That does not happen.
    pub fn await_sync(&self, controllers: &Controllers) -> Result<()> {
        for (name, lab) in &self.hosts {
            for bridge in &lab.layout().plan().bridges {
                self.await_sync_of(controllers, name, bridge, 1)?;
            }
        }
        Ok(())
    }

    /// Waits until one bridge was brought into line that many times since its controller's start.
    ///
    /// # Errors
    ///
    /// That does not happen.
    pub fn await_sync_of(
        &self,
        controllers: &Controllers,
        host: &str,
        bridge: &str,
        times: usize,
    ) -> Result<()> {
        controllers
            .of(host)?
            .wait_for_sync(Some(host), bridge, times)?;
        self.host(host)?.ovs().purge()
    }

    /// Writes another config in place of the one that the controllers have; they do not know yet.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn change_config(&self, text: &str) -> Result<()> {
        match self.control {
            Control::Shared => layout::write_config(&self.run_dir, &in_dir(&self.run_dir, text)),
            Control::PerHost => self
                .hosts
                .values()
                .try_for_each(|lab| lab.change_config(text)),
        }
    }

    /// A host by its name.
    ///
    /// # Errors
    ///
    /// There is no such host.
    pub fn host(&self, name: &str) -> Result<&Lab> {
        self.hosts
            .get(name)
            .with_context(|| format!("there is no host {name}"))
    }

    /// All hosts with their names.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &Lab)> {
        self.hosts.iter().map(|(name, lab)| (&**name, lab))
    }

    /// The MAC address of a station.
    ///
    /// # Errors
    ///
    /// There is no such station.
    pub fn mac(&self, station: &str) -> Result<MacAddr> {
        match self.place(station)? {
            Some((lab, port)) => lab.mac(port),
            None => Ok(OUTSIDE_MAC),
        }
    }

    /// A frame from a station, with its own address and tagging, to a destination.
    ///
    /// # Errors
    ///
    /// There is no such station.
    pub fn frame(&self, station: &str, dst: MacAddr) -> Result<Probe> {
        let tags = match self.place(station)? {
            Some((lab, port)) => lab.station(port)?.tags(),
            None => Vec::new(),
        };
        Ok(Probe::new(station, self.mac(station)?, dst, tags))
    }

    /// Sends a frame and tells who saw it, by the names of the stations.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub fn probe(&self, probe: &Probe) -> Result<Seen> {
        let mut seen = self.send(std::slice::from_ref(probe))?;
        seen.pop().context("one frame, one answer")
    }

    /// Sends frames, waits until all of them have gone wherever they go, and tells for each who saw
    /// it.
    ///
    /// # Errors
    ///
    /// A frame cannot be sent, or arrives with another address or payload, or the fabric does not
    /// [settle](Self::settle).
    pub fn send(&self, probes: &[Probe]) -> Result<Vec<Seen>> {
        let inboxes = self.inboxes();
        let starts: Vec<usize> = inboxes
            .iter()
            .map(|(_, inbox)| inbox.read(<[_]>::len))
            .collect();
        let mut sent = Vec::with_capacity(probes.len());
        for probe in probes {
            let frame = probe.frame(new_marker());
            self.transmit(&probe.port, &frame)?;
            sent.push((frame, Seen::default()));
        }
        let mut stations: Vec<_> = probes.iter().map(|probe| probe.port.as_str()).collect();
        stations.sort_unstable();
        stations.dedup();
        self.settle(&stations)?;
        for ((prefix, inbox), start) in inboxes.iter().zip(starts) {
            inbox.read(|all| {
                let mut sent = sent.iter_mut();
                sent.try_for_each(|(frame, seen)| seen.add(frame, prefix, &all[start..]))
            })?;
        }
        Ok(sent.into_iter().map(|(_, seen)| seen).collect())
    }

    /// Sends a frame as it is from a station.
    ///
    /// # Errors
    ///
    /// There is no such station, or its device is down.
    pub fn transmit(&self, station: &str, frame: &Frame) -> Result<()> {
        let attached = match self.place(station)? {
            Some((lab, port)) => lab.attached(port)?,
            None => &self.outside,
        };
        attached.socket.send(&frame.encode())
    }

    /// Waits until the frames that these stations have sent so far have arrived wherever they will
    /// ever arrive.
    ///
    /// # Errors
    ///
    /// A frame that must arrive does not.
    pub fn settle(&self, stations: &[&str]) -> Result<()> {
        for station in stations {
            match self.place(station)? {
                Some((lab, port)) => lab.settle_datapath(&[port])?,
                None => self.settle_outside()?,
            }
        }
        self.flush()
    }

    /// Waits until the captures of all hosts show every frame that is on its way.
    ///
    /// Each host puts a frame out of every port. The one to the switch takes the same way to the
    /// other hosts as all before it, and is seen there at the LOCAL port. Then each host does it
    /// again: what the frames of others have made it send is before that.
    fn flush(&self) -> Result<()> {
        for (name, lab) in &self.hosts {
            let marker = lab.put_out()?;
            let stations = lab.layout().plan().stations.iter();
            let ports: Vec<_> = stations.map(|station| &*station.port).collect();
            await_marker(lab.sightings(), marker, &ports)?;
            if switch_ports(lab.layout()).next().is_none() {
                continue;
            }
            self.arrives_at_others(marker, name)
                .with_context(|| format!("{name} does not reach the other hosts untagged"))?;
        }
        self.hosts.values().try_for_each(Lab::flush)
    }

    /// Waits until an untagged broadcast has come to every other host, and outside.
    fn arrives_at_others(&self, marker: u64, sender: &str) -> Result<()> {
        for (_, lab) in self.hosts.iter().filter(|(name, _)| *name != sender) {
            if switch_ports(lab.layout()).next().is_some() {
                let local: Vec<_> = lab.layout().plan().local().map(|it| &*it.port).collect();
                await_marker(lab.sightings(), marker, &local)?;
            }
        }
        if sender == OUTSIDE {
            return Ok(());
        }
        await_marker(&self.sightings, marker, &[OUTSIDE])
    }

    /// Waits until all hosts have taken what the station outside has sent so far. Of a broadcast
    /// that was seen some copies may be on their way; one before it is through.
    fn settle_outside(&self) -> Result<()> {
        for _ in 0..2 {
            let marker = new_marker();
            let frame = Frame::probe(OUTSIDE_MAC, MacAddr::BROADCAST, Vec::new(), marker);
            self.outside.socket.send(&frame.encode())?;
            self.arrives_at_others(marker, OUTSIDE)?;
        }
        Ok(())
    }

    /// Starts a stream from a station, with its own address and tagging.
    ///
    /// # Errors
    ///
    /// There is no such station on a host.
    pub fn stream(&self, station: &str, dst: MacAddr) -> Result<Stream> {
        let (lab, port) = self.on_host(station)?;
        Ok(lab.stream(port, dst)?.called(station))
    }

    /// Waits until a stream has brought that many more frames to a station.
    ///
    /// # Errors
    ///
    /// The frames do not arrive.
    pub fn await_stream(&self, stream: &Stream, station: &str, frames: usize) -> Result<()> {
        let (lab, port) = self.on_host(station)?;
        lab.await_stream(stream, port, frames)
    }

    /// How many frames of a stream have arrived at a station so far.
    ///
    /// # Errors
    ///
    /// There is no such host.
    pub fn arrived(&self, stream: &Stream, station: &str) -> Result<usize> {
        let (lab, port) = self.on_host(station)?;
        Ok(lab.arrived(stream, port))
    }

    /// Ends a stream and counts what arrived where.
    ///
    /// # Errors
    ///
    /// A frame could not be sent, or the fabric does not [settle](Self::settle).
    pub fn finish(&self, stream: Stream) -> Result<Tally> {
        let (station, mut tally) = stream.stop()?;
        self.settle(&[&station])?;
        for (prefix, inbox) in self.inboxes() {
            tally.add(&prefix, inbox);
        }
        Ok(tally)
    }

    /// What arrived where, with what the names of the stations begin with.
    pub fn inboxes(&self) -> Vec<(String, &Inbox<Sighting>)> {
        let hosts = self.hosts.iter();
        let hosts = hosts.map(|(name, lab)| (format!("{name}:"), lab.sightings()));
        hosts.chain([(String::new(), &self.sightings)]).collect()
    }

    /// The host and the port of a station; `None` for the one outside.
    fn place<'a>(&self, station: &'a str) -> Result<Option<(&Lab, &'a str)>> {
        if station == OUTSIDE {
            return Ok(None);
        }
        let (host, port) = station
            .split_once(':')
            .with_context(|| format!("{station} is no station: say HOST:PORT"))?;
        Ok(Some((self.host(host)?, port)))
    }

    fn on_host<'a>(&self, station: &'a str) -> Result<(&Lab, &'a str)> {
        let place = self.place(station)?;
        place.with_context(|| format!("{station} is on no host"))
    }
}

/// Brings up all hosts at once.
///
/// # Errors
///
/// One of them cannot be brought up.
pub(crate) fn at_once<T: Send>(
    plans: Vec<(String, Plan)>,
    up: impl Fn(&str, Plan) -> Result<T> + Sync,
) -> Result<Vec<(String, T)>> {
    thread::scope(|scope| {
        let up = &up;
        let start = |(name, plan): (String, Plan)| {
            let thread = scope.spawn({
                let name = name.clone();
                move || up(&name, plan)
            });
            (name, thread)
        };
        // All are started before the first is waited for.
        let threads: Vec<_> = plans.into_iter().map(start).collect();
        let end = |(name, thread): (String, thread::ScopedJoinHandle<'_, Result<T>>)| {
            let host = thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the thread panicked")));
            let host = host.with_context(|| format!("cannot bring up {name}"))?;
            Ok((name, host))
        };
        threads.into_iter().map(end).collect()
    })
}

/// The devices of the switch that the uplinks of a host lead to.
pub(crate) fn switch_ports(layout: &Layout) -> impl Iterator<Item = &str> {
    let stations = layout.plan().stations.iter();
    let ports = stations.filter(|station| station.role == Role::Switch);
    ports.map(|station| station.device())
}

/// Joins the station outside to the switch. It has no IP address: nothing is sent by itself.
fn plug_in_outside(
    run_dir: &RunDir,
    topology: &Topology,
    switch: &Switch,
    sightings: &Inbox<Sighting>,
) -> Result<Attached> {
    let station = Station {
        mac: OUTSIDE_MAC,
        address: None,
        ..Plan::outside(topology, 0)
    };
    let namespace = switch.add(&run_dir.place(), &station)?;
    Attached::new(&namespace, station.device(), OUTSIDE, sightings)
}

fn in_dir(run_dir: &RunDir, text: &str) -> String {
    text.replace(DIR, &run_dir.path().to_string_lossy())
}
