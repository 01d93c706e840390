//! QUEUE_GET_CONFIG: the queues of a port.

use bytes::Bytes;

use crate::codec::{Decode, Encode, Reader, Structure, put_list, put_padding, set_length};
use crate::error::{DecodeError, EncodeError};
use crate::types::{PortNo, QueueId};
use bytes::{Buf, BufMut};

/// The queues of a port (`ofp_queue_get_config_reply`, §7.3.6).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct QueueGetConfigReply {
    /// The port asked for.
    pub port: PortNo,
    /// Its queues.
    pub queues: Vec<PacketQueue>,
}

/// A queue (`ofp_packet_queue`, §7.2.2).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PacketQueue {
    /// Its number.
    pub queue_id: QueueId,
    /// Its port.
    pub port: PortNo,
    /// Its properties.
    pub properties: Vec<QueueProperty>,
}

/// A property of a queue (`ofp_queue_prop_header`).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum QueueProperty {
    /// The guaranteed rate in 1/10 of a percent; above 1000 for none (`OFPQT_MIN_RATE`).
    MinRate(u16),
    /// The highest rate in 1/10 of a percent; above 1000 for none (`OFPQT_MAX_RATE`).
    MaxRate(u16),
    /// A property of an experimenter (`OFPQT_EXPERIMENTER`).
    Experimenter {
        /// Whose it is.
        experimenter: u32,
        /// What follows; Open vSwitch does not pad it.
        data: Bytes,
    },
    /// A property with a number that OpenFlow 1.3 does not give.
    Unknown {
        /// The `property`.
        kind: u16,
        /// What follows the property header.
        data: Bytes,
    },
}

impl Decode for QueueGetConfigReply {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let port = PortNo(r.fixed::<8>()?.get_u32());
        Ok(Self {
            port,
            queues: r.list()?,
        })
    }
}

impl Encode for QueueGetConfigReply {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port.0);
        put_padding(out, 4);
        put_list(out, &self.queues)
    }
}

const QUEUE: Structure = Structure::of_message("ofp_packet_queue");
const QUEUE_HEADER_LEN: usize = 16;

impl Decode for PacketQueue {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<QUEUE_HEADER_LEN>()?;
        let queue_id = QueueId(fields.get_u32());
        let port = PortNo(fields.get_u32());
        let length = usize::from(fields.get_u16());
        let properties = r.body(&QUEUE, QUEUE_HEADER_LEN, start + 8, length, Reader::list)?;
        Ok(Self {
            queue_id,
            port,
            properties,
        })
    }
}

impl Encode for PacketQueue {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u32(self.queue_id.0);
        out.put_u32(self.port.0);
        put_padding(out, 8);
        put_list(out, &self.properties)?;
        set_length(out, start, start + 8, QUEUE.name)
    }
}

const PROPERTY: Structure = Structure::of_message("ofp_queue_prop_header");
const PROPERTY_HEADER_LEN: usize = 8;
/// `OFPQT_MIN_RATE`
const MIN_RATE: u16 = 1;
/// `OFPQT_MAX_RATE`
const MAX_RATE: u16 = 2;
/// `OFPQT_EXPERIMENTER`
const EXPERIMENTER: u16 = 0xffff;

impl Decode for QueueProperty {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = r.offset();
        let mut fields = r.fixed::<PROPERTY_HEADER_LEN>()?;
        let kind = fields.get_u16();
        let length = usize::from(fields.get_u16());
        r.body(&PROPERTY, PROPERTY_HEADER_LEN, start + 2, length, |body| {
            Ok(match kind {
                MIN_RATE => Self::MinRate(body.fixed::<8>()?.get_u16()),
                MAX_RATE => Self::MaxRate(body.fixed::<8>()?.get_u16()),
                EXPERIMENTER => {
                    let experimenter = body.fixed::<4>()?.get_u32();
                    // Padding to the fixed length of ofp_queue_prop_experimenter.
                    body.skip(4, "pad")?;
                    Self::Experimenter {
                        experimenter,
                        data: body.rest(),
                    }
                }
                kind => Self::Unknown {
                    kind,
                    data: body.rest(),
                },
            })
        })
    }
}

impl Encode for QueueProperty {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        out.put_u16(match self {
            Self::MinRate(_) => MIN_RATE,
            Self::MaxRate(_) => MAX_RATE,
            Self::Experimenter { .. } => EXPERIMENTER,
            Self::Unknown { kind, .. } => *kind,
        });
        put_padding(out, PROPERTY_HEADER_LEN - 2);
        match self {
            Self::MinRate(rate) | Self::MaxRate(rate) => {
                out.put_u16(*rate);
                put_padding(out, 6);
            }
            Self::Experimenter { experimenter, data } => {
                out.put_u32(*experimenter);
                put_padding(out, 4);
                out.extend_from_slice(data);
            }
            Self::Unknown { data, .. } => out.extend_from_slice(data),
        }
        set_length(out, start, start + 2, PROPERTY.name)
    }
}
