//! The sled adapter: the store of one machine, in one folder.
//!
//! sled 0.34.7 alone is not safe: its `flush` is no fsync, a kill during open can leave a file that stops every later
//! open, and its settings file is never synced. What we do about it, file by file:
//!
//! | file | what it does |
//! |---|---|
//! | `files` | the folder: a lock of our own, leftovers removed before open, everything synced after it |
//! | `engine` | the only file that imports sled: rows in and out, and a durability that is real |
//! | `rows` | how keys and values are laid out in the one tree; values are cut up, so that sled never spills to side files |
//! | `view` | what readers see: durable rows only, also while a batch is half done |
//! | `writer` | the one thread that writes: check, apply, sync, answer, up to 256 commits at a time |
//!
//! **Reads run inline**, on the task that asks. They are look-ups in sled's page cache, at worst one `pread` of a page;
//! a hop to a blocking thread costs more, and would need a runtime that this crate does not otherwise want. A reader
//! can wait for the application of a batch (milliseconds, in memory), never for its sync.
//!
//! **Reads never wait for durability**: while a batch is between application and sync, they get the last durable
//! version. So a stalled disk stalls commits alone, and after a failed sync reads go on.
//!
//! **The feed is not trimmed**: one small row a change, about 20 bytes beside the key, and it is the history that
//! rule S9 promises. At open it costs memory as every row does (about 50 bytes in sled's page table, at worst). Fleeting
//! keys are not in it, and the row of one that was deleted is removed with the next batch.

mod engine;
mod files;
mod rows;
#[cfg(test)]
mod tests;
mod view;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use self::engine::Engine;
use self::files::{Lock, SledIsGone};
use self::view::View;
use self::writer::Writer;
use super::{Change, Commit, CommitError, Entry, Key, Store, StoreError, StoreFuture, Version};

/// A store in one folder, of this process alone.
///
/// Dropping it waits until every commit that was handed over is durable and answered, then gives the folder free.
pub struct SledStore {
    path: PathBuf,
    // Dropped in this order: the thread ends, sled closes, and only then may another process come in.
    writer: Writer,
    view: Arc<View>,
    _sled_is_gone: SledIsGone,
    _lock: Lock,
}

/// How to open a [`SledStore`].
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// The folder; made if it is not there, its parents too.
    pub path: PathBuf,
    /// Bytes for sled's page cache. Plan twice as much for the process.
    pub cache_bytes: u64,
}

/// The store cannot be opened. The message says what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process (or another `SledStore` of this one) has the folder.
    #[error("the store in {} is in use by another process: stop that one, or choose another folder", .0.display())]
    Locked(PathBuf),
    /// The file system refused something.
    #[error("cannot open the store in {}: check that it is a folder this user may write to, and the disk", path.display())]
    Io {
        /// The folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The files are damaged.
    #[error(
        "the store in {} is damaged ({detail}): keep a copy of the folder, start with an empty one, and restore it from the exported logs",
        path.display()
    )]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The files are whole, but were written by another program or by another version of this one.
    #[error(
        "the store in {} has another format ({found}): use the version that wrote it to export its logs, then restore them here",
        path.display()
    )]
    Format {
        /// The folder.
        path: PathBuf,
        /// What was found.
        found: String,
    },
}

impl SledStore {
    /// Opens the store, making it if the folder is empty. Blocks: a large one takes seconds.
    ///
    /// # Errors
    /// [`OpenError`]; a server should print it and stop.
    pub fn open(options: SledOptions) -> Result<Self, OpenError> {
        let SledOptions { path, cache_bytes } = options;
        let failed = |source| OpenError::Io { path: path.clone(), source };
        let lock = files::lock(&path)?;
        // Absolute from here on, so that the parent folder can be named whatever the path looks like.
        let folder = path.canonicalize().map_err(failed)?;
        files::prepare(&folder).map_err(failed)?;
        let engine = Engine::open(&folder, cache_bytes)?;
        files::sync_all(&folder).map_err(failed)?;
        Self::start(folder, lock, engine)
    }

    fn start(path: PathBuf, lock: Lock, engine: Engine) -> Result<Self, OpenError> {
        let unreadable = |error| match error {
            StoreError::Io(source) => {
                OpenError::Io { path: path.clone(), source: io::Error::new(source.kind(), source) }
            }
            other => OpenError::Damaged { path: path.clone(), detail: other.to_string() },
        };
        let last = engine.last_version().map_err(unreadable)?;
        // What recovery found was synced just now, so all of it may be seen.
        let view = Arc::new(View::new(engine, last));
        let graves = view.graves().map_err(unreadable)?;
        let failed = |source| OpenError::Io { path: path.clone(), source };
        let sled_is_gone = SledIsGone::when_dropped(&path).map_err(failed)?;
        let writer = Writer::start(Arc::clone(&view), graves).map_err(failed)?;
        Ok(Self { path, writer, view, _sled_is_gone: sled_is_gone, _lock: lock })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Store for SledStore {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { self.view.entry(key) })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        Box::pin(async move { self.view.scan(prefix, after, limit) })
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        Box::pin(self.writer.commit(commit))
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(async move { self.view.changes(after, limit) })
    }
}

/// By hand: sled's own `Debug` prints the whole database.
impl fmt::Debug for SledStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SledStore").field("path", &self.path).finish_non_exhaustive()
    }
}
