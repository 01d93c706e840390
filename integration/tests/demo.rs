//! The demos, as a person starts them.

use std::process::Command;

use anyhow::Result;
use integration::command::output;

fn holds(args: &[&str]) -> Result<()> {
    let demo = output(Command::new(env!("CARGO_BIN_EXE_demo")).args(args))?;
    let text = String::from_utf8_lossy(&demo.stdout);
    let notes = String::from_utf8_lossy(&demo.stderr);
    assert!(demo.status.success(), "{text}\n{notes}");
    assert!(text.contains("\nAll as it must be"), "{text}");
    Ok(())
}

#[test]
fn who_sees_which_frame() -> Result<()> {
    holds(&[])
}

#[test]
fn an_ips_in_the_way() -> Result<()> {
    holds(&["--inline"])
}
