//! One lookup a key, whoever asks, in a task of its own: its first asker may leave, the others still hear.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, task::JoinSet};

/// The lookups on their way. Dropping this ends them.
pub(crate) struct Flights<K, N, T> {
    aloft: Arc<Mutex<HashMap<K, Flight<N, T>>>>,
    tasks: Mutex<JoinSet<()>>,
}

struct Flight<N, T> {
    /// Tells this flight from another of the same key.
    number: N,
    landing: watch::Receiver<Option<T>>,
}

/// What a lookup brings.
pub(crate) struct Arrival<T> {
    /// What its askers hear.
    pub(crate) result: T,
    /// What the lookup still waits for, after its askers have gone.
    pub(crate) after: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

impl<K, N, T> Default for Flights<K, N, T> {
    fn default() -> Self {
        Self { aloft: Arc::default(), tasks: Mutex::default() }
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
    N: Copy + PartialEq + Send + 'static,
    T: Clone + Send + Sync + 'static,
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
        if let Some(flight) = aloft.get(key).filter(|flight| boards(&flight.number)) {
            return Ticket(flight.landing.clone());
        }
        let (announce, landing) = watch::channel(None);
        let (number, lookup) = begin();
        aloft.insert(key.clone(), Flight { number, landing: landing.clone() });
        drop(aloft);

        let closing = Closing { aloft: Arc::clone(&self.aloft), key: key.clone(), number };
        self.spawn(async move {
            let closing = closing;
            let Arrival { result, after } = lookup.await;
            // The answer is remembered by now: who asks from here on finds it there, not here.
            drop(closing);
            announce.send_replace(Some(result));
            if let Some(after) = after {
                after.await;
            }
        });
        Ticket(landing)
    }

    /// Ready when nothing is on its way. A private world waits for it, so that every run of it goes the same way.
    pub(crate) async fn all_landed(&self) {
        loop {
            let Some(ticket) = lock(&self.aloft).values().next().map(|flight| Ticket(flight.landing.clone()))
            else {
                return;
            };
            // One that ended without landing is off the map as well.
            ticket.landed().await;
        }
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = lock(&self.tasks);
        // Nobody waits for the tasks themselves; without this the set would keep every one that ended.
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

/// A place on a flight; the flight goes on without it too.
#[derive(Debug)]
pub(crate) struct Ticket<T>(watch::Receiver<Option<T>>);

impl<T: Clone> Ticket<T> {
    /// What the lookup gave; `None` when it panicked, or was ended by a shutdown.
    pub(crate) async fn landed(mut self) -> Option<T> {
        let landed = self.0.wait_for(Option::is_some).await;
        landed.ok().and_then(|result| result.clone())
    }
}

/// Closes the key however the lookup ends. Without this, a panic or a shutdown would leave the key pointing at a
/// flight that never lands, and everybody who asks later would wait for it.
struct Closing<K: Hash + Eq, N: PartialEq, T> {
    aloft: Arc<Mutex<HashMap<K, Flight<N, T>>>>,
    key: K,
    number: N,
}

impl<K: Hash + Eq, N: PartialEq, T> Drop for Closing<K, N, T> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!("flight.panicked");
        }
        let mut aloft = lock(&self.aloft);
        // A later flight may have taken the key over: that one closes it itself.
        if aloft.get(&self.key).is_some_and(|flight| flight.number == self.number) {
            aloft.remove(&self.key);
        }
    }
}

/// Nothing that can panic runs under these locks, so what they hold is whole even if poisoned.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
