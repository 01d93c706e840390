//! Bringing a lab up.

use std::collections::BTreeMap;
use std::fs::File;

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};

use crate::capture::{Capture, Sighting};
use crate::frame::Mac;
use crate::inbox::Inbox;
use crate::netns::{Namespace, RawSocket};
use crate::ovs::PrivateOvs;
use crate::plan::{HOST, Plan, Role, Station};
use crate::run_dir::{self, RunDir};

/// The file in the run directory that says what the lab consists of.
const STATE: &str = "lab.json";

/// A lab whose frames can be watched: it is taken down when it is dropped.
#[derive(Debug)]
pub struct Lab {
    // Fields are dropped in this order: captures end before the namespaces that they are in.
    stations: BTreeMap<String, Attached>,
    sightings: Inbox<Sighting>,
    layout: Layout,
    run_dir: RunDir,
}

/// A station that can speak and that is listened to.
#[derive(Debug)]
pub(crate) struct Attached {
    pub(crate) socket: RawSocket,
    _capture: Capture,
}

impl Lab {
    /// Brings a lab up for a test, with a name of its own, and captures at every station.
    ///
    /// # Errors
    ///
    /// The caller is not root, a tool is missing, or a port cannot be made.
    pub fn up(plan: Plan) -> Result<Self> {
        let run_dir = RunDir::create(&run_dir::unique_name())?;
        let layout = Layout::build(&run_dir, plan)?;
        let sightings = Inbox::default();
        let mut stations = BTreeMap::new();
        for station in &layout.plan.stations {
            let namespace = layout.namespace(station);
            let capture = Capture::start(&namespace, station.device(), &station.port, &sightings)?;
            let socket = namespace.raw_socket(station.device())?;
            stations.insert(
                station.port.clone(),
                Attached {
                    socket,
                    _capture: capture,
                },
            );
        }
        Ok(Self {
            stations,
            sightings,
            layout,
            run_dir,
        })
    }

    /// What the lab consists of.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The Open vSwitch of the lab.
    pub fn ovs(&self) -> &PrivateOvs {
        &self.layout.ovs
    }

    /// The run directory; a good place for the files of a test, since it goes with the lab.
    pub fn dir(&self) -> std::path::PathBuf {
        self.run_dir.path()
    }

    /// The station at a port.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn station(&self, port: &str) -> Result<&Station> {
        self.layout
            .plan
            .station(port)
            .with_context(|| format!("no station has the port {port}"))
    }

    /// The MAC address of the station at a port.
    ///
    /// # Errors
    ///
    /// There is no such station, or the plan gives it no address.
    pub fn mac(&self, port: &str) -> Result<Mac> {
        self.station(port)?
            .mac
            .with_context(|| format!("{port} has no planned MAC address"))
    }

    /// The namespace of the station at a port.
    ///
    /// # Errors
    ///
    /// There is no such station.
    pub fn namespace(&self, port: &str) -> Result<Namespace> {
        Ok(self.layout.namespace(self.station(port)?))
    }

    pub(crate) fn attached(&self, port: &str) -> Result<&Attached> {
        self.stations
            .get(port)
            .with_context(|| format!("no station has the port {port}"))
    }

    /// Every frame that arrived at a station since the lab came up, in the order of arrival at each port.
    pub fn sightings(&self) -> &Inbox<Sighting> {
        &self.sightings
    }
}

/// A lab that is up: its namespaces, its Open vSwitch and its stations.
#[derive(Debug, Clone)]
pub struct Layout {
    name: String,
    host: Namespace,
    ovs: PrivateOvs,
    plan: Plan,
}

/// What [`Layout::load`] needs to find a lab again.
#[derive(Serialize, Deserialize)]
struct State {
    host: Namespace,
    plan: Plan,
}

impl Layout {
    /// Builds everything that a plan asks for.
    ///
    /// # Errors
    ///
    /// A tool is missing or fails.
    pub fn build(run_dir: &RunDir, plan: Plan) -> Result<Self> {
        let name = run_dir.name().to_owned();
        let host = Namespace::add(run_dir::namespace(&name, HOST))?;
        let ovs = PrivateOvs::start(&run_dir.path(), &host)?;
        let layout = Self {
            name,
            host,
            ovs,
            plan,
        };
        layout.add_bridges()?;
        for station in &layout.plan.stations {
            layout
                .attach(station)
                .with_context(|| format!("cannot attach {}", station.port))?;
        }
        layout.add_ports()?;
        let state = State {
            host: layout.host.clone(),
            plan: layout.plan.clone(),
        };
        serde_json::to_writer_pretty(File::create(run_dir.path().join(STATE))?, &state)?;
        Ok(layout)
    }

    /// Finds a lab that is up.
    ///
    /// # Errors
    ///
    /// There is no complete lab of that name.
    pub fn load(name: &str) -> Result<Self> {
        let dir = run_dir::path(name);
        if !dir.exists() {
            bail!("no lab named {name} is up; `lab status` lists the labs");
        }
        let file =
            File::open(dir.join(STATE)).with_context(|| format!("lab {name} is incomplete"))?;
        let State { host, plan } = serde_json::from_reader(file)?;
        let ovs = PrivateOvs::at(&dir, &host);
        Ok(Self {
            name: name.to_owned(),
            host,
            ovs,
            plan,
        })
    }

    /// The plan that this lab was built from.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The namespace of the host, in which Open vSwitch runs and the controller belongs.
    pub fn host(&self) -> &Namespace {
        &self.host
    }

    /// The Open vSwitch of the lab.
    pub fn ovs(&self) -> &PrivateOvs {
        &self.ovs
    }

    /// The namespace of a station.
    pub fn namespace(&self, station: &Station) -> Namespace {
        match station.role {
            Role::Local => self.host.clone(),
            Role::Guest | Role::Function | Role::Outside => {
                Namespace::named(run_dir::namespace(&self.name, &station.port))
            }
        }
    }

    /// The station that a person means: the port, or the name if only one station has it.
    ///
    /// # Errors
    ///
    /// There is no such station, or several have that name.
    pub fn find(&self, name: &str) -> Result<&Station> {
        if let Some(station) = self.plan.station(name) {
            return Ok(station);
        }
        let stations = &self.plan.stations;
        let named: Vec<_> = stations
            .iter()
            .filter(|station| station.name == name)
            .collect();
        match named[..] {
            [station] => Ok(station),
            [] => bail!(
                "there is no {name} in lab {}; `lab status` lists what there is",
                self.name
            ),
            _ => {
                let ports: Vec<_> = named.iter().map(|station| station.port.as_str()).collect();
                bail!("{name} has several ports, name one: {}", ports.join(", "))
            }
        }
    }

    fn add_bridges(&self) -> Result<()> {
        let mut args = Vec::new();
        for bridge in &self.plan.bridges {
            // The datapath in user space: it needs no kernel module, and leaves a kernel datapath alone.
            let kind = [
                "--",
                "set",
                "bridge",
                bridge,
                "datapath_type=netdev",
                "fail_mode=secure",
            ];
            args.extend(["--", "--may-exist", "add-br", bridge]);
            args.extend(kind);
        }
        let mut options = Vec::new();
        for pair in &self.plan.patches {
            let [left, right] = pair;
            for ((bridge, port), (_, peer)) in [(left, right), (right, left)] {
                options.push((bridge, port, format!("options:peer={peer}")));
            }
        }
        for (bridge, port, peer) in &options {
            args.extend(["--", "--may-exist", "add-port", bridge, port]);
            args.extend(["--", "set", "Interface", port, "type=patch", peer]);
        }
        self.ovs.vsctl(&args[1.min(args.len())..]).map(drop)
    }

    /// Adds the ports of all stations to their bridges.
    fn add_ports(&self) -> Result<()> {
        let mut args = Vec::new();
        for station in &self.plan.stations {
            if station.role != Role::Local {
                args.extend([
                    "--",
                    "--may-exist",
                    "add-port",
                    &station.bridge,
                    &station.port,
                ]);
            }
        }
        self.ovs.vsctl(&args[1.min(args.len())..]).map(drop)
    }

    /// Makes the namespace of a station and the pair of devices that leads to it.
    fn attach(&self, station: &Station) -> Result<()> {
        let device = station.device();
        if station.role == Role::Local {
            self.host.ip(&["link", "set", "dev", device, "up"])?;
        } else {
            let namespace = Namespace::add(run_dir::namespace(&self.name, &station.port))?;
            let (port, peer) = (station.port.as_str(), namespace.name());
            self.host.ip(&[
                "link", "add", "name", port, "type", "veth", "peer", "name", device, "netns", peer,
            ])?;
            self.host.ip(&["link", "set", "dev", port, "up"])?;
            namespace.ip(&["link", "set", "dev", device, "up"])?;
        }
        let namespace = self.namespace(station);
        if let Some(mac) = station.mac {
            namespace.ip(&["link", "set", "dev", device, "address", &mac.to_string()])?;
        }
        namespace.software_checksums(device)
    }
}
