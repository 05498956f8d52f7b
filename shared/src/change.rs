//! How a backend tells the resolver that something it answered is no longer so.

use std::{fmt, sync::Arc};

use crate::{AccountId, Handle};

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

/// The way to tell of a [`Change`]; cheap to clone, never blocks.
///
/// Made by the resolver's builder and given to a backend's constructor.
#[derive(Clone)]
pub struct Invalidator(Arc<dyn Fn(&Change) + Send + Sync>);

impl Invalidator {
    /// Calls `purge` for each change. It must not block.
    pub fn new(purge: impl Fn(&Change) + Send + Sync + 'static) -> Self {
        Self(Arc::new(purge))
    }

    /// For a backend that runs without a cache in front of it.
    #[must_use]
    pub fn nobody() -> Self {
        Self::new(|_| ())
    }

    /// Tells of a change, after it is durable and before it is acknowledged to whoever made it.
    pub fn tell(&self, change: &Change) {
        (self.0)(change);
    }
}

impl fmt::Debug for Invalidator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Invalidator")
    }
}
