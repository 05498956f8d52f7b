//! Which failures are remembered, the oldest first: so that each is forgotten when its time is up, and not when others want
//! its place.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use namesake::Moment;

use super::{entry::Failure, slots::Key};

/// The questions that failed, by when. A question that failed twice is in it twice.
#[derive(Debug)]
pub(super) struct Failures {
    waiting: Mutex<VecDeque<(Moment, Key)>>,
    most: usize,
}

impl Failures {
    /// For a map of so many bytes: as many as there is room for in it.
    pub(super) fn new(capacity_bytes: u64) -> Self {
        let most = capacity_bytes / Failure::ITSELF;
        Self { waiting: Mutex::default(), most: usize::try_from(most).unwrap_or(usize::MAX) }
    }

    /// One more. If there are too many, the oldest is left to be forgotten when others want its place.
    pub(super) fn push(&self, learned: Moment, key: Key) {
        let mut waiting = self.lock();
        waiting.push_back((learned, key));
        if waiting.len() > self.most {
            waiting.pop_front();
        }
    }

    /// The next one that was learned longer ago than `ttl`.
    pub(super) fn pop(&self, now: Moment, ttl: Duration) -> Option<Key> {
        let mut waiting = self.lock();
        let due = waiting.front().is_some_and(|(learned, _)| now.since(*learned) >= ttl);
        let (_, key) = due.then(|| waiting.pop_front()).flatten()?;
        Some(key)
    }

    /// Nothing that can panic runs under it.
    fn lock(&self) -> MutexGuard<'_, VecDeque<(Moment, Key)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
