//! Counters of ports.

use bytes::{Buf, BufMut};

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::types::PortNo;

/// Counters of a port (`ofp_port_stats`, §7.3.5.6). A counter of all ones is not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortStats {
    /// The port.
    pub port_no: PortNo,
    /// Packets received.
    pub rx_packets: u64,
    /// Packets sent.
    pub tx_packets: u64,
    /// Bytes received.
    pub rx_bytes: u64,
    /// Bytes sent.
    pub tx_bytes: u64,
    /// Packets dropped on receipt.
    pub rx_dropped: u64,
    /// Packets dropped on sending.
    pub tx_dropped: u64,
    /// Errors on receipt of any kind.
    pub rx_errors: u64,
    /// Errors on sending of any kind.
    pub tx_errors: u64,
    /// Alignment errors.
    pub rx_frame_err: u64,
    /// Overruns.
    pub rx_over_err: u64,
    /// CRC errors.
    pub rx_crc_err: u64,
    /// Collisions.
    pub collisions: u64,
    /// How long the port has been there: seconds.
    pub duration_sec: u32,
    /// And nanoseconds beyond them.
    pub duration_nsec: u32,
}

impl Decode for PortStats {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<112>()?;
        let port_no = PortNo(fields.get_u32());
        fields.advance(4);
        Ok(Self {
            port_no,
            rx_packets: fields.get_u64(),
            tx_packets: fields.get_u64(),
            rx_bytes: fields.get_u64(),
            tx_bytes: fields.get_u64(),
            rx_dropped: fields.get_u64(),
            tx_dropped: fields.get_u64(),
            rx_errors: fields.get_u64(),
            tx_errors: fields.get_u64(),
            rx_frame_err: fields.get_u64(),
            rx_over_err: fields.get_u64(),
            rx_crc_err: fields.get_u64(),
            collisions: fields.get_u64(),
            duration_sec: fields.get_u32(),
            duration_nsec: fields.get_u32(),
        })
    }
}

impl Encode for PortStats {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port_no.0);
        put_padding(out, 4);
        for counter in [
            self.rx_packets,
            self.tx_packets,
            self.rx_bytes,
            self.tx_bytes,
            self.rx_dropped,
            self.tx_dropped,
            self.rx_errors,
            self.tx_errors,
            self.rx_frame_err,
            self.rx_over_err,
            self.rx_crc_err,
            self.collisions,
        ] {
            out.put_u64(counter);
        }
        out.put_u32(self.duration_sec);
        out.put_u32(self.duration_nsec);
        Ok(())
    }
}
