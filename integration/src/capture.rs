//! Frames as they arrive at a device.

use std::io::{BufReader, ErrorKind, Read};
use std::process::{Child, ChildStdout, Stdio};

use anyhow::{Context, Result, bail};

use crate::command::shown;
use crate::frame::Frame;
use crate::inbox::Inbox;
use crate::netns::Namespace;

/// A frame that arrived at a port.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The name of the port.
    pub port: String,
    /// The frame.
    pub frame: Frame,
}

/// Puts everything that arrives at one device into an [`Inbox`], from its start until it is
/// dropped.
///
/// tcpdump does the capturing: it puts back the VLAN tag that the kernel strips from every frame,
/// which takes a socket option that safe Rust cannot set. Frames that the device sends are left
/// out.
#[derive(Debug)]
pub struct Capture {
    tcpdump: Child,
}

impl Capture {
    /// Starts to capture; no frame that comes after the return is missed. The inbox gets them under
    /// the name of the port.
    ///
    /// # Errors
    ///
    /// tcpdump is not installed, or cannot capture on this device.
    pub fn start(
        namespace: &Namespace,
        device: &str,
        port: &str,
        inbox: &Inbox<Sighting>,
    ) -> Result<Self> {
        let mut command = namespace.command("tcpdump");
        // What arrives, each frame written at once, to stdout; a buffer of 4 MiB for bursts; stay
        // root (-Z).
        command.args([
            "-i",
            device,
            "-Q",
            "in",
            "-U",
            "--immediate-mode",
            "-w",
            "-",
        ]);
        command.args(["-B", "4096", "-Z", "root"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut tcpdump = command
            .spawn()
            .with_context(|| format!("cannot start {}", shown(&command)))?;
        if let Some(stdout) = tcpdump.stdout.take() {
            let (port, inbox) = (port.to_owned(), inbox.clone());
            std::thread::spawn(move || {
                let push = |frame| {
                    inbox.push(Sighting {
                        port: port.clone(),
                        frame,
                    })
                };
                if let Err(error) = read_pcap(stdout, push) {
                    eprintln!("capture at {port}: {error:#}");
                }
            });
        }
        let notes = tcpdump.stderr.take().map(Inbox::lines).unwrap_or_default();
        let capture = Self { tcpdump };
        let ready = |lines: &[String]| {
            lines
                .iter()
                .any(|line| line.contains("listening on"))
                .then_some(())
        };
        if notes.wait(ready).is_none() {
            bail!("{} does not capture: {}", shown(&command), notes.text());
        }
        Ok(capture)
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // It may have ended by itself, with its device or its namespace.
        let _ = self.tcpdump.kill();
        let _ = self.tcpdump.wait();
    }
}

/// The head of a pcap file: magic number, version, time zone, accuracy, snapshot length, link type.
const FILE_HEADER: usize = 24;
/// The head of a frame: seconds, microseconds, captured length, length on the wire; each 4 bytes.
const FRAME_HEADER: usize = 16;

/// Reads tcpdump's output until it ends.
fn read_pcap(stream: ChildStdout, push: impl Fn(Frame)) -> Result<()> {
    let mut stream = BufReader::new(stream);
    let mut header = [0; FILE_HEADER];
    if !fill(&mut stream, &mut header)? {
        return Ok(());
    }
    let mut header = [0; FRAME_HEADER];
    while fill(&mut stream, &mut header)? {
        // tcpdump writes the byte order of the machine; the lengths cannot exceed its snapshot
        // length.
        let length = u32::from_ne_bytes([header[8], header[9], header[10], header[11]]);
        let mut bytes = vec![0; length as usize];
        if !fill(&mut stream, &mut bytes)? {
            break;
        }
        push(Frame::decode(&bytes)?);
    }
    Ok(())
}

/// Fills a buffer; `false` when the stream ends before it is full, as it does when tcpdump is
/// killed.
fn fill(stream: &mut impl Read, buffer: &mut [u8]) -> Result<bool> {
    match stream.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error.into()),
    }
}
