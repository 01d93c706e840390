//! Names of the specification for enumerations and flags.
//!
//! The value of an enumeration is written as its constant in C without the prefix, a number that
//! has none as the number. Flags are numbers to programs and names to people.

use std::fmt;

use bitflags::Flags;
use openflow::{
    AsyncTopic, BundleControlKind, BundleFlags, Capabilities, ConfigFlags, ControllerRole, CtFlags,
    ErrorCode, ErrorType, FlowModCommand, FlowModFlags, FlowMonitorFlags, FlowRemovedReason,
    FlowUpdateEvent, GroupCapabilities, GroupModCommand, GroupType, HashFields, LearnFlags,
    LinkAlgorithm, MemberAlgorithm, MessageType, MeterFlags, MeterModCommand, MultipartFlags,
    MultipartType, NatFlags, PacketInFormat, PacketInReason, PortConfig, PortFeatures, PortReason,
    PortState, SampleDirection, TableConfig, TlvTableCommand,
};

use super::writer::{Value, Writer};

macro_rules! names {
    ($( $enumeration:ident($raw:ty) { $( $variant:ident => $name:literal, )* } )*) => {
        $(
            impl Value for $enumeration {
                fn write(&self, out: &mut Writer) {
                    match *self {
                        $( Self::$variant => out.word($name), )*
                        unnamed => {
                            let number = <$raw>::from(unnamed);
                            out.number(number, number);
                        }
                    }
                }
            }
        )*

        /// Every enumeration with every number up to 16 bits: for the codec, and as it is written.
        #[cfg(test)]
        fn all_written() -> impl Iterator<Item = (String, String)> {
            std::iter::empty()
            $(
                .chain((0..=u16::MAX).map_while(|number| {
                    let value = $enumeration::from(<$raw>::try_from(number).ok()?);
                    let mut out = Writer::new(super::writer::Style::Json);
                    value.write(&mut out);
                    Some((format!("{value:?}"), out.line().to_owned()))
                }))
            )*
        }
    };
}

names! {
    MessageType(u8) {
        Hello => "HELLO",
        Error => "ERROR",
        EchoRequest => "ECHO_REQUEST",
        EchoReply => "ECHO_REPLY",
        Experimenter => "EXPERIMENTER",
        FeaturesRequest => "FEATURES_REQUEST",
        FeaturesReply => "FEATURES_REPLY",
        GetConfigRequest => "GET_CONFIG_REQUEST",
        GetConfigReply => "GET_CONFIG_REPLY",
        SetConfig => "SET_CONFIG",
        PacketIn => "PACKET_IN",
        FlowRemoved => "FLOW_REMOVED",
        PortStatus => "PORT_STATUS",
        PacketOut => "PACKET_OUT",
        FlowMod => "FLOW_MOD",
        GroupMod => "GROUP_MOD",
        PortMod => "PORT_MOD",
        TableMod => "TABLE_MOD",
        MultipartRequest => "MULTIPART_REQUEST",
        MultipartReply => "MULTIPART_REPLY",
        BarrierRequest => "BARRIER_REQUEST",
        BarrierReply => "BARRIER_REPLY",
        QueueGetConfigRequest => "QUEUE_GET_CONFIG_REQUEST",
        QueueGetConfigReply => "QUEUE_GET_CONFIG_REPLY",
        RoleRequest => "ROLE_REQUEST",
        RoleReply => "ROLE_REPLY",
        GetAsyncRequest => "GET_ASYNC_REQUEST",
        GetAsyncReply => "GET_ASYNC_REPLY",
        SetAsync => "SET_ASYNC",
        MeterMod => "METER_MOD",
    }
    MultipartType(u16) {
        Desc => "DESC",
        Flow => "FLOW",
        Aggregate => "AGGREGATE",
        Table => "TABLE",
        PortStats => "PORT_STATS",
        Queue => "QUEUE",
        Group => "GROUP",
        GroupDesc => "GROUP_DESC",
        GroupFeatures => "GROUP_FEATURES",
        Meter => "METER",
        MeterConfig => "METER_CONFIG",
        MeterFeatures => "METER_FEATURES",
        TableFeatures => "TABLE_FEATURES",
        PortDesc => "PORT_DESC",
        Experimenter => "EXPERIMENTER",
    }
    ErrorType(u16) {
        HelloFailed => "HELLO_FAILED",
        BadRequest => "BAD_REQUEST",
        BadAction => "BAD_ACTION",
        BadInstruction => "BAD_INSTRUCTION",
        BadMatch => "BAD_MATCH",
        FlowModFailed => "FLOW_MOD_FAILED",
        GroupModFailed => "GROUP_MOD_FAILED",
        PortModFailed => "PORT_MOD_FAILED",
        TableModFailed => "TABLE_MOD_FAILED",
        QueueOpFailed => "QUEUE_OP_FAILED",
        SwitchConfigFailed => "SWITCH_CONFIG_FAILED",
        RoleRequestFailed => "ROLE_REQUEST_FAILED",
        MeterModFailed => "METER_MOD_FAILED",
        TableFeaturesFailed => "TABLE_FEATURES_FAILED",
    }
    FlowModCommand(u8) {
        Add => "ADD",
        Modify => "MODIFY",
        ModifyStrict => "MODIFY_STRICT",
        Delete => "DELETE",
        DeleteStrict => "DELETE_STRICT",
    }
    GroupModCommand(u16) {
        Add => "ADD",
        Modify => "MODIFY",
        Delete => "DELETE",
        AddOrModify => "ADD_OR_MOD",
    }
    GroupType(u8) {
        All => "ALL",
        Select => "SELECT",
        Indirect => "INDIRECT",
        FastFailover => "FF",
    }
    MeterModCommand(u16) {
        Add => "ADD",
        Modify => "MODIFY",
        Delete => "DELETE",
    }
    PacketInReason(u8) {
        NoMatch => "NO_MATCH",
        Action => "ACTION",
        InvalidTtl => "INVALID_TTL",
        ActionSet => "ACTION_SET",
        Group => "GROUP",
        PacketOut => "PACKET_OUT",
    }
    FlowRemovedReason(u8) {
        IdleTimeout => "IDLE_TIMEOUT",
        HardTimeout => "HARD_TIMEOUT",
        Delete => "DELETE",
        GroupDelete => "GROUP_DELETE",
        MeterDelete => "METER_DELETE",
        Eviction => "EVICTION",
    }
    PortReason(u8) {
        Add => "ADD",
        Delete => "DELETE",
        Modify => "MODIFY",
    }
    ControllerRole(u32) {
        NoChange => "NOCHANGE",
        Equal => "EQUAL",
        Master => "MASTER",
        Slave => "SLAVE",
    }
    FlowUpdateEvent(u16) {
        Added => "ADDED",
        Deleted => "DELETED",
        Modified => "MODIFIED",
    }
    PacketInFormat(u32) {
        Standard => "STANDARD",
        NxtPacketIn => "NXT_PACKET_IN",
        NxtPacketIn2 => "NXT_PACKET_IN2",
    }
    AsyncTopic(u16) {
        PacketInSlave => "PACKET_IN_SLAVE",
        PacketInMaster => "PACKET_IN_MASTER",
        PortStatusSlave => "PORT_STATUS_SLAVE",
        PortStatusMaster => "PORT_STATUS_MASTER",
        FlowRemovedSlave => "FLOW_REMOVED_SLAVE",
        FlowRemovedMaster => "FLOW_REMOVED_MASTER",
        RoleStatusSlave => "ROLE_STATUS_SLAVE",
        RoleStatusMaster => "ROLE_STATUS_MASTER",
        TableStatusSlave => "TABLE_STATUS_SLAVE",
        TableStatusMaster => "TABLE_STATUS_MASTER",
        RequestForwardSlave => "REQUESTFORWARD_SLAVE",
        RequestForwardMaster => "REQUESTFORWARD_MASTER",
    }
    TlvTableCommand(u16) {
        Add => "ADD",
        Delete => "DELETE",
        Clear => "CLEAR",
    }
    HashFields(u16) {
        EthSrc => "ETH_SRC",
        SymmetricL4 => "SYMMETRIC_L4",
        SymmetricL3L4 => "SYMMETRIC_L3L4",
        SymmetricL3L4Udp => "SYMMETRIC_L3L4_UDP",
        NwSrc => "NW_SRC",
        NwDst => "NW_DST",
        SymmetricL3 => "SYMMETRIC_L3",
    }
    LinkAlgorithm(u16) {
        ModuloN => "MODULO_N",
        HashThreshold => "HASH_THRESHOLD",
        Hrw => "HRW",
        IterHash => "ITER_HASH",
    }
    MemberAlgorithm(u16) {
        ActiveBackup => "ACTIVE_BACKUP",
        Hrw => "HRW",
    }
    SampleDirection(u8) {
        Default => "DEFAULT",
        Ingress => "INGRESS",
        Egress => "EGRESS",
    }
    BundleControlKind(u16) {
        OpenRequest => "OPEN_REQUEST",
        OpenReply => "OPEN_REPLY",
        CloseRequest => "CLOSE_REQUEST",
        CloseReply => "CLOSE_REPLY",
        CommitRequest => "COMMIT_REQUEST",
        CommitReply => "COMMIT_REPLY",
        DiscardRequest => "DISCARD_REQUEST",
        DiscardReply => "DISCARD_REPLY",
    }
}

/// The code alone, which has its meaning from the type beside it.
impl Value for ErrorCode {
    fn write(&self, out: &mut Writer) {
        // Each type has a prefix of its own: OFPBRC_BAD_LEN.
        match self.name().and_then(|name| name.split_once('_')) {
            Some((_prefix, name)) => out.word(name),
            None => out.number(self.code, self.code),
        }
    }
}

macro_rules! flags {
    ($($flags:ty),*) => {
        $(
            impl Value for $flags {
                fn write(&self, out: &mut Writer) {
                    out.number(self.bits(), FlagNames(self));
                }
            }
        )*
    };
}
flags!(
    BundleFlags,
    Capabilities,
    ConfigFlags,
    CtFlags,
    FlowModFlags,
    FlowMonitorFlags,
    GroupCapabilities,
    LearnFlags,
    MeterFlags,
    MultipartFlags,
    NatFlags,
    PortConfig,
    PortFeatures,
    PortState,
    TableConfig
);

/// `SEND_FLOW_REM|RESET_COUNTS|0x20`: what has no name in hexadecimal.
struct FlagNames<'a, F>(&'a F);

impl<F: Flags<Bits: fmt::LowerHex>> fmt::Display for FlagNames<'_, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("0");
        }
        let mut names = self.0.iter_names();
        let mut separator = "";
        for (name, _) in names.by_ref() {
            write!(f, "{separator}{name}")?;
            separator = "|";
        }
        let unnamed = names.remaining();
        if !unnamed.is_empty() {
            write!(f, "{separator}{:#x}", unnamed.bits())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails where the codec learns a value that has no line in the table above.
    #[test]
    fn every_value_that_the_codec_knows_has_a_name() {
        let mut named = 0;
        for (value, written) in all_written() {
            let is_known = !value.starts_with("Unknown(");
            assert_eq!(written.starts_with('"'), is_known, "{value}: {written}");
            named += usize::from(is_known);
        }
        assert!(named > 100, "{named}");
    }

    #[test]
    fn flags_without_a_name_are_shown_too() {
        let flags = FlowModFlags::SEND_FLOW_REM | FlowModFlags::from_bits_retain(0x60);
        assert_eq!(FlagNames(&flags).to_string(), "SEND_FLOW_REM|0x60");
        assert_eq!(FlagNames(&FlowModFlags::empty()).to_string(), "0");
    }
}
