//! What signals mean to a service: TERM and INT end it, and end it at once when they come again; HUP never does.

use std::{
    future::{Future, pending},
    io,
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    sync::oneshot,
};

/// Hang-ups, which end nothing from the moment this is made.
#[derive(Debug)]
pub(super) struct HangUps(io::Result<Signal>);

/// All that is listened to, from the moment this is made.
#[derive(Debug)]
pub(super) struct Signals {
    interrupt: io::Result<Signal>,
    terminate: io::Result<Signal>,
    hang_ups: HangUps,
}

/// The first signal that says stop.
#[derive(Debug)]
pub(super) struct Stop(oneshot::Receiver<()>);

impl HangUps {
    pub(super) fn outlived() -> Self {
        Self(signal(SignalKind::hangup()))
    }
}

impl Signals {
    pub(super) fn listen(hang_ups: HangUps) -> Self {
        let (interrupt, terminate) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
        Self { interrupt, terminate, hang_ups }
    }

    /// What `service` gives, which ends some time after it is told to; `None`: it was told again before it had.
    pub(super) async fn until_stopped<F: Future>(
        mut self,
        service: impl FnOnce(Stop) -> F,
    ) -> Option<F::Output> {
        let (tell, told) = oneshot::channel();
        let twice = async {
            self.stop().await;
            let _ = tell.send(());
            self.stop().await;
        };
        tokio::select! {
            biased;
            output = service(Stop(told)) => Some(output),
            () = twice => None,
        }
    }

    /// Ready when somebody wants us to stop. Whoever hangs up does not: a terminal that was closed, or a tool that rotates
    /// logs.
    async fn stop(&mut self) {
        loop {
            tokio::select! {
                () = caught(&mut self.interrupt) => return,
                () = caught(&mut self.terminate) => return,
                () = caught(&mut self.hang_ups.0) => tracing::info!("serve.hang_up_outlived"),
            }
        }
    }
}

impl Stop {
    /// Ready when it came.
    pub(super) async fn told(self) {
        if self.0.await.is_err() {
            // Nobody listens any more.
            pending::<()>().await;
        }
    }
}

async fn caught(signal: &mut io::Result<Signal>) {
    match signal {
        Ok(signal) => drop(signal.recv().await),
        // It is not heard; the others may be.
        Err(_) => pending().await,
    }
}
