//! Carries out the flows of a host on all headers at once.
//!
//! [`simulate`](crate::simulate) walks one frame through the flows. This does the same with a frame
//! of which nothing is known but where it comes in. Wherever it depends on its headers what
//! happens, the frame is taken to be of one kind ([`Class`]), and of the other in a later walk;
//! [`Explorer`] sees to it that none is left out. So the number of walks follows the flows that
//! frames really meet: a class is divided at a table only if frames of it find different flows
//! there.
//!
//! # Why this leaves nothing out
//!
//! - A walk asks about a frame only by [`Explorer::case`]: at a table ([`Table::look_up`]), where
//!   the answer is the flow that is found, and for single fields, ports and hashes.
//! - The answers to a question are given with parts of the class that are disjoint and together are
//!   all of it: a flow gets what it matches of that which no flow in front of it has taken, and the
//!   table miss gets the rest. That is the definition of a look-up.
//! - All answers are followed. By induction over the questions every header, with every state of
//!   the ports and every outcome of the hashes, belongs to exactly one walk; and all headers of a
//!   class get the same answers to every question of the walk, so they take the same way.
//!
//! - Where nothing but what a frame carries (its type, and the fields behind that) decides between
//!   flows that do the same, or about a question of the rule, the answer is what is done, and the parts
//!   with one answer stay together ([`Payload`](payload::Payload)): the flows of a filter are many, and
//!   what matters is whether one of them was found. Such a class is no box any more, but several, each of
//!   which has got the same answers; and whatever is asked later is asked of all of them.
//!
//! A class is never larger than what was asked makes it, so this does not depend on what flows there
//! are, ours or those of others. What is not known here (an action, a field) is a fault of
//! the walk and nothing is proved for its class.

mod class;
mod explore;
mod memory;
mod mixer;
mod packet;
mod payload;
mod set;
mod table;
mod value;
mod walk;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use openflow::{GroupId, MeterId, PortNo, TableId};

pub(crate) use class::{Choice, Class};
pub(crate) use explore::Explorer;
pub(crate) use packet::{Packet, TPIDS};
pub(crate) use payload::Memo;
pub(crate) use set::{Answer, Set, ones};
pub(crate) use table::MISS;
pub(crate) use value::{Question, Value, Var};
pub(crate) use walk::{Member, Metered, Outcome, Rate, Sent, choose};

use crate::cookie::Class as CookieClass;
use crate::learning::Location;
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Group, Meter, Program};
use crate::topology::{Bridges, FunctionKind, Host, Role};
use memory::Memory;
use table::Table;

/// The bridges of a host, with their tables ready to be looked up.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model<'p> {
    bridges: BTreeMap<Role, Arc<Bridge<'p>>>,
}

/// One bridge.
#[derive(Debug)]
struct Bridge<'p> {
    ports: &'p Ports,
    tables: HashMap<TableId, Table<'p>>,
    groups: &'p BTreeMap<GroupId, Group>,
    meters: &'p BTreeMap<MeterId, Meter>,
    /// The other end of each patch port.
    patches: HashMap<PortNo, (Role, PortNo)>,
    /// The other leg of the inline function at a port.
    wires: HashMap<PortNo, PortNo>,
    /// What it writes into its own tables.
    memories: Vec<(TableId, Memory)>,
}

/// A place where a frame was looked up: the bridge, the table, and the number of the flow in it, or
/// [`MISS`].
pub(crate) type Place = (Role, TableId, u32);

impl<'p> Model<'p> {
    /// The bridges of `host`, with the ports and the program of each. Inline functions are bumps in
    /// the wire: they let every frame pass.
    ///
    /// Flows that match fields which are not known here are given back: they are not in the model.
    pub(crate) fn new(
        host: &Host,
        bridges: &'p [(Role, Ports, Program)],
    ) -> (Self, Vec<(Role, &'p FlowKey)>) {
        let mut model = Self::default();
        let mut strange = Vec::new();
        let links = Links::new(host, bridges);
        for (role, ports, program) in bridges {
            let (bridge, not_known) = Bridge::new(*role, ports, program, &links);
            model.bridges.insert(*role, Arc::new(bridge));
            strange.extend(not_known.into_iter().map(|key| (*role, key)));
        }
        (model, strange)
    }

    /// The same with another program on one bridge.
    pub(crate) fn with<'q>(&self, role: Role, program: &'q Program) -> Model<'q>
    where
        'p: 'q,
    {
        let mut model: Model<'q> = self.clone();
        if let Some(bridge) = model.bridges.get(&role) {
            let bridge = Bridge {
                ports: bridge.ports,
                tables: tables(program).0,
                groups: &program.groups,
                meters: &program.meters,
                patches: bridge.patches.clone(),
                wires: bridge.wires.clone(),
                memories: memory::written_by(program),
            };
            model.bridges.insert(role, Arc::new(bridge));
        }
        model
    }

    /// All flows of a bridge, with their places.
    pub(crate) fn flows(&self, role: Role) -> impl Iterator<Item = (Place, &'p FlowKey, &'p Flow)> {
        let tables = self
            .bridges
            .get(&role)
            .into_iter()
            .flat_map(|bridge| &bridge.tables);
        tables.flat_map(move |(id, table)| {
            let flows = (0..).map_while(|number| Some((number, table.flow(number)?)));
            flows.map(move |(number, (key, flow))| ((role, *id, number), key, flow))
        })
    }

    /// What a flow of the outcome is.
    pub(crate) fn flow(&self, (role, table, number): Place) -> Option<(&'p FlowKey, &'p Flow)> {
        self.bridges.get(&role)?.tables.get(&table)?.flow(number)
    }

    /// The place that stands for another in an outcome, where flows do the same.
    pub(crate) fn alike(&self, (role, table, number): Place) -> Place {
        let bridge = self.bridges.get(&role);
        let own = bridge.and_then(|bridge| bridge.tables.get(&table));
        let number = own.map_or(number, |own| own.alike(number));
        (role, table, number)
    }

    /// Whether there is such a bridge.
    pub(crate) fn has(&self, role: Role) -> bool {
        self.bridges.contains_key(&role)
    }

    /// Whether a port is the end of a patch between two of the bridges.
    pub(crate) fn is_patch(&self, at: Location) -> bool {
        self.bridges
            .get(&at.role)
            .is_some_and(|bridge| bridge.patches.contains_key(&at.port))
    }

    /// Follows a packet that comes in by a port of a bridge, for the next case of the explorer.
    pub(crate) fn walk(&self, role: Role, packet: Packet, explorer: &mut Explorer) -> Outcome {
        walk::walk(self, role, packet, explorer)
    }
}

impl<'p> Bridge<'p> {
    fn new(
        role: Role,
        ports: &'p Ports,
        program: &'p Program,
        links: &Links,
    ) -> (Self, Vec<&'p FlowKey>) {
        let (tables, strange) = tables(program);
        let of_role = |link: &&(Location, Location)| link.0.role == role;
        let patches = links.patches.iter().filter(of_role);
        let wires = links.wires.iter().filter(of_role);
        let bridge = Self {
            ports,
            tables,
            groups: &program.groups,
            meters: &program.meters,
            patches: patches
                .map(|(end, peer)| (end.port, (peer.role, peer.port)))
                .collect(),
            wires: wires.map(|(leg, other)| (leg.port, other.port)).collect(),
            memories: memory::written_by(program),
        };
        (bridge, strange)
    }
}

/// The tables of a program, and the flows that match fields which are not known here.
fn tables(program: &Program) -> (HashMap<TableId, Table<'_>>, Vec<&FlowKey>) {
    let mut by_table: BTreeMap<TableId, Vec<_>> = BTreeMap::new();
    // What bridges wrote themselves may be anything; see `Explorer::recall`.
    let written = |flow: &Flow| CookieClass::of(flow.cookie) != Some(CookieClass::Remembered);
    for (key, flow) in program.flows.iter().filter(|(_, flow)| written(flow)) {
        by_table.entry(key.table).or_default().push((key, flow));
    }
    let mut tables = HashMap::new();
    let mut strange = Vec::new();
    for (id, flows) in by_table {
        let (table, not_known) = Table::new(flows);
        strange.extend(not_known);
        tables.insert(id, table);
    }
    (tables, strange)
}

/// What is joined to what, both ways.
#[derive(Default)]
struct Links {
    patches: Vec<(Location, Location)>,
    wires: Vec<(Location, Location)>,
}

impl Links {
    fn new(host: &Host, bridges: &[(Role, Ports, Program)]) -> Self {
        let find = |role: Role, name: &str| {
            let (_, ports, _) = bridges.iter().find(|(own, ..)| *own == role)?;
            let port = ports.get(name)?;
            Some(Location { role, port })
        };
        let both_ways = |ends: (Option<Location>, Option<Location>)| match ends {
            (Some(one), Some(other)) => vec![(one, other), (other, one)],
            _ => Vec::new(),
        };
        let mut links = Self::default();
        if let Bridges::Chain(chain) = &host.bridges {
            let roles: Vec<Role> = host.bridges().map(|(role, _)| role).collect();
            for (patch, ends) in chain.patches.iter().zip(roles.windows(2)) {
                let ends = (find(ends[0], &patch.left), find(ends[1], &patch.right));
                links.patches.extend(both_ways(ends));
            }
        }
        let functions = host.chains.iter().flat_map(|chain| &chain.functions);
        for function in functions {
            if let FunctionKind::Inline { instances, .. } = &function.kind {
                let legs = instances.iter().map(|legs| {
                    let leg = |name| find(Role::Service, name);
                    (leg(&legs.ingress), leg(&legs.egress))
                });
                links.wires.extend(legs.flat_map(both_ways));
            }
        }
        links
    }
}
