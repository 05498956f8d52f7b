//! A run of the lab.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
};

use namesake::lab::{self, Column, LabError, Report, Settings};
use tokio::{runtime, sync::oneshot};
use tracing::subscriber::NoSubscriber;

use crate::panic;

/// What is to be observed.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Settings that are not what they are by themselves.
    pub settings: Settings,
    /// What the worlds' randomness begins with.
    pub seed: u64,
    /// One row alone.
    pub row: Option<String>,
}

/// The seed of a run that nobody chose another for.
pub const SEED: u64 = 1;

/// The commit that this program was built from, if the build said so (`NAMESAKE_COMMIT`), else its version.
#[must_use]
pub const fn commit() -> &'static str {
    match option_env!("NAMESAKE_COMMIT") {
        Some(commit) => commit,
        None => concat!("v", env!("CARGO_PKG_VERSION")),
    }
}

/// Asks all of `columns`.
///
/// # Errors
/// When a setting or the row is unknown, or a scenario cannot be played.
pub async fn observe(columns: Vec<Box<dyn Column>>, question: Question) -> Result<Report, LabError> {
    let (tell, told) = oneshot::channel();
    // Whoever asked may have gone.
    in_the_background(columns, question, move |report| drop(tell.send(report)))?;
    told.await.unwrap_or_else(|_| Err("the run did not come to its end".into()))
}

/// Asks all of `columns` on one thread of their own, so that the private worlds take no worker from those who serve, go
/// the same way in every run, and leave nothing in the log and the metrics of the service.
pub(crate) fn in_the_background(
    columns: Vec<Box<dyn Column>>,
    question: Question,
    then: impl FnOnce(Result<Report, LabError>) + Send + 'static,
) -> io::Result<()> {
    let play = move || {
        let played = || {
            metrics::with_local_recorder(&metrics::NoopRecorder, || {
                tracing::subscriber::with_default(NoSubscriber::new(), || {
                    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
                    runtime.block_on(asked(&columns, &question))
                })
            })
        };
        // Whoever waits hears of a panic, too.
        let report = catch_unwind(AssertUnwindSafe(played));
        then(report.unwrap_or_else(|panic| Err(panic::message(&*panic).into())));
    };
    thread::Builder::new().name("lab".to_owned()).spawn(play).map(drop)
}

async fn asked(columns: &[Box<dyn Column>], question: &Question) -> Result<Report, LabError> {
    let columns: Vec<&dyn Column> = columns.iter().map(AsRef::as_ref).collect();
    lab::run(&columns, &question.settings, question.seed, commit(), question.row.as_deref()).await
}
