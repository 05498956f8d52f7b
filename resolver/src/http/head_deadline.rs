//! How long a client may take to send the head of a request, counted by one timer a connection.
//!
//! hyper wants a timer for every head it waits for, and drops it when the head has come. With the runtime's own that is a
//! timer registered and struck off again for every request, under its lock; it was the largest cost between the socket
//! and a remembered answer. Here hyper only notes *until when* it waits; the connection's one timer rings rarely, and
//! looks at the note.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use hyper::rt::{Sleep, Timer};

/// Until when a connection waits for a head; `None` while it has one.
#[derive(Debug, Clone, Default)]
pub(super) struct HeadDeadline(Arc<Mutex<Option<Instant>>>);

impl HeadDeadline {
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
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, until: Option<Instant>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

impl Timer for HeadDeadline {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, until: Instant) -> Pin<Box<dyn Sleep>> {
        self.note(Some(until));
        Box::pin(Waiting(self.clone()))
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

/// What hyper holds while it waits. It never rings by itself: [`HeadDeadline::passed`] ends the connection.
struct Waiting(HeadDeadline);

impl Future for Waiting {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        Poll::Pending
    }
}

impl Sleep for Waiting {}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.note(None);
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, advance};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(15);

    #[tokio::test(start_paused = true)]
    async fn only_a_head_that_is_waited_for_has_a_deadline() {
        let (deadline, begun) = (HeadDeadline::default(), Instant::now());
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
