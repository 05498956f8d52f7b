//! The sled adapter: the store of one machine, in one folder.
//!
//! sled 0.34.7 alone is not safe: its `flush` is no fsync, a kill during open can leave a file that stops every later
//! open, and its settings file is never synced. What we do about it, file by file:
//!
//! | file | what it does |
//! |---|---|
//! | `files` | the folder: a lock of our own, leftovers removed before open, everything synced after it |
//! | `mark` | what it was when it was last closed, so that a file that was cut is known |
//! | `opening` | all of that in its order, at the start and after an error of the disk |
//! | `panics` | what sled panics about, as errors |
//! | `space` | how much room there has to be |
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
//! version. So a stalled disk stalls commits alone.
//!
//! **After an error of the disk the store is opened again in place**: sled keeps its first error for good, and of what the
//! kernel could not write nobody knows what is there. What is on the disk is read anew, and counts. If that fails too, the
//! store has [ended](StoreHealth::Ended), and the process should.
//!
//! **The feed is not trimmed**: one small row a change, about 20 bytes beside the key, and it is the history that
//! rule S9 promises. At open it costs memory as every row does (about 50 bytes in sled's page table, at worst). Fleeting
//! keys are not in it, and the row of one that was deleted is removed with the next batch.

mod engine;
mod files;
mod mark;
mod opening;
mod panics;
mod rows;
mod space;
#[cfg(test)]
mod tests;
mod view;
mod writer;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use self::files::Lock;
use self::mark::OpenMark;
use self::opening::{Closing, Opening};
use self::space::Space;
use self::view::View;
use self::writer::Writer;
use super::{Change, Commit, CommitError, Entry, Key, Store, StoreError, StoreFuture, StoreHealth, Version};

/// A store in one folder, of this process alone.
///
/// Dropping it waits until every commit that was handed over is durable and answered, then gives the folder free.
pub struct SledStore {
    path: PathBuf,
    health: watch::Receiver<StoreHealth>,
    // Dropped in this order: the thread ends, sled closes, that is written down, and only then may another process come in.
    writer: Writer,
    view: Arc<View>,
    _closing: Closing,
    _lock: Lock,
}

/// How to open a [`SledStore`].
#[derive(Debug, Clone)]
pub struct SledOptions {
    /// The folder; made if it is not there, its parents too.
    pub path: PathBuf,
    /// Bytes for sled's page cache. Plan twice as much for the process.
    pub cache_bytes: u64,
    /// Bytes that stay free on the disk: a batch that would not leave them is refused ([`StoreError::Full`]). Of a small
    /// file system, a quarter at most.
    pub min_free_bytes: u64,
}

impl SledOptions {
    /// In this folder, with 64 MiB for the cache and as much to stay free on the disk.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), cache_bytes: 64 << 20, min_free_bytes: 64 << 20 }
    }
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
        "the store in {} is damaged ({detail}): set the folder aside and put a backup of it in its place",
        path.display()
    )]
    Damaged {
        /// The folder.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The files are a database of another program.
    #[error("{} holds the database of another program: choose another folder for the store", .0.display())]
    Foreign(PathBuf),
    /// The files are whole, but were written by another version of this program.
    #[error(
        "the store in {} has another format ({found}): use the version that wrote it, or another folder",
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
        let SledOptions { path, cache_bytes, min_free_bytes } = options;
        let lock = files::lock(&path)?;
        // Absolute from here on, so that the parent folder can be named whatever the path looks like.
        let folder = path.canonicalize().map_err(|source| OpenError::Io { path: path.clone(), source })?;
        let opening = Opening { folder: folder.clone(), cache_bytes };
        let space = move || Space::of(&folder);
        Self::start(opening, lock, min_free_bytes, Box::new(space))
    }

    fn start(
        opening: Opening,
        lock: Lock,
        min_free_bytes: u64,
        space: Box<dyn Fn() -> io::Result<Space> + Send>,
    ) -> Result<Self, OpenError> {
        let (engine, durable, mark) = opening.open()?;
        Self::run(opening, lock, View::new(engine, durable), mark, min_free_bytes, space)
    }

    fn run(
        opening: Opening,
        lock: Lock,
        view: View,
        mark: OpenMark,
        min_free_bytes: u64,
        space: Box<dyn Fn() -> io::Result<Space> + Send>,
    ) -> Result<Self, OpenError> {
        let (path, view) = (opening.folder.clone(), Arc::new(view));
        let (set_health, health) = watch::channel(StoreHealth::Well);
        let closing = Closing::new(path.clone(), view.shared_mark(), health.clone());
        let graves = view.graves().map_err(|error| opening.unreadable(error))?;
        let writer =
            Writer::start(Arc::clone(&view), graves, opening, mark, min_free_bytes, space, set_health);
        let writer = writer.map_err(|source| OpenError::Io { path: path.clone(), source })?;
        Ok(Self { path, health, writer, view, _closing: closing, _lock: lock })
    }

    /// What it can do, now and from now on.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<StoreHealth> {
        self.health.clone()
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
