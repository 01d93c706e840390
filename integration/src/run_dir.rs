//! The run directory of a lab, and what takes the lab down when its owner is gone.

use std::fs;
use std::io::{ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// Where the run directories of all labs of this machine are; gone after a boot, as the namespaces
/// are.
const BASE: &str = "/run/bridgechain-lab";

const REAPER: &str = include_str!("reaper.sh");

/// A name for a lab that no other running process uses.
pub fn unique_name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(1);
    let pid = std::process::id();
    format!("p{pid}n{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// The names of the labs that are up, or that were left behind.
///
/// # Errors
///
/// The base directory cannot be read.
pub fn names() -> Result<Vec<String>> {
    let entries = match fs::read_dir(BASE) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("cannot read {BASE}"))?,
    };
    let names = entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
    let mut names = names.collect::<Result<Vec<_>>>()?;
    names.sort();
    Ok(names)
}

/// The run directory of the lab of that name.
pub fn path(name: &str) -> PathBuf {
    Path::new(BASE).join(name)
}

/// Where the files of a host are, and what its namespaces are called.
#[derive(Debug, Clone)]
pub struct Place {
    dir: PathBuf,
    prefix: String,
}

impl Place {
    /// That of the lab of that name.
    pub fn of(name: &str) -> Self {
        Self {
            dir: path(name),
            prefix: namespace_prefix(name),
        }
    }

    /// That of one of several hosts in it. Its namespaces are called as a person calls the
    /// stations: `node1:vma0`.
    pub fn of_host(&self, host: &str) -> Self {
        Self {
            dir: self.hosts().join(host),
            prefix: format!("{}{host}:", self.prefix),
        }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The directory with those of the hosts, where there are several.
    pub fn hosts(&self) -> PathBuf {
        self.dir.join("hosts")
    }

    /// The name of the namespace of a station.
    pub fn namespace(&self, station: &str) -> String {
        format!("{}{station}", self.prefix)
    }
}

/// The name of a namespace of a lab.
pub fn namespace(name: &str, station: &str) -> String {
    format!("{}{station}", namespace_prefix(name))
}

/// What the names of all namespaces of a lab begin with.
///
/// A lab's name has no `-` in it, so no prefix begins with another.
fn namespace_prefix(name: &str) -> String {
    format!("bclab-{name}-")
}

/// Takes a lab down: ends its processes, deletes its namespaces and its run directory.
///
/// # Errors
///
/// The reaper cannot be run or fails.
pub fn take_down(name: &str) -> Result<()> {
    let mut reaper = reaper(name, Stdio::null())?;
    let status = reaper.wait()?;
    if !status.success() || path(name).exists() {
        bail!("lab {name} could not be taken down ({status})");
    }
    Ok(())
}

fn reaper(name: &str, stdin: Stdio) -> Result<Child> {
    Command::new("sh")
        .args(["-c", REAPER, "reaper"])
        .arg(path(name))
        .arg(namespace_prefix(name))
        .stdin(stdin)
        .stdout(Stdio::null())
        // A group of its own: Ctrl-C ends the owner, and must leave the one that cleans up after
        // it.
        .process_group(0)
        .spawn()
        .context("cannot start sh")
}

/// A run directory that is reaped, with all namespaces of its lab, when its owner goes: when the
/// value is dropped and also when the process is killed.
#[derive(Debug)]
pub struct RunDir {
    name: String,
    reaper: Child,
}

impl RunDir {
    /// Makes the run directory of a new lab.
    ///
    /// # Errors
    ///
    /// The name is not made of letters and digits, there is a lab of that name, or the caller is
    /// not root.
    pub fn create(name: &str) -> Result<Self> {
        if name.is_empty() || !name.chars().all(|letter| letter.is_ascii_alphanumeric()) {
            bail!("{name:?} is no name for a lab: use letters and digits");
        }
        if !nix::unistd::geteuid().is_root() {
            bail!("the lab makes network namespaces and devices, which only root may do: use sudo");
        }
        fs::create_dir_all(BASE).with_context(|| format!("cannot make {BASE}"))?;
        let path = path(name);
        match fs::create_dir(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                bail!(
                    "a lab named {name} exists ({}): take it down first",
                    path.display()
                )
            }
            made => made.with_context(|| format!("cannot make {}", path.display()))?,
        }
        let reaper = reaper(name, Stdio::piped())?;
        Ok(Self {
            name: name.to_owned(),
            reaper,
        })
    }

    /// The name of the lab.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The directory.
    pub fn path(&self) -> PathBuf {
        path(&self.name)
    }

    /// The directory and the namespaces.
    pub fn place(&self) -> Place {
        Place::of(&self.name)
    }

    /// Lets the lab live on without its owner, until [`take_down`].
    ///
    /// # Errors
    ///
    /// The reaper cannot be told.
    pub fn keep(mut self) -> Result<()> {
        if let Some(mut stdin) = self.reaper.stdin.take() {
            stdin
                .write_all(b"keep\n")
                .context("cannot tell the reaper")?;
        }
        Ok(())
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // Waiting closes the reaper's standard input first, which is its sign to begin.
        if let Err(error) = self.reaper.wait() {
            eprintln!("lab {}: the reaper is gone: {error}", self.name);
        }
    }
}
