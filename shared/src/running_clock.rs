//! A clock for what is planned and put in order: it goes on, whatever becomes of the clock on the wall.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use jiff::SignedDuration;

use crate::{Clock, Moment, Sleep, Timestamp};

/// A clock that is set by another one at its beginning, and never goes back or stands still.
///
/// It goes with the wall clock, until that is set: where it is set back, this one goes on by as much as has passed
/// ([`Moment::since`]); where it was ahead for a while, this one stays ahead.
pub struct RunningClock {
    other: Arc<dyn Clock>,
    last: Mutex<Look>,
}

/// What was seen at the last look.
#[derive(Clone, Copy)]
struct Look {
    other: Moment,
    shown: Timestamp,
    /// By how much this clock is ahead of the wall clock.
    ahead: SignedDuration,
}

/// A wall clock that is off by more than this from one look to the next has been set, or the machine was suspended.
const SET: SignedDuration = SignedDuration::from_secs(1);

impl fmt::Debug for RunningClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningClock").field("other", &self.other).finish_non_exhaustive()
    }
}

impl RunningClock {
    /// A clock that shows what `other` shows, and runs from there on.
    #[must_use]
    pub fn new(other: Arc<dyn Clock>) -> Self {
        let moment = other.moment();
        let last = Look { other: moment, shown: moment.wall(), ahead: SignedDuration::ZERO };
        Self { other, last: Mutex::new(last) }
    }

    /// Shows `time` at least: something is known to have happened then, by a clock that has been set back since.
    pub fn not_before(&self, time: Timestamp) {
        let late = time.duration_since(self.now());
        if late.is_positive() {
            let mut last = self.lock();
            (last.shown, last.ahead) = (time, last.ahead.saturating_add(late));
        }
    }

    /// The clock that this one was set by: for comparing with what others say.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        self.other.now()
    }

    fn lock(&self) -> MutexGuard<'_, Look> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for RunningClock {
    fn now(&self) -> Timestamp {
        let mut last = self.lock();
        let other = self.other.moment();
        let passed = last.shown.saturating_add(other.since(last.other)).unwrap_or(Timestamp::MAX);
        let by_wall = other.wall().saturating_add(last.ahead).unwrap_or(Timestamp::MAX);
        // Looks are many: what is added up from one to the next would run away from the wall clock.
        *last = match passed.duration_since(by_wall).abs() <= SET {
            true => Look { other, shown: by_wall.max(last.shown), ahead: last.ahead },
            false => Look { other, shown: passed, ahead: passed.duration_since(other.wall()) },
        };
        last.shown
    }

    fn moment(&self) -> Moment {
        self.other.moment()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        let wait = at.duration_since(self.now());
        self.other.sleep_until(self.other.now().saturating_add(wait).unwrap_or(Timestamp::MAX))
    }
}

#[cfg(all(test, feature = "system"))]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ManualClock;

    const HOUR: Duration = Duration::from_secs(3600);

    fn clocks() -> (Arc<ManualClock>, RunningClock, Timestamp) {
        let begun = Timestamp::UNIX_EPOCH + 100_000 * HOUR;
        let wall = Arc::new(ManualClock::new(begun));
        (wall.clone(), RunningClock::new(wall), begun)
    }

    #[test]
    fn it_goes_on_when_the_wall_clock_is_set_back() {
        let (wall, running, begun) = clocks();
        wall.advance(HOUR);
        assert_eq!(running.now(), begun + HOUR);
        wall.set(begun - 24 * HOUR);
        assert_eq!(running.now(), begun + HOUR);
        wall.advance(HOUR);
        assert_eq!(running.now(), begun + 2 * HOUR);
        assert_eq!(running.wall(), begun - 23 * HOUR);
    }

    #[test]
    fn it_goes_on_after_the_wall_clock_was_ahead_for_a_while() {
        let (wall, running, begun) = clocks();
        wall.set(begun + 2 * HOUR);
        assert_eq!(running.now(), begun + 2 * HOUR);
        wall.set(begun);
        wall.advance(HOUR);
        assert_eq!(running.now(), begun + 3 * HOUR);
    }

    #[test]
    fn it_is_not_before_what_is_known_to_have_happened() {
        let (wall, running, begun) = clocks();
        running.not_before(begun + HOUR);
        wall.advance(HOUR);
        assert_eq!(running.now(), begun + 2 * HOUR);
        running.not_before(begun);
        assert_eq!(running.now(), begun + 2 * HOUR);
    }

    #[test]
    fn it_does_not_run_away_from_the_wall_clock() {
        let (wall, running, begun) = clocks();
        for look in 1..=1000 {
            wall.advance(Duration::from_millis(10));
            // A little too slow, and put right a little at a time.
            wall.set(begun + Duration::from_millis(10) * look - Duration::from_millis(u64::from(look % 2)));
            running.now();
        }
        assert_eq!(running.now(), begun + Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_wait_takes_as_long_as_it_was_to_take() {
        let (wall, running, begun) = clocks();
        running.not_before(begun + 24 * HOUR);
        let sleep = running.sleep_until(begun + 25 * HOUR);
        wall.set(begun - HOUR);
        wall.advance(HOUR);
        sleep.await;
    }
}
