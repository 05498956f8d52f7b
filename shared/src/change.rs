//! How a backend tells the resolver that something it answered is no longer so.

use std::{fmt, sync::Arc};

use crate::{AccountId, Handle, Scheme};

/// An account whose answers changed. Both names are purged with it, on every node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Whose answers changed.
    pub account: AccountId,
    /// The name it held before, if any.
    pub old: Option<Handle>,
    /// The name it holds now, if any.
    pub new: Option<Handle>,
}

/// A reason to look again, from somebody who is not believed: what is remembered may no longer be so.
///
/// Weaker than a [`Change`]: what is remembered counts as expired at once, but nothing is forgotten. Whoever asks next
/// waits for a new lookup, and only if that fails temporarily does the remembered answer go out, marked stale. So a
/// suspicion, true or false, costs a lookup and never an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Suspicion {
    /// Answers about this account, and about this name.
    Account {
        /// Whose answers may have changed, under whatever handles they are remembered.
        account: AccountId,
        /// A name it is said to hold now: its present holder, or that nobody holds it, may have changed too.
        handle: Option<Handle>,
    },
    /// Every answer of the backend of this name.
    Everything {
        /// The backend.
        scheme: Scheme,
    },
}

/// The way to tell of a [`Change`] or a [`Suspicion`]; cheap to clone, never blocks.
///
/// Made by the resolver's builder and given to a backend's constructor.
#[derive(Clone)]
pub struct Invalidator {
    purge: Arc<dyn Fn(&Change) + Send + Sync>,
    suspect: Arc<dyn Fn(&Suspicion) + Send + Sync>,
}

impl Invalidator {
    /// Calls `purge` for each change. It must not block. Suspicions are heard by nobody.
    pub fn new(purge: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        Self { purge: Arc::new(purge), suspect: Arc::new(|_| ()) }
    }

    /// Calls `suspect` for each suspicion. It must not block.
    #[must_use]
    pub fn on_suspicion(self, suspect: impl Fn(&Suspicion) + Send + Sync + 'static) -> Self {
        Self { suspect: Arc::new(suspect), ..self }
    }

    /// For a backend that runs without a cache in front of it.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(|_| ())
    }

    /// Tells of a change, after it is durable and before it is acknowledged to whoever made it.
    pub fn tell(&self, change: &Change) {
        (self.purge)(change);
    }

    /// Tells that something may have changed.
    pub fn suspect(&self, suspicion: &Suspicion) {
        (self.suspect)(suspicion);
    }
}

impl fmt::Debug for Invalidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalidator")
    }
}
