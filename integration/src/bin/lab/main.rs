//! `lab`: hosts with their guests on one machine, for a person to play with.

mod status;

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand};
use integration::command::shown;
use integration::layout;
use integration::plan::HOST;
use integration::run_dir::{self, RunDir};
use integration::site::Site;

/// The name of a lab whose user gives it none.
const DEFAULT: &str = "lab";

/// Hosts with their guests on one machine: a private Open vSwitch for each, with network namespaces
/// as guests. The uplinks of several hosts lead to one plain switch.
///
/// It never touches an Open vSwitch that the machine runs. Everything needs root.
#[derive(Parser)]
#[command(name = "lab", version)]
struct Cli {
    /// Which lab, where several are up
    #[arg(long, global = true, default_value = DEFAULT)]
    name: String,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Bring up the bridges, guests, functions and the outside network of a config
    ///
    /// The controller is not started: `lab exec host -- bridgechain run CONFIG` does that. Of a
    /// config with several hosts all are brought up; each needs a controller of its own then, as on
    /// machines of their own: `lab exec HOST -- bridgechain run CONFIG`.
    Up {
        /// A bridgechain config (YAML)
        config: PathBuf,
        /// Bring up this host alone, where the config has several
        #[arg(long)]
        host: Option<String>,
        /// Stay, and take the lab down at the end (Ctrl-C)
        #[arg(long)]
        foreground: bool,
    },
    /// Run a command in a guest, a function, the outside network or the host
    Exec {
        /// A VM, a function, `outside`, `host`, or the name of a port; of several hosts `HOST:PORT`,
        /// or the name of the host for itself
        station: String,
        /// The command and its arguments
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Show frames as they arrive at a guest, a function, the outside network or the host
    Watch {
        /// A VM, a function, `outside`, `host`, or the name of a port; of several hosts `HOST:PORT`,
        /// or the name of the host for itself
        station: String,
        /// End after that many frames
        #[arg(short = 'c', long)]
        count: Option<usize>,
    },
    /// Show what is up
    Status,
    /// Take the lab down, also one that was left behind
    Down {
        /// Take down every lab of this machine, those of running tests included
        #[arg(long, conflicts_with = "name")]
        all: bool,
    },
}

fn main() -> ExitCode {
    let Cli { name, action } = Cli::parse();
    let done = match action {
        Action::Up {
            config,
            host,
            foreground,
        } => up(&name, &config, host.as_deref(), foreground),
        Action::Exec { station, command } => exec(&name, &station, &command),
        Action::Watch { station, count } => watch(&name, &station, count),
        Action::Status => status::run(),
        Action::Down { all } => down(&name, all),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lab: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn up(name: &str, config: &Path, host: Option<&str>, foreground: bool) -> Result<()> {
    // Mistakes are reported for the user's file; the lab keeps a copy.
    layout::load_config(config)?;
    let text = std::fs::read_to_string(config)?;
    let run_dir = RunDir::create(name)?;
    layout::write_config(&run_dir, &text)?;
    let site = Site::build(&run_dir, host)?;
    status::print(name, &site);
    let config = config.display();
    match &site {
        Site::One(_) => {
            println!("\nstart the controller:  lab exec {HOST} -- bridgechain run {config}")
        }
        Site::Several(several) => {
            println!("\nstart a controller on each host:");
            for (host, _) in several.hosts() {
                println!("  lab exec {host} -- bridgechain run {config} &");
            }
        }
    }
    if !foreground {
        return run_dir.keep();
    }
    println!("Ctrl-C takes the lab down");
    // The signal ends the process, and the reaper of the run directory does the rest.
    loop {
        std::thread::park();
    }
}

fn exec(name: &str, station: &str, command: &[String]) -> Result<()> {
    let site = Site::load(name)?;
    let (program, args) = command.split_first().context("there is no command")?;
    become_command(&mut site.find(station)?.command(program, args))
}

fn watch(name: &str, station: &str, count: Option<usize>) -> Result<()> {
    let site = Site::load(name)?;
    let found = site.find(station)?;
    let mut tcpdump = found.namespace.command("tcpdump");
    // What arrives, at once, with link-layer header and tags, and without names for numbers.
    tcpdump.args([
        "-i",
        found.station.device(),
        "-Q",
        "in",
        "--immediate-mode",
        "-l",
        "-e",
        "-n",
        "-Z",
        "root",
    ]);
    if let Some(count) = count {
        tcpdump.args(["-c", &count.to_string()]);
    }
    become_command(&mut tcpdump)
}

/// Goes on as another program, so that signals and the exit status are that one's.
fn become_command(command: &mut Command) -> Result<()> {
    let error = command.exec();
    Err(error).with_context(|| format!("cannot run {}", shown(command)))
}

fn down(name: &str, all: bool) -> Result<()> {
    let labs = run_dir::names()?;
    if all {
        return labs.iter().try_for_each(|name| run_dir::take_down(name));
    }
    if !labs.iter().any(|lab| lab == name) {
        bail!("no lab named {name} is up; `lab status` lists the labs");
    }
    run_dir::take_down(name)
}
