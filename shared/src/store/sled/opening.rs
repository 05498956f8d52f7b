//! Opening, in its order: at the start, and again after an error of the disk.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::engine::Engine;
use super::mark::{Mark, OpenMark};
use super::{OpenError, files};
use crate::store::{StoreError, StoreHealth, Version};

/// What is opened. The caller holds the folder's lock.
#[derive(Debug)]
pub(super) struct Opening {
    /// Absolute.
    pub(super) folder: PathBuf,
    pub(super) cache_bytes: u64,
}

impl Opening {
    /// The database, its last version (all that recovery found is synced, so all of it may be seen), and its mark.
    pub(super) fn open(&self) -> Result<(Engine, Version, OpenMark), OpenError> {
        let folder = &self.folder;
        let failed = |source| OpenError::Io { path: folder.clone(), source };
        let mark = files::check(folder)?;
        files::prepare(folder).map_err(failed)?;
        let engine = Engine::open(folder, self.cache_bytes)?;
        let last = engine.checked_last_version().map_err(|error| self.unreadable(error))?;
        if let Some(Mark { version, .. }) = mark.filter(|mark| last < mark.version) {
            return Err(self.damaged(format!("its last change is {last}, and {version} was there before")));
        }
        files::make_private(folder).map_err(failed)?;
        files::sync_all(folder).map_err(failed)?;
        let mark = OpenMark::begin(folder, last).map_err(failed)?;
        Ok((engine, last, mark))
    }

    /// The same after an error of the disk: what was acknowledged up to `durable` must still be there.
    pub(super) fn open_again(&self, durable: Version) -> Result<(Engine, Version, OpenMark), OpenError> {
        files::forget_cached(&self.folder)
            .map_err(|source| OpenError::Io { path: self.folder.clone(), source })?;
        let (engine, last, mark) = self.open()?;
        if last < durable {
            return Err(self.damaged(format!("its last change is {last}, and {durable} was confirmed")));
        }
        Ok((engine, last, mark))
    }

    /// An error of the first reads, as one of opening.
    pub(super) fn unreadable(&self, error: StoreError) -> OpenError {
        match error {
            StoreError::Io(source) => {
                OpenError::Io { path: self.folder.clone(), source: io::Error::new(source.kind(), source) }
            }
            other => self.damaged(other.to_string()),
        }
    }

    fn damaged(&self, detail: String) -> OpenError {
        OpenError::Damaged { path: self.folder.clone(), detail }
    }
}

/// Dropped after sled and before the lock, this writes down what the store was when it was closed.
pub(super) struct Closing {
    folder: PathBuf,
    mark: Arc<AtomicU64>,
    health: watch::Receiver<StoreHealth>,
}

impl Closing {
    pub(super) fn new(folder: PathBuf, mark: Arc<AtomicU64>, health: watch::Receiver<StoreHealth>) -> Self {
        Self { folder, mark, health }
    }
}

impl Drop for Closing {
    fn drop(&mut self) {
        if !matches!(*self.health.borrow(), StoreHealth::Well | StoreHealth::Full) {
            return;
        }
        let version = Version::from_sequence(self.mark.load(Ordering::Acquire));
        // Without it the next open knows less.
        let _ = files::synced_length(&self.folder)
            .and_then(|length| Mark { version, length: Some(length) }.write(&self.folder));
    }
}
