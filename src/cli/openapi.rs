//! `bridgechain openapi`: what the API of the controller is.

use std::process::ExitCode;

use anyhow::Context;

/// Prints the OpenAPI document.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let document = bridgechain::api::openapi();
    let text = document.to_pretty_json().context("no document")?;
    super::print(&(text + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
