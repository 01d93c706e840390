//! The devices, namespaces and daemons of a lab.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use bridgechain::setup::controller_target;
use bridgechain::topology::{Bridges, Host, Topology};

use crate::command::run;
use crate::controller;
use crate::netns::Namespace;
use crate::ovs::PrivateOvs;
use crate::plan::{HOST, Plan, Role, SWITCH, Station};
use crate::run_dir::{Place, RunDir};
use crate::switch::Switch;
use crate::wait;

/// The words by which an interface gets what its vNIC is found by.
fn ids(station: &Station) -> String {
    let Some(found_by) = &station.found_by else {
        return String::new();
    };
    let mac = found_by.mac.map(|mac| mac.to_string());
    let ids = [
        ("attached-mac", mac.as_ref()),
        ("iface-id", found_by.iface_id.as_ref()),
        ("vm-id", found_by.vm_id.as_ref()),
    ];
    let ids = ids.iter().filter_map(|(key, value)| Some((key, (*value)?)));
    let words = ids.map(|(key, value)| format!(" external_ids:{key}=\"{value}\""));
    let words: String = words.collect();
    format!(" -- set Interface {}{words}", station.port)
}

/// The lab's copy of the config it was built from, in its run directory.
const CONFIG: &str = "config.yaml";
/// The file beside it that names the host.
const HOST_NAME: &str = "host";

/// What a lab consists of, and where.
#[derive(Debug, Clone)]
pub struct Layout {
    place: Place,
    config: PathBuf,
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
        let place = run_dir.place();
        if !plan.has_switch() {
            return Self::build_at(place, config(run_dir), plan, None);
        }
        let namespace = Namespace::add(place.namespace(SWITCH))?;
        let switch = Switch::build(run_dir, namespace.clone(), None)?;
        let layout = Self::build_at(place, config(run_dir), plan, Some(namespace))?;
        for station in &layout.plan.stations {
            if station.role == Role::Switch || station.bridge == SWITCH {
                switch.plug(&station.port)?;
            }
        }
        Ok(layout)
    }

    /// The same; uplinks to a switch have their other ends in its namespace.
    fn build_at(
        place: Place,
        config: PathBuf,
        plan: Plan,
        switch: Option<Namespace>,
    ) -> Result<Self> {
        let host = Namespace::add(place.namespace(HOST))?;
        let ovs = PrivateOvs::start(place.dir(), &host)?;
        let layout = Self {
            place,
            config,
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
            bring_up(&layout.namespace(station), station)?;
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
        place: Place,
        config: PathBuf,
        host: &str,
        plan: Plan,
        switch: &Namespace,
    ) -> Result<Self> {
        let topology = load_config(&config)?;
        let host = Plan::choose_host(&topology, Some(host))?;
        let layout = Self::build_at(place, config, plan, Some(switch.clone()))?;
        layout.setup(&topology, host)?;
        Ok(layout)
    }

    /// Finds the only host of a lab that was [built from a config](Self::build_from_config).
    ///
    /// # Errors
    ///
    /// The lab is not up, or not by `lab up`.
    pub fn load(name: &str) -> Result<Self> {
        let place = Place::of(name);
        let host = fs::read_to_string(place.dir().join(HOST_NAME));
        let host = host.with_context(|| format!("lab {name} was not brought up by `lab up`"))?;
        let topology = load_config(&place.dir().join(CONFIG))?;
        let plan = Plan::of(&topology, Plan::choose_host(&topology, Some(&host))?);
        let switch = || Namespace::named(place.namespace(SWITCH));
        let switch = plan.has_switch().then(switch);
        let config = place.dir().join(CONFIG);
        Ok(Self::at(place, config, plan, switch))
    }

    /// A host that was built there.
    pub(crate) fn at(place: Place, config: PathBuf, plan: Plan, switch: Option<Namespace>) -> Self {
        let host = Namespace::named(place.namespace(HOST));
        Self {
            ovs: PrivateOvs::at(place.dir(), &host),
            place,
            config,
            host,
            plan,
            switch,
        }
    }

    /// What it consists of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(crate) fn plan_mut(&mut self) -> &mut Plan {
        &mut self.plan
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
        self.config.clone()
    }

    /// The namespace of a station.
    pub fn namespace(&self, station: &Station) -> Namespace {
        match (station.role, &self.switch) {
            (Role::Local, _) => self.host.clone(),
            (Role::Switch, Some(switch)) => switch.clone(),
            _ => {
                let port = station.beside.as_ref().unwrap_or(&station.port);
                Namespace::named(self.place.namespace(port))
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
                    format!("add-port {bridge} {port}{}", ids(station))
                }
            });
        }
        let transaction = words.join(" -- ");
        self.ovs
            .vsctl(&transaction.split(' ').collect::<Vec<_>>())
            .map(drop)
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

/// Gives the device of a station its addresses and sets it up.
pub(crate) fn bring_up(namespace: &Namespace, station: &Station) -> Result<()> {
    let device = station.device();
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

/// Where a lab has its config.
pub(crate) fn config(run_dir: &RunDir) -> PathBuf {
    config_at(&run_dir.place())
}

/// The same for one that is found again.
pub(crate) fn config_at(place: &Place) -> PathBuf {
    place.dir().join(CONFIG)
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
