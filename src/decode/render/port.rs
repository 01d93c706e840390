//! Ports and queues.

use openflow::{PacketQueue, Port, PortMod, PortStatus, QueueGetConfigReply, QueueProperty};

use super::values::{Hexadecimal, Name};
use super::writer::{Fields, Record};

impl Fields for Port {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port_no", &self.port_no)
            .field("hw_addr", &self.hw_addr)
            .field("name", &self.name)
            .field("config", &self.config)
            .field("state", &self.state)
            .field("curr", &self.curr)
            .field("advertised", &self.advertised)
            .field("supported", &self.supported)
            .field("peer", &self.peer)
            .field("curr_speed", &self.curr_speed)
            .field("max_speed", &self.max_speed);
    }
}

impl Fields for PortStatus {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("reason", &self.reason)
            .field("desc", &self.desc);
    }
}

impl Fields for PortMod {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port_no", &self.port_no)
            .field("hw_addr", &self.hw_addr)
            .field("config", &self.config)
            .field("mask", &self.mask)
            .field("advertise", &self.advertise);
    }
}

impl Fields for QueueGetConfigReply {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("port", &self.port)
            .field("queues", &self.queues);
    }
}

impl Fields for PacketQueue {
    fn fields(&self, record: &mut Record<'_>) {
        record
            .field("queue_id", &self.queue_id)
            .field("port", &self.port)
            .field("properties", &self.properties);
    }
}

impl Fields for QueueProperty {
    fn fields(&self, record: &mut Record<'_>) {
        match self {
            Self::MinRate(rate) => record
                .head("property", &Name("MIN_RATE"))
                .field("rate", rate),
            Self::MaxRate(rate) => record
                .head("property", &Name("MAX_RATE"))
                .field("rate", rate),
            Self::Experimenter { experimenter, data } => record
                .head("property", &Name("EXPERIMENTER"))
                .field("experimenter", &Hexadecimal(*experimenter))
                .field("data", data),
            Self::Unknown { kind, data } => record.head("property", kind).field("data", data),
            newer => record.debug(newer),
        };
    }
}
