//! One lookup a key, whoever asks. Its first asker carries it; should that one leave, it goes on in a task of its own, and
//! the others still hear.
//!
//! Most lookups have one asker, who waits: for these there is no task, no channel, and nothing to wake but the asker.

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    future::Future,
    hash::Hash,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
};

use futures_util::FutureExt as _;
use tokio::{runtime::Handle, sync::oneshot, task::JoinSet};

use crate::panic;

/// The lookups on their way. Dropping this ends those that nobody carries.
pub(crate) struct Flights<K, N, T> {
    aloft: Arc<Aloft<K, N, T>>,
    tasks: Arc<Mutex<JoinSet<()>>>,
}

type Aloft<K, N, T> = Mutex<HashMap<K, Flight<N, T>>>;

struct Flight<N, T> {
    /// Tells this flight from another of the same key.
    number: N,
    passengers: Arc<Passengers<T>>,
}

/// Those who wait beside the one who carries it.
type Passengers<T> = Mutex<Vec<oneshot::Sender<T>>>;

/// What a lookup brings.
pub(crate) struct Arrival<T> {
    /// What its askers hear.
    pub(crate) result: T,
    /// What the lookup still waits for, after its askers have gone.
    pub(crate) after: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// A lookup, until its passengers have heard; `None` when it panicked.
type Carried<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

impl<K, N, T> Default for Flights<K, N, T> {
    fn default() -> Self {
        Self { aloft: Arc::default(), tasks: Arc::default() }
    }
}

impl<K, N, T> fmt::Debug for Flights<K, N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Flights({} aloft)", lock(&self.aloft).len())
    }
}

impl<K, N, T> Flights<K, N, T>
where
    K: Hash + Eq + Clone + Send + 'static,
    N: Clone + PartialEq + Send + 'static,
    T: Clone + Send + 'static,
{
    /// Boards the flight of `key`, if one is on its way and `boards`; else begins one, under a new number.
    pub(crate) fn board<F>(
        &self,
        key: &K,
        boards: impl FnOnce(&N) -> bool,
        begin: impl FnOnce() -> (N, F),
    ) -> Ticket<T>
    where
        F: Future<Output = Arrival<T>> + Send + 'static,
    {
        let mut aloft = lock(&self.aloft);
        let place = aloft.entry(key.clone());
        if let Entry::Occupied(place) = &place
            && boards(&place.get().number)
        {
            return place.get().ticket();
        }
        let (number, lookup) = begin();
        let passengers = Arc::<Passengers<T>>::default();
        place.insert_entry(Flight { number: number.clone(), passengers: Arc::clone(&passengers) });
        drop(aloft);

        let closing = Closing { aloft: Arc::clone(&self.aloft), key: key.clone(), number };
        let tasks = Arc::downgrade(&self.tasks);
        let afterwards = Weak::clone(&tasks);
        let lookup = Box::pin(async move {
            let closing = closing;
            let arrival = AssertUnwindSafe(lookup).catch_unwind().await;
            // The answer is remembered by now: who asks from here on finds it there, not here.
            drop(closing);
            let Arrival { result, after } = match arrival {
                Ok(arrival) => arrival,
                Err(panic) => {
                    tracing::error!(error.message = panic::message(&*panic), "flight.panicked");
                    return None;
                }
            };
            for passenger in lock(&passengers).drain(..) {
                let _ = passenger.send(result.clone());
            }
            if let Some(after) = after {
                go_on(&afterwards, after);
            }
            Some(result)
        });
        Ticket(Place::Carries { lookup: Some(lookup), tasks })
    }

    /// Ready when nothing is on its way. A private world waits for it, so that every run of it goes the same way.
    pub(crate) async fn all_landed(&self) {
        loop {
            let Some(ticket) = lock(&self.aloft).values().next().map(Flight::ticket) else { return };
            // One that ended without landing is off the map as well.
            ticket.landed().await;
        }
    }
}

impl<N, T> Flight<N, T> {
    fn ticket(&self) -> Ticket<T> {
        let (sender, receiver) = oneshot::channel();
        let mut passengers = lock(&self.passengers);
        // Those who left are let go before there is more room for others: a source that hangs must not gather them.
        if passengers.len() == passengers.capacity() {
            passengers.retain(|passenger| !passenger.is_closed());
        }
        passengers.push(sender);
        Ticket(Place::Waits(receiver))
    }
}

/// A place on a flight; the flight goes on without it too.
pub(crate) struct Ticket<T: 'static>(Place<T>);

enum Place<T: 'static> {
    /// Polls it. `None` when it has landed.
    Carries {
        lookup: Option<Carried<T>>,
        tasks: Weak<Mutex<JoinSet<()>>>,
    },
    Waits(oneshot::Receiver<T>),
}

impl<T> Ticket<T> {
    /// What the lookup gave; `None` when it panicked, or was ended by a shutdown.
    pub(crate) async fn landed(mut self) -> Option<T> {
        match &mut self.0 {
            Place::Carries { lookup, .. } => {
                let result = lookup.as_mut()?.await;
                *lookup = None;
                result
            }
            Place::Waits(receiver) => receiver.await.ok(),
        }
    }
}

impl<T> Drop for Ticket<T> {
    fn drop(&mut self) {
        if let Place::Carries { lookup, tasks } = &mut self.0
            && let Some(lookup) = lookup.take()
        {
            go_on(tasks, lookup.map(drop));
        }
    }
}

/// Nobody waits for it any more.
fn go_on(tasks: &Weak<Mutex<JoinSet<()>>>, lookup: impl Future<Output = ()> + Send + 'static) {
    // Without a runtime, or the flights themselves, this is the shutdown.
    let (Some(tasks), Ok(runtime)) = (tasks.upgrade(), Handle::try_current()) else { return };
    let mut tasks = lock(&tasks);
    // Nobody waits for the tasks themselves; without this the set would keep every one that ended.
    while tasks.try_join_next().is_some() {}
    // A lookup says itself that it panicked; what comes after it does not.
    let told = AssertUnwindSafe(lookup).catch_unwind().map(|ended| {
        if let Err(panic) = ended {
            tracing::error!(error.message = panic::message(&*panic), "flight.panicked_afterwards");
        }
    });
    // A runtime that shuts down drops the lookup at once, under the lock: it holds no ticket of these flights.
    tasks.spawn_on(told, &runtime);
}

/// Closes the key however the lookup ends. Without this, a panic or a shutdown would leave the key pointing at a
/// flight that never lands, and everybody who asks later would wait for it.
struct Closing<K: Hash + Eq, N: PartialEq, T> {
    aloft: Arc<Aloft<K, N, T>>,
    key: K,
    number: N,
}

impl<K: Hash + Eq, N: PartialEq, T> Drop for Closing<K, N, T> {
    fn drop(&mut self) {
        let mut aloft = lock(&self.aloft);
        // A later flight may have taken the key over: that one closes it itself.
        if let Some((key, flight)) = aloft.remove_entry(&self.key)
            && flight.number != self.number
        {
            aloft.insert(key, flight);
        }
    }
}

/// Nothing that can panic runs under these locks, so what they hold is whole even if poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::{Arrival, Flights, lock};

    #[tokio::test]
    async fn those_who_leave_are_not_gathered() {
        let flights = Flights::<u8, u8, ()>::default();
        let board = || flights.board(&1, |_| true, || (0, pending::<Arrival<()>>()));
        let carries = board();
        for _ in 0..1000 {
            drop(board());
        }
        let waits = board();
        let held = lock(&flights.aloft).get(&1).map(|flight| lock(&flight.passengers).len());
        assert!(held.is_some_and(|held| held < 10), "{held:?}");
        drop((carries, waits));
    }
}
