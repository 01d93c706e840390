//! `bridgechain acli`: the words of AHV, as arguments, at a prompt, or from a file.

use std::io::{self, BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, anyhow, bail};
use bridgechain::acli;
use bridgechain::inventory::Inventory;
use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::Validator;
use rustyline::{Config, Editor, Helper};

use super::WrongArguments;
use super::change::{Dry, said};
use super::completing;
use super::source::{Place, Source};

/// Arguments of `bridgechain acli`.
#[derive(Debug, clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    dry: Dry,
    /// Print as JSON what commands tell that ask
    #[arg(long)]
    json: bool,
    /// Answer what a command asks with yes
    #[arg(short, long)]
    yes: bool,
    /// The command; without one, a prompt, or the lines of stdin where that is no terminal
    #[arg(add = completing::acli_words())]
    command: Vec<String>,
}

/// All commands, for the help.
fn help() -> String {
    let commands = acli::overview();
    let commands: String = commands.lines().map(|line| format!("  {line}\n")).collect();
    let exit_status = super::EXIT_STATUS;
    format!("Commands:\n{commands}\n{exit_status}")
}

/// Where commands are done, and how.
struct Session {
    source: Source,
    dry: Dry,
    json: bool,
    yes: bool,
}

/// Does what the words say.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let session = Session {
        source: Source::open(&args.place)?,
        dry: args.dry,
        json: args.json,
        yes: args.yes,
    };
    if !args.command.is_empty() {
        session.perform(&args.command)?;
    } else if io::stdin().is_terminal() {
        prompt(&session)?;
    } else {
        for (number, line) in io::stdin().lock().lines().enumerate() {
            let line = line.context("cannot read stdin")?;
            let more = session.obey(&line);
            if !more.with_context(|| format!("line {}", number + 1))? {
                break;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Session {
    /// Does what a line says; says whether there may be more.
    fn obey(&self, line: &str) -> anyhow::Result<bool> {
        let line = line.trim();
        match line {
            "" => {}
            comment if comment.starts_with('#') => {}
            "exit" | "quit" => return Ok(false),
            line => self.perform(&acli::words(line).map_err(wrong)?)?,
        }
        Ok(true)
    }

    fn perform(&self, words: &[String]) -> anyhow::Result<()> {
        match words {
            [help] if help == "help" => return super::print(&acli::overview()),
            [help, name, ..] if help == "help" => match acli::explain(name) {
                Some(usage) => return super::print(&usage),
                // That there is no such command is told in the same way as where it is given.
                None => return acli::parse(&[name]).map(|_| ()).map_err(wrong),
            },
            _ => {}
        }
        let command = acli::parse(words).map_err(wrong)?;
        let known = self.source.inventory()?;
        let refuse = |message: String| anyhow!(message);
        let edits = acli::edits(&command, &known);
        let answer = match (edits.map_err(refuse)?, self.json) {
            (None, false) => acli::answer(&command, &known).map_err(refuse)?,
            (None, true) => super::json(&acli::answer_json(&command, &known).map_err(refuse)?)?,
            (Some(_), true) => {
                let what =
                    "--json is for commands that ask: net.list, net.list_vms, vm.list, vm.get";
                return Err(WrongArguments(what.to_owned()).into());
            }
            (Some(_), false) => {
                if !self.may(&command, &known)? {
                    return super::print("nothing has changed\n");
                }
                let told = std::cell::RefCell::new(String::new());
                let made = self.source.change(self.dry.dry_run, |known| {
                    let made = acli::edits(&command, known).map_err(refuse)?;
                    let (edits, what) = made.unwrap_or_default();
                    told.replace(what);
                    Ok(edits)
                })?;
                said(self.dry, &told.borrow(), &made)
            }
        };
        super::print(&answer)
    }

    /// Whether whoever is asked before a command agrees, if somebody is.
    fn may(&self, command: &acli::Command, known: &Inventory) -> anyhow::Result<bool> {
        let question = acli::question(command, known).map_err(|message| anyhow!(message))?;
        match question {
            Some(question) if !self.yes && !self.dry.dry_run => confirmed(&question),
            _ => Ok(true),
        }
    }
}

/// Words that are none of a command, or not all of it.
fn wrong(error: acli::ParseError) -> anyhow::Error {
    WrongArguments(error.to_string()).into()
}

/// Asks whoever sits at the terminal.
fn confirmed(question: &str) -> anyhow::Result<bool> {
    if !io::stdin().is_terminal() {
        bail!(
            "{question} Nobody can be asked here; if that is meant, say `bridgechain acli --yes`"
        );
    }
    eprint!("{question} (yes/no) ");
    let mut answer = String::new();
    io::stdin()
        .read_line(&mut answer)
        .context("cannot read an answer")?;
    Ok(answer.trim() == "yes")
}

/// Reads commands from a person.
fn prompt(session: &Session) -> anyhow::Result<()> {
    let config = Config::builder()
        .completion_type(rustyline::CompletionType::List)
        .auto_add_history(true)
        .build();
    let mut editor = Editor::<Completion<'_>, FileHistory>::with_config(config)?;
    editor.set_helper(Some(Completion {
        source: &session.source,
    }));
    let history = history();
    if let Some(path) = &history {
        // There is none at first.
        let _ = editor.load_history(path);
    }
    loop {
        match editor.readline("<bridgechain> ") {
            Ok(line) => match session.obey(&line) {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) => say!("{error:#}"),
            },
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error).context("cannot read a line"),
        }
    }
    if let Some(path) = &history
        && let Err(error) = save(&mut editor, path)
    {
        let path = path.display();
        say!("bridgechain: these lines are not kept for the next time in {path}: {error}");
    }
    Ok(())
}

fn save(
    editor: &mut Editor<Completion<'_>, FileHistory>,
    path: &Path,
) -> Result<(), ReadlineError> {
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)?;
    }
    editor.save_history(path)
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
