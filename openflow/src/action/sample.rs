//! Sampling of packets.

use std::fmt;

use bytes::{Buf, BufMut};

use crate::codec::{Reader, put_padding};
use crate::error::DecodeError;
use crate::macros::wire_enum;
use crate::types::PortNo;

/// Reports packets over IPFIX (`nx_action_sample`, `nx_action_sample2`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sample {
    /// How many of 65,535 packets; 0 is refused.
    pub probability: u16,
    /// Who gets the reports.
    pub collector_set_id: u32,
    /// What to call the place of observation.
    pub obs_domain_id: u32,
    /// And the point in it.
    pub obs_point_id: u32,
    /// More about the point; decides the form on the wire.
    pub output: SampleOutput,
}

/// More about the point of observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SampleOutput {
    /// Nothing (`NXAST_SAMPLE`).
    None,
    /// The port, in 16 bits (`NXAST_SAMPLE2`).
    Port(u16),
    /// The port, in 16 bits, and the direction (`NXAST_SAMPLE3`).
    Directed(u16, SampleDirection),
}

wire_enum! {
    /// Where a packet is sampled (`nx_action_sample_direction`).
    pub enum SampleDirection(u8) {
        /// Wherever the action is (`NX_ACTION_SAMPLE_DEFAULT`).
        Default = 0,
        /// As it comes in (`NX_ACTION_SAMPLE_INGRESS`).
        Ingress = 1,
        /// As it goes out (`NX_ACTION_SAMPLE_EGRESS`).
        Egress = 2,
    }
}

/// The three forms on the wire.
#[derive(Clone, Copy)]
pub(super) enum Form {
    Plain,
    Port,
    Directed,
}

impl Sample {
    pub(super) fn decode(r: &mut Reader<'_>, form: Form) -> Result<Self, DecodeError> {
        let mut fields = r.fixed::<14>()?;
        let mut sample = Self {
            probability: fields.get_u16(),
            collector_set_id: fields.get_u32(),
            obs_domain_id: fields.get_u32(),
            obs_point_id: fields.get_u32(),
            output: SampleOutput::None,
        };
        if !matches!(form, Form::Plain) {
            let mut fields = r.fixed::<8>()?;
            let port = fields.get_u16();
            sample.output = match form {
                Form::Directed => SampleOutput::Directed(port, fields.get_u8().into()),
                _ => SampleOutput::Port(port),
            };
        }
        Ok(sample)
    }

    pub(super) fn form(&self) -> Form {
        match self.output {
            SampleOutput::None => Form::Plain,
            SampleOutput::Port(_) => Form::Port,
            SampleOutput::Directed(..) => Form::Directed,
        }
    }

    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.put_u16(self.probability);
        out.put_u32(self.collector_set_id);
        out.put_u32(self.obs_domain_id);
        out.put_u32(self.obs_point_id);
        match self.output {
            SampleOutput::None => {}
            SampleOutput::Port(port) => {
                out.put_u16(port);
                put_padding(out, 6);
            }
            SampleOutput::Directed(port, direction) => {
                out.put_u16(port);
                out.put_u8(direction.into());
                put_padding(out, 5);
            }
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "sample(probability={},collector_set_id={},obs_domain_id={},obs_point_id={}",
            self.probability, self.collector_set_id, self.obs_domain_id, self.obs_point_id
        )?;
        if let SampleOutput::Port(port) | SampleOutput::Directed(port, _) = self.output {
            write!(f, ",sampling_port={}", PortNo::from_16_bits(port))?;
        }
        match self.output {
            SampleOutput::Directed(_, SampleDirection::Ingress) => f.write_str(",ingress)"),
            SampleOutput::Directed(_, SampleDirection::Egress) => f.write_str(",egress)"),
            _ => f.write_str(")"),
        }
    }
}
