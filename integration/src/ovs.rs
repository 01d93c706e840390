//! An Open vSwitch of the lab's own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::command::run;
use crate::netns::Namespace;
use crate::wait;

/// Where the packages of Open vSwitch put the schema of its database.
const SCHEMA: &str = "/usr/share/openvswitch/vswitch.ovsschema";

/// The directory of the controller's sockets.
const RUN: &str = "/run/bridgechain";

/// What a host has in place of [`RUN`], in its own directory.
const OWN_RUN: &str = "run";

/// A private ovsdb-server and ovs-vswitchd: all their files are in one directory, all their devices
/// in one namespace.
///
/// The daemons detach, so they are nobody's children; the reaper ends them with the namespace.
#[derive(Debug, Clone)]
pub struct PrivateOvs {
    dir: PathBuf,
    namespace: Namespace,
}

/// Certificates that `ovs-pki` has made.
#[derive(Debug)]
pub struct Certificates {
    dir: PathBuf,
}

impl Certificates {
    /// The certificate of a CA: `switch` or `controller`.
    pub fn ca(&self, kind: &str) -> PathBuf {
        self.dir.join(format!("pki/{kind}ca/cacert.pem"))
    }

    /// A certificate, of `db` or `bridgechain`.
    pub fn certificate(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}-cert.pem"))
    }

    /// Its key.
    pub fn private_key(&self, name: &str) -> PathBuf {
        self.dir.join(format!("{name}-privkey.pem"))
    }

    /// The options by which ovsdb-server serves TLS at `remote`, to those whose certificates the CA
    /// for controllers has signed.
    pub fn options(&self, remote: &str) -> Vec<String> {
        vec![
            format!("--remote={remote}"),
            format!("--private-key={}", self.private_key("db").display()),
            format!("--certificate={}", self.certificate("db").display()),
            format!("--ca-cert={}", self.ca("controller").display()),
        ]
    }
}

impl PrivateOvs {
    /// Makes an empty database and starts both daemons; they serve when this returns.
    ///
    /// # Errors
    ///
    /// Open vSwitch is not installed or does not start.
    pub fn start(dir: &Path, namespace: &Namespace) -> Result<Self> {
        let ovs = Self::at(dir, namespace);
        ovs.create_database()?;
        ovs.start_database()?;
        run(ovs.command("ovs-vsctl").args(["--no-wait", "init"]))?;
        ovs.start_vswitchd()?;
        Ok(ovs)
    }

    /// The Open vSwitch that was [started](Self::start) in this directory and namespace.
    pub fn at(dir: &Path, namespace: &Namespace) -> Self {
        Self {
            dir: dir.to_owned(),
            namespace: namespace.clone(),
        }
    }

    /// Where its sockets, logs and database are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Gives the host in this directory a `/run/bridgechain` of its own, before anything is started
    /// there: neither does its controller meet those of other labs, nor that of the machine.
    ///
    /// # Errors
    ///
    /// The directory cannot be made.
    pub fn own_run(dir: &Path) -> Result<()> {
        fs::create_dir_all(dir.join(OWN_RUN)).context("no directory for the controller's sockets")
    }

    /// A command in the namespace of this Open vSwitch; its tools (`ovs-vsctl`…) find it without
    /// options, and `bridgechain` its controller.
    pub fn command(&self, program: &str) -> Command {
        const MOUNT: &str = r#"mkdir -p "$2" && mount --bind "$1" "$2" && shift 2 && exec "$@""#;
        let run = self.dir.join(OWN_RUN);
        let mut command = match run.exists() {
            true => {
                let mut command = self.namespace.command("unshare");
                command.args(["--mount", "--propagation", "private"]);
                command.args(["sh", "-c", MOUNT, "lab"]).arg(&run);
                command.args([RUN, program]);
                command
            }
            false => self.namespace.command(program),
        };
        for variable in ["OVS_LOGDIR", "OVS_DBDIR", "OVS_SYSCONFDIR"] {
            command.env(variable, &self.dir);
        }
        command.envs(self.variables());
        command
    }

    /// What tells the tools of Open vSwitch, and `bridgechain`, where their sockets are: on the
    /// whole machine, since a host has its own directory there.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = vec![("OVS_RUNDIR", self.dir.display().to_string())];
        let run = self.dir.join(OWN_RUN);
        if run.exists() {
            let api = format!("unix:{}", run.join("api.sock").display());
            variables.push(("BRIDGECHAIN_API", api));
        }
        variables
    }

    /// Runs `ovs-vsctl ARGS`.
    ///
    /// # Errors
    ///
    /// The command fails, or ovs-vswitchd does not take the change over within 20 s.
    pub fn vsctl(&self, args: &[&str]) -> Result<String> {
        run(self.command("ovs-vsctl").arg("--timeout=20").args(args))
    }

    /// Runs `ovs-ofctl -O OpenFlow13 ARGS`.
    ///
    /// # Errors
    ///
    /// The command fails.
    pub fn ofctl(&self, args: &[&str]) -> Result<String> {
        run(self
            .command("ovs-ofctl")
            .args(["-O", "OpenFlow13"])
            .args(args))
    }

    /// Runs `ovs-appctl ARGS` on ovs-vswitchd.
    ///
    /// # Errors
    ///
    /// The command fails.
    pub fn appctl(&self, args: &[&str]) -> Result<String> {
        run(self.command("ovs-appctl").args(args))
    }

    /// The flows of a bridge, one a line, with cookies and without counters and ages; in a fixed
    /// order.
    ///
    /// # Errors
    ///
    /// There is no such bridge.
    pub fn flows(&self, bridge: &str) -> Result<Vec<String>> {
        let flows = self.ofctl(&["--no-stats", "--no-names", "dump-flows", bridge])?;
        let mut flows: Vec<_> = flows.lines().map(|flow| flow.trim().to_owned()).collect();
        flows.retain(|flow| flow.contains("actions="));
        flows.sort();
        Ok(flows)
    }

    /// Makes the datapath forget how it handled earlier frames.
    ///
    /// Changed flows are in force for it only once it has looked at what it remembers again,
    /// shortly afterwards; after this, the next frame meets them for certain.
    ///
    /// # Errors
    ///
    /// ovs-vswitchd does not run.
    pub fn purge(&self) -> Result<()> {
        self.appctl(&["revalidator/purge"]).map(drop)
    }

    /// How many frames met the flows of a bridge with that cookie.
    ///
    /// # Errors
    ///
    /// There is no such bridge.
    pub fn packets(&self, bridge: &str, cookie: u64) -> Result<u64> {
        // The counters of the datapath reach the flows at the next round of the revalidators.
        self.appctl(&["revalidator/wait"])?;
        let flows = self.ofctl(&["dump-aggregate", bridge, &format!("cookie={cookie:#x}/-1")])?;
        let count = flows
            .split_once("packet_count=")
            .and_then(|(_, rest)| rest.split(' ').next());
        count
            .and_then(|count| count.parse().ok())
            .with_context(|| format!("no count in {flows}"))
    }

    /// The OpenFlow number of a port.
    ///
    /// # Errors
    ///
    /// There is no such interface, or it could not be opened.
    pub fn ofport(&self, interface: &str) -> Result<u16> {
        let number = self.vsctl(&["get", "Interface", interface, "ofport"])?;
        number
            .trim()
            .parse()
            .with_context(|| format!("{interface} has no port number: {number}"))
    }

    /// Stops ovs-vswitchd; flows and ports are gone, the database stays.
    ///
    /// # Errors
    ///
    /// It does not run, or does not end.
    pub fn stop_vswitchd(&self) -> Result<()> {
        let pid_file = self.dir.join("ovs-vswitchd.pid");
        self.appctl(&["exit"])?;
        // The daemon removes the file at its very end.
        wait::until("the end of ovs-vswitchd", || {
            Ok((!pid_file.exists()).then_some(()))
        })
    }

    /// Starts ovs-vswitchd; it has taken the database over when this returns.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_vswitchd(&self) -> Result<()> {
        run(self.daemon("ovs-vswitchd").arg(self.db())).map(drop)
    }

    /// Makes an empty database.
    ///
    /// # Errors
    ///
    /// There is one.
    pub fn create_database(&self) -> Result<()> {
        let mut tool = self.command("ovsdb-tool");
        run(tool.arg("create").arg(self.dir.join("conf.db")).arg(SCHEMA)).map(drop)
    }

    /// Starts ovsdb-server; it serves when this returns.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_database(&self) -> Result<()> {
        self.start_database_with(&[])
    }

    /// Starts ovsdb-server with more options.
    ///
    /// # Errors
    ///
    /// It does not start.
    pub fn start_database_with(&self, options: &[String]) -> Result<()> {
        let remote = format!("--remote=punix:{}", self.db_sock().display());
        let database = self.dir.join("conf.db");
        let mut daemon = self.daemon("ovsdb-server");
        // As `ovs-ctl` has it: what `ovs-vsctl set-manager` says is listened at.
        daemon.arg("--remote=db:Open_vSwitch,Open_vSwitch,manager_options");
        run(daemon.arg(remote).args(options).arg(&database)).map(drop)
    }

    /// Makes certificates in a directory of their own, as the manual of Open vSwitch says: of two CAs,
    /// one for switches and one for controllers, and one of each that it has signed.
    ///
    /// # Errors
    ///
    /// `ovs-pki` fails.
    pub fn make_certificates(&self) -> Result<Certificates> {
        let dir = self.dir.join("certificates");
        fs::create_dir(&dir)?;
        let pki = |words: &[&str]| {
            let mut command = self.command("ovs-pki");
            command
                .current_dir(&dir)
                .args(["--batch", "--dir=pki", "--log=log"]);
            run(command.args(words)).map(drop)
        };
        pki(&["init"])?;
        pki(&["req+sign", "db", "switch"])?;
        pki(&["req+sign", "bridgechain", "controller"])?;
        Ok(Certificates { dir })
    }

    /// Sends a signal to ovsdb-server: one that ends it, that stops it, or that lets it go on.
    ///
    /// # Errors
    ///
    /// It does not run.
    pub fn signal_database(&self, signal: Signal) -> Result<()> {
        let pid_file = self.dir.join("ovsdb-server.pid");
        let pid = fs::read_to_string(&pid_file).context("ovsdb-server does not run")?;
        kill(Pid::from_raw(pid.trim().parse()?), signal).context("ovsdb-server is gone")
    }

    /// Where its database is, in the words of `ovs-vsctl --db`.
    pub fn db(&self) -> String {
        format!("unix:{}", self.db_sock().display())
    }

    fn daemon(&self, program: &str) -> Command {
        let mut command = self.command(program);
        command.args(["--detach", "--no-chdir", "--pidfile", "--log-file"]);
        command
    }

    fn db_sock(&self) -> PathBuf {
        self.dir.join("db.sock")
    }
}
