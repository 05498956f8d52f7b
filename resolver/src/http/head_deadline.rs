//! How long a client may take to send the head of a request.
//!
//! hyper can tell, and to be able to it looks for the next head once more after every answer, and makes and drops a timer
//! each time: the largest cost between the socket and a remembered answer. Here heads are only counted, and the
//! connection's one timer looks now and then whether one has come.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often it looks within the limit. A head that is late is noticed when it is late by one part of so many, at most.
const LOOKS: u32 = 4;

/// The heads that came on a connection. Only its task counts.
#[derive(Debug, Default)]
pub(super) struct Heads {
    count: AtomicU64,
    /// Held by every answer that is not out at once.
    under_way: Arc<()>,
}

/// While it is there, no head is waited for.
#[derive(Debug)]
pub(super) struct UnderWay {
    _held: Arc<()>,
}

impl Heads {
    /// One has come, and its answer goes out at once.
    pub(super) fn answered(&self) {
        self.count.store(self.count.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
    }

    /// One has come, and its answer takes its time.
    pub(super) fn under_way(&self) -> UnderWay {
        self.answered();
        UnderWay { _held: Arc::clone(&self.under_way) }
    }

    /// Ready when a head was waited for as long as `limit`, or a little longer.
    pub(super) async fn missed(&self, limit: Duration) {
        let (mut known, mut was_under_way, mut in_vain) = (0, false, 0);
        let part = (limit / LOOKS).max(Duration::from_millis(1));
        let mut looks = interval_at(Instant::now() + part, part);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while in_vain < LOOKS {
            looks.tick().await;
            let count = self.count.load(Ordering::Relaxed);
            let is_under_way = Arc::strong_count(&self.under_way) > 1;
            let waited = count == known && !is_under_way && !was_under_way;
            in_vain = if waited { in_vain + 1 } else { 0 };
            (known, was_under_way) = (count, is_under_way);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::timeout;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(16);
    const PART: Duration = Duration::from_secs(4);
    const MOMENT: Duration = Duration::from_secs(1);

    async fn pass(time: Duration) {
        let _ = timeout(time, pending::<()>()).await;
    }

    /// When a connection ends on which this happens.
    async fn ends(what: impl AsyncFn(&Heads)) -> Duration {
        let (heads, begun) = (Heads::default(), Instant::now());
        let happens = async {
            what(&heads).await;
            pending::<()>().await;
        };
        let missed = timeout(20 * LIMIT, heads.missed(LIMIT));
        tokio::select! {
            biased;
            () = happens => (),
            missed = missed => missed.unwrap(),
        }
        begun.elapsed()
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_sends_none_has_exactly_so_long() {
        assert_eq!(ends(async |_| ()).await, LIMIT);
    }

    #[tokio::test(start_paused = true)]
    async fn after_an_answer_it_has_so_long_again_and_a_part_more_at_most() {
        for moment in 1..64 {
            let between = moment * MOMENT / 5;
            let ended = ends(async |heads| {
                for _ in 0..3 {
                    pass(between).await;
                    heads.answered();
                }
            });
            let waited = ended.await - 3 * between;
            assert!((LIMIT..=LIMIT + PART).contains(&waited), "{waited:?}, three times {between:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn while_an_answer_is_under_way_none_is_waited_for() {
        for moment in 1..64 {
            let last = 3 * LIMIT + moment * MOMENT / 2;
            let ended = ends(async |heads| {
                let under_way = heads.under_way();
                pass(last).await;
                drop(under_way);
            });
            let waited = ended.await - last;
            assert!((LIMIT..=LIMIT + PART).contains(&waited), "{waited:?} after {last:?}");
        }
    }
}
