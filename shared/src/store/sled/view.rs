//! What readers see: durable rows only.
//!
//! sled shows a write at once; it is durable only after the sync. In between, the writer keeps the rows that the batch
//! replaced in `before`, and readers who meet a row newer than the mark answer from there. It works because rows carry
//! their version and none ever vanishes (deletes are tombstones): a reader can always tell that it looks at something
//! too new.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::engine::Engine;
use super::rows::{Head, Row};
use crate::store::{Change, Entry, FLEETING, Key, StoreError, Version, whole_commits};

/// What a batch replaces: for each key it writes, the last durable row, or `None` if there was none.
pub(super) type Before = HashMap<Key, Option<Row>>;

pub(super) struct View {
    pub(super) engine: Engine,
    /// The last durable version.
    mark: AtomicU64,
    /// Empty but for the time from the application of a batch to its sync; for good if that fails.
    before: Mutex<Before>,
}

impl View {
    pub(super) fn new(engine: Engine, durable: Version) -> Self {
        Self { engine, mark: AtomicU64::new(durable.sequence()), before: Mutex::default() }
    }

    /// The last durable version.
    pub(super) fn mark(&self) -> Version {
        Version::from_sequence(self.mark.load(Ordering::Acquire))
    }

    /// For the writer, before it applies a batch: from now on, readers of these keys see what they see now.
    pub(super) fn hold(&self, before: Before) {
        *self.before() = before;
    }

    /// For the writer, once the batch is durable: readers see it. The mark moves before the old rows go; whoever finds
    /// no old row for a version past the mark it read knows that the version has become durable since.
    pub(super) fn settle(&self, durable: Version) {
        let mut before = self.before();
        self.mark.store(durable.sequence(), Ordering::Release);
        before.clear();
    }

    /// The last durable row of a key, tombstones included.
    pub(super) fn row(&self, key: &Key) -> Result<Option<Row>, StoreError> {
        let mut gone = None;
        loop {
            let Some(head) = self.engine.head(key)? else { return Ok(None) };
            let version = head.version();
            match self.durable(key, head)? {
                Seen::Row(row) => return Ok(row),
                // Replaced between two reads: look again. Twice at one version means that it was never whole.
                Seen::Replaced if gone == Some(version) => {
                    return Err(StoreError::Damaged(format!(
                        "the value of {key} at version {version} is not whole"
                    )));
                }
                Seen::Replaced => gone = Some(version),
            }
        }
    }

    fn durable(&self, key: &Key, head: Head) -> Result<Seen, StoreError> {
        if head.version() > self.mark()
            && let Some(before) = self.before().get(key)
        {
            return Ok(Seen::Row(before.clone()));
        }
        Ok(self.engine.row(head)?.map_or(Seen::Replaced, |row| Seen::Row(Some(row))))
    }

    pub(super) fn entry(&self, key: &Key) -> Result<Option<Entry>, StoreError> {
        Ok(self.row(key)?.and_then(Row::entry))
    }

    pub(super) fn scan(
        &self,
        prefix: &[u8],
        after: Option<&Key>,
        limit: usize,
    ) -> Result<Vec<(Key, Entry)>, StoreError> {
        let mut found = Vec::new();
        if limit == 0 {
            return Ok(found);
        }
        for head in self.engine.heads(prefix, after) {
            let (key, head) = head?;
            let row = match self.durable(&key, head)? {
                Seen::Row(row) => row,
                Seen::Replaced => self.row(&key)?,
            };
            if let Some(entry) = row.and_then(Row::entry) {
                found.push((key, entry));
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Deleted fleeting keys that still have a row.
    pub(super) fn graves(&self) -> Result<Vec<Key>, StoreError> {
        let mut graves = Vec::new();
        for head in self.engine.heads(FLEETING.as_bytes(), None) {
            if let (key, Head::Whole(Row { value: None, .. })) = head? {
                graves.push(key);
            }
        }
        Ok(graves)
    }

    pub(super) fn changes(&self, after: Version, limit: usize) -> Result<Vec<Change>, StoreError> {
        // Rows of the feed never change, so what is at or below the mark is complete.
        whole_commits(self.engine.feed(after, self.mark()), limit)
    }

    fn before(&self) -> MutexGuard<'_, Before> {
        // Held for a look-up or an assignment; neither can leave it half done.
        self.before.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum Seen {
    Row(Option<Row>),
    Replaced,
}
