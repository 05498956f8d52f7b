//! A queue for something scarce, fair by client.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use super::{
    Client,
    line::{Line, QueueLimits, Refused},
};

/// Gives places to clients in turn; cheap to clone, and a clone is the same queue.
#[derive(Debug, Clone)]
pub struct FairQueue(Arc<Mutex<Line<Waiter>>>);

/// A place in use; dropping it gives it to the next.
#[derive(Debug)]
#[must_use = "the place is given back when this is dropped"]
pub struct Turn {
    queue: FairQueue,
    client: Client,
    begun: Instant,
    has_waited: bool,
}

impl Turn {
    /// Whether it was not to be had at once: what was so before may no longer be.
    #[must_use]
    pub fn has_waited(&self) -> bool {
        self.has_waited
    }
}

/// One question that waits.
#[derive(Debug, Default)]
struct Waiter {
    has_turn: AtomicBool,
    news: Notify,
}

impl FairQueue {
    /// An empty queue.
    #[must_use]
    pub fn new(limits: QueueLimits) -> Self {
        Self(Arc::new(Mutex::new(Line::new(limits, Instant::now()))))
    }

    /// A turn for one question of `client`, waited for no longer than `patience`.
    ///
    /// # Errors
    /// [`Refused`], at once if the wait would be longer than `patience`.
    pub async fn turn(&self, client: Client, patience: Duration) -> Result<Turn, Refused> {
        let begun = Instant::now();
        let waiting = {
            let mut line = self.lock();
            if line.enter(client, begun) {
                return Ok(self.begin(client, false));
            }
            let waiter = Arc::<Waiter>::default();
            line.wait(client, Arc::clone(&waiter), patience, begun)?;
            Waiting { queue: self, client, waiter: Some(waiter) }
        };
        waiting.turn(begun + patience).await
    }

    /// Whether nobody has a place or waits for one, and the next turn could begin at once.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.lock().is_idle(Instant::now())
    }

    #[cfg(test)]
    pub(super) fn known_clients(&self) -> usize {
        self.lock().known_clients()
    }

    fn begin(&self, client: Client, has_waited: bool) -> Turn {
        Turn { queue: self.clone(), client, begun: Instant::now(), has_waited }
    }

    /// Nothing that can panic runs under this lock, so what it holds is whole even if poisoned.
    fn lock(&self) -> MutexGuard<'_, Line<Waiter>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Hands out what is free, and wakes the question that is served next, which keeps the time for all; unless it is the
/// one that called.
fn dispatch(line: &mut Line<Waiter>, now: Instant, caller: Option<&Arc<Waiter>>) {
    line.dispatch(now, |waiter| {
        waiter.has_turn.store(true, Ordering::Release);
        waiter.news.notify_one();
    });
    if line.next_at(now).is_some()
        && let Some(next) = line.next()
        && !caller.is_some_and(|caller| Arc::ptr_eq(caller, next))
    {
        next.news.notify_one();
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let now = Instant::now();
        let mut line = self.queue.lock();
        line.end_turn(self.client, now.saturating_duration_since(self.begun));
        dispatch(&mut line, now, None);
    }
}

/// A question that waits, or has a turn that nobody knows of yet: dropping it gives both back.
struct Waiting<'a> {
    queue: &'a FairQueue,
    client: Client,
    /// `None` when its turn was taken over.
    waiter: Option<Arc<Waiter>>,
}

impl Waiting<'_> {
    async fn turn(mut self, deadline: Instant) -> Result<Turn, Refused> {
        let Some(waiter) = self.waiter.clone() else { return Ok(self.queue.begin(self.client, true)) };
        loop {
            let wake_at = {
                let now = Instant::now();
                let mut line = self.queue.lock();
                dispatch(&mut line, now, Some(&waiter));
                if waiter.has_turn.load(Ordering::Acquire) {
                    self.waiter = None;
                    return Ok(self.queue.begin(self.client, true));
                }
                if now >= deadline {
                    return Err(line.refusal(self.client, Duration::ZERO));
                }
                // One question keeps the time for all: the one that is served next.
                let is_next = line.next().is_some_and(|next| Arc::ptr_eq(next, &waiter));
                line.next_at(now).filter(|_| is_next).map_or(deadline, |at| at.min(deadline))
            };
            let _ = timeout_at(wake_at, waiter.news.notified()).await;
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(waiter) = &self.waiter else { return };
        let now = Instant::now();
        let mut line = self.queue.lock();
        if waiter.has_turn.load(Ordering::Acquire) {
            line.end_turn(self.client, Duration::ZERO);
        } else {
            line.leave(self.client, waiter);
        }
        dispatch(&mut line, now, None);
    }
}
