//! The only file that imports sled.
//!
//! sled hides two things that are made good here. `flush` ends in `sync_file_range`, which neither flushes the disk's
//! cache nor writes metadata, so [`Engine::persist`] adds a real sync. And what it writes at creation is synced by
//! `files::sync_all`, which runs after [`Engine::open`].

use std::collections::HashSet;
use std::fs::{self, File};
use std::ops::Bound;
use std::path::{Path, PathBuf};

use ::sled::{Batch, Config, Db, IVec};

use super::files::SledIsGone;
use super::rows::{self, Head, Row};
use super::{OpenError, files, panics};
use crate::store::{Change, Key, StoreError, Version};

/// How often sled's own thread writes and syncs on its own account. Never off: it also collects garbage.
const FLUSH_EVERY_MS: u64 = 500;

/// The open database: one tree, read by anybody, written by the writer thread.
pub(super) struct Engine {
    tree: Db,
    /// Our own handle: a sync acts on the file, through whichever handle it comes.
    log: File,
    blobs: PathBuf,
    /// Dropped last.
    _sled_is_gone: SledIsGone,
}

/// The rows of one batch, applied together or not at all.
#[derive(Default)]
pub(super) struct Rows(Batch);

impl Engine {
    /// Opens the database and checks its format. The caller holds the lock and has cleaned up.
    pub(super) fn open(folder: &Path, cache_bytes: u64) -> Result<Self, OpenError> {
        let config = Config::default()
            .path(folder)
            .cache_capacity(cache_bytes)
            .flush_every_ms(Some(FLUSH_EVERY_MS))
            .use_compression(false);
        let damaged = |detail| OpenError::Damaged { path: folder.into(), detail };
        #[expect(clippy::disallowed_methods, reason = "this file is the recipe")]
        let opened = panics::caught(|| config.open()).map_err(damaged)?;
        let tree = opened.map_err(|error| cannot_open(folder, error))?;
        let failed = |source| OpenError::Io { path: folder.into(), source };
        let log = File::open(folder.join(files::DB)).map_err(failed)?;
        let sled_is_gone = SledIsGone::when_dropped(folder).map_err(failed)?;
        let engine = Self { tree, log, blobs: folder.join(files::BLOBS), _sled_is_gone: sled_is_gone };
        panics::caught(|| engine.check_format(folder)).map_err(damaged)??;
        Ok(engine)
    }

    fn check_format(&self, folder: &Path) -> Result<(), OpenError> {
        let failed = |error| cannot_open(folder, error);
        match self.tree.get(rows::FORMAT_KEY).map_err(failed)? {
            Some(format) if format == rows::FORMAT => return Ok(()),
            // What was added since is in no row of before.
            Some(format) if format == rows::FORMAT_BEFORE => {
                self.tree.insert(rows::FORMAT_KEY, rows::FORMAT).map_err(failed)?
            }
            Some(other) => {
                return Err(OpenError::Format {
                    path: folder.into(),
                    found: other.escape_ascii().to_string(),
                });
            }
            // Others keep theirs in trees with names.
            None if self.tree.is_empty() && self.tree.tree_names().len() == 1 => {
                self.tree.insert(rows::FORMAT_KEY, rows::FORMAT).map_err(failed)?
            }
            None => {
                return Err(OpenError::Foreign(folder.into()));
            }
        };
        // Synced with everything else, right after.
        self.tree.flush().map(|_| ()).map_err(failed)
    }

    /// The newest write to a key, durable or not.
    pub(super) fn head(&self, key: &Key) -> Result<Option<Head>, StoreError> {
        let head = self.tree.get(rows::head_key(key.as_bytes())).map_err(failed)?;
        head.map(|head| Head::parse(&head).ok_or_else(|| damaged("an entry", key.as_bytes()))).transpose()
    }

    /// The row of a head; `None` when pieces of a long value are gone, because a newer write replaced it meanwhile.
    pub(super) fn row(&self, head: Head) -> Result<Option<Row>, StoreError> {
        let (version, slot, bytes) = match head {
            Head::Whole(row) => return Ok(Some(row)),
            Head::Long { version, slot, bytes } => (version, slot, bytes),
        };
        let mut value = Vec::with_capacity(bytes);
        for number in 0..=u16::MAX {
            if value.len() >= bytes {
                break;
            }
            match self.tree.get(rows::piece_key(version, slot, number)).map_err(failed)? {
                Some(piece) => value.extend_from_slice(&piece),
                None => return Ok(None),
            }
        }
        Ok(Some(Row { version, slot, value: Some(value.into()) }))
    }

    /// The newest writes to keys that begin with `prefix`, in key order, after `after`; durable or not.
    pub(super) fn heads(
        &self,
        prefix: &[u8],
        after: Option<&Key>,
    ) -> impl Iterator<Item = Result<(Key, Head), StoreError>> + use<> {
        let prefix = rows::head_key(prefix);
        let from = match after.map(|after| rows::head_key(after.as_bytes())) {
            Some(after) if after >= prefix => Bound::Excluded(after),
            _ => Bound::Included(prefix.clone()),
        };
        let range = self.tree.range::<Vec<u8>, _>((from, Bound::Unbounded));
        let within = move |(key, _): &(IVec, IVec)| key.starts_with(&prefix);
        range.take_while(move |row| row.as_ref().map_or(true, &within)).map(|row| {
            let (row, head) = row.map_err(failed)?;
            rows::parse_head_key(&row).zip(Head::parse(&head)).ok_or_else(|| damaged("an entry", &row))
        })
    }

    /// The changes with `after < version <= until`, in order.
    pub(super) fn feed(
        &self,
        after: Version,
        until: Version,
    ) -> impl Iterator<Item = Result<Change, StoreError>> + use<> {
        let range = (
            Bound::Excluded(rows::feed_key(after, u16::MAX)),
            Bound::Included(rows::feed_key(until.max(after), u16::MAX)),
        );
        self.tree.range::<Vec<u8>, _>(range).map(|row| {
            let (key, value) = row.map_err(failed)?;
            rows::parse_feed_row(&key, &value).ok_or_else(|| damaged("a change", &key))
        })
    }

    /// The version of the last commit, also where sled panics about what it finds.
    pub(super) fn checked_last_version(&self) -> Result<Version, StoreError> {
        panics::caught(|| self.last_version()).unwrap_or_else(|panic| Err(StoreError::Damaged(panic)))
    }

    /// The version of the last commit: from the end of the feed, or noted beside it.
    fn last_version(&self) -> Result<Version, StoreError> {
        let ends =
            rows::feed_key(Version::ZERO, 0)..=rows::feed_key(Version::from_sequence(u64::MAX), u16::MAX);
        let told = match self.tree.range(ends).next_back() {
            None => Version::ZERO,
            Some(row) => {
                let (key, value) = row.map_err(failed)?;
                rows::parse_feed_row(&key, &value).ok_or_else(|| damaged("a change", &key))?.version
            }
        };
        let noted = match self.tree.get(rows::LAST_KEY).map_err(failed)? {
            None => Version::ZERO,
            Some(last) => {
                rows::parse_last(&last).ok_or_else(|| damaged("the last version", rows::LAST_KEY))?
            }
        };
        Ok(told.max(noted))
    }

    /// Makes the rows visible to reads of this file's methods, all at once. Not durable yet.
    pub(super) fn apply(&self, rows: Rows) -> Result<(), StoreError> {
        self.tree.apply_batch(rows.0).map_err(failed)
    }

    /// Whether sled still writes what it has to. A failure of a thread of its own shows here, and nowhere else but in reads.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        self.tree.flush().map(|_| ()).map_err(failed)
    }

    /// Makes all that was applied before durable. `synced` is what this function remembers between calls.
    ///
    /// sled's flush brings the log to the kernel, the sync brings it to the disk. The layout of the rows is meant to
    /// keep sled from side files; should it write one nevertheless, it is synced before the log that refers to it.
    pub(super) fn persist(&self, synced: &mut HashSet<PathBuf>) -> Result<(), StoreError> {
        self.tree.flush().map_err(failed)?;
        let mut side_files = HashSet::new();
        for blob in fs::read_dir(&self.blobs)? {
            let blob = blob?.path();
            if !synced.contains(&blob) {
                match File::open(&blob).and_then(|file| file.sync_all()) {
                    // sled removes them behind our back.
                    Err(error) if error.kind() == std::io::ErrorKind::NotFound => continue,
                    outcome => outcome?,
                }
            }
            side_files.insert(blob);
        }
        if !side_files.is_subset(synced) {
            files::sync_folder(&self.blobs)?;
        }
        *synced = side_files;
        Ok(self.log.sync_data()?)
    }

    /// Breaks the sync, as a failing disk does.
    #[cfg(test)]
    pub(super) fn with_broken_sync(self) -> Self {
        // The kernel refuses to sync a device that has nothing to sync.
        Self { log: File::open("/dev/null").unwrap(), ..self }
    }
}

impl Rows {
    pub(super) fn put(&mut self, key: Vec<u8>, value: impl Into<IVec>) {
        self.0.insert(key, value);
    }

    pub(super) fn remove(&mut self, key: Vec<u8>) {
        self.0.remove(key);
    }
}

fn cannot_open(folder: &Path, error: ::sled::Error) -> OpenError {
    let path = folder.into();
    match error {
        ::sled::Error::Io(source) => OpenError::Io { path, source },
        ::sled::Error::Unsupported(found) => OpenError::Format { path, found },
        other => OpenError::Damaged { path, detail: other.to_string() },
    }
}

fn failed(error: ::sled::Error) -> StoreError {
    match error {
        ::sled::Error::Io(source) => source.into(),
        other => StoreError::Damaged(other.to_string()),
    }
}

fn damaged(what: &str, key: &[u8]) -> StoreError {
    StoreError::Damaged(format!("{what} at {} cannot be read", key.escape_ascii()))
}
