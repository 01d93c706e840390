//! Several uplinks of a host as one (`uplink_mode: active_backup`, `balance`).
//!
//! They lead to one network, by ports of the physical switch that know nothing of each other: it
//! floods by every one of them, and floods back by the others what the host has sent by one. So of
//! what comes in, one copy is admitted at most, and of the host's own frames none. All of it is
//! done by the switch alone.
//!
//! # Which member
//!
//! Frames go out by the member that is *chosen* for their source address: the first that is up, or
//! the one of those that are up that has the highest random weight for the address. The switch
//! remembers it ([`Table::Sent`]), for that is where the physical switch has learned the address.
//! The member *of* an address is the remembered one while it is up, else the chosen one. Frames
//! that come in are admitted
//!
//! - with a multicast destination by the member of their source: a flooded copy comes in by every
//!   member, and one that was sent from here by every member but that;
//! - with any other destination by the member of the destination. Where the physical switch has
//!   learned it, the frame comes in there, and where it has not, there as well. With a source that
//!   was seen here it has to be the member of the source too: otherwise it was sent from here and
//!   was flooded back.
//!
//! An address that was seen here and comes in by its own member has moved: the physical switch
//! never sends a frame back by the port it came from. The switch forgets that it was here, and it is
//! learned as any other that is outside.
//!
//! What is admitted counts as having come in by one member that [stands for all](stands_for_all).
//! So that is where addresses are learned, and it tells what must not go out again.
//!
//! # The way through the tables
//!
//! ```text
//! Classify --> resubmit Arrive --> resubmit Sent, Member (of destination, of source)
//!                              --> resubmit Admit: admitted, or the reason why not --> Source
//! Deliver  --> resubmit Uplinks --> resubmit Chosen, learn into Sent, output
//! ```

use openflow::{
    Action, Bundle, HashFields, Learn, LearnDestination, LearnFlags, LearnSource, LearnSpec, Match,
    MemberAlgorithm, OxmField, PortNo, Subfield,
};

use super::builder::{self, Builder, apply, from_port};
use super::remembered::Share;
use super::tables::{Table, priority};
use super::vlan::VID_BITS;
use crate::cookie::Class;
use crate::ports::Ports;
use crate::topology::{Controller, Host, Role, UplinkMode};

/// The register that says why a frame is refused.
const REFUSED: OxmField = OxmField::Reg2;
/// In [`REFUSED`]: another copy of the frame comes in by another member.
const STANDBY: u32 = 1;
/// In [`REFUSED`]: it was sent from here.
const REFLECTED: u32 = 2;
/// The register that holds the member of the address that is looked at.
const MEMBER: OxmField = OxmField::Reg3;
/// The register that holds the member that a frame has to come in by.
const EXPECTED: OxmField = OxmField::Reg4;
/// The register that holds the member by which frames of an address were sent last; 0 for one that
/// is not here.
const SENT_BY: OxmField = OxmField::Reg5;
/// The register that holds the mark that a frame from the chain came with: of what is sent it is
/// gone.
const ORIGIN: OxmField = OxmField::Reg6;
/// What a bundle chooses where no member is up (`OFPP_NONE`).
const NO_MEMBER: u16 = 0xffff;
/// Bits of a port number.
const PORT_BITS: u16 = 16;

/// The uplinks of a host as one.
pub(super) struct Bond {
    algorithm: MemberAlgorithm,
    /// In the order of the configuration. One that is not there has the number of nobody, which is
    /// never up: the weights go by the position, so the others keep their addresses.
    members: Vec<PortNo>,
    stands_for_all: PortNo,
}

/// The member that frames from the uplinks count as having come in by; `None` where no member is
/// there.
pub(super) fn stands_for_all(host: &Host, ports: &Ports) -> Option<PortNo> {
    host.uplinks.iter().find_map(|uplink| ports.get(uplink))
}

/// Sends a frame, tagged as between bridges, out by the bonded uplink that is chosen for its source
/// address; one that is from outside goes nowhere.
pub fn send() -> Action {
    builder::resubmit(Table::Uplinks.into())
}

/// Keeps, of a frame from the chain, whose it is.
pub(super) fn keep_origin() -> Action {
    Action::RegMove {
        src: Subfield::whole(OxmField::PktMark),
        dst: Subfield::whole(ORIGIN),
    }
}

/// Finds out whether a frame from a member is admitted.
pub(super) fn arrive() -> Action {
    builder::resubmit(Table::Arrive.into())
}

impl Bond {
    /// The bond of `host`, where its uplinks are one.
    pub(super) fn of(host: &Host, ports: &Ports) -> Option<Self> {
        let algorithm = match host.uplink_mode {
            _ if !host.is_bonded() => return None,
            UplinkMode::Separate => return None,
            UplinkMode::ActiveBackup => MemberAlgorithm::ActiveBackup,
            UplinkMode::Balance => MemberAlgorithm::Hrw,
        };
        let number = |uplink: &String| ports.get(uplink).unwrap_or(builder::NOBODY);
        Some(Self {
            algorithm,
            members: host.uplinks.iter().map(number).collect(),
            stands_for_all: stands_for_all(host, ports).unwrap_or(builder::NOBODY),
        })
    }

    /// The tables that [`send`] and [`arrive`] go through.
    pub(super) fn compile(
        &self,
        builder: &mut Builder,
        host: &Host,
        role: Role,
        settings: &Controller,
        ports: &Ports,
    ) {
        self.choose(builder);
        self.send(builder, host, role, settings, ports);
        self.arrive(builder);
        self.admit(builder, settings);
        for (reason, class) in [
            (STANDBY, Class::DropStandby),
            (REFLECTED, Class::DropReflected),
        ] {
            let refused = Match::new().with(REFUSED, reason);
            builder.drop(Table::Source, priority::ALWAYS, refused, class);
        }
    }

    /// The members that are there.
    fn present(&self) -> impl Iterator<Item = PortNo> {
        let there = |member: &PortNo| *member != builder::NOBODY;
        self.members.iter().copied().filter(there)
    }

    /// [`Table::Member`]: from the member in [`MEMBER`] to the same while it is up, else to the one
    /// chosen for the source address.
    fn choose(&self, builder: &mut Builder) {
        for member in self.present() {
            builder.flow(
                Table::Member,
                priority::SPECIFIC,
                Match::new().with(MEMBER, member),
                Class::Pipeline,
                apply(vec![
                    load_member(MemberAlgorithm::ActiveBackup, &[member]),
                    builder::resubmit(Table::Chosen.into()),
                ]),
            );
        }
        builder.flow(
            Table::Member,
            priority::MISS,
            Match::new(),
            Class::Pipeline,
            apply(choose()),
        );
        builder.flow(
            Table::Chosen,
            priority::SPECIFIC,
            Match::new().with(MEMBER, u32::from(NO_MEMBER)),
            Class::Pipeline,
            apply(vec![load_member(self.algorithm, &self.members)]),
        );
    }

    /// [`Table::Uplinks`]: out by the chosen member, unless the frame is from outside itself.
    ///
    /// The addresses of the configuration, of the host itself, and those that the controller announces
    /// are always remembered. Of all others each vNIC has its [`Share`]: a guest that makes up
    /// addresses must not have those of others taken for ones from outside.
    fn send(
        &self,
        builder: &mut Builder,
        host: &Host,
        role: Role,
        settings: &Controller,
        ports: &Ports,
    ) {
        builder.flow(
            Table::Uplinks,
            priority::EXCEPTION,
            from_port(self.stands_for_all),
            Class::Pipeline,
            Vec::new(),
        );
        let mut send = |priority, match_, share| {
            let mut actions = choose();
            actions.push(remember(settings, LearnSource::Field(MEMBER, 0), share));
            actions.push(Action::OutputReg {
                src: port_in(MEMBER),
                max_len: u16::MAX,
            });
            builder.flow(
                Table::Uplinks,
                priority,
                match_,
                Class::Pipeline,
                apply(actions),
            );
        };
        let of_vnics = host.vnics.iter().filter_map(|vnic| vnic.mac);
        let of_vnics = of_vnics.map(|mac| Match::new().with(OxmField::EthSrc, mac));
        let known = [PortNo::LOCAL, PortNo::CONTROLLER].map(from_port);
        for known in of_vnics.chain(known) {
            send(priority::SPECIFIC, known, Share::Known);
        }
        for vnic in host.vnics_at(role) {
            if let Some(port) = ports.get(&vnic.port) {
                send(priority::CONFINED, from_port(port), Share::of(vnic, port));
            }
        }
        if role == Role::Uplink {
            for ((mark, mask), share) in Share::of_guests(host) {
                let marked = Match::new().with_masked(ORIGIN, mark, mask);
                send(priority::DEFAULT, marked, share);
            }
        }
        send(priority::MISS, Match::new(), Share::Inspected);
    }

    /// [`Table::Arrive`]: looks up the member that a frame has to come in by, and that of its
    /// source.
    fn arrive(&self, builder: &mut Builder) {
        let source = Subfield::whole(OxmField::NxEthSrc);
        let saved = Subfield {
            field: OxmField::Metadata,
            start: 0,
            bits: source.bits,
        };
        let copy = |src, dst| Action::RegMove { src, dst };
        let expect = || copy(port_in(MEMBER), port_in(EXPECTED));
        let admit = || builder::resubmit(Table::Admit.into());

        let mut multicast = member_of_source();
        multicast.extend([expect(), admit()]);
        builder.flow(
            Table::Arrive,
            priority::SPECIFIC,
            builder::multicast(Match::new(), OxmField::EthDst),
            Class::Pipeline,
            apply(multicast),
        );

        // The hash is one of the source address, so the destination takes its place for a moment.
        let mut unicast = vec![
            copy(source, saved),
            copy(Subfield::whole(OxmField::NxEthDst), source),
        ];
        unicast.extend(member_of_source());
        unicast.extend([expect(), copy(saved, source)]);
        unicast.extend(member_of_source());
        unicast.push(admit());
        builder.flow(
            Table::Arrive,
            priority::MISS,
            Match::new(),
            Class::Pipeline,
            apply(unicast),
        );
    }

    /// [`Table::Admit`]: admits frames, or says why not.
    fn admit(&self, builder: &mut Builder, settings: &Controller) {
        let refuse = |reason: u32| apply(vec![Action::set_field(REFUSED, reason)]);
        let mut flow = |priority, match_, instructions| {
            builder.flow(
                Table::Admit,
                priority,
                match_,
                Class::Pipeline,
                instructions,
            );
        };
        for member in self.present() {
            let expected = from_port(member).with(EXPECTED, member);
            let admit = builder::set_in_port(self.stands_for_all);
            flow(
                priority::EXCEPTION,
                expected.clone().with(SENT_BY, 0_u32),
                apply(vec![admit.clone()]),
            );
            flow(
                priority::SPECIFIC,
                expected.clone().with(MEMBER, member),
                apply(vec![
                    admit,
                    // In place of what is remembered already.
                    remember(settings, LearnSource::Immediate(0), Share::Known),
                ]),
            );
            flow(priority::DEFAULT, expected, refuse(REFLECTED));
        }
        flow(priority::MISS, Match::new(), refuse(STANDBY));
    }
}

/// Chooses a member for the source address.
fn choose() -> Vec<Action> {
    vec![
        Action::RegLoad {
            dst: port_in(MEMBER),
            value: NO_MEMBER.into(),
        },
        builder::resubmit(Table::Chosen.into()),
    ]
}

/// Looks up the member of the source address: in [`MEMBER`], and in [`SENT_BY`] the remembered
/// one.
fn member_of_source() -> Vec<Action> {
    vec![
        Action::RegLoad {
            dst: port_in(MEMBER),
            value: 0,
        },
        builder::resubmit(Table::Sent.into()),
        Action::RegMove {
            src: port_in(MEMBER),
            dst: port_in(SENT_BY),
        },
        builder::resubmit(Table::Member.into()),
    ]
}

/// Writes the one of `members` that `algorithm` chooses, of those that are up, into [`MEMBER`].
fn load_member(algorithm: MemberAlgorithm, members: &[PortNo]) -> Action {
    // Port numbers on Open vSwitch have 16 bits.
    let members = members.iter().map(|member| member.0 as u16).collect();
    Action::Bundle(Box::new(Bundle {
        algorithm,
        fields: HashFields::EthSrc,
        basis: 0,
        member_kind: Bundle::PORTS,
        members,
        dst: Some(port_in(MEMBER)),
    }))
}

/// Makes the switch remember, by network and source address, by which member frames were sent. It
/// does so for as long as an address is learned; the time begins anew with every frame.
fn remember(settings: &Controller, member: LearnSource, share: Share) -> Action {
    let spec = |bits, src, dst| LearnSpec { bits, src, dst };
    let same = |bits, field| {
        let same = LearnDestination::Match(field, 0);
        spec(bits, LearnSource::Field(field, 0), same)
    };
    Action::Learn(Box::new(Learn {
        idle_timeout: 0,
        hard_timeout: settings.mac_age.as_secs(),
        priority: priority::DEFAULT,
        cookie: share.cookie(),
        flags: LearnFlags::empty(),
        table_id: Table::Sent.into(),
        fin_idle_timeout: 0,
        fin_hard_timeout: 0,
        limit: share.limit(),
        specs: vec![
            same(VID_BITS, OxmField::NxVlanTci),
            same(48, OxmField::NxEthSrc),
            spec(PORT_BITS, member, LearnDestination::Load(MEMBER, 0)),
        ],
    }))
}

/// The bits of a register that hold a port number.
fn port_in(register: OxmField) -> Subfield {
    Subfield {
        field: register,
        start: 0,
        bits: PORT_BITS,
    }
}

#[cfg(test)]
mod tests {
    use openflow::{Instruction, TableId};

    use super::*;
    use crate::health::Failed;
    use crate::{compile, config, portmap};

    #[test]
    fn addresses_that_are_made_up_take_no_room_from_those_of_this_host() {
        let text = "
networks: { native: { vlan: 0 } }
hosts:
  node1: { bridges: { local: l, uplink: u }, uplinks: [eth1, eth2], uplink_mode: balance }
  node2: { bridges: { local: l2, uplink: u2 }, uplinks: [eth1] }
vms:
  pinned: { host: node1, nics: [{ port: a, mac: '52:54:00:00:00:01', network: native }] }
  roaming:
    { host: [node1, node2], nics: [{ port: b, mac: '52:54:00:00:00:02', network: native }] }
  learned: { host: node1, nics: [{ port: c, network: native, max_macs: 9000 }] }
  direct: { host: node1, nics: [{ port: d, network: native, type: direct, max_macs: 3 }] }
";
        let topology = config::parse("test.yaml", text).unwrap().0;
        let host = &topology.hosts["node1"];
        let ports = portmap::assumed(host, Role::Uplink);
        let settings = &topology.controller;
        let program = compile::bridge(host, settings, Role::Uplink, &ports, &Failed::default());
        let share_of = |sent: Match| {
            let sent = sent.canonical();
            let mut flows = program.flows.iter();
            let (_, flow) = flows
                .find(|(key, _)| key.table == TableId::from(Table::Uplinks) && key.match_ == sent)
                .unwrap();
            let [Instruction::ApplyActions(actions)] = flow.instructions.as_slice() else {
                panic!("{:?}", flow.instructions);
            };
            let learn = actions.iter().find_map(|action| match action {
                Action::Learn(learn) => Some(learn),
                _ => None,
            });
            let learn = learn.unwrap();
            (learn.limit.map(|limit| limit.limit), learn.cookie)
        };
        let of = |src: u64| Match::new().with(OxmField::EthSrc, src);
        let known = [PortNo::LOCAL, PortNo::CONTROLLER].map(from_port);
        for known in known
            .into_iter()
            .chain([of(0x5254_0000_0001), of(0x5254_0000_0002)])
        {
            assert_eq!(share_of(known).0, None);
        }
        // Neighbours share nothing, what an inline function has had is apart from both; a frame
        // that has had it shows no port.
        let marked = |mark: u32| Match::new().with_masked(ORIGIN, mark, 0x8000_003f_u32);
        let shares = [marked(0), marked(1), marked(63), Match::new()].map(share_of);
        assert_eq!(
            shares.map(|share| share.0),
            [9000, 9000, 9000, 16_384].map(Some)
        );
        let mut cookies: Vec<_> = shares.iter().map(|share| share.1.0).collect();
        cookies.dedup();
        assert_eq!(cookies.len(), 4);
        let direct = share_of(from_port(ports.get("d").unwrap()));
        assert_eq!(direct.0, Some(4096));
        assert!(!cookies.contains(&direct.1.0));
    }
}
