//! `bridgechain run`: the controller.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use bridgechain::api::{Api, Metrics};
use bridgechain::config;
use bridgechain::controller::Controller;
use bridgechain::topology::{self, Topology};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{error, info, warn};

use super::LogFormat;

/// Arguments of `bridgechain run`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The configuration file (YAML); SIGHUP reads it again
    config: PathBuf,
    /// How log lines are written to stderr
    #[arg(long, value_enum, default_value_t)]
    pub(super) log_format: LogFormat,
}

/// Runs the controller until SIGTERM or SIGINT.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(topology) = load(&args.config) else {
        return Ok(ExitCode::FAILURE);
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads for the controller")?;
    runtime.block_on(serve(&args.config, topology))?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: &Path, topology: Topology) -> anyhow::Result<()> {
    // Before anything is said: who waits for the first log line may send a signal at once.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let settings = topology.controller.clone();
    let (topologies, followed) = watch::channel(Arc::new(topology));
    let controller = Controller::bind(followed)?;
    for endpoint in controller.endpoints() {
        info!("listening on {endpoint}");
    }
    let api = serve_api(&settings, &controller);
    let metrics = serve_metrics(&settings, &controller);
    // In a task of its own, so that reading a configuration holds up nobody.
    let controller = tokio::spawn(controller.run());
    loop {
        tokio::select! {
            Some(()) = hangup.recv() => reload(config, &topologies),
            Some(()) = terminate.recv() => break info!("SIGTERM: ends; flows stay"),
            Some(()) = interrupt.recv() => break info!("SIGINT: ends; flows stay"),
        }
    }
    // Cancelled, as they are just told; they close their sockets on the way out.
    for task in [Some(controller), api, metrics].into_iter().flatten() {
        task.abort();
        let _ = task.await;
    }
    Ok(())
}

/// Serves the API, in a task of its own. The controller does its work without it, too.
fn serve_api(settings: &topology::Controller, controller: &Controller) -> Option<JoinHandle<()>> {
    match Api::bind(settings) {
        Ok(api) => {
            info!("the API is served on {}", api.endpoint());
            Some(tokio::spawn(api.run(controller.observer())))
        }
        Err(error) => {
            warn!("no API, so no `bridgechain status`: {error}");
            None
        }
    }
}

/// Serves metrics where the configuration wants them, besides the API, in the same way.
fn serve_metrics(
    settings: &topology::Controller,
    controller: &Controller,
) -> Option<JoinHandle<()>> {
    match Metrics::bind(settings.metrics?) {
        Ok(metrics) => {
            info!("metrics are served on {}", metrics.endpoint());
            Some(tokio::spawn(metrics.run(controller.observer())))
        }
        Err(error) => {
            warn!("no metrics: {error}");
            None
        }
    }
}

/// Reads the configuration again. A bad one is refused, and the old one stays in force.
fn reload(config: &Path, topologies: &watch::Sender<Arc<Topology>>) {
    let Some(topology) = load(config) else {
        warn!(config = %config.display(), "not reloaded, the configuration before stays in force");
        return;
    };
    for key in fixed_at_start(&topology.controller, &topologies.borrow().controller) {
        warn!("`controller.{key}` has changed: that takes a restart");
    }
    let (hosts, networks) = (topology.hosts.len(), topology.networks.len());
    topologies.send_replace(Arc::new(topology));
    info!(config = %config.display(), hosts, networks, "reloaded");
}

/// The settings that differ and are not followed while the controller runs.
fn fixed_at_start(
    new: &topology::Controller,
    old: &topology::Controller,
) -> impl Iterator<Item = &'static str> {
    [
        ("listen", new.listen != old.listen),
        ("api", new.api != old.api),
        ("api_token_file", new.api_token_file != old.api_token_file),
        ("metrics", new.metrics != old.metrics),
    ]
    .into_iter()
    .filter_map(|(key, differs)| differs.then_some(key))
}

/// The configuration, if it is good. What is wrong or doubtful is logged, all of it.
fn load(config: &Path) -> Option<Topology> {
    match config::load(config) {
        Ok((topology, warnings)) => {
            for warning in warnings {
                warn!("{warning}");
            }
            Some(topology)
        }
        Err(diagnostics) => {
            for diagnostic in diagnostics.iter() {
                error!("{diagnostic}");
            }
            None
        }
    }
}
