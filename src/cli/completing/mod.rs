//! Completion of the command line while it is typed, by the command itself: names of networks, VMs,
//! vNICs, chains and hosts are those that there are at the moment.
//!
//! A shell that was told so (`source <(COMPLETE=bash bridgechain)`) runs the command at each Tab. What
//! can not be found out in a moment is not offered, and nothing is said about it: somebody is typing.

mod bash;
mod names;
mod typed;

use clap_complete::env::{CompleteEnv, Elvish, Fish, Powershell, Shells, Zsh};

pub(super) use names::{
    acli_words, chains, functions, hosts, instances, networks, nics, receivers, senders, vms,
};

/// Answers where a shell asks, which ends the command.
pub(super) fn answer() {
    CompleteEnv::with_factory(super::command)
        .shells(Shells(&[&bash::Bash, &Elvish, &Fish, &Powershell, &Zsh]))
        .complete();
}
