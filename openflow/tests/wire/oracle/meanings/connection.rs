//! Messages of the connection: handshake, errors, roles, configuration, bundles.

use super::*;

pub(super) fn connection_messages() -> Vec<(Message, &'static str)> {
    let refused = encode_frame();
    vec![
        (
            Message::Hello(Hello::new()),
            "OFPT_HELLO (OF1.3): version bitmap: 0x04",
        ),
        (
            Message::Error(ErrorMsg::new(
                ErrorCode::OFPBAC_BAD_OUT_PORT,
                refused.clone(),
            )),
            "OFPT_ERROR (OF1.3): OFPBAC_BAD_OUT_PORT
OFPT_FEATURES_REQUEST (OF1.3) (xid=0x77):",
        ),
        (
            Message::Error(ErrorMsg {
                version: VERSION,
                error: ErrorKind::Experimenter {
                    experimenter: experimenter::ONF,
                    exp_type: 2306,
                },
                data: refused,
            }),
            "OFPT_ERROR (OF1.3): OFPBFC_BAD_TYPE
OFPT_FEATURES_REQUEST (OF1.3) (xid=0x77):",
        ),
        (
            Message::EchoRequest(Bytes::from_static(b"abc")),
            "OFPT_ECHO_REQUEST (OF1.3): 3 bytes of payload
00000000  61 62 63                                        |abc             |",
        ),
        (
            Message::EchoReply(Bytes::from_static(b"abcd")),
            "OFPT_ECHO_REPLY (OF1.3): 4 bytes of payload
00000000  61 62 63 64                                     |abcd            |",
        ),
        (Message::FeaturesRequest, "OFPT_FEATURES_REQUEST (OF1.3):"),
        (
            Message::FeaturesReply(FeaturesReply {
                datapath_id: DatapathId(0x1122_3344_5566_7788),
                n_buffers: 256,
                n_tables: 254,
                auxiliary_id: 1,
                capabilities: Capabilities::FLOW_STATS | Capabilities::QUEUE_STATS,
                reserved: 0,
            }),
            "OFPT_FEATURES_REPLY (OF1.3): dpid:1122334455667788
n_tables:254, n_buffers:256, auxiliary_id:1
capabilities: FLOW_STATS QUEUE_STATS",
        ),
        (
            Message::GetConfigRequest,
            "OFPT_GET_CONFIG_REQUEST (OF1.3):",
        ),
        (
            Message::GetConfigReply(SwitchConfig {
                flags: ConfigFlags::FRAG_REASM,
                miss_send_len: 128,
            }),
            "OFPT_GET_CONFIG_REPLY (OF1.3): frags=reassemble miss_send_len=128",
        ),
        (
            Message::SetConfig(SwitchConfig {
                flags: ConfigFlags::FRAG_DROP,
                miss_send_len: 64,
            }),
            "OFPT_SET_CONFIG (OF1.3): frags=drop miss_send_len=64",
        ),
        (Message::BarrierRequest, "OFPT_BARRIER_REQUEST (OF1.3):"),
        (Message::BarrierReply, "OFPT_BARRIER_REPLY (OF1.3):"),
        (
            Message::RoleRequest(Role {
                role: ControllerRole::Master,
                generation_id: 0x0102_0304_0506_0708,
            }),
            "OFPT_ROLE_REQUEST (OF1.3): role=primary generation_id=72623859790382856",
        ),
        (
            Message::RoleReply(Role {
                role: ControllerRole::Slave,
                generation_id: 9,
            }),
            "OFPT_ROLE_REPLY (OF1.3): role=secondary generation_id=9",
        ),
        (Message::GetAsyncRequest, "OFPT_GET_ASYNC_REQUEST (OF1.3):"),
        (
            Message::GetAsyncReply(async_config()),
            "OFPT_GET_ASYNC_REPLY (OF1.3): primary:
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
  REQUESTFORWARD: (off)",
        ),
        (
            Message::SetAsync(async_config()),
            "OFPT_SET_ASYNC (OF1.3): primary:
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
  REQUESTFORWARD: (off)",
        ),
        (
            Message::QueueGetConfigRequest(PortNo(3)),
            "OFPT_QUEUE_GET_CONFIG_REQUEST (OF1.3): port=3",
        ),
        (
            Message::QueueGetConfigReply(QueueGetConfigReply {
                port: PortNo(3),
                queues: vec![PacketQueue {
                    queue_id: QueueId(17),
                    port: PortNo(3),
                    properties: vec![QueueProperty::MinRate(250), QueueProperty::MaxRate(500)],
                }],
            }),
            "OFPT_QUEUE_GET_CONFIG_REPLY (OF1.3): port=3
queue 17: min_rate:25.0% max_rate:50.0%",
        ),
        (
            Message::BundleControl(BundleControl::new(
                6,
                BundleControlKind::CommitRequest,
                BundleFlags::ORDERED,
            )),
            "ONFT_BUNDLE_CONTROL (OF1.3): bundle_id=0x6 type=COMMIT_REQUEST flags=ordered",
        ),
        (
            Message::BundleAdd(BundleAdd::new(
                8,
                BundleFlags::ATOMIC,
                Message::GroupMod(group_mod(GroupModCommand::Delete, vec![])),
            )),
            "ONFT_BUNDLE_ADD_MESSAGE (OF1.3): bundle_id=0x8 flags=atomic
OFPT_GROUP_MOD (OF1.3) (xid=0x50000014):
 DEL group_id=33,type=ff",
        ),
    ]
}

fn encode_frame() -> Bytes {
    crate::common::encode(Xid(0x77), &Message::FeaturesRequest)
}
