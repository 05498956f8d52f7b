//! How many polls an upstream may get: a token bucket, filled over a minute.

use std::time::Duration;

use namesake::Timestamp;

/// Polls that may be made now. Holds a minute's worth at most.
#[derive(Debug)]
pub(crate) struct Budget {
    per_minute: u32,
    /// When the bucket would have been empty, had every poll so far been paid from a full one.
    empty_since: Timestamp,
}

impl Budget {
    pub(crate) fn new(per_minute: u32, now: Timestamp) -> Self {
        Self { per_minute: per_minute.max(1), empty_since: before(now, MINUTE) }
    }

    /// Pays for one poll; if that is not possible, says when it will be.
    pub(crate) fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        let price = MINUTE / self.per_minute;
        let paid = after(self.empty_since.max(before(now, MINUTE)), price);
        if paid > now {
            return Err(paid);
        }
        self.empty_since = paid;
        Ok(())
    }

    /// No poll before `until`: the upstream asked us to slow down.
    pub(crate) fn pause(&mut self, until: Timestamp) {
        self.empty_since = self.empty_since.max(until);
    }
}

const MINUTE: Duration = Duration::from_secs(60);

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

    use super::{Budget, after};

    #[test]
    fn a_minutes_worth_at_once_then_as_it_fills() {
        let start = Timestamp::from_second(1_000).unwrap();
        let mut budget = Budget::new(6, start);
        for _ in 0..6 {
            assert_eq!(budget.take(start), Ok(()));
        }
        let next = after(start, Duration::from_secs(10));
        assert_eq!(budget.take(start), Err(next));
        assert_eq!(budget.take(next), Ok(()));
        assert!(budget.take(next).is_err());
        let much_later = after(start, Duration::from_secs(3_600));
        assert_eq!((0..100).filter(|_| budget.take(much_later).is_ok()).count(), 6);
    }

    #[test]
    fn a_pause_holds_for_everybody() {
        let start = Timestamp::from_second(1_000).unwrap();
        let mut budget = Budget::new(60, start);
        let until = after(start, Duration::from_secs(30));
        budget.pause(until);
        assert!(budget.take(start).unwrap_err() > until);
        assert!(budget.take(after(until, Duration::from_secs(1))).is_ok());
    }
}
