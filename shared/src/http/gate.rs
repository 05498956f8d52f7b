//! How much one host may be asked: calls at one time, and calls a second.
//!
//! Each host has its own gate, so a slow one holds up nobody who asks another. Whoever is held up waits within the
//! deadline of their own call.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// What one host is asked at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostLimits {
    /// Calls at one time.
    pub concurrent: u32,
    /// Calls begun in a second, on average; as many may come at once.
    pub per_second: u32,
}

/// The gates of all hosts that were asked lately.
#[derive(Debug)]
pub(super) struct Gates {
    limits: HostLimits,
    hosts: Mutex<HashMap<Arc<str>, Arc<Gate>>>,
}

/// From this many hosts on, those that nobody is asking are forgotten when another is added.
const KEPT_HOSTS: usize = 4096;

#[derive(Debug)]
struct Gate {
    places: Arc<Semaphore>,
    /// When the host would be free of all calls begun so far, were each to take its share of a second (GCRA).
    booked_until: Mutex<Instant>,
}

impl Gates {
    pub(super) fn new(limits: HostLimits) -> Self {
        Self { limits, hosts: Mutex::default() }
    }

    /// Ready when `host` may be asked once more. The call ends with the pass.
    pub(super) async fn pass(&self, host: &str) -> Option<OwnedSemaphorePermit> {
        let gate = self.gate(host);
        // Never closed: `None` cannot happen, and would only mean an unlimited call.
        let pass = Arc::clone(&gate.places).acquire_owned().await.ok();
        if let Some(at) = gate.book(self.limits.per_second) {
            sleep_until(at).await;
        }
        pass
    }

    fn gate(&self, host: &str) -> Arc<Gate> {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(gate) = hosts.get(host) {
            return Arc::clone(gate);
        }
        if hosts.len() >= KEPT_HOSTS {
            let now = Instant::now();
            hosts.retain(|_, gate| Arc::strong_count(gate) > 1 || gate.is_booked_past(now));
        }
        let places = Arc::new(Semaphore::new(self.limits.concurrent.max(1) as usize));
        let gate = Arc::new(Gate { places, booked_until: Mutex::new(Instant::now()) });
        hosts.insert(host.into(), Arc::clone(&gate));
        gate
    }
}

impl Gate {
    /// Books one call; when it may begin, if that is later than now.
    fn book(&self, per_second: u32) -> Option<Instant> {
        let share = Duration::from_secs(1) / per_second.max(1);
        let now = Instant::now();
        let mut booked_until = self.booked_until.lock().unwrap_or_else(PoisonError::into_inner);
        *booked_until = (*booked_until).max(now) + share;
        booked_until.checked_sub(Duration::from_secs(1)).filter(|at| *at > now)
    }

    fn is_booked_past(&self, now: Instant) -> bool {
        *self.booked_until.lock().unwrap_or_else(PoisonError::into_inner) > now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gates(concurrent: u32, per_second: u32) -> Gates {
        Gates::new(HostLimits { concurrent, per_second })
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_with_all_places_taken_holds_up_nobody_elses_caller() {
        let gates = gates(2, 1000);
        let _held = (gates.pass("slow.test").await, gates.pass("slow.test").await);
        let third = tokio::time::timeout(Duration::from_secs(60), gates.pass("slow.test")).await;
        assert!(third.is_err(), "the third waits for one of the two");
        gates.pass("other.test").await;
    }

    #[tokio::test(start_paused = true)]
    async fn calls_a_second_are_counted_for_each_host() {
        let gates = gates(100, 10);
        let begun = Instant::now();
        for _ in 0..10 {
            gates.pass("a.test").await;
        }
        assert_eq!(begun.elapsed(), Duration::ZERO, "a second's worth may come at once");
        for _ in 0..10 {
            gates.pass("a.test").await;
        }
        let waited = begun.elapsed();
        assert!(waited > Duration::from_millis(950) && waited < Duration::from_millis(1100), "{waited:?}");
        let begun = Instant::now();
        gates.pass("b.test").await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn hosts_nobody_asks_are_forgotten() {
        let gates = gates(1, 1000);
        for number in 0..KEPT_HOSTS {
            gates.pass(&format!("{number}.test")).await;
        }
        tokio::time::advance(Duration::from_secs(1)).await;
        gates.pass("one-more.test").await;
        assert_eq!(gates.hosts.lock().unwrap().len(), 1);
    }
}
