//! `namesake serve`: the service, until a signal says stop.

use std::{
    error::Error,
    io::{self, IsTerminal as _},
    net::SocketAddr,
    panic::{self, PanicHookInfo},
    sync::Arc,
};

use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tracing_subscriber::EnvFilter;

use super::{
    CommandError, Outcome,
    log::OneLine,
    open_files,
    signals::{HangUps, Signals},
    store_watch,
};
use crate::{
    Namesake, SnapshotFile, compose,
    compose::ComposeError,
    config::Config,
    install_metrics,
    panic::message,
    tasks::{kept, until},
};

pub(super) async fn serve(config: &Config) -> Result<Outcome, CommandError> {
    // NAMESAKE_LOG is read by the filter itself: levels and targets as in RUST_LOG.
    let filter =
        EnvFilter::builder().with_env_var("NAMESAKE_LOG").with_default_directive(tracing::Level::INFO.into());
    // Colours are for people: a file or a collector gets plain text.
    let coloured = io::stderr().is_terminal();
    tracing_subscriber::fmt()
        .with_env_filter(filter.from_env_lossy())
        .with_writer(OneLine { to: io::stderr, coloured })
        .with_ansi(coloured)
        .init();

    panic::set_hook(Box::new(log_panic));
    // From here on: a start takes its time.
    let hang_ups = HangUps::outlived();
    let limits = open_files::within(compose::limits(config), config.server.reserved_files);
    // What this process writes is about people, and nobody else's business.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
    compose::leave_nobody_behind(config).await?;
    let parts = compose::compose(config).await?;
    let elsewhere = config.server.metrics_listen;
    let (set_ready, ready) = watch::channel(false);
    let builder = parts.builder.limits(limits).ready_when(ready);
    let namesake = match install_metrics() {
        Ok(recorder) => builder.metrics(recorder, elsewhere.is_some()),
        Err(error) => {
            tracing::warn!(error = %error, "metrics.unavailable");
            builder
        }
    }
    .build()
    .map_err(ComposeError::from)?;

    let listener = listen(config.server.listen).await?;
    let operations = match elsewhere {
        Some(address) => Some(listen(address).await?),
        None => None,
    };
    namesake.begin_comparison();
    // Only now that nothing stops us from starting: the file is used up.
    let snapshot = compose::snapshot_file(config);
    if let Some(file) = &snapshot {
        restore(&namesake, file);
    }
    let (stopping, stopped) = watch::channel(false);
    let mut tasks = JoinSet::new();
    for mirror in &parts.mirrors {
        let (mirror, stopped) = (Arc::clone(mirror), stopped.clone());
        tasks.spawn(async move {
            let run = || Arc::clone(&mirror).run(until(stopped.clone()));
            kept(mirror.settings().scheme.as_str(), stopped.clone(), run).await;
        });
    }
    if let Some(events) = parts.events {
        let stopped = stopped.clone();
        tasks.spawn(async move {
            kept("events", stopped.clone(), || events.clone().run(until(stopped.clone()))).await;
        });
    }
    if let Some(listener) = operations {
        let (service, stopped) = (namesake.clone(), stopped.clone());
        tasks.spawn(async move {
            if let Err(error) = service.serve_operations(listener, until(stopped)).await {
                tracing::error!(error = &error as &dyn Error, "operations.failed");
            }
        });
    }
    // Before anybody is told that we are ready: they may tell us to stop.
    let signals = Signals::listen(hang_ups);
    let address = listener.local_addr().map_err(CommandError::Serve)?;
    if config.server.hides_its_clients() {
        tracing::warn!(
            "serve.clients_hidden: all clients look like one. The proxy in front belongs into server.trusted_proxies."
        );
    }
    let (public_url, mirrors, stopping_first) =
        (config.server.public_url(), parts.mirrors, until(stopped.clone()));
    tasks.spawn(async move {
        let loaded = async {
            for mirror in &mirrors {
                mirror.loaded().await;
            }
        };
        tokio::select! {
            () = loaded => {
                set_ready.send_replace(true);
                tracing::info!(server.address = %address, server.public_url = %public_url, "serve.ready");
            }
            () = stopping_first => (),
        }
    });
    let served = signals.until_stopped(|stop| async {
        let mut store_ended = None;
        let signalled = async {
            tokio::select! {
                () = stop.told() => (),
                why = store_watch::ended(parts.store) => store_ended = Some(why),
            }
            tracing::info!("serve.stopping");
        };
        let served = namesake.serve(listener, signalled).await;
        let _ = stopping.send(true);
        while tasks.join_next().await.is_some() {}
        // Last: nobody asks any more, and nobody tells of changes.
        if let Some(file) = &snapshot {
            save(&namesake, file);
        }
        served.map_err(CommandError::Serve)?;
        store_ended.map_or(Ok(Outcome::Done), |why| Err(CommandError::StoreEnded(why)))
    });
    served.await.unwrap_or(Err(CommandError::CutShort))
}

/// Whoever catches it says what it means for whom; here is where it was, also where nobody does.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string).unwrap_or_default();
    tracing::error!(panic.at = at, error.message = message(panic.payload()), "serve.panicked");
}

fn restore(namesake: &Namesake, file: &SnapshotFile) {
    match namesake.restore(file) {
        Ok(answers) => tracing::info!(answers, "snapshot.restored"),
        Err(error) => tracing::warn!(error = &error as &dyn Error, "snapshot.ignored"),
    }
}

fn save(namesake: &Namesake, file: &SnapshotFile) {
    match namesake.save(file) {
        Ok(answers) => tracing::info!(answers, "snapshot.saved"),
        Err(error) => tracing::warn!(error = &error as &dyn Error, "snapshot.not_saved"),
    }
}

async fn listen(address: SocketAddr) -> Result<TcpListener, CommandError> {
    TcpListener::bind(address).await.map_err(|source| CommandError::Listen { address, source })
}
