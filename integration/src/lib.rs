//! A lab on one machine: a *private* Open vSwitch with network namespaces as its stations.
//!
//! ```text
//!   namespace of the host                         one namespace per station
//!  +--------------------------------------+
//!  |  ovsdb-server, ovs-vswitchd          |      +---------------------+
//!  |  bridges (datapath_type=netdev)      |  +---| eth0   vNIC         |
//!  |                            vma0 o----+--+   +---------------------+
//!  |                            ids0 o----+------| eth0   function     |
//!  |                            eth1 o----+--+   +---------------------+
//!  |  bridgechain run CONFIG              |  +---| eth0   outside      |
//!  +--------------------------------------+      +---------------------+
//! ```
//!
//! Nothing of it touches an Open vSwitch that the machine already runs: the database, the sockets
//! and the process ids live in the lab's own run directory, the devices in its own namespaces.
//! Every process that the lab starts runs inside one of those namespaces, so taking a lab down
//! means: end what runs in them, delete them, delete the run directory (`reaper.sh`). That happens
//! when a [`Lab`] is dropped and also when its process dies in any other way.
//!
//! Frames are sent by raw sockets and captured on every port; [`Lab::probe`] tells exactly who saw
//! a frame, how it was tagged and how many copies came.

pub mod bump;
pub mod capture;
pub mod command;
pub mod controller;
pub mod conversation;
pub mod fabric;
pub mod frame;
pub mod ids;
pub mod inbox;
pub mod lab;
pub mod layout;
pub mod netns;
pub mod ovs;
pub mod plan;
pub mod probe;
pub mod run_dir;
pub mod site;
pub mod snoop;
pub mod stream;
pub mod switch;
pub mod tunnel;
pub mod wait;

pub use fabric::Fabric;
pub use lab::Lab;
