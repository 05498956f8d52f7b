//! How many polls an upstream may get: a token bucket, filled bit by bit; and how long it is left alone when it asks
//! for that.

use std::time::Duration;

use namesake::Timestamp;

/// First pause of all polls when the upstream says that we ask too often; doubles with each further time, up to
/// [`LONGEST_PAUSE`].
const PAUSE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// The longest wait that the upstream itself can ask for (`Retry-After`).
const LONGEST_WISH: Duration = Duration::from_secs(3600);

/// Polls that may be made now. Holds a few seconds' worth, so that no minute sees much more than its share.
#[derive(Debug)]
pub(crate) struct Budget {
    /// How long it takes to earn one poll.
    price: Duration,
    /// When the bucket would have been empty, had every poll so far been paid from a full one.
    empty_since: Timestamp,
    paused_until: Timestamp,
    /// How many pauses in a row the upstream has asked for.
    pauses: u32,
}

impl Budget {
    pub(crate) fn new(per_minute: u32, now: Timestamp) -> Self {
        let price = MINUTE / per_minute.max(1);
        Self { price, empty_since: before(now, BURST.max(price)), paused_until: Timestamp::MIN, pauses: 0 }
    }

    /// Pays for one poll; if that is not possible, says when it will be.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let paid = self.ready(now);
        if paid > now {
            return Err(paid);
        }
        self.empty_since = paid;
        Ok(())
    }

    /// From when on one poll can be paid for.
    pub(crate) fn ready(&self, now: Timestamp) -> Timestamp {
        after(self.empty_since.max(before(now, BURST.max(self.price))), self.price)
    }

    /// How long `polls` polls take, one after the other.
    pub(crate) fn time_for(&self, polls: usize) -> Duration {
        self.price.saturating_mul(u32::try_from(polls).unwrap_or(u32::MAX))
    }

    /// No poll before `until`: the upstream's own budget is nearly used up.
    pub(crate) fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(until);
        self.empty_since = self.empty_since.max(until);
    }

    /// The upstream said that we ask too often, and perhaps when to come back. `jitter` of 255 makes the pause longer
    /// by a quarter, so that several mirrors of one upstream do not come back together. Says when it is over.
    pub(crate) fn slow_down(&mut self, now: Timestamp, wish: Option<Duration>, jitter: u8) -> Timestamp {
        // Many calls may be on their way when the first is refused: together they are one refusal.
        if now >= self.paused_until {
            self.pauses = self.pauses.saturating_add(1);
        }
        let own = (PAUSE * (1 << self.pauses.saturating_sub(1).min(16))).min(LONGEST_PAUSE);
        let pause = own.max(wish.unwrap_or_default().min(LONGEST_WISH));
        self.pause(after(now, pause + pause / 4 * u32::from(jitter) / 255));
        self.paused_until
    }

    /// The upstream answered a poll that was begun outside a pause.
    pub(crate) fn answered(&mut self, now: Timestamp) {
        if now >= self.paused_until {
            self.pauses = 0;
        }
    }
}

const MINUTE: Duration = Duration::from_secs(60);
/// What can be saved up for a moment with much to do.
const BURST: Duration = Duration::from_secs(10);

/// `at`, later by `duration`.
pub(crate) fn after(at: Timestamp, duration: Duration) -> Timestamp {
    at.saturating_add(duration).unwrap_or(Timestamp::MAX)
}

fn before(at: Timestamp, duration: Duration) -> Timestamp {
    at.saturating_sub(duration).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::Timestamp;

    use super::{Budget, LONGEST_PAUSE, LONGEST_WISH, PAUSE, after};

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_few_seconds_worth_at_once_then_as_it_fills() {
        let start = Timestamp::from_second(1_000).unwrap();
        let mut budget = Budget::new(60, start);
        for _ in 0..10 {
            assert_eq!(budget.take(start), Ok(()));
        }
        let next = after(start, SECOND);
        assert_eq!(budget.take(start), Err(next));
        assert_eq!(budget.take(next), Ok(()));
        assert!(budget.take(next).is_err());
        let much_later = after(start, SECOND * 3_600);
        assert_eq!((0..100).filter(|_| budget.take(much_later).is_ok()).count(), 10);
        // Less than one in that time: one.
        let mut budget = Budget::new(1, start);
        assert_eq!((budget.take(start), budget.take(start)), (Ok(()), Err(after(start, SECOND * 60))));
    }

    #[test]
    fn a_pause_holds_for_everybody_and_ends_without_a_burst() {
        let start = Timestamp::from_second(1_000).unwrap();
        let mut budget = Budget::new(60, start);
        let until = after(start, SECOND * 30);
        budget.pause(until);
        assert!(budget.take(start).unwrap_err() > until);
        let end = after(until, SECOND);
        assert_eq!((0..100).filter(|_| budget.take(end).is_ok()).count(), 1);
    }

    #[test]
    fn refusals_one_after_the_other_make_longer_pauses_and_those_at_once_do_not() {
        let mut now = Timestamp::from_second(1_000).unwrap();
        let mut budget = Budget::new(60, now);
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let mut until = now;
            for _ in 0..8 {
                until = budget.slow_down(now, None, 0);
            }
            pauses.push(Duration::try_from(until.duration_since(now)).unwrap());
            now = until;
        }
        assert_eq!(pauses, [PAUSE, PAUSE * 2, PAUSE * 4, PAUSE * 8, LONGEST_PAUSE, LONGEST_PAUSE]);
        budget.answered(now);
        assert_eq!(budget.slow_down(now, None, 255), after(now, PAUSE + PAUSE / 4), "from the beginning");
    }

    #[test]
    fn what_the_upstream_wishes_counts_when_it_is_longer_and_not_absurd() {
        let now = Timestamp::from_second(1_000).unwrap();
        for (wish, pause) in [
            (0, PAUSE),
            (59, PAUSE),
            (1_800, SECOND * 1_800),
            (3_600, LONGEST_WISH),
            (3_601, LONGEST_WISH),
            (u64::MAX, LONGEST_WISH),
        ] {
            let mut budget = Budget::new(60, now);
            let until = budget.slow_down(now, Some(Duration::from_secs(wish)), 0);
            assert_eq!(until, after(now, pause), "{wish}");
        }
    }
}
