//! `bridgechain decode`: shows OpenFlow messages.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Stdout};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use bridgechain::decode::{self, Flush, Format, Outcome};

use super::ReaderGone;

/// Arguments of `bridgechain decode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write one JSON object a message
    #[arg(long)]
    json: bool,
    /// Write the hex of each message, encoded anew from the decoded form
    #[arg(long, conflicts_with = "json")]
    reencode: bool,
    /// Read a packet capture (pcap or pcapng) instead of lines of hex
    #[arg(long, value_name = "FILE")]
    pcap: Option<PathBuf>,
    /// TCP port of the OpenFlow connections in the capture; may be given several times
    #[arg(long, value_name = "PORT", requires = "pcap", default_values_t = decode::OPENFLOW_PORTS)]
    port: Vec<u16>,
}

/// Exit status 1 says that some message could not be decoded.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let format = match (args.json, args.reencode) {
        (true, _) => Format::Json,
        (_, true) => Format::Reencode,
        _ => Format::Text,
    };
    let stdout = io::stdout();
    let flush = flush_of(&stdout);
    let output = BufWriter::new(stdout.lock());
    let result = match &args.pcap {
        Some(path) => {
            let file =
                File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
            decode::capture(file, &args.port, output, format, flush)
        }
        None => decode::hex_lines(BufReader::new(io::stdin().lock()), output, format, flush),
    };
    match result {
        Ok(outcome) => Ok(exit_code(outcome)),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(ReaderGone.into()),
        Err(error) => Err(error).context("cannot go on"),
    }
}

fn exit_code(outcome: Outcome) -> ExitCode {
    match outcome.errors {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// Nobody waits for the next line of a file; behind a pipe or a terminal somebody may.
fn flush_of(stdout: &Stdout) -> Flush {
    let is_file = stdout
        .as_fd()
        .try_clone_to_owned()
        .and_then(|fd| File::from(fd).metadata())
        .is_ok_and(|metadata| metadata.is_file());
    match is_file {
        true => Flush::AtEnd,
        false => Flush::EachLine,
    }
}
