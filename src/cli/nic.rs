//! `bridgechain nic`: vNICs.

use std::process::ExitCode;

use bridgechain::edit::Edit;
use clap::Subcommand;

use super::change::{self, Dry};
use super::source::Place;
use super::words::Settings;

/// The commands below `bridgechain nic`.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a vNIC to a VM
    Create {
        /// The VM
        vm: String,
        /// The OVS interface that the hypervisor makes for it
        port: String,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Change a vNIC; what is not said stays as it is
    Update {
        /// The VM
        vm: String,
        /// Its port, MAC address or UUID
        nic: String,
        /// Another OVS interface
        #[arg(long)]
        port: Option<String>,
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
    /// Delete a vNIC
    Delete {
        /// The VM
        vm: String,
        /// Its port, MAC address or UUID
        nic: String,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        dry: Dry,
    },
}

/// Changes vNICs.
pub(crate) fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Create {
            vm,
            port,
            settings,
            place,
            dry,
        } => {
            let what = format!("vNIC {port} of {vm} created");
            let settings = settings.to_edit(None);
            change::run(&place, dry, &what, Edit::CreateNic { vm, port, settings })
        }
        Command::Update {
            vm,
            nic,
            port,
            settings,
            place,
            dry,
        } => {
            let what = format!("vNIC {nic} of {vm} updated");
            let settings = settings.to_edit(port.as_deref());
            change::run(&place, dry, &what, Edit::UpdateNic { vm, nic, settings })
        }
        Command::Delete {
            vm,
            nic,
            place,
            dry,
        } => {
            let what = format!("vNIC {nic} of {vm} deleted");
            change::run(&place, dry, &what, Edit::DeleteNic { vm, nic })
        }
    }
}
