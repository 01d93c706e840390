//! `bridgechain acli`: the words of AHV, as arguments, at a prompt, or from a file.

use std::io::{self, BufRead, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};
use bridgechain::acli::{self, COMMANDS};
use bridgechain::inventory::Inventory;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Editor, Helper};

use super::change::{Dry, said};
use super::source::{Place, Source};

/// Arguments of `bridgechain acli`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    /// The command; without one, a prompt, or the lines of stdin where that is no terminal
    #[arg(trailing_var_arg = true)]
    command: Vec<String>,
}

/// Does what the words say.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let source = Source::open(&args.place)?;
    if !args.command.is_empty() {
        perform(&source, &args.command)?;
    } else if io::stdin().is_terminal() {
        prompt(&source)?;
    } else {
        for (number, line) in io::stdin().lock().lines().enumerate() {
            let line = line.context("cannot read stdin")?;
            if !obey(&source, &line).with_context(|| format!("line {}", number + 1))? {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Does what a line says; says whether there may be more.
fn obey(source: &Source, line: &str) -> anyhow::Result<bool> {
    let line = line.trim();
    match line {
        "" => {}
        comment if comment.starts_with('#') => {}
        "exit" | "quit" => return Ok(false),
        "help" => {
            let lines = COMMANDS.iter();
            let lines = lines.map(|usage| format!("{}\n    {}\n", usage.line(), usage.help));
            super::print(&lines.collect::<String>())?;
        }
        line => perform(source, &acli::words(line)?)?,
    }
    Ok(true)
}

fn perform(source: &Source, words: &[String]) -> anyhow::Result<()> {
    let command = acli::parse(words)?;
    let known = source.inventory()?;
    let refuse = |message: String| anyhow!(message);
    let answer = match acli::edits(&command, &known).map_err(refuse)? {
        None => acli::answer(&command, &known).map_err(refuse)?,
        Some(_) => {
            let told = std::cell::RefCell::new(String::new());
            let made = source.change(false, |known| {
                let edit = acli::edits(&command, known).map_err(refuse)?;
                Ok(edit
                    .map(|(edit, what)| {
                        told.replace(what);
                        edit
                    })
                    .into_iter()
                    .collect())
            })?;
            said(Dry { dry_run: false }, &told.borrow(), &made)
        }
    };
    super::print(&answer)
}

/// Reads commands from a person.
fn prompt(source: &Source) -> anyhow::Result<()> {
    let config = Config::builder()
        .completion_type(rustyline::CompletionType::List)
        .auto_add_history(true)
        .build();
    let mut editor = Editor::<Completion<'_>, FileHistory>::with_config(config)?;
    editor.set_helper(Some(Completion { source }));
    let history = history();
    if let Some(path) = &history {
        // There is none at first.
        let _ = editor.load_history(path);
    }
    loop {
        match editor.readline("<bridgechain> ") {
            Ok(line) => match obey(source, &line) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => eprintln!("{error:#}"),
            },
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error).context("cannot read a line"),
        }
    }
    if let Some(path) = &history {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .with_context(|| format!("cannot make {}", directory.display()))?;
        }
        editor
            .save_history(path)
            .with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// Where the lines of earlier times are kept.
fn history() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let home = || Some(PathBuf::from(set("HOME")?).join(".local/state"));
    let state = set("XDG_STATE_HOME").map(PathBuf::from).or_else(home)?;
    Some(state.join("bridgechain/acli_history"))
}

/// Completes words by what there is at the moment.
struct Completion<'s> {
    source: &'s Source,
}

impl Helper for Completion<'_> {}
impl Highlighter for Completion<'_> {}
impl Validator for Completion<'_> {}

impl Hinter for Completion<'_> {
    type Hint = String;
}

impl Completer for Completion<'_> {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        at: usize,
        _: &rustyline::Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        // Without a configuration commands and arguments can still be completed.
        let seen = self.source.see().ok();
        let known = seen.and_then(|seen| Inventory::read(&seen.text).ok());
        Ok(acli::complete(&line[..at], &known.unwrap_or_default()))
    }
}
