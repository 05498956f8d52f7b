//! How long a client may take to send the head of a request, counted by one timer a connection.
//!
//! hyper wants a timer for every head it waits for, and drops it when the head has come. With the runtime's own that is a
//! timer registered and struck off again for every request, under its lock; it was the largest cost between the socket
//! and a remembered answer. Here hyper only notes *until when* it waits; the connection's one timer rings rarely, and
//! looks at the note.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// Until when a connection waits for a head; or that it has one.
#[derive(Debug, Clone)]
pub(super) struct HeadDeadline {
    /// In nanoseconds since `opened`; [`NOT_WAITING`] while it has one.
    until: Arc<AtomicU64>,
    opened: Instant,
}

const NOT_WAITING: u64 = 0;

impl HeadDeadline {
    /// Of a connection that has just been opened.
    pub(super) fn new() -> Self {
        Self { until: Arc::default(), opened: tokio::time::Instant::now().into_std() }
    }

    /// Ready when a head was waited for past its deadline. `limit` is how long hyper waits for each.
    pub(super) async fn passed(self, limit: Duration) {
        loop {
            let now = tokio::time::Instant::now();
            let next = match self.read() {
                Some(until) if until <= now.into_std() => return,
                Some(until) => until.into(),
                // A wait that begins from now on ends later than this.
                None => now + limit,
            };
            tokio::time::sleep_until(next).await;
        }
    }

    fn read(&self) -> Option<Instant> {
        match self.until.load(Ordering::Relaxed) {
            NOT_WAITING => None,
            nanos => Some(self.opened + Duration::from_nanos(nanos)),
        }
    }
}

impl Timer for HeadDeadline {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        let nanos = until.saturating_duration_since(self.opened).as_nanos();
        let nanos = u64::try_from(nanos).unwrap_or(u64::MAX).max(NOT_WAITING + 1);
        self.until.store(nanos, Ordering::Relaxed);
        Box::pin(Waiting(Arc::clone(&self.until)))
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// What hyper holds while it waits. It never rings by itself: [`HeadDeadline::passed`] ends the connection.
struct Waiting(Arc<AtomicU64>);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Waiting {}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.store(NOT_WAITING, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn only_a_head_that_is_waited_for_has_a_deadline() {
        let (deadline, begun) = (HeadDeadline::new(), Instant::now());
        let passed = tokio::time::timeout(10 * LIMIT, deadline.clone().passed(LIMIT));
        let requests = async {
            for _ in 0..3 {
                let waiting = deadline.sleep(LIMIT);
                advance(LIMIT - Duration::from_secs(1)).await;
                drop(waiting);
                // The handler takes its time.
                advance(2 * LIMIT).await;
            }
            let last = (deadline.sleep(LIMIT), begun.elapsed());
            std::future::pending::<()>().await;
            drop(last);
        };
        tokio::select! {
            passed = passed => passed.unwrap(),
            () = requests => (),
        }
        assert_eq!(begun.elapsed(), 3 * (3 * LIMIT - Duration::from_secs(1)) + LIMIT);
    }
}
