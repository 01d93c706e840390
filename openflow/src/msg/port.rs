//! Ports: their description, PORT_STATUS and PORT_MOD.

use bitflags::bitflags;

use crate::codec::{Decode, Encode, Reader, put_padding};
use crate::error::{DecodeError, EncodeError};
use crate::fixed_str::PortName;
use crate::mac::MacAddr;
use crate::macros::wire_enum;
use crate::types::PortNo;
use bytes::{Buf, BufMut};

/// A port of the switch (`ofp_port`, §7.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Port {
    /// Its number.
    pub port_no: PortNo,
    /// Its Ethernet address.
    pub hw_addr: MacAddr,
    /// The name of the interface.
    pub name: PortName,
    /// How it is configured.
    pub config: PortConfig,
    /// In which state it is.
    pub state: PortState,
    /// What it runs at now.
    pub curr: PortFeatures,
    /// What it offers to its peer.
    pub advertised: PortFeatures,
    /// What it can do.
    pub supported: PortFeatures,
    /// What its peer offers.
    pub peer: PortFeatures,
    /// Its bit rate now, in kbit/s.
    pub curr_speed: u32,
    /// Its highest bit rate, in kbit/s.
    pub max_speed: u32,
}

bitflags! {
    /// How a port is configured (`ofp_port_config`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct PortConfig: u32 {
        /// Taken down by the administrator (`OFPPC_PORT_DOWN`).
        const PORT_DOWN = 1 << 0;
        /// Packets received are dropped (`OFPPC_NO_RECV`).
        const NO_RECV = 1 << 2;
        /// Packets to be sent are dropped (`OFPPC_NO_FWD`).
        const NO_FWD = 1 << 5;
        /// No packet-ins (`OFPPC_NO_PACKET_IN`).
        const NO_PACKET_IN = 1 << 6;
        const _ = !0;
    }
}

bitflags! {
    /// In which state a port is (`ofp_port_state`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct PortState: u32 {
        /// There is no link (`OFPPS_LINK_DOWN`).
        const LINK_DOWN = 1 << 0;
        /// The switch blocks it (`OFPPS_BLOCKED`).
        const BLOCKED = 1 << 1;
        /// A fast-failover group may use it (`OFPPS_LIVE`).
        const LIVE = 1 << 2;
        const _ = !0;
    }
}

bitflags! {
    /// Rates and media of a port (`ofp_port_features`).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct PortFeatures: u32 {
        /// 10 Mbit/s half duplex (`OFPPF_10MB_HD`).
        const RATE_10MB_HD = 1 << 0;
        /// 10 Mbit/s full duplex (`OFPPF_10MB_FD`).
        const RATE_10MB_FD = 1 << 1;
        /// 100 Mbit/s half duplex (`OFPPF_100MB_HD`).
        const RATE_100MB_HD = 1 << 2;
        /// 100 Mbit/s full duplex (`OFPPF_100MB_FD`).
        const RATE_100MB_FD = 1 << 3;
        /// 1 Gbit/s half duplex (`OFPPF_1GB_HD`).
        const RATE_1GB_HD = 1 << 4;
        /// 1 Gbit/s full duplex (`OFPPF_1GB_FD`).
        const RATE_1GB_FD = 1 << 5;
        /// 10 Gbit/s (`OFPPF_10GB_FD`).
        const RATE_10GB_FD = 1 << 6;
        /// 40 Gbit/s (`OFPPF_40GB_FD`).
        const RATE_40GB_FD = 1 << 7;
        /// 100 Gbit/s (`OFPPF_100GB_FD`).
        const RATE_100GB_FD = 1 << 8;
        /// 1 Tbit/s (`OFPPF_1TB_FD`).
        const RATE_1TB_FD = 1 << 9;
        /// Another rate (`OFPPF_OTHER`).
        const RATE_OTHER = 1 << 10;
        /// Copper (`OFPPF_COPPER`).
        const COPPER = 1 << 11;
        /// Fibre (`OFPPF_FIBER`).
        const FIBER = 1 << 12;
        /// Auto-negotiation (`OFPPF_AUTONEG`).
        const AUTONEG = 1 << 13;
        /// Pause frames (`OFPPF_PAUSE`).
        const PAUSE = 1 << 14;
        /// Asymmetric pause frames (`OFPPF_PAUSE_ASYM`).
        const PAUSE_ASYM = 1 << 15;
        const _ = !0;
    }
}

/// A port came, went or changed (`ofp_port_status`, §7.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortStatus {
    /// What happened.
    pub reason: PortReason,
    /// The port as it is now, or was before it went.
    pub desc: Port,
}

wire_enum! {
    /// What happened to a port (`ofp_port_reason`).
    pub enum PortReason(u8) {
        /// It was added (`OFPPR_ADD`).
        Add = 0,
        /// It was removed (`OFPPR_DELETE`).
        Delete = 1,
        /// It changed (`OFPPR_MODIFY`).
        Modify = 2,
    }
}

/// Changes the behaviour of a port (`ofp_port_mod`, §7.3.4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PortMod {
    /// The port.
    pub port_no: PortNo,
    /// Its Ethernet address, which must be right.
    pub hw_addr: MacAddr,
    /// The new configuration ...
    pub config: PortConfig,
    /// ... in these bits.
    pub mask: PortConfig,
    /// What to offer to the peer; empty leaves it as it is.
    pub advertise: PortFeatures,
}

impl Decode for Port {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<64>()?;
        let port_no = PortNo(fields.get_u32());
        fields.advance(4);
        let mut hw_addr = MacAddr::default();
        fields.copy_to_slice(&mut hw_addr.0);
        fields.advance(2);
        let mut name = PortName::default();
        fields.copy_to_slice(&mut name.0);
        Ok(Self {
            port_no,
            hw_addr,
            name,
            config: PortConfig::from_bits_retain(fields.get_u32()),
            state: PortState::from_bits_retain(fields.get_u32()),
            curr: PortFeatures::from_bits_retain(fields.get_u32()),
            advertised: PortFeatures::from_bits_retain(fields.get_u32()),
            supported: PortFeatures::from_bits_retain(fields.get_u32()),
            peer: PortFeatures::from_bits_retain(fields.get_u32()),
            curr_speed: fields.get_u32(),
            max_speed: fields.get_u32(),
        })
    }
}

impl Encode for Port {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port_no.0);
        put_padding(out, 4);
        out.extend_from_slice(&self.hw_addr.0);
        put_padding(out, 2);
        out.extend_from_slice(&self.name.0);
        out.put_u32(self.config.bits());
        out.put_u32(self.state.bits());
        out.put_u32(self.curr.bits());
        out.put_u32(self.advertised.bits());
        out.put_u32(self.supported.bits());
        out.put_u32(self.peer.bits());
        out.put_u32(self.curr_speed);
        out.put_u32(self.max_speed);
        Ok(())
    }
}

impl Decode for PortStatus {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let reason = r.fixed::<8>()?.get_u8().into();
        let desc = Port::decode(r)?;
        Ok(Self { reason, desc })
    }
}

impl Encode for PortStatus {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u8(self.reason.into());
        put_padding(out, 7);
        self.desc.encode(out)
    }
}

impl Decode for PortMod {
    fn decode(r: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<32>()?;
        let port_no = PortNo(fields.get_u32());
        fields.advance(4);
        let mut hw_addr = MacAddr::default();
        fields.copy_to_slice(&mut hw_addr.0);
        fields.advance(2);
        Ok(Self {
            port_no,
            hw_addr,
            config: PortConfig::from_bits_retain(fields.get_u32()),
            mask: PortConfig::from_bits_retain(fields.get_u32()),
            advertise: PortFeatures::from_bits_retain(fields.get_u32()),
        })
    }
}

impl Encode for PortMod {
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        out.put_u32(self.port_no.0);
        put_padding(out, 4);
        out.extend_from_slice(&self.hw_addr.0);
        put_padding(out, 2);
        out.put_u32(self.config.bits());
        out.put_u32(self.mask.bits());
        out.put_u32(self.advertise.bits());
        put_padding(out, 4);
        Ok(())
    }
}
