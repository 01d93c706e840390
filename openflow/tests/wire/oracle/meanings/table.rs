//! Messages about packets, flow entries, groups, meters and ports.

use super::*;

pub(super) fn table_messages() -> Vec<(Message, &'static str)> {
    vec![
        (
            Message::PacketIn(PacketIn {
                buffer_id: BufferId(0x55),
                total_len: 1500,
                reason: PacketInReason::InvalidTtl,
                table_id: TableId(4),
                cookie: Cookie(0x1234),
                match_: Match::new()
                    .with(OxmField::InPort, PortNo(5))
                    .with(OxmField::Metadata, 0x99u8),
                data: frame(),
            }),
            "OFPT_PACKET_IN (OF1.3): table_id=4 cookie=0x1234 total_len=1500 metadata=0x99,in_port=5 (via invalid_ttl) data_len=18 buffer=0x00000055
vlan_tci=0x0000,dl_src=52:54:00:00:00:0b,dl_dst=52:54:00:00:00:0a,dl_type=0x88cc",
        ),
        (
            Message::FlowRemoved(FlowRemoved {
                cookie: Cookie(0x1234),
                priority: 77,
                reason: FlowRemovedReason::HardTimeout,
                table_id: TableId(4),
                duration_sec: 61,
                duration_nsec: 500_000_000,
                idle_timeout: 10,
                hard_timeout: 60,
                packet_count: 11,
                byte_count: 1111,
                match_: match_(),
            }),
            "OFPT_FLOW_REMOVED (OF1.3): priority=77,in_port=5,dl_dst=52:54:00:00:00:0d reason=hard table_id=4 cookie:0x1234 duration61.500s idle10 hard60 pkts11 bytes1111",
        ),
        (
            Message::PortStatus(PortStatus {
                reason: PortReason::Modify,
                desc: port(),
            }),
            "OFPT_PORT_STATUS (OF1.3): MOD: 7(vm104): addr:52:54:00:00:00:0c
     config:     NO_RECV NO_PACKET_IN
     state:      LINK_DOWN
     current:    10GB-FD FIBER
     advertised: 1GB-FD COPPER
     supported:  100MB-HD AUTO_NEG
     peer:       40GB-FD AUTO_PAUSE
     speed: 1000 Mbps now, 10000 Mbps max",
        ),
        (
            Message::PacketOut(PacketOut {
                buffer_id: BufferId::NO_BUFFER,
                in_port: PortNo(6),
                actions: vec![Action::output(PortNo(8)), Action::controller(100)],
                data: frame(),
            }),
            "OFPT_PACKET_OUT (OF1.3): in_port=6 actions=output:8,CONTROLLER:100 data_len=18
vlan_tci=0x0000,dl_src=52:54:00:00:00:0b,dl_dst=52:54:00:00:00:0a,dl_type=0x88cc",
        ),
        (
            Message::FlowMod(FlowMod {
                cookie: Cookie(0xaa),
                cookie_mask: 0xbb,
                table_id: TableId(9),
                command: FlowModCommand::Delete,
                out_port: PortNo(21),
                out_group: GroupId(22),
                match_: match_(),
                ..FlowMod::delete()
            }),
            "OFPT_FLOW_MOD (OF1.3): DEL table:9 in_port=5,dl_dst=52:54:00:00:00:0d cookie:0xaa/0xbb out_port:21 actions=drop",
        ),
        (
            Message::FlowMod(FlowMod {
                cookie: Cookie(0xaa),
                table_id: TableId(9),
                idle_timeout: 31,
                hard_timeout: 32,
                priority: 33,
                buffer_id: BufferId(34),
                flags: FlowModFlags::SEND_FLOW_REM | FlowModFlags::RESET_COUNTS,
                match_: match_(),
                instructions: vec![
                    Instruction::Meter(MeterId(3)),
                    Instruction::ApplyActions(vec![Action::output(PortNo(35))]),
                    Instruction::ClearActions,
                    Instruction::WriteActions(vec![Action::Group(GroupId(36))]),
                    Instruction::WriteMetadata {
                        metadata: 0x37,
                        mask: 0x3f,
                    },
                    Instruction::GotoTable(TableId(38)),
                ],
                ..FlowMod::add()
            }),
            "OFPT_FLOW_MOD (OF1.3): ADD table:9 priority=33,in_port=5,dl_dst=52:54:00:00:00:0d cookie:0xaa idle:31 hard:32 buf:0x22 send_flow_rem reset_counts actions=meter:3,output:35,clear_actions,write_actions(group:36),write_metadata:0x37/0x3f,goto_table:38",
        ),
        (
            Message::GroupMod(group_mod(
                GroupModCommand::Add,
                vec![bucket(0, 41, 42), bucket(0, 43, 44)],
            )),
            "OFPT_GROUP_MOD (OF1.3): ADD group_id=33,type=ff,bucket=watch_port:41,actions=output:42,bucket=watch_port:43,actions=output:44",
        ),
        (
            Message::GroupMod(GroupMod {
                kind: GroupType::Select,
                ..group_mod(
                    GroupModCommand::Modify,
                    vec![Bucket {
                        watch_port: PortNo::ANY,
                        ..bucket(45, 0, 46)
                    }],
                )
            }),
            "OFPT_GROUP_MOD (OF1.3): MOD group_id=33,type=select,bucket=weight:45,actions=output:46",
        ),
        (
            Message::PortMod(PortMod {
                port_no: PortNo(7),
                hw_addr: MacAddr([0x52, 0x54, 0, 0, 0, 0x0c]),
                config: PortConfig::PORT_DOWN,
                mask: PortConfig::PORT_DOWN | PortConfig::NO_FWD,
                advertise: PortFeatures::RATE_1GB_HD,
            }),
            "OFPT_PORT_MOD (OF1.3): port: 7: addr:52:54:00:00:00:0c
     config: PORT_DOWN
     mask:   PORT_DOWN NO_FWD
     advertise: 1GB-HD",
        ),
        (
            Message::TableMod(TableMod {
                table_id: TableId(9),
                config: TableConfig::empty(),
            }),
            "OFPT_TABLE_MOD (OF1.3): table_id=9",
        ),
        (
            Message::MeterMod(MeterMod {
                command: MeterModCommand::Modify,
                flags: MeterFlags::KBPS | MeterFlags::BURST | MeterFlags::STATS,
                meter_id: MeterId(51),
                bands: meter_bands(),
            }),
            "OFPT_METER_MOD (OF1.3): MOD meter=51 kbps burst stats bands=
type=drop rate=1000 burst_size=200
type=dscp_remark rate=500 burst_size=100 prec_level=3",
        ),
    ]
}
