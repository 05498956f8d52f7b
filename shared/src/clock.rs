//! Time as an argument.

use std::{fmt::Debug, future::Future, pin::Pin};

use crate::Timestamp;

/// What time it is, and how to wait for a later one.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, UTC.
    fn now(&self) -> Timestamp;

    /// Ready at `at`, or at once when that has passed.
    fn sleep_until(&self, at: Timestamp) -> Sleep<'_>;
}

/// A wait for a moment of a [`Clock`].
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

#[cfg(feature = "system")]
pub use system::{ManualClock, SystemClock};

#[cfg(feature = "system")]
mod system {
    use std::time::Duration;

    use tokio::sync::watch;

    use super::{Clock, Sleep};
    use crate::Timestamp;

    /// The machine's clock.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct SystemClock;

    impl Clock for SystemClock {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        fn now(&self) -> Timestamp {
            Timestamp::now()
        }

        /// Looks at the wall clock again at least once a minute, so that a clock that was set is noticed.
        #[expect(clippy::disallowed_methods, reason = "the one place that waits for the wall clock")]
        fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
            Box::pin(async move {
                while let Ok(left) = Duration::try_from(at.duration_since(self.now()))
                    && !left.is_zero()
                {
                    tokio::time::sleep(left.min(Duration::from_secs(60))).await;
                }
            })
        }
    }

    /// A clock that stands still until somebody advances it: for private worlds.
    #[derive(Debug)]
    pub struct ManualClock(watch::Sender<Timestamp>);

    impl ManualClock {
        /// A clock that shows `start`.
        #[must_use]
        pub fn new(start: Timestamp) -> Self {
            Self(watch::Sender::new(start))
        }

        /// Moves on by `step` and wakes whoever waited for a moment that has now come.
        pub fn advance(&self, step: Duration) {
            self.0.send_modify(|now| *now = now.saturating_add(step).unwrap_or(Timestamp::MAX));
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            *self.0.borrow()
        }

        fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
            let mut now = self.0.subscribe();
            Box::pin(async move {
                // The sender lives in `self`, which outlives this future, so the wait cannot fail.
                let _ = now.wait_for(|now| *now >= at).await;
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[tokio::test]
        async fn a_manual_clock_wakes_sleepers_when_their_time_has_come() {
            let clock = ManualClock::new(Timestamp::UNIX_EPOCH);
            let at = Timestamp::from_second(10).unwrap();
            let mut sleep = clock.sleep_until(at);
            clock.advance(Duration::from_secs(9));
            tokio::select! { biased; () = &mut sleep => panic!("too early"), () = tokio::task::yield_now() => () }
            clock.advance(Duration::from_secs(1));
            sleep.await;
        }
    }
}
