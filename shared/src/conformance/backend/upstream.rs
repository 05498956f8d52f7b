//! What the backend under test asks, and how the kit counts the questions and breaks it.

use std::{
    fmt,
    future::{Future, ready},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::Excuse;

/// The *source* of a backend's answers in a fixture's world: a DNS, an HTTP server, a store.
///
/// [`Faults`] is one, ready to be put into a fake source. Implement it for a source that counts and breaks in ways
/// of its own.
pub trait Upstream: Send + Sync {
    /// How often the source was asked so far, on behalf of lookups.
    ///
    /// Work in the background (a poll) must not count, or must stand still while the kit runs: rule R4 compares two
    /// readings. The kit also sees to it that this number grows when it should.
    fn calls(&self) -> u64;

    /// Breaks the source of all lookups, until [`mend`](Self::mend).
    ///
    /// A backend that answers from a store has that for its source. The excuse is for a source that cannot break
    /// in this way.
    fn fail(&self, how: Breakage) -> impl Future<Output = Result<(), Excuse>> + Send;

    /// Undoes [`fail`](Self::fail).
    fn mend(&self) -> impl Future<Output = ()> + Send;
}

/// How a source fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Breakage {
    /// It cannot be reached, or does not answer: expected is a temporary [`ErrorKind`](crate::ErrorKind).
    Down,
    /// It answers every question about the held handles with something that cannot be used: expected is
    /// [`ErrorKind::BadAnswer`](crate::ErrorKind::BadAnswer).
    Nonsense,
}

impl fmt::Display for Breakage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Down => "down",
            Self::Nonsense => "talking nonsense",
        })
    }
}

/// A counter and a switch, for a fake source to consult whenever it is asked.
///
/// ```
/// # use namesake::{ErrorKind, ResolveError, conformance::backend::{Breakage, Faults}};
/// struct Source(Faults);
///
/// impl Source {
///     async fn get(&self) -> Result<&str, ResolveError> {
///         match self.0.asked().await {
///             Some(Breakage::Down) => Err(ResolveError::new(ErrorKind::Unavailable, "no answer")),
///             Some(Breakage::Nonsense) => Ok("a chair"),
///             None => Ok("alice"),
///         }
///     }
/// }
/// ```
#[derive(Debug, Default)]
pub struct Faults {
    calls: AtomicU64,
    broken: Mutex<Option<Breakage>>,
}

impl Faults {
    /// Counts a question, lets go once (so that there is an await at which rule R8 can drop the call), and says how
    /// to fail.
    pub async fn asked(&self) -> Option<Breakage> {
        let broken = self.count();
        tokio::task::yield_now().await;
        broken
    }

    /// Counts a question and says how to fail, for a source that never waits or has awaits of its own.
    pub fn count(&self) -> Option<Breakage> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.broken()
    }

    /// What is wrong at present.
    pub fn broken(&self) -> Option<Breakage> {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, broken: Option<Breakage>) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = broken;
    }
}

impl Upstream for Faults {
    fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    fn fail(&self, how: Breakage) -> impl Future<Output = Result<(), Excuse>> + Send {
        self.set(Some(how));
        ready(Ok(()))
    }

    fn mend(&self) -> impl Future<Output = ()> + Send {
        self.set(None);
        ready(())
    }
}
