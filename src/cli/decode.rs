//! `bridgechain decode`: shows OpenFlow messages.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, ErrorKind, Stdout};
use std::os::fd::AsFd;
use std::process::ExitCode;

use anyhow::Context;
use bridgechain::decode::{self, Flush, Format, Outcome};

/// Arguments of `bridgechain decode`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write one JSON object a message
    #[arg(long)]
    json: bool,
    /// Write the hex of each message, encoded anew from the decoded form
    #[arg(long, conflicts_with = "json")]
    reencode: bool,
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
    let result = decode::hex_lines(BufReader::new(io::stdin().lock()), output, format, flush);
    match result {
        Ok(outcome) => Ok(exit_code(outcome)),
        // Who reads has seen enough, as with `| head`.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
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
