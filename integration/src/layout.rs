//! The devices, namespaces and daemons of a lab.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use bridgechain::setup::controller_target;
use bridgechain::topology::{Bridges, Host, Topology};

use crate::command::run;
use crate::controller;
use crate::netns::Namespace;
use crate::ovs::PrivateOvs;
use crate::plan::{HOST, Plan, Role, SWITCH, Station};
use crate::run_dir::{self, RunDir};
use crate::switch::Switch;
use crate::wait;

/// The lab's copy of the config it was built from, in its run directory.
const CONFIG: &str = "config.yaml";
/// The file beside it that names the host.
const HOST_NAME: &str = "host";

/// What a lab consists of, and where.
#[derive(Debug, Clone)]
pub struct Layout {
    name: String,
    host: Namespace,
    ovs: PrivateOvs,
    plan: Plan,
    /// The namespace of the switch that the uplinks lead to, where there is one.
    switch: Option<Namespace>,
}

impl Layout {
    /// Builds everything that a plan asks for. The bridges have no flows, no controller and no
    /// patch ports yet.
    ///
    /// # Errors
    ///
    /// A tool is missing or fails.
    pub fn build(run_dir: &RunDir, plan: Plan) -> Result<Self> {
        if !plan.has_switch() {
            return Self::build_at(run_dir, plan, None);
        }
        let namespace = Namespace::add(run_dir::namespace(run_dir.name(), SWITCH))?;
        let switch = Switch::build(run_dir, namespace.clone(), None)?;
        let layout = Self::build_at(run_dir, plan, Some(namespace))?;
        for station in &layout.plan.stations {
            if station.role == Role::Switch || station.bridge == SWITCH {
                switch.plug(&station.port)?;
            }
        }
        Ok(layout)
    }

    /// The same; uplinks to a switch have their other ends in its namespace.
    fn build_at(run_dir: &RunDir, plan: Plan, switch: Option<Namespace>) -> Result<Self> {
        let name = run_dir.name().to_owned();
        let host = Namespace::add(run_dir::namespace(&name, HOST))?;
        let ovs = PrivateOvs::start(&run_dir.path(), &host)?;
        let layout = Self {
            name,
            host,
            ovs,
            plan,
            switch,
        };
        let stations = &layout.plan.stations;
        for station in stations
            .iter()
            .filter(|station| station.role != Role::Local)
        {
            layout
                .add_veth(station)
                .with_context(|| format!("cannot add {}", station.port))?;
        }
        layout.add_bridges()?;
        for station in stations {
            layout
                .bring_up(station)
                .with_context(|| format!("cannot set {} up", station.port))?;
        }
        layout.await_links()?;
        Ok(layout)
    }

    /// Builds what the [config](Self::config) in the run directory asks for, and lets `bridgechain
    /// setup` prepare the bridges.
    ///
    /// # Errors
    ///
    /// The config is refused, `host` is not one of its hosts, or a tool is missing or fails.
    pub fn build_from_config(run_dir: &RunDir, host: Option<&str>) -> Result<Self> {
        let topology = load_config(&config(run_dir))?;
        let host = Plan::choose_host(&topology, host)?;
        fs::write(run_dir.path().join(HOST_NAME), &host.name)?;
        let layout = Self::build(run_dir, Plan::of(&topology, host))?;
        layout.setup(&topology, host)?;
        Ok(layout)
    }

    /// The same for the only host, with [joined legs](Plan::join_legs).
    pub(crate) fn build_with_joined_legs(run_dir: &RunDir) -> Result<Self> {
        let topology = load_config(&config(run_dir))?;
        let host = Plan::choose_host(&topology, None)?;
        let mut plan = Plan::of(&topology, host);
        plan.join_legs(host);
        let layout = Self::build(run_dir, plan)?;
        layout.setup(&topology, host)?;
        Ok(layout)
    }

    /// The same for one of the hosts that share a switch.
    pub(crate) fn build_beside_others(
        run_dir: &RunDir,
        host: &str,
        plan: Plan,
        switch: &Namespace,
    ) -> Result<Self> {
        let topology = load_config(&config(run_dir))?;
        let host = Plan::choose_host(&topology, Some(host))?;
        let layout = Self::build_at(run_dir, plan, Some(switch.clone()))?;
        layout.setup(&topology, host)?;
        Ok(layout)
    }

    /// Finds a lab that was [built from a config](Self::build_from_config).
    ///
    /// # Errors
    ///
    /// There is no such lab of that name.
    pub fn load(name: &str) -> Result<Self> {
        let dir = run_dir::path(name);
        if !dir.exists() {
            bail!("no lab named {name} is up; `lab status` lists the labs");
        }
        let host = fs::read_to_string(dir.join(HOST_NAME));
        let host = host.with_context(|| format!("lab {name} was not brought up by `lab up`"))?;
        let topology = load_config(&dir.join(CONFIG))?;
        let plan = Plan::of(&topology, Plan::choose_host(&topology, Some(&host))?);
        let host = Namespace::named(run_dir::namespace(name, HOST));
        let ovs = PrivateOvs::at(&dir, &host);
        let switch = || Namespace::named(run_dir::namespace(name, SWITCH));
        Ok(Self {
            name: name.to_owned(),
            host,
            ovs,
            switch: plan.has_switch().then(switch),
            plan,
        })
    }

    /// What it consists of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The namespace of the host, in which Open vSwitch runs and the controller belongs.
    pub fn host(&self) -> &Namespace {
        &self.host
    }

    /// The namespace of the switch that the uplinks lead to.
    ///
    /// # Errors
    ///
    /// There is none.
    pub fn switch(&self) -> Result<&Namespace> {
        let switch = self.switch.as_ref();
        switch.context("the uplinks lead to no switch")
    }

    /// The uplinks to the switch that have no link at the moment.
    ///
    /// # Errors
    ///
    /// `ip` fails.
    pub fn uplinks_without_link(&self) -> Result<Vec<String>> {
        let mut without = Vec::new();
        let stations = self.plan.stations.iter();
        for station in stations.filter(|station| station.role == Role::Switch) {
            let link = self.host.ip(&["-o", "link", "show", &station.port])?;
            if !link.contains(" state UP ") {
                without.push(station.port.clone());
            }
        }
        Ok(without)
    }

    /// The Open vSwitch.
    pub fn ovs(&self) -> &PrivateOvs {
        &self.ovs
    }

    /// The lab's config.
    pub fn config(&self) -> PathBuf {
        run_dir::path(&self.name).join(CONFIG)
    }

    /// The namespace of a station.
    pub fn namespace(&self, station: &Station) -> Namespace {
        match (station.role, &self.switch) {
            (Role::Local, _) => self.host.clone(),
            (Role::Switch, Some(switch)) => switch.clone(),
            _ => {
                let port = station.beside.as_ref().unwrap_or(&station.port);
                Namespace::named(run_dir::namespace(&self.name, port))
            }
        }
    }

    /// The station that a person means: the one at that port, or the only one of that name.
    ///
    /// # Errors
    ///
    /// There is no such station, or several have that name.
    pub fn find(&self, name: &str) -> Result<&Station> {
        if let Some(station) = self.plan.station(name) {
            return Ok(station);
        }
        let stations = self
            .plan
            .stations
            .iter()
            .filter(|station| station.name == name);
        match stations.collect::<Vec<_>>()[..] {
            [station] => Ok(station),
            [] => bail!(
                "there is no {name} in lab {}; `lab status` lists what there is",
                self.name
            ),
            ref several => {
                let ports: Vec<_> = several.iter().map(|station| &*station.port).collect();
                bail!("{name} has several ports, name one: {}", ports.join(", "))
            }
        }
    }

    /// Makes the namespace of a station and the pair of devices that joins it to the host's, or to
    /// that of the switch.
    fn add_veth(&self, station: &Station) -> Result<()> {
        let near = match station.bridge.as_str() {
            SWITCH => self.switch()?,
            _ => &self.host,
        };
        let namespace = self.namespace(station);
        if station.role != Role::Switch && station.beside.is_none() {
            Namespace::add(namespace.name().to_owned())?;
        }
        let veth = [
            "type",
            "veth",
            "peer",
            "name",
            station.device(),
            "netns",
            namespace.name(),
        ];
        near.ip(&[&["link", "add", "name", &station.port], &veth[..]].concat())?;
        near.ip(&["link", "set", "dev", &station.port, "up"])
            .map(drop)
    }

    /// Adds the bridges and the ports of all stations to them.
    fn add_bridges(&self) -> Result<()> {
        let mut words = Vec::new();
        for bridge in &self.plan.bridges {
            // The datapath in user space needs no kernel module, and leaves the kernel's datapath
            // alone.
            words.push(format!(
                "add-br {bridge} -- set bridge {bridge} datapath_type=netdev fail_mode=secure"
            ));
        }
        for station in self.plan.at_bridges() {
            let Station {
                bridge, port, mac, ..
            } = station;
            words.push(match station.role {
                Role::Local => format!(r#"set bridge {bridge} other-config:hwaddr="{mac}""#),
                Role::Guest | Role::Function | Role::Outside | Role::Switch => {
                    format!("add-port {bridge} {port}")
                }
            });
        }
        let transaction = words.join(" -- ");
        self.ovs
            .vsctl(&transaction.split(' ').collect::<Vec<_>>())
            .map(drop)
    }

    /// Gives the device of a station its addresses and sets it up.
    fn bring_up(&self, station: &Station) -> Result<()> {
        let (namespace, device) = (self.namespace(station), station.device());
        if station.role != Role::Local {
            namespace.ip(&[
                "link",
                "set",
                "dev",
                device,
                "address",
                &station.mac.to_string(),
            ])?;
        }
        if let Some(address) = station.address {
            namespace.ip(&["address", "add", &format!("{address}/24"), "dev", device])?;
        }
        for address in &station.underlay {
            match address {
                IpAddr::V4(ip) => {
                    let ip = format!("{ip}/24");
                    namespace.ip(&["address", "add", &ip, "dev", device])?;
                }
                IpAddr::V6(ip) => {
                    namespace.sysctl(&format!("net/ipv6/conf/{device}/disable_ipv6"), "0")?;
                    let ip = format!("{ip}/64");
                    // To be used at once: nobody else has it.
                    namespace.ip(&["address", "add", &ip, "dev", device, "nodad"])?;
                }
            }
        }
        namespace.ip(&["link", "set", "dev", device, "up"])?;
        namespace.software_checksums(device)
    }

    /// Waits until the host's ends of all pairs are up: the kernel gives such a device its queue
    /// some time after the other end is set up, and drops what is sent by it until then.
    fn await_links(&self) -> Result<()> {
        wait::until("the devices to come up", || {
            let links = self.host.ip(&["-o", "link", "show", "type", "veth"])?;
            Ok(links
                .lines()
                .all(|link| link.contains(" state UP "))
                .then_some(()))
        })
    }

    /// Joins the bridges and points them at the controller, as a user would.
    fn setup(&self, topology: &Topology, host: &Host) -> Result<()> {
        let bridges = &self.plan.bridges;
        if host.bridges == Bridges::AnyLearning {
            // Any bridge that connects is a learning switch; `setup` cannot know which.
            let controller = controller_target(&topology.controller.listen)?;
            for bridge in bridges {
                self.ovs.vsctl(&["set-controller", bridge, &controller])?;
            }
        } else {
            let program = controller::program()?;
            let mut setup = self.ovs.command(&program.to_string_lossy());
            setup.arg("setup").arg(self.config());
            setup.args([
                "--host",
                &host.name,
                "--datapath-type",
                "netdev",
                "--db",
                &self.ovs.db(),
            ]);
            run(&mut setup)?;
        }
        // A bridge that finds no controller waits up to 8 s before it tries again; here, 1 s.
        let retry = |bridge| {
            self.ovs
                .vsctl(&["set", "controller", bridge, "max_backoff=1000"])
        };
        bridges
            .iter()
            .try_for_each(|bridge| retry(bridge).map(drop))
    }
}

/// Where a lab has its config.
pub(crate) fn config(run_dir: &RunDir) -> PathBuf {
    run_dir.path().join(CONFIG)
}

/// Puts the config of a lab into its run directory, in place of the one before: a reader finds the
/// one or the other.
///
/// # Errors
///
/// The file cannot be written.
pub fn write_config(run_dir: &RunDir, text: &str) -> Result<()> {
    let path = config(run_dir);
    let written = path.with_extension("new");
    fs::write(&written, text)
        .and_then(|()| fs::rename(&written, &path))
        .with_context(|| format!("cannot write {}", path.display()))
}

/// Reads a config.
///
/// # Errors
///
/// Every mistake in it.
pub fn load_config(path: &Path) -> Result<Topology> {
    let (topology, _warnings) =
        bridgechain::config::load(path).map_err(|mistakes| anyhow!("{mistakes}"))?;
    Ok(topology)
}
