//! Runs `ovs-vsctl`.

use std::process::{Command, Stdio};

use anyhow::{Context, bail};

/// How long it may wait for ovs-vswitchd to take a change over, in seconds.
pub(super) const TIMEOUT: &str = "--timeout=30";

/// Runs `ovs-vsctl` on the database `db`, or the default one; what it printed.
pub(super) fn run<'a>(
    db: Option<&str>,
    arguments: impl IntoIterator<Item = &'a str>,
) -> anyhow::Result<String> {
    let mut command = Command::new("ovs-vsctl");
    command
        .args(db.map(|db| format!("--db={db}")))
        .arg(TIMEOUT)
        .args(arguments);
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot run ovs-vsctl; is Open vSwitch installed?")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!("ovs-vsctl failed ({}): {}", output.status, said.trim());
    }
    // It also succeeds where a device could not be opened, and says so.
    if !said.is_empty() {
        say!("{}", said.trim_end());
    }
    String::from_utf8(output.stdout).context("ovs-vsctl printed something that is not UTF-8")
}
