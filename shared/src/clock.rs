//! Time as an argument.

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use crate::Timestamp;

/// What time it is, and how to wait for a later one.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Now, UTC. It can be set: what is compared within this process is better compared by [`Clock::moment`].
    fn now(&self) -> Timestamp;

    /// Now, for ages.
    fn moment(&self) -> Moment;

    /// Ready at `at`, or at once when that has passed. A clock that is set back meanwhile makes no wait longer.
    fn sleep_until(&self, at: Timestamp) -> Sleep<'_>;
}

/// A moment in the life of this process, by two clocks: the one on the wall, which can be set, and one that cannot, which
/// stands still while the machine is suspended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    wall: Timestamp,
    /// Nanoseconds since some other moment of this process.
    steady: i64,
}

impl Moment {
    /// What the two clocks show; `steady` is counted from the same moment for all of a process.
    #[must_use]
    pub fn new(wall: Timestamp, steady: Duration) -> Self {
        Self { wall, steady: nanoseconds(steady) }
    }

    /// The time of day.
    #[must_use]
    pub const fn wall(self) -> Timestamp {
        self.wall
    }

    /// How long ago `earlier` was: the longer of what the two clocks say, and never less than nothing.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let by_wall = Duration::try_from(self.wall.duration_since(earlier.wall)).unwrap_or_default();
        let by_steady = u64::try_from(self.steady.saturating_sub(earlier.steady)).unwrap_or_default();
        by_wall.max(Duration::from_nanos(by_steady))
    }

    /// The moment when the wall showed this, as far as it can be trusted; this one, if that is yet to come.
    #[must_use]
    pub fn when_wall_showed(self, time: Timestamp) -> Self {
        self.before(Duration::try_from(self.wall.duration_since(time)).unwrap_or_default())
    }

    /// The moment that was so long before this one, perhaps before this process began.
    #[must_use]
    pub fn before(self, age: Duration) -> Self {
        let wall = self.wall.saturating_sub(age).unwrap_or(Timestamp::MIN);
        Self { wall, steady: self.steady.saturating_sub(nanoseconds(age)) }
    }
}

fn nanoseconds(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// A wait for a moment of a [`Clock`].
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

#[cfg(feature = "system")]
pub use system::{ManualClock, SystemClock};

#[cfg(feature = "system")]
mod system {
    use std::{
        sync::LazyLock,
        time::{Duration, Instant},
    };

    use tokio::sync::watch;

    use super::{Clock, Moment, Sleep};
    use crate::Timestamp;

    /// The machine's clock.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct SystemClock;

    impl Clock for SystemClock {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        fn now(&self) -> Timestamp {
            Timestamp::now()
        }

        fn moment(&self) -> Moment {
            static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);
            Moment::new(self.now(), BEGINNING.elapsed())
        }

        /// Looks at the clocks again at least once a minute, so that a clock that was set is noticed.
        #[expect(clippy::disallowed_methods, reason = "the one place that waits for the wall clock")]
        fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
            let begun = self.moment();
            Box::pin(async move {
                let wait = Duration::try_from(at.duration_since(begun.wall())).unwrap_or_default();
                loop {
                    let left = wait.saturating_sub(self.moment().since(begun));
                    if left.is_zero() {
                        return;
                    }
                    tokio::time::sleep(left.min(Duration::from_secs(60))).await;
                }
            })
        }
    }

    /// A clock that stands still until somebody advances it: for private worlds.
    #[derive(Debug)]
    pub struct ManualClock(watch::Sender<Moment>);

    impl ManualClock {
        /// A clock that shows `start`.
        #[must_use]
        pub fn new(start: Timestamp) -> Self {
            Self(watch::Sender::new(Moment::new(start, Duration::ZERO)))
        }

        /// Moves on by `step` and wakes whoever waited for a moment that has now come.
        pub fn advance(&self, step: Duration) {
            self.0.send_modify(|now| {
                now.wall = now.wall.saturating_add(step).unwrap_or(Timestamp::MAX);
                now.steady = now.steady.saturating_add(super::nanoseconds(step));
            });
        }

        /// Shows another time from now on, though none has passed: somebody sets the clock, or the machine was suspended.
        pub fn set(&self, wall: Timestamp) {
            self.0.send_modify(|now| now.wall = wall);
        }
    }

    impl Clock for ManualClock {
        fn now(&self) -> Timestamp {
            self.0.borrow().wall()
        }

        fn moment(&self) -> Moment {
            *self.0.borrow()
        }

        fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
            let mut now = self.0.subscribe();
            let begun = self.moment();
            let wait = Duration::try_from(at.duration_since(begun.wall())).unwrap_or_default();
            Box::pin(async move {
                // The sender lives in `self`, which outlives this future, so the wait cannot fail.
                let _ = now.wait_for(|now| now.since(begun) >= wait).await;
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        const HOUR: Duration = Duration::from_secs(3600);

        #[test]
        fn an_age_is_what_the_clock_says_that_says_more() {
            let clock = ManualClock::new(Timestamp::from_second(1_000_000).unwrap());
            let (begun, before) = (clock.moment(), clock.now());
            clock.advance(HOUR);
            assert_eq!(clock.moment().since(begun), HOUR);
            clock.set(before - 24 * HOUR);
            assert_eq!(clock.moment().since(begun), HOUR, "set back");
            assert_eq!(begun.since(clock.moment()), 24 * HOUR, "never negative");
            let late = clock.moment();
            clock.set(clock.now() + 2 * HOUR);
            assert_eq!(clock.moment().since(late), 2 * HOUR, "suspended");
            clock.advance(HOUR);
            assert_eq!(clock.moment().since(late), 3 * HOUR);
            assert_eq!(clock.moment().since(clock.moment().when_wall_showed(clock.now() - HOUR)), HOUR);
            let long_ago = clock.moment().before(30 * 24 * HOUR);
            assert_eq!(clock.moment().since(long_ago), 30 * 24 * HOUR);
        }

        #[tokio::test]
        async fn a_wait_is_no_longer_for_a_clock_that_is_set_back() {
            let clock = ManualClock::new(Timestamp::from_second(1_000_000).unwrap());
            let sleep = clock.sleep_until(clock.now() + HOUR);
            clock.set(Timestamp::UNIX_EPOCH);
            clock.advance(HOUR);
            sleep.await;
        }

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
