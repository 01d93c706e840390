//! `bridgechain run`: the controller.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use bridgechain::api::{Api, Metrics};
use bridgechain::config::{Diagnostic, Diagnostics};
use bridgechain::controller::Controller;
use bridgechain::store::Store;
use bridgechain::topology;
use tokio::signal::unix::{SignalKind, signal};
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
    let store = match Store::open(&args.config) {
        Ok((store, warnings)) => {
            warn_of(&warnings);
            store
        }
        Err(diagnostics) => {
            complain(&diagnostics);
            return Ok(ExitCode::FAILURE);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("no threads for the controller")?;
    let served = runtime.block_on(serve(Arc::new(store)));
    // A file that can not be read holds up nobody, at the end either.
    runtime.shutdown_background();
    served?;
    Ok(ExitCode::SUCCESS)
}

async fn serve(store: Arc<Store>) -> anyhow::Result<()> {
    // Before anything is said: who waits for the first log line may send a signal at once.
    let mut hangup = signal(SignalKind::hangup())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;

    let followed = store.follow();
    let settings = followed.borrow().controller.clone();
    let controller = Controller::bind(followed)?;
    for endpoint in controller.endpoints() {
        info!("listening on {endpoint}");
    }
    let api = serve_api(&settings, &controller, Arc::clone(&store));
    let metrics = serve_metrics(&settings, &controller, Arc::clone(&store));
    // In a task of its own, so that reading a configuration holds up nobody.
    let controller = tokio::spawn(controller.run());
    loop {
        tokio::select! {
            // In a task of its own: who wants to end it does not wait.
            Some(()) = hangup.recv() => drop(tokio::spawn(reload(Arc::clone(&store)))),
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
fn serve_api(
    settings: &topology::Controller,
    controller: &Controller,
    store: Arc<Store>,
) -> Option<JoinHandle<()>> {
    match Api::bind(settings) {
        Ok(api) => {
            info!("the API is served on {}", api.endpoint());
            Some(tokio::spawn(api.run(controller.observer(), store)))
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
    store: Arc<Store>,
) -> Option<JoinHandle<()>> {
    match Metrics::bind(settings.metrics?) {
        Ok(metrics) => {
            info!("metrics are served on {}", metrics.endpoint());
            Some(tokio::spawn(metrics.run(controller.observer(), store)))
        }
        Err(error) => {
            warn!("no metrics: {error}");
            None
        }
    }
}

/// Reads the configuration again. A bad one is refused, and the old one stays in force.
async fn reload(store: Arc<Store>) {
    match store.reload().await {
        Ok(warnings) => warn_of(&warnings),
        Err(diagnostics) => {
            complain(&diagnostics);
            let config = store.path().display();
            warn!(%config, "not reloaded, the configuration before stays in force");
        }
    }
}

/// What is doubtful is logged, all of it.
fn warn_of(warnings: &[Diagnostic]) {
    for warning in warnings {
        warn!("{warning}");
    }
}

/// What is wrong is logged, all of it.
fn complain(diagnostics: &Diagnostics) {
    for diagnostic in diagnostics.iter() {
        error!("{diagnostic}");
    }
}
