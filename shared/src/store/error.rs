//! What can go wrong, sorted by what the caller can do about it.

use std::io;
use std::sync::Arc;

use super::{Key, Refusal};

/// A commit that was not acknowledged. The variants differ in what is known about its writes.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written: the expectation on this key does not hold. Read again, decide again.
    #[error("the entry of {0} is not what the commit expects")]
    Conflict(Key),
    /// Nothing was written: the commit breaks a limit. Trying again does not help.
    #[error("the commit is refused")]
    Refused(#[from] Refusal),
    /// **Not known** whether anything was written. Read again before saying yes or no to anybody.
    #[error("the outcome of the commit is not known")]
    Unknown(#[source] StoreError),
    /// Nothing was written: the store could not.
    #[error("the commit failed")]
    Failed(#[source] StoreError),
}

/// The store could not do its work.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It does not answer at the moment.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The disk or the file system failed.
    #[error("the store's disk failed")]
    Io(#[source] Arc<io::Error>),
    /// What was read is not what was written.
    #[error("the store is damaged ({0}); put a backup in its place")]
    Damaged(String),
    /// Its disk has hardly any room left. Everything is read; writing goes on by itself when there is room.
    #[error("the disk of the store is nearly full: nothing is written until there is room")]
    Full,
    /// The disk failed, and the store could not be opened again; or the thread that writes is gone.
    #[error("the store ended ({0}): check the disk, then start the service again")]
    Ended(String),
    /// The store is shut down.
    #[error("the store is shut down")]
    Stopped,
}

/// What the caller can do about a [`StoreError`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreErrorKind {
    /// Trying again later may help.
    Temporary,
    /// An operator has to act first.
    Permanent,
}

impl StoreError {
    /// What the caller can do.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        match self {
            Self::Unavailable(_) | Self::Full => StoreErrorKind::Temporary,
            Self::Io(_) | Self::Damaged(_) | Self::Ended(_) | Self::Stopped => StoreErrorKind::Permanent,
        }
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        Self::Io(Arc::new(error))
    }
}
