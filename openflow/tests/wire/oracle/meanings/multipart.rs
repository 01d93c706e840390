//! Multipart requests and replies.

use super::*;

fn request(body: MultipartRequestBody) -> Message {
    Message::MultipartRequest(MultipartRequest {
        flags: MultipartFlags::empty(),
        body,
    })
}

fn reply(body: MultipartReplyBody) -> Message {
    Message::MultipartReply(MultipartReply {
        flags: MultipartFlags::empty(),
        body,
    })
}

fn flow_request() -> FlowStatsRequest {
    FlowStatsRequest {
        table_id: TableId(9),
        out_port: PortNo(21),
        cookie: Cookie(0xaa),
        cookie_mask: 0xbb,
        match_: match_(),
        ..FlowStatsRequest::all()
    }
}

pub(super) fn multipart_requests() -> Vec<(Message, &'static str)> {
    use MultipartRequestBody as Body;
    let queue = QueueStatsRequest {
        port_no: PortNo(3),
        queue_id: QueueId(17),
    };
    let monitor = FlowMonitorRequest {
        id: 61,
        flags: FlowMonitorFlags::ADD | FlowMonitorFlags::ACTIONS,
        out_port: PortNo(62),
        table_id: TableId(9),
        match_: match_(),
        match_form: MatchForm::Headed,
    };
    vec![
        (request(Body::Desc), "OFPST_DESC request (OF1.3):"),
        (
            request(Body::Flow(flow_request())),
            "OFPST_FLOW request (OF1.3): table=9 out_port=21 in_port=5,dl_dst=52:54:00:00:00:0d",
        ),
        (
            request(Body::Aggregate(flow_request())),
            "OFPST_AGGREGATE request (OF1.3): table=9 out_port=21 in_port=5,dl_dst=52:54:00:00:00:0d",
        ),
        (request(Body::Table), "OFPST_TABLE request (OF1.3):"),
        (
            request(Body::PortStats(PortNo(3))),
            "OFPST_PORT request (OF1.3): port_no=3",
        ),
        (
            request(Body::Queue(queue)),
            "OFPST_QUEUE request (OF1.3): port=3 queue=17",
        ),
        (
            request(Body::Group(GroupId(33))),
            "OFPST_GROUP request (OF1.3): group_id=33",
        ),
        (
            request(Body::GroupDesc),
            "OFPST_GROUP_DESC request (OF1.3): group_id=ALL",
        ),
        (
            request(Body::GroupFeatures),
            "OFPST_GROUP_FEATURES request (OF1.3):",
        ),
        (
            request(Body::Meter(MeterId(51))),
            "OFPST_METER request (OF1.3): meter=51",
        ),
        (
            request(Body::MeterConfig(MeterId::ALL)),
            "OFPST_METER_CONFIG request (OF1.3): meter=all",
        ),
        (
            request(Body::MeterFeatures),
            "OFPST_METER_FEATURES request (OF1.3):",
        ),
        (
            request(Body::TableFeatures(vec![])),
            "OFPST_TABLE_FEATURES request (OF1.3):",
        ),
        (
            request(Body::PortDesc),
            "OFPST_PORT_DESC request (OF1.3): port=ANY",
        ),
        (
            request(Body::FlowMonitor(vec![monitor])),
            "ONFST_FLOW_MONITOR request (OF1.3): id=61 flags=add,actions out_port=62 table=9 in_port=5,dl_dst=52:54:00:00:00:0d",
        ),
    ]
}

fn desc() -> Desc {
    fn text<const N: usize>(text: &str) -> FixedStr<N> {
        FixedStr::new(text).expect("it is short")
    }
    Desc {
        mfr_desc: text("maker"),
        hw_desc: text("hardware"),
        sw_desc: text("software"),
        serial_num: text("number"),
        dp_desc: text("datapath"),
    }
}

fn flow_stats() -> FlowStats {
    FlowStats {
        table_id: TableId(9),
        duration_sec: 61,
        duration_nsec: 500_000_000,
        priority: 33,
        idle_timeout: 31,
        hard_timeout: 32,
        flags: FlowModFlags::CHECK_OVERLAP,
        cookie: Cookie(0xaa),
        packet_count: 11,
        byte_count: 1111,
        match_: match_(),
        instructions: vec![Instruction::GotoTable(TableId(10))],
    }
}

fn table_features() -> TableFeatures {
    TableFeatures {
        table_id: TableId(9),
        name: FixedStr::new("ninth").unwrap(),
        metadata_match: 0xffff,
        metadata_write: 0xff,
        config: TableConfig::empty(),
        max_entries: 1000,
        properties: vec![
            TableFeature::Instructions(vec![TypeId::new(1), TypeId::new(4)]),
            TableFeature::InstructionsMiss(vec![TypeId::new(5)]),
            TableFeature::NextTables(vec![TableId(10), TableId(11)]),
            TableFeature::NextTablesMiss(vec![TableId(12)]),
            TableFeature::WriteActions(vec![TypeId::new(0)]),
            TableFeature::WriteActionsMiss(vec![TypeId::new(22)]),
            TableFeature::ApplyActions(vec![TypeId::new(17)]),
            TableFeature::ApplyActionsMiss(vec![TypeId::new(18)]),
            TableFeature::Match(vec![OxmId::from(OxmField::EthDst).with_mask()]),
            TableFeature::Wildcards(vec![OxmId::from(OxmField::EthDst)]),
            TableFeature::WriteSetField(vec![OxmId::from(OxmField::EthSrc)]),
            TableFeature::WriteSetFieldMiss(vec![OxmId::from(OxmField::VlanVid)]),
            TableFeature::ApplySetField(vec![OxmId::from(OxmField::Ipv4Dst)]),
            TableFeature::ApplySetFieldMiss(vec![OxmId::from(OxmField::Ipv4Src)]),
        ],
    }
}

pub(super) fn multipart_replies() -> Vec<(Message, &'static str)> {
    use MultipartReplyBody as Body;
    let update = FlowUpdateFull {
        event: FlowUpdateEvent::Deleted,
        reason: 1,
        priority: 33,
        idle_timeout: 31,
        hard_timeout: 32,
        table_id: TableId(9),
        cookie: Cookie(0xaa),
        match_: match_(),
        match_form: MatchForm::Headed,
        actions: vec![Instruction::ApplyActions(vec![Action::output(PortNo(35))])],
    };
    vec![
        (reply(Body::Desc(Box::new(desc()))), "OFPST_DESC reply (OF1.3): Manufacturer: maker
Hardware: hardware
Software: software
Serial Num: number
DP Description: datapath"),
        (reply(Body::Flow(vec![flow_stats()])), "OFPST_FLOW reply (OF1.3): cookie=0xaa, duration=61.500s, table=9, n_packets=11, n_bytes=1111, idle_timeout=31, hard_timeout=32, check_overlap priority=33,in_port=5,dl_dst=52:54:00:00:00:0d actions=goto_table:10"),
        (
            reply(Body::Aggregate(AggregateStats {
                packet_count: 11,
                byte_count: 1111,
                flow_count: 3,
            })),
            "OFPST_AGGREGATE reply (OF1.3): packet_count=11 byte_count=1111 flow_count=3",
        ),
        (
            reply(Body::Table(vec![TableStats {
                table_id: TableId(9),
                active_count: 3,
                lookup_count: 12,
                matched_count: 11,
            }])),
            "OFPST_TABLE reply (OF1.3): table 9:
    active=3, lookup=12, matched=11",
        ),
        (
            reply(Body::PortStats(vec![PortStats {
                port_no: PortNo(7),
                rx_packets: 1,
                tx_packets: 2,
                rx_bytes: 3,
                tx_bytes: 4,
                rx_dropped: 5,
                tx_dropped: 6,
                rx_errors: 7,
                tx_errors: 8,
                rx_frame_err: 9,
                rx_over_err: 10,
                rx_crc_err: 11,
                collisions: 12,
                duration_sec: 13,
                duration_nsec: 500_000_000,
            }])),
            "OFPST_PORT reply (OF1.3): 1 ports
  port  7: rx pkts=1, bytes=3, drop=5, errs=7, frame=9, over=10, crc=11
           tx pkts=2, bytes=4, drop=6, errs=8, coll=12
           duration=13.500s",
        ),
        (
            reply(Body::Queue(vec![QueueStats {
                port_no: PortNo(3),
                queue_id: QueueId(17),
                tx_bytes: 1,
                tx_packets: 2,
                tx_errors: 3,
                duration_sec: 13,
                duration_nsec: 500_000_000,
            }])),
            "OFPST_QUEUE reply (OF1.3): 1 queues
  port 3 queue 17: bytes=1, pkts=2, errors=3, duration=13.500s",
        ),
        (
            reply(Body::Group(vec![GroupStats {
                group_id: GroupId(33),
                ref_count: 1,
                packet_count: 2,
                byte_count: 3,
                duration_sec: 13,
                duration_nsec: 500_000_000,
                bucket_stats: vec![BucketCounter {
                    packet_count: 4,
                    byte_count: 5,
                }],
            }])),
            "OFPST_GROUP reply (OF1.3): group_id=33,duration=13.500s,ref_count=1,packet_count=2,byte_count=3,bucket0:packet_count=4,byte_count=5",
        ),
        (
            reply(Body::GroupDesc(vec![GroupDesc {
                kind: GroupType::FastFailover,
                group_id: GroupId(33),
                buckets: vec![bucket(0, 41, 42)],
            }])),
            "OFPST_GROUP_DESC reply (OF1.3): group_id=33,type=ff,bucket=watch_port:41,actions=output:42",
        ),
        (
            reply(Body::GroupFeatures(GroupFeatures {
                types: 0b1111,
                capabilities: GroupCapabilities::SELECT_WEIGHT | GroupCapabilities::CHAINING,
                max_groups: [1, 2, 3, 4],
                actions: [1 << 0, 1 << 17, 1 << 18, 1 << 22],
            })),
            "OFPST_GROUP_FEATURES reply (OF1.3): Group table:
    Types:  0xf
    Capabilities:  0x5
    all group:
       max_groups=0x1
       actions: output
    select group:
       max_groups=0x2
       actions: push_vlan
    indirect group:
       max_groups=0x3
       actions: strip_vlan
    fast failover group:
       max_groups=0x4
       actions: group",
        ),
        (
            reply(Body::Meter(vec![MeterStats {
                meter_id: MeterId(51),
                flow_count: 1,
                packet_in_count: 2,
                byte_in_count: 3,
                duration_sec: 13,
                duration_nsec: 500_000_000,
                band_stats: vec![MeterBandStats {
                    packet_band_count: 4,
                    byte_band_count: 5,
                }],
            }])),
            "OFPST_METER reply (OF1.3): meter:51 flow_count:1 packet_in_count:2 byte_in_count:3 duration:13.500s bands:
0: packet_count:4 byte_count:5",
        ),
        (
            reply(Body::MeterConfig(vec![MeterConfig {
                flags: MeterFlags::PKTPS | MeterFlags::BURST,
                meter_id: MeterId(51),
                bands: meter_bands(),
            }])),
            "OFPST_METER_CONFIG reply (OF1.3): meter=51 pktps burst bands=
type=drop rate=1000 burst_size=200
type=dscp_remark rate=500 burst_size=100 prec_level=3",
        ),
        (
            reply(Body::MeterFeatures(MeterFeatures {
                max_meter: 1000,
                band_types: 1 << 1 | 1 << 2,
                capabilities: 0b1111,
                max_bands: 8,
                max_color: 9,
            })),
            "OFPST_METER_FEATURES reply (OF1.3): max_meter:1000 max_bands:8 max_color:9
band_types: drop dscp_remark
capabilities: kbps pktps burst stats",
        ),
        (reply(Body::TableFeatures(vec![table_features()])), r#"OFPST_TABLE_FEATURES reply (OF1.3): table 9 ("ninth"):
    metadata: match=0xffff write=0xff
    max_entries=1000
    instructions (other than table miss):
      next tables: 10-11
      instructions: apply_actions goto_table
      Write-Actions features:
        actions: output
        supported on Set-Field: eth_src
      Apply-Actions features:
        actions: push_vlan
        supported on Set-Field: ip_dst
    instructions (table miss):
      next tables: 12
      instructions: clear_actions
      Write-Actions features:
        actions: group
        supported on Set-Field: vlan_vid
      Apply-Actions features:
        actions: strip_vlan
        supported on Set-Field: ip_src"#),
        (reply(Body::PortDesc(vec![port()])), "OFPST_PORT_DESC reply (OF1.3): 7(vm104): addr:52:54:00:00:00:0c
     config:     NO_RECV NO_PACKET_IN
     state:      LINK_DOWN
     current:    10GB-FD FIBER
     advertised: 1GB-FD COPPER
     supported:  100MB-HD AUTO_NEG
     peer:       40GB-FD AUTO_PAUSE
     speed: 1000 Mbps now, 10000 Mbps max"),
        (
            reply(Body::FlowMonitor(vec![
                FlowUpdate::Full(update),
                FlowUpdate::Abbreviated { xid: Xid(0x99) },
            ])),
            "ONFST_FLOW_MONITOR reply (OF1.3): event=DELETED reason=hard table=9 idle_timeout=31 hard_timeout=32 cookie=0xaa in_port=5,dl_dst=52:54:00:00:00:0d actions=output:35
 event=ABBREV xid=0x99",
        ),
    ]
}
