//! Sends the frame of a counterexample through the simulator, which walks single frames: it has to
//! come to the same, and says how.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use openflow::{
    Action, FlowModFlags, Instruction, Learn, LearnDestination, Match, Subfield, TableId,
};

use super::witness::{Remembered, Witness};
use crate::learning::Location;
use crate::ports::Ports;
use crate::program::{Flow, FlowKey, Program};
use crate::simulate::{Frame, Headers, Network, Walk};
use crate::topology::{Host, Role};

/// How many hashes are tried to find one that chooses as it has to.
const HASHES: u32 = 4096;

/// A host in the state that a witness needs.
#[derive(Debug, Clone)]
pub struct Replay<'w> {
    witness: &'w Witness,
    network: Network,
}

impl<'w> Replay<'w> {
    /// The bridges of `host` with what they hold, with the ports down and the addresses remembered
    /// as in the witness.
    pub fn new(host: &Host, bridges: &[(Role, Ports, Program)], witness: &'w Witness) -> Self {
        let bridges = bridges.iter().map(|(role, ports, program)| {
            let mut program = program.clone();
            let here = witness.remembered.iter().filter(|one| one.role == *role);
            let flows: Vec<_> = here.filter_map(|one| written(&program, one)).collect();
            program.flows.extend(flows);
            (*role, ports.clone(), program)
        });
        let mut network = Network::new(host, bridges);
        for at in &witness.down {
            network.set_down(at.role, at.port);
        }
        Self { witness, network }
    }

    /// The way of the frame, where copies of it leave by exactly these ports; else the way that it
    /// takes instead.
    ///
    /// # Errors
    ///
    /// It leaves by others, whatever hashes come to.
    pub fn walk(&self, seen: &[Location]) -> Result<Walk<'_>, Box<Walk<'_>>> {
        let sorted = |mut ports: Vec<Location>| {
            ports.sort_unstable();
            ports
        };
        let wanted = sorted(seen.to_vec());
        let hashes = match self.witness.depends_on_hash {
            true => HASHES,
            false => 1,
        };
        let mut other = None;
        for flow_hash in 0..hashes {
            let walk = self.with_hash(flow_hash);
            let left = walk.deliveries.iter().map(|copy| Location {
                role: copy.role,
                port: copy.port,
            });
            if sorted(left.collect()) == wanted {
                return Ok(walk);
            }
            other.get_or_insert(walk);
        }
        Err(Box::new(other.unwrap_or_else(|| self.with_hash(0))))
    }

    fn with_hash(&self, flow_hash: u32) -> Walk<'_> {
        let Witness {
            from,
            frame,
            pkt_mark,
            ..
        } = self.witness;
        let mut frame = Frame {
            flow_hash,
            ..frame.clone()
        };
        // Where there are headers, these are hashed.
        if let (Some(Headers::Ip { src, .. }), true) =
            (&mut frame.headers, self.witness.free_source)
        {
            *src = match *src {
                IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(flow_hash)),
                IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(flow_hash.into())),
            };
        }
        self.network
            .inject_marked(from.role, from.port, frame, *pkt_mark)
    }
}

/// The flow that a bridge has written to remember this.
fn written(program: &Program, remembered: &Remembered) -> Option<(FlowKey, Flow)> {
    let learns = program
        .flows
        .values()
        .flat_map(|flow| &flow.instructions)
        .filter_map(|instruction| match instruction {
            Instruction::ApplyActions(actions) => Some(actions),
            _ => None,
        })
        .flatten()
        .filter_map(|action| match action {
            Action::Learn(learn) => Some(&**learn),
            _ => None,
        });
    learns
        .filter_map(|learn| entry(learn, remembered))
        .next()
        .map(|(table, priority, match_, actions)| {
            let key = FlowKey {
                table,
                priority,
                match_: match_.canonical(),
            };
            let flow = Flow {
                cookie: crate::cookie::Class::Remembered.cookie(),
                idle_timeout: 0,
                flags: FlowModFlags::empty(),
                instructions: vec![Instruction::ApplyActions(actions)],
            };
            (key, flow)
        })
}

/// What an entry of `learn` matches and does, where it is about the same as `remembered`.
fn entry(learn: &Learn, remembered: &Remembered) -> Option<(TableId, u16, Match, Vec<Action>)> {
    let mut match_ = Match::new();
    let mut actions = Vec::new();
    let mut keys = remembered.key.iter();
    for spec in &learn.specs {
        let part = |field, start| Subfield {
            field,
            start,
            bits: spec.bits,
        };
        match spec.dst {
            LearnDestination::Match(field, start) => {
                let (key, value) = keys.next()?;
                if *key != part(field.canonical(), start) {
                    return None;
                }
                let mask = u128::MAX >> (128 - u32::from(spec.bits.clamp(1, 128))) << start;
                match_ = match_.with_masked(field, value << start & mask, mask);
            }
            LearnDestination::Load(field, start) => actions.push(Action::RegLoad {
                dst: part(field, start),
                value: remembered.value,
            }),
            LearnDestination::Output => return None,
        }
    }
    keys.next()
        .is_none()
        .then_some((learn.table_id, learn.priority, match_, actions))
}
