//! Tasks that run as long as the service does: one that panics is begun again.

use std::{future::Future, panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt as _;
use tokio::{sync::watch, time::timeout};

use crate::panic;

/// How long after a panic a task is begun again: what made it panic may be there still.
const PAUSE: Duration = Duration::from_secs(1);

/// Ready when the service stops.
pub(crate) async fn until(mut stopped: watch::Receiver<bool>) {
    // Whoever would tell is gone, too.
    let _ = stopped.wait_for(|stopped| *stopped).await;
}

/// Runs what `begin` gives until it ends, and begins it again after each panic while the service runs.
pub(crate) async fn kept<F: Future<Output = ()>>(
    name: &str,
    stopped: watch::Receiver<bool>,
    begin: impl Fn() -> F,
) {
    while let Err(panic) = AssertUnwindSafe(begin()).catch_unwind().await {
        metrics::counter!("namesake_task_panics_total", "task" => name.to_owned()).increment(1);
        tracing::error!(task = name, error.message = panic::message(&*panic), "task.panicked");
        if timeout(PAUSE, until(stopped.clone())).await.is_ok() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::Cell,
        future::{pending, ready},
    };

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_task_that_panics_is_begun_again_until_it_ends() {
        let (_stop, stopped) = watch::channel(false);
        let begun = Cell::new(0);
        let task = || {
            begun.set(begun.get() + 1);
            assert!(begun.get() == 4, "a bug");
            ready(())
        };
        // The bug is met when it is polled, as a task's is.
        kept("test", stopped, || async { task().await }).await;
        assert_eq!(begun.get(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_not_begun_again_when_the_service_stops() {
        let (stop, stopped) = watch::channel(false);
        stop.send(true).unwrap();
        let begun = Cell::new(0);
        let task = async || {
            begun.set(begun.get() + 1);
            panic!("a bug");
        };
        kept("test", stopped, task).await;
        assert_eq!(begun.get(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn while_it_runs_it_is_left_alone() {
        let (_stop, stopped) = watch::channel(false);
        let begun = Cell::new(0);
        let task = || {
            begun.set(begun.get() + 1);
            pending()
        };
        assert!(timeout(Duration::from_secs(3600), kept("test", stopped, task)).await.is_err());
        assert_eq!(begun.get(), 1);
    }
}
