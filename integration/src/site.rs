//! What `lab up` brings up: one host, or all hosts of a config at one switch.

use std::process::Command;

use anyhow::{Result, bail, ensure};

use crate::fabric::{at_once, switch_ports};
use crate::layout::{self, Layout};
use crate::netns::Namespace;
use crate::ovs::PrivateOvs;
use crate::plan::{HOST, OUTSIDE, Plan, Role, SWITCH, Station};
use crate::run_dir::{Place, RunDir};
use crate::switch::Switch;

/// The hosts of a lab.
#[derive(Debug)]
pub enum Site {
    /// One host, with the network outside behind its uplinks.
    One(Box<Layout>),
    /// Several hosts at a switch.
    Several(Box<Several>),
}

/// Hosts whose uplinks lead to one switch.
#[derive(Debug)]
pub struct Several {
    name: String,
    place: Place,
    hosts: Vec<(String, Layout)>,
    outside: Station,
}

/// A station that a person has named.
#[derive(Debug)]
pub struct Found<'a> {
    /// The station.
    pub station: &'a Station,
    /// Its namespace.
    pub namespace: Namespace,
    layout: Option<&'a Layout>,
}

impl Site {
    /// Brings up what the config in the run directory asks for: the named host alone, or else all.
    ///
    /// # Errors
    ///
    /// The config is refused, `host` is not one of its hosts, or a tool is missing or fails.
    pub fn build(run_dir: &RunDir, host: Option<&str>) -> Result<Self> {
        let topology = layout::load_config(&layout::config(run_dir))?;
        if host.is_some() || topology.hosts.len() < 2 {
            PrivateOvs::own_run(run_dir.place().dir())?;
            let layout = Layout::build_from_config(run_dir, host)?;
            return Ok(Self::One(Box::new(layout)));
        }
        topology.hosts.keys().try_for_each(|name| good_name(name))?;
        let place = run_dir.place();
        let switch = Switch::build(run_dir, Namespace::add(place.namespace(SWITCH))?, None)?;
        let (plans, outside) = Several::plan(&topology);
        let hosts = at_once(plans, |name, plan| {
            let place = place.of_host(name);
            PrivateOvs::own_run(place.dir())?;
            let config = layout::config(run_dir);
            Layout::build_beside_others(place, config, name, plan, switch.namespace())
        })?;
        for (_, layout) in &hosts {
            switch_ports(layout).try_for_each(|port| switch.plug(port))?;
        }
        switch.add(&place, &outside)?;
        Ok(Self::Several(Box::new(Several {
            name: run_dir.name().to_owned(),
            place,
            hosts,
            outside,
        })))
    }

    /// Finds a lab that was [built](Self::build).
    ///
    /// # Errors
    ///
    /// There is no such lab of that name.
    pub fn load(name: &str) -> Result<Self> {
        let place = Place::of(name);
        if !place.dir().exists() {
            bail!("no lab named {name} is up; `lab status` lists the labs");
        }
        if !place.hosts().exists() {
            return Ok(Self::One(Box::new(Layout::load(name)?)));
        }
        let config = layout::config_at(&place);
        let (plans, outside) = Several::plan(&layout::load_config(&config)?);
        let at = |(host, plan): (String, Plan)| {
            let switch = Namespace::named(place.namespace(SWITCH));
            let layout = Layout::at(place.of_host(&host), config.clone(), plan, Some(switch));
            (host, layout)
        };
        Ok(Self::Several(Box::new(Several {
            name: name.to_owned(),
            hosts: plans.into_iter().map(at).collect(),
            place,
            outside,
        })))
    }

    /// The station that a person means: `VM`, `FUNCTION`, a port, `host`, `outside`; of one of
    /// several hosts `HOST:STATION`, or the name of the host for itself.
    ///
    /// # Errors
    ///
    /// There is no such station, or several have that name.
    pub fn find(&self, name: &str) -> Result<Found<'_>> {
        match self {
            Self::One(layout) => {
                let found = stations_called(layout, name).map(|station| (name.to_owned(), station));
                let (_, station) = only(name, found.map(|(_, it)| (it.port.clone(), it)))?;
                Ok(Found {
                    namespace: layout.namespace(station),
                    station,
                    layout: Some(layout),
                })
            }
            Self::Several(several) => several.find(name),
        }
    }
}

impl Several {
    /// The hosts with their names.
    pub fn hosts(&self) -> &[(String, Layout)] {
        &self.hosts
    }

    /// The network outside.
    pub fn outside(&self) -> &Station {
        &self.outside
    }

    /// The name of the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn plan(topology: &bridgechain::topology::Topology) -> (Vec<(String, Plan)>, Station) {
        let plans = Plan::of_all(topology);
        let before = plans.iter().map(|(_, plan)| plan.stations.len()).sum();
        (plans, Plan::outside(topology, before))
    }

    fn find(&self, name: &str) -> Result<Found<'_>> {
        if name == OUTSIDE {
            return Ok(Found {
                station: &self.outside,
                namespace: Namespace::named(self.place.namespace(OUTSIDE)),
                layout: None,
            });
        }
        let (of, wanted) = match name.split_once(':') {
            Some((host, station)) => (Some(host), station),
            None if self.hosts.iter().any(|(host, _)| host == name) => (Some(name), HOST),
            None => (None, name),
        };
        let hosts = self.hosts.iter();
        let hosts = hosts.filter(|(host, _)| of.is_none_or(|of| of == host));
        let found = hosts.flat_map(|(host, layout)| {
            let stations = stations_called(layout, wanted);
            stations.map(move |it| (format!("{host}:{}", it.port), (layout, it)))
        });
        let (_, (layout, station)) = only(name, found)?;
        Ok(Found {
            station,
            namespace: layout.namespace(station),
            layout: Some(layout),
        })
    }
}

impl Found<'_> {
    /// A command in the station's namespace. On a host the tools of Open vSwitch find the lab's own,
    /// and `bridgechain` the controller of this host.
    pub fn command(&self, program: &str, args: &[String]) -> Command {
        let mut command = match (self.station.role, self.layout) {
            (Role::Local, Some(layout)) => layout.ovs().command(program),
            _ => self.namespace.command(program),
        };
        command.args(args);
        command
    }
}

/// The station at that port, or else those of that name.
fn stations_called<'a>(layout: &'a Layout, name: &str) -> impl Iterator<Item = &'a Station> {
    let plan = layout.plan();
    let at_port = plan.station(name);
    let stations = plan.stations.iter();
    let named = stations.filter(move |station| at_port.is_none() && station.name == name);
    at_port.into_iter().chain(named)
}

/// The only one of several that may be meant, each with a name that only it has.
fn only<T>(name: &str, found: impl Iterator<Item = (String, T)>) -> Result<(String, T)> {
    let mut found: Vec<_> = found.collect();
    match (found.len(), found.pop()) {
        (1, Some(found)) => Ok(found),
        (_, None) => bail!("there is no {name} in this lab; `lab status` lists what there is"),
        (_, Some((last, _))) => {
            let names = found.into_iter().map(|(name, _)| name).chain([last]);
            let names: Vec<_> = names.collect();
            bail!("{name} has several ports, name one: {}", names.join(", "))
        }
    }
}

/// A host's name becomes part of the names of files and namespaces.
fn good_name(name: &str) -> Result<()> {
    /// Open vSwitch has sockets in the directory of this name, whose paths are bounded.
    const LONGEST: usize = 32;
    let allowed = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    ensure!(
        name.len() <= LONGEST && !name.starts_with('.') && name.chars().all(allowed),
        "the lab needs names of hosts that are made of up to {LONGEST} letters, digits, `-`, `_` \
         and `.`, unlike {name:?}"
    );
    Ok(())
}
