//! Network namespaces, and raw sockets in them.

use std::fs::File;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use anyhow::{Context, Result, anyhow, bail};
use nix::ifaddrs::getifaddrs;
use nix::sched::{CloneFlags, setns};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, sendto, socket,
};

use crate::command::run;

/// A named network namespace, as `ip netns` knows it.
///
/// It outlives the value: the reaper deletes it by its name.
#[derive(Debug, Clone)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes a namespace, with its loopback device up and IPv6 off: no frame leaves a new station
    /// by itself.
    ///
    /// # Errors
    ///
    /// `ip netns add` fails, for example because the caller is not root.
    pub fn add(name: String) -> Result<Self> {
        run(Command::new("ip").args(["netns", "add", &name]))?;
        let namespace = Self { name };
        namespace.ip(&["link", "set", "dev", "lo", "up"])?;
        namespace.sysctl("net.ipv6.conf.all.disable_ipv6", "1")?;
        namespace.sysctl("net.ipv6.conf.default.disable_ipv6", "1")?;
        Ok(namespace)
    }

    /// The namespace of that name, which [exists](Self::add).
    pub fn named(name: String) -> Self {
        Self { name }
    }

    /// The name, for `ip netns exec NAME`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A command that will run in this namespace.
    pub fn command(&self, program: &str) -> Command {
        // nsenter rather than `ip netns exec`: the mounts stay as they are, and nothing but the
        // network changes.
        let mut command = Command::new("nsenter");
        command.arg(format!("--net={}", self.path().display()));
        command.args(["--", program]);
        command
    }

    /// Runs `ip ARGS` in this namespace.
    ///
    /// # Errors
    ///
    /// `ip` fails.
    pub fn ip(&self, args: &[&str]) -> Result<String> {
        run(Command::new("ip").args(["-n", &self.name]).args(args))
    }

    /// Sets a kernel parameter of this namespace.
    ///
    /// # Errors
    ///
    /// `sysctl` fails.
    pub fn sysctl(&self, key: &str, value: &str) -> Result<()> {
        run(self
            .command("sysctl")
            .args(["-q", "-w", &format!("{key}={value}")]))
        .map(drop)
    }

    /// Makes a device compute checksums and cut segments itself.
    ///
    /// A virtual device leaves both to the next one, which a datapath in user space is not aware
    /// of: it would pass on TCP segments with a wrong checksum, or of 64 KiB.
    ///
    /// # Errors
    ///
    /// `ethtool` is missing or fails.
    pub fn software_checksums(&self, device: &str) -> Result<()> {
        run(self
            .command("ethtool")
            .args(["-K", device, "tx", "off", "tso", "off", "gso", "off"]))
        .map(drop)
    }

    /// Opens a socket that sends raw frames out of a device of this namespace.
    ///
    /// # Errors
    ///
    /// The namespace or the device is gone, or the caller is not root.
    pub fn raw_socket(&self, device: &str) -> Result<RawSocket> {
        self.enter(|| RawSocket::open(device))
            .with_context(|| format!("cannot send frames from {device} in {}", self.name))
    }

    /// Does something in this namespace, in a thread of its own. Sockets that are made there stay
    /// in the namespace.
    ///
    /// # Errors
    ///
    /// The namespace is gone, the caller is not root, or `act` fails.
    pub fn enter<T: Send>(&self, act: impl FnOnce() -> Result<T> + Send) -> Result<T> {
        let path = self.path();
        thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let namespace = File::open(&path)?;
                setns(namespace, CloneFlags::CLONE_NEWNET)?;
                act()
            });
            thread
                .join()
                .unwrap_or_else(|_| Err(anyhow!("the thread panicked")))
        })
    }

    fn path(&self) -> PathBuf {
        PathBuf::from("/run/netns").join(&self.name)
    }
}

/// A packet socket that sends whole Ethernet frames out of one device.
#[derive(Debug)]
pub struct RawSocket {
    socket: OwnedFd,
    device: LinkAddr,
}

impl RawSocket {
    fn open(device: &str) -> Result<Self> {
        // No protocol: the socket sends only, nothing piles up in its receive buffer.
        let socket = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            None::<SockProtocol>,
        )?;
        // The kernel hands out a complete link-layer address of the device, so there is none to
        // build by hand.
        let device = getifaddrs()?
            .filter(|interface| interface.interface_name == device)
            .find_map(|interface| interface.address?.as_link_addr().copied())
            .context("there is no such device")?;
        Ok(Self { socket, device })
    }

    /// Sends one frame: destination, source, tags, type and payload, without the checksum.
    ///
    /// # Errors
    ///
    /// The device is down or gone, or the frame is too long for it.
    pub fn send(&self, frame: &[u8]) -> Result<()> {
        let sent = sendto(
            self.socket.as_raw_fd(),
            frame,
            &self.device,
            MsgFlags::empty(),
        )?;
        if sent != frame.len() {
            bail!("only {sent} of {} bytes were sent", frame.len());
        }
        Ok(())
    }
}
