//! `bridgechain completions`: what makes a shell complete the command line.

use std::process::ExitCode;

use clap_complete::Shell;

/// Arguments of `bridgechain completions`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
bash: bridgechain completions bash > /usr/share/bash-completion/completions/bridgechain
zsh:  bridgechain completions zsh > /usr/local/share/zsh/site-functions/_bridgechain
fish: bridgechain completions fish > /usr/share/fish/vendor_completions.d/bridgechain.fish

These know commands and options. Who runs the command itself at each Tab is offered the names of
networks, VMs, vNICs and chains too, as the controller or the file that is named has them:
bash: source <(COMPLETE=bash bridgechain), in ~/.bashrc
zsh:  source <(COMPLETE=zsh bridgechain), in ~/.zshrc
fish: COMPLETE=fish bridgechain | source, in ~/.config/fish/config.fish

Exit status: 0 done, 1 failed, 2 wrong arguments.")]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

/// Prints the script for the shell.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    super::print(&script(args.shell))?;
    Ok(ExitCode::SUCCESS)
}

fn script(shell: Shell) -> String {
    let mut command = super::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command, name, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};

    use super::*;

    /// Lets a shell look at a script without running it; `None` where there is no such shell.
    fn is_accepted(shell: &str, script: &str) -> Option<bool> {
        let mut command = Command::new(shell);
        command.stdin(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.arg("-n").spawn().ok()?;
        let mut stdin = child.stdin.take()?;
        stdin.write_all(script.as_bytes()).ok()?;
        drop(stdin);
        Some(child.wait().ok()?.success())
    }

    #[test]
    fn shells_accept_their_scripts() {
        assert_eq!(is_accepted("bash", "if"), Some(false));
        assert_eq!(is_accepted("bash", &script(Shell::Bash)), Some(true));
        for (shell, name) in [(Shell::Zsh, "zsh"), (Shell::Fish, "fish")] {
            assert_ne!(is_accepted(name, &script(shell)), Some(false), "{name}");
        }
    }

    /// As a user of bash sees it: what is offered after a beginning.
    #[test]
    fn bash_offers_subcommands_and_options() {
        let offered = |words: &str| {
            let script = script(Shell::Bash);
            let complete = format!(
                "{script}\nCOMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
                 _bridgechain bridgechain \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"
                 echo \"${{COMPREPLY[@]}}\""
            );
            let output = Command::new("bash").args(["-c", &complete]).output();
            let output = output.expect("bash runs");
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        };
        assert_eq!(offered("bridgechain doc"), "doctor");
        assert_eq!(offered("bridgechain mac li"), "list");
        assert_eq!(offered("bridgechain trace --li"), "--live");
    }
}
