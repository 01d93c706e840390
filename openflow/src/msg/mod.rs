//! The bodies of the messages, one file per kind.

mod async_config;
mod bundle;
mod error;
mod error_code;
mod features;
mod flow_mod;
mod flow_removed;
mod group_mod;
mod hello;
mod meter_mod;
mod packet_in;
mod packet_out;
mod port;
mod queue;
mod role;
mod switch_config;
mod table_mod;

pub use async_config::AsyncConfig;
pub use bundle::{BundleAdd, BundleControl, BundleControlKind, BundleFlags};
pub use error::{ErrorKind, ErrorMsg, ErrorType};
pub use error_code::ErrorCode;
pub use features::{Capabilities, FeaturesReply};
pub use flow_mod::{FlowMod, FlowModCommand, FlowModFlags};
pub use flow_removed::{FlowRemoved, FlowRemovedReason};
pub use group_mod::{Bucket, GroupMod, GroupModCommand, GroupType};
pub use hello::{Hello, HelloElement, HelloPadding};
pub use meter_mod::{MeterBand, MeterFlags, MeterMod, MeterModCommand};
pub use packet_in::{PacketIn, PacketInReason};
pub use packet_out::PacketOut;
pub use port::{Port, PortConfig, PortFeatures, PortMod, PortReason, PortState, PortStatus};
pub use queue::{PacketQueue, QueueGetConfigReply, QueueProperty};
pub use role::{ControllerRole, Role};
pub use switch_config::{ConfigFlags, SwitchConfig};
pub use table_mod::{TableConfig, TableMod};
