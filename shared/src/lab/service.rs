//! What stands in front of a backend where it is really used: a directory and a cache. The resolver is one.

use std::{sync::Arc, time::Duration};

use super::{Front, LabError};
use crate::{Clock, HandleResolver, Invalidator, Scheme};

/// Puts a directory and a cache in front of a backend, as where people ask.
pub trait Service: Send + Sync {
    /// What remembering for `ttl` means for whoever asks.
    fn remembers(&self, ttl: Duration) -> Remembers;

    /// Begins to answer for the backend that `make` makes, remembering for `ttl` what that leaves open.
    ///
    /// # Errors
    /// When no service comes of it.
    fn open(
        &self,
        scheme: &Scheme,
        clock: Arc<dyn Clock>,
        ttl: Duration,
        make: MakeBackend<'_>,
    ) -> Result<Arc<dyn Front>, LabError>;
}

/// Makes a backend that tells of its changes in this way.
pub type MakeBackend<'a> = &'a mut dyn FnMut(Invalidator) -> Arc<dyn HandleResolver>;

/// What a policy has to say about a cache in front.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remembers {
    /// How long after a change an answer of before may go out.
    pub visible_within: Duration,
    /// How long an answer goes out while its source cannot be asked.
    pub unconfirmed_for: Duration,
}
