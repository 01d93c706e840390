//! The command line: arguments, logs, exit status.
//!
//! One file per subcommand, each with its `Args` and a `run`. Data goes to stdout, messages and
//! logs to stderr. Exit status 0 is done, 1 is failed, 2 is a mistake in the arguments (clap's).

/// Tells stderr, a line. Unlike `eprintln!` it goes on where nobody listens any more: what is done
/// does not depend on that.
macro_rules! say {
    ($($what:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($what)*);
    }};
}

mod acli;
mod apply;
mod chain;
mod change;
mod check;
mod client;
mod completing;
mod completions;
mod decode;
mod doctor;
mod events;
mod exchange;
mod flows;
mod inputs;
mod live;
mod mac;
mod manual;
mod net;
mod nic;
mod openapi;
mod plan;
mod progress;
mod prove;
mod query;
mod run;
mod running;
mod setup;
mod source;
mod status;
mod style;
mod table;
mod trace;
mod tries;
mod vm;
mod vsctl;
mod words;

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::process::ExitCode;

use anyhow::Context;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

/// The AHV network model for plain Open vSwitch hosts: who sees which frame.
#[derive(Debug, Parser)]
#[command(name = "bridgechain", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Report every mistake of a configuration file
    Check(check::Args),
    /// Print the flows of every bridge, as ovs-ofctl takes them
    Flows(flows::Args),
    /// Run the controller
    Run(run::Args),
    /// Show the state of the running controller: bridges, functions and their health
    Status(status::Args),
    /// Show what has happened lately
    Events(events::Args),
    /// Print the OpenAPI document of the controller's API
    Openapi,
    /// Show OpenFlow messages, one line each
    Decode(decode::Args),
    /// Make the bridges of a host
    Setup(setup::Args),
    /// Look for what is wrong with Open vSwitch on this machine, and for what mends it
    Doctor(doctor::Args),
    /// Prove for all frames that the flows do what the configuration says, or show one with which
    /// they do not
    Prove(prove::Args),
    /// Follow a frame through the bridges, and say who sees it
    Trace(trace::Args),
    /// Show the MAC addresses that are known
    #[command(subcommand)]
    Mac(mac::Command),
    /// Print what makes a shell complete the command line
    Completions(completions::Args),
    /// Write the manual
    Man(manual::Args),
    /// Put a configuration in the place of the running controller's
    Apply(apply::Args),
    /// Show how the running configuration differs from a file
    Diff(apply::DiffArgs),
    /// List and change networks, VMs and vNICs in the words of AHV
    Acli(acli::Args),
    /// List and change networks
    #[command(subcommand)]
    Net(net::Command),
    /// List and change VMs
    #[command(subcommand)]
    Vm(vm::Command),
    /// List and change vNICs
    #[command(subcommand)]
    Nic(nic::Command),
    /// List service chains, enable and drain functions
    #[command(subcommand)]
    Chain(chain::Command),
}

/// What every subcommand says of its exit status that has nothing else to say.
const EXIT_STATUS: &str = "Exit status: 0 done, 1 failed, 2 wrong arguments.";

/// The command line: every subcommand tells its exit status in its help, and so in the manual.
fn command() -> clap::Command {
    fn tell(command: clap::Command) -> clap::Command {
        let is_told = command.get_after_help().is_some() || command.get_after_long_help().is_some();
        let command = match is_told {
            true => command,
            false => command.after_help(EXIT_STATUS),
        };
        command.mut_subcommands(tell)
    }
    tell(Cli::command())
}

/// Runs the subcommand that the arguments ask for.
pub(crate) fn main() -> ExitCode {
    completing::answer();
    let matches = command().get_matches();
    let cli = Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    init_logs(match &cli.command {
        Command::Run(args) => args.log_format,
        _ => LogFormat::default(),
    });
    let result = match cli.command {
        Command::Check(args) => check::run(&args),
        Command::Flows(args) => flows::run(&args),
        Command::Run(args) => run::run(&args),
        Command::Status(args) => status::run(&args),
        Command::Events(args) => events::run(&args),
        Command::Openapi => openapi::run(),
        Command::Decode(args) => decode::run(&args),
        Command::Setup(args) => setup::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Trace(args) => trace::run(&args),
        Command::Mac(command) => mac::run(&command),
        Command::Completions(args) => completions::run(&args),
        Command::Man(args) => manual::run(&args),
        Command::Apply(args) => apply::run(&args),
        Command::Diff(args) => Ok(apply::diff(&args)),
        Command::Acli(args) => acli::run(&args),
        Command::Net(command) => net::run(command),
        Command::Vm(command) => vm::run(command),
        Command::Nic(command) => nic::run(command),
        Command::Chain(command) => chain::run(command),
    };
    result.unwrap_or_else(|error| fail(&error, ExitCode::FAILURE))
}

/// Tells stderr of a failure, for which there is this exit status where it is none of its own.
fn fail(error: &anyhow::Error, status: ExitCode) -> ExitCode {
    if error.is::<ReaderGone>() {
        return ExitCode::from(128 + SIGPIPE);
    }
    say!("bridgechain: {error:#}");
    match error.is::<WrongArguments>() {
        true => ExitCode::from(2),
        false => status,
    }
}

/// Arguments that are wrong in a way that clap does not know of.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongArguments(String);

/// Nobody reads stdout any more, as behind `| head`. That is no news for anybody: the command ends
/// in silence, with the exit status that a shell gives to those whom the signal SIGPIPE ends.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads stdout any more")]
struct ReaderGone;

/// The number of the signal.
const SIGPIPE: u8 = 13;

/// Writes `text` to stdout.
fn print(text: &str) -> anyhow::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        result => result.context("cannot write to stdout"),
    }
}

/// A value as JSON, for people too.
fn json(value: &impl Serialize) -> anyhow::Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(value)?))
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// Text for people
    #[default]
    Human,
    /// One JSON object a line
    Json,
}

/// Logs go to stderr at level `info`, or as the environment variable `RUST_LOG` says.
fn init_logs(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let logs = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    match format {
        LogFormat::Human => logs.init(),
        LogFormat::Json => logs.json().init(),
    }
}
