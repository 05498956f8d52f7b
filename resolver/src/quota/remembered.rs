//! What is remembered of the clients that took from a quota.
//!
//! A client costs an attacker nothing: whoever has an IPv6 /32 is four thousand million of them. So only so many are
//! remembered. Those seen once are forgotten first (S3-FIFO), so that a flood from ever new addresses does not give back
//! their quota to those who come again and again.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use governor::{nanos::Nanos, state::StateStore};
use namesake::shares::Client;
use quick_cache::{UnitWeighter, sync::Cache};

/// The state of one quota, by client.
#[derive(Debug)]
pub(super) struct Remembered(Cache<Client, Arc<AtomicU64>>);

/// A client of whom nothing was known. No quota is full at the beginning of the limiter's time.
const NOTHING: u64 = 0;

impl Remembered {
    /// Of at most so many clients.
    pub(super) fn new(most: usize) -> Self {
        // Room is made as clients come.
        Self(Cache::with_weighter(0, most as u64, UnitWeighter))
    }
}

impl StateStore for Remembered {
    type Key = Client;

    fn measure_and_replace<T, F, E>(&self, client: &Client, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let state = self.0.get(client).unwrap_or_else(|| {
            let state = Arc::<AtomicU64>::default();
            self.0.insert(*client, Arc::clone(&state));
            state
        });
        let mut known = state.load(Ordering::Acquire);
        loop {
            let (outcome, next) = measure((known != NOTHING).then(|| Nanos::new(known)))?;
            match state.compare_exchange_weak(known, next.into(), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(outcome),
                Err(changed) => known = changed,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn take(remembered: &Remembered, client: u32) -> Option<u64> {
        let client = Client::at(Ipv4Addr::from_bits(client).into());
        let measure = |known: Option<Nanos>| {
            let known = known.map(u64::from);
            Ok::<_, ()>((known, Nanos::new(known.unwrap_or_default() + 1)))
        };
        remembered.measure_and_replace(&client, measure).unwrap()
    }

    #[test]
    fn a_flood_of_clients_takes_bounded_memory_and_makes_nobody_new_who_comes_often() {
        let remembered = Remembered::new(1000);
        for _ in 0..3 {
            take(&remembered, 1);
        }
        for stranger in 0..100_000 {
            take(&remembered, 1000 + stranger);
            if stranger % 500 == 0 {
                assert!(take(&remembered, 1).is_some(), "{stranger}");
            }
        }
        assert!(remembered.0.len() <= 1000, "{}", remembered.0.len());
    }
}
