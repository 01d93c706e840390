//! How commands are written, for a person.

use std::fmt::Write;

use super::usage::{COMMANDS, Usage};

/// All commands, a line each, and how to ask for more.
pub fn overview() -> String {
    let commands = COMMANDS.iter().map(|usage| (head(usage), usage.help));
    let help = "show this, or a command with all its arguments";
    let help = ("help [COMMAND]".to_owned(), help);
    let lines: Vec<(String, &str)> = commands.chain([help]).collect();
    let width = lines.iter().map(|(head, _)| head.len()).max().unwrap_or(0);
    let mut text = String::new();
    for (head, help) in lines {
        // A String takes everything.
        let _ = writeln!(text, "{head:width$}  {help}");
    }
    text
}

/// One command with all its arguments; `None` where there is none of this name.
pub fn explain(name: &str) -> Option<String> {
    let usage = COMMANDS.iter().find(|usage| usage.name == name)?;
    Some(format!("{}\n    {}\n", usage.line(), usage.help))
}

/// A command with what it can not do without; three dots for what it can.
fn head(usage: &Usage) -> String {
    let line = usage.line();
    match line.split_once(" [") {
        Some((head, _)) => format!("{head} ..."),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_a_line() {
        let text = overview();
        assert_eq!(text.lines().count(), COMMANDS.len() + 1);
        assert!(
            text.contains("net.create NAME vlan=ID   make a network; "),
            "{text}"
        );
        assert!(
            text.contains("vm.nic_create VM ...      make a vNIC\n"),
            "{text}"
        );
        assert!(text.lines().all(|line| line.len() < 80), "{text}");
    }

    #[test]
    fn one_command_is_explained_with_its_arguments() {
        let text = explain("vm.nic_update").unwrap();
        assert!(
            text.starts_with("vm.nic_update VM NIC [network=NETWORK] ["),
            "{text}"
        );
        assert_eq!(explain("vm.nic"), None);
    }
}
