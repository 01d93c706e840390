//! Messages of Open vSwitch.

use super::*;

pub(super) fn nicira_messages() -> Vec<(Message, &'static str)> {
    let properties = vec![
        PacketInProperty::Packet(frame()),
        PacketInProperty::FullLen(1500),
        PacketInProperty::TableId(TableId(4)),
        PacketInProperty::Cookie(Cookie(0x1234)),
        PacketInProperty::Reason(PacketInReason::Action),
        PacketInProperty::Metadata(Match::new().with(OxmField::InPort, PortNo(5))),
        PacketInProperty::Userdata(Bytes::from_static(&[1, 2, 3])),
    ];
    let map = TlvMap {
        option_class: 0xffff,
        option_type: 1,
        option_len: 4,
        index: 5,
    };
    let messages = [
        (NxMessage::RoleRequest(1), "NXT_ROLE_REQUEST (OF1.3): role=primary"),
        (NxMessage::RoleReply(2), "NXT_ROLE_REPLY (OF1.3): role=secondary"),
        (
            NxMessage::SetPacketInFormat(PacketInFormat::NxtPacketIn2),
            "NXT_SET_PACKET_IN_FORMAT (OF1.3): format=nxt_packet_in2",
        ),
        (
            NxMessage::PacketIn(NxPacketIn {
                buffer_id: BufferId::NO_BUFFER,
                total_len: 1500,
                reason: PacketInReason::NoMatch,
                table_id: TableId(4),
                cookie: Cookie(0x1234),
                match_: Match::new()
                    .with(OxmField::NxInPort, 5u8)
                    .with(OxmField::Reg3, 0x77u8),
                data: frame(),
            }),
            "NXT_PACKET_IN (OF1.3): table_id=4 cookie=0x1234 total_len=1500 reg3=0x77,in_port=5 (via no_match) data_len=18 (unbuffered) (***total_len != data_len***)
vlan_tci=0x0000,dl_src=52:54:00:00:00:0b,dl_dst=52:54:00:00:00:0a,dl_type=0x88cc",
        ),
        (NxMessage::SetAsyncConfig(async_config()), "NXT_SET_ASYNC_CONFIG (OF1.3): primary:
       PACKET_IN: no_match invalid_ttl
     PORT_STATUS: add
    FLOW_REMOVED: group_delete
     ROLE_STATUS: (off)
    TABLE_STATUS: (off)
  REQUESTFORWARD: (off)

 secondary:
       PACKET_IN: action
     PORT_STATUS: modify
    FLOW_REMOVED: idle hard
     ROLE_STATUS: (off)
    TABLE_STATUS: (off)
  REQUESTFORWARD: (off)"),
        (NxMessage::SetControllerId(0x1234), "NXT_SET_CONTROLLER_ID (OF1.3): id=4660"),
        (
            NxMessage::TlvTableMod(TlvTableMod {
                command: TlvTableCommand::Add,
                maps: vec![map],
            }),
            "NXT_TLV_TABLE_MOD (OF1.3): ADD mapping table:
  class  type  length  match field
 ------  ----  ------  --------------
 0xffff   0x1       4  tun_metadata5",
        ),
        (NxMessage::TlvTableRequest, "NXT_TLV_TABLE_REQUEST (OF1.3):"),
        (
            NxMessage::TlvTableReply(TlvTableReply {
                max_option_space: 256,
                max_fields: 64,
                maps: vec![map],
            }),
            "NXT_TLV_TABLE_REPLY (OF1.3): max option space=256 max fields=64
 allocated option space=4

 mapping table:
  class  type  length  match field
 ------  ----  ------  --------------
 0xffff   0x1       4  tun_metadata5",
        ),
        (
            NxMessage::SetAsyncConfig2(vec![
                AsyncProperty::Reasons {
                    topic: AsyncTopic::PacketInMaster,
                    mask: 0b101,
                },
                AsyncProperty::Reasons {
                    topic: AsyncTopic::PortStatusSlave,
                    mask: 0b010,
                },
            ]),
            "NXT_SET_ASYNC_CONFIG2 (OF1.3): primary:
       PACKET_IN: no_match invalid_ttl
     PORT_STATUS: (off)
    FLOW_REMOVED: (off)
     ROLE_STATUS: (off)
    TABLE_STATUS: (off)
  REQUESTFORWARD: (off)

 secondary:
       PACKET_IN: (off)
     PORT_STATUS: delete
    FLOW_REMOVED: (off)
     ROLE_STATUS: (off)
    TABLE_STATUS: (off)
  REQUESTFORWARD: (off)",
        ),
        (NxMessage::Resume(properties.clone()), "NXT_RESUME (OF1.3): table_id=4 cookie=0x1234 total_len=1500 in_port=5 (via action) data_len=18 (unbuffered) (***total_len != data_len***)
 userdata=01.02.03
vlan_tci=0x0000,dl_src=52:54:00:00:00:0b,dl_dst=52:54:00:00:00:0a,dl_type=0x88cc"),
        (NxMessage::CtFlushZone(0x1234), "NXT_CT_FLUSH_ZONE (OF1.3): zone_id=4660"),
        (NxMessage::PacketIn2(properties), "NXT_PACKET_IN2 (OF1.3): table_id=4 cookie=0x1234 total_len=1500 in_port=5 (via action) data_len=18 (unbuffered) (***total_len != data_len***)
 userdata=01.02.03
vlan_tci=0x0000,dl_src=52:54:00:00:00:0b,dl_dst=52:54:00:00:00:0a,dl_type=0x88cc"),
    ];
    let mut messages: Vec<_> = messages
        .into_iter()
        .map(|(message, meaning)| (Message::Nicira(message), meaning))
        .collect();
    messages.push((
        Message::FlowMonitorCancel(61),
        "ONFT_FLOW_MONITOR_CANCEL (OF1.3): id=61",
    ));
    messages.push((
        Message::FlowMonitorPaused,
        "ONFT_FLOW_MONITOR_PAUSED (OF1.3):",
    ));
    messages.push((
        Message::FlowMonitorResumed,
        "ONFT_FLOW_MONITOR_RESUMED (OF1.3):",
    ));
    messages
}
