//! What a session takes for granted of Open vSwitch: a transaction is all or nothing, and a
//! refused change can be named.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use bridgechain::session::{Event, Session, Snapshot};
use bytes::BytesMut;
use integration::{Lab, wait};
use openflow::{
    FlowMod, FlowModCommand, GroupId, GroupMod, GroupModCommand, GroupType, Instruction, MacAddr,
    Match, Message, MeterBand, MeterFlags, MeterId, MeterMod, MeterModCommand, OxmField, PortNo,
    TableId,
};

const BRIDGE: &str = "
hosts: { node1: { bridges: { learning: br0 } } }
";

/// A session with a bridge, and the socket in between.
struct Link {
    session: Session,
    stream: UnixStream,
    input: BytesMut,
}

impl Link {
    /// Lets the bridge of the lab connect, up to where it can be told things.
    fn up(lab: &Lab) -> Result<Self> {
        let path = lab.ovs().dir().join("session.sock");
        let listener = UnixListener::bind(&path)?;
        lab.ovs()
            .vsctl(&["set-controller", "br0", &format!("unix:{}", path.display())])?;
        listener.set_nonblocking(true)?;
        let stream = wait::until("the bridge to connect", || match listener.accept() {
            Ok((stream, _)) => Ok(Some(stream)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        })?;
        stream.set_read_timeout(Some(wait::LIMIT))?;
        let session = Session::new(Instant::now());
        let mut link = Self {
            session,
            stream,
            input: BytesMut::new(),
        };
        ensure!(matches!(link.event()?, Event::Identified { .. }));
        Ok(link)
    }

    fn event(&mut self) -> Result<Event> {
        let mut part = [0; 0x1_0000];
        loop {
            if let Some(event) = self.session.receive(Instant::now(), &mut self.input) {
                return Ok(event);
            }
            self.stream.write_all(self.session.output())?;
            self.session.output().clear();
            match self.stream.read(&mut part)? {
                0 => bail!("the bridge has closed the connection"),
                length => self.input.extend_from_slice(&part[..length]),
            }
        }
    }

    fn commit(&mut self, changes: Vec<Message>) -> Result<Event> {
        self.session.commit(Instant::now(), changes);
        self.event()
    }

    fn read_back(&mut self) -> Result<Snapshot> {
        self.session.read_back(Instant::now());
        match self.event()? {
            Event::ReadBack(snapshot) => Ok(snapshot),
            other => bail!("not what was asked for: {other:?}"),
        }
    }

    /// How many flows and groups the bridge has.
    fn count(&mut self) -> Result<(usize, usize)> {
        let Snapshot { flows, groups, .. } = self.read_back()?;
        Ok((flows.len(), groups.len()))
    }
}

fn flow(goto: u8) -> FlowMod {
    FlowMod {
        table_id: TableId(5),
        priority: 7,
        match_: Match::new().with(OxmField::InPort, PortNo(1)),
        instructions: vec![Instruction::GotoTable(TableId(goto))],
        ..FlowMod::add()
    }
}

fn group() -> Message {
    Message::GroupMod(GroupMod {
        command: GroupModCommand::Add,
        kind: GroupType::All,
        group_id: GroupId(77),
        buckets: vec![],
    })
}

/// Changes a meter that is not there.
fn bad_meter() -> Message {
    Message::MeterMod(MeterMod {
        command: MeterModCommand::Modify,
        flags: MeterFlags::PKTPS,
        meter_id: MeterId(9),
        bands: vec![MeterBand::Drop {
            rate: 1,
            burst_size: 0,
        }],
    })
}

#[track_caller]
fn assert_rejected(event: &Event, reason: &str) {
    let expected = format!("the switch refuses {reason}");
    assert!(
        matches!(event, Event::Rejected(told) if *told == expected),
        "{event:?}"
    );
}

#[test]
fn a_transaction_is_all_or_nothing_and_a_refused_change_is_named() -> Result<()> {
    let lab = Lab::from_config(BRIDGE)?;
    let mut link = Link::up(&lab)?;
    let (flows, groups) = link.count()?;

    // Refused when it is added to the bundle.
    let event = link.commit(vec![Message::FlowMod(flow(6)), Message::FlowMod(flow(2))])?;
    assert_rejected(
        &event,
        "Add of flow cookie=0x0,table=5,priority=7,in_port=1 actions=goto_table:2: \
         OFPBIC_BAD_TABLE_ID",
    );
    assert_eq!(link.count()?, (flows, groups));

    assert_eq!(
        link.commit(vec![group(), Message::FlowMod(flow(6))])?,
        Event::Committed
    );
    assert_eq!(link.count()?, (flows + 1, groups + 1));

    // Refused when the bundle is committed.
    let delete = FlowMod {
        command: FlowModCommand::DeleteStrict,
        ..flow(6)
    };
    let event = link.commit(vec![Message::FlowMod(delete), group()])?;
    assert_rejected(
        &event,
        "Add of group group_id=77,type=all: OFPGMFC_GROUP_EXISTS",
    );
    assert_eq!(link.count()?, (flows + 1, groups + 1));

    // Refused outside of the bundle, or without one.
    let event = link.commit(vec![Message::FlowMod(flow(7)), bad_meter()])?;
    assert_rejected(&event, "Modify of meter 9: OFPMMFC_UNKNOWN_METER");
    let event = link.commit(vec![bad_meter()])?;
    assert_rejected(&event, "Modify of meter 9: OFPMMFC_UNKNOWN_METER");
    assert_eq!(link.count()?, (flows + 1, groups + 1));
    Ok(())
}

#[test]
fn twenty_thousand_flows_are_one_transaction_and_are_read_back() -> Result<()> {
    let lab = Lab::from_config(BRIDGE)?;
    let mut link = Link::up(&lab)?;
    let (flows, _) = link.count()?;
    let many = (0..20_000).map(|number| {
        let match_ = Match::new().with(OxmField::EthDst, MacAddr::from_u64(number));
        Message::FlowMod(FlowMod { match_, ..flow(6) })
    });
    assert_eq!(link.commit(many.collect())?, Event::Committed);
    assert_eq!(link.count()?.0, flows + 20_000);
    Ok(())
}
