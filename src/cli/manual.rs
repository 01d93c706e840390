//! `bridgechain man`: the manual, a page for each subcommand.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use clap_mangen::Man;

/// Arguments of `bridgechain man`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The directory that pages are written to, one for each subcommand, such as
    /// /usr/local/share/man/man1. Without it the first page is printed
    directory: Option<PathBuf>,
}

/// Writes all pages, or prints the first.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        Man::new(super::command()).render(&mut page)?;
        super::print(&String::from_utf8_lossy(&page))?;
        return Ok(ExitCode::SUCCESS);
    };
    write(directory).with_context(|| format!("cannot write to {}", directory.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn write(directory: &Path) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    clap_mangen::generate_to(super::command(), directory)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A command and all below it, by the names of their pages.
    fn pages(command: &clap::Command, name: &str) -> Vec<String> {
        let mut pages = vec![format!("{name}.1")];
        for below in command.get_subcommands() {
            let name = format!("{name}-{}", below.get_name());
            pages.extend(self::pages(below, &name));
        }
        pages
    }

    #[test]
    fn every_subcommand_has_a_page_that_groff_takes() {
        let directory = tempfile::tempdir().expect("a directory");
        write(directory.path()).expect("pages");
        let pages = pages(&crate::cli::command(), "bridgechain");
        assert!(pages.contains(&"bridgechain-mac-list.1".to_owned()));
        for page in pages {
            let page = directory.path().join(page);
            assert!(page.exists(), "{}", page.display());
            // Where there is none, the pages were made at the least.
            let mut groff = Command::new("groff");
            groff.args(["-man", "-ww", "-Tutf8", "-z"]).arg(&page);
            if let Ok(output) = groff.output() {
                let said = String::from_utf8_lossy(&output.stderr);
                assert!(output.status.success() && said.is_empty(), "{said}");
            }
        }
    }

    #[test]
    fn every_subcommand_says_how_it_exits() {
        fn check(command: &mut clap::Command) {
            if command.get_name() == "help" {
                return;
            }
            let help = command.render_long_help().to_string();
            assert!(help.contains("Exit status"), "{}", command.get_name());
            command.get_subcommands_mut().for_each(check);
        }
        let mut command = crate::cli::command();
        command.build();
        check(&mut command);
    }
}
