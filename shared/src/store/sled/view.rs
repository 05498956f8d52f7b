//! What readers see: durable rows only.
//!
//! sled shows a write at once; it is durable only after the sync. In between, the writer keeps the rows that the batch
//! replaced in `before`, and readers who meet a row newer than the mark answer from there. It works because rows carry
//! their version and none ever vanishes (deletes are tombstones): a reader can always tell that it looks at something
//! too new.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::engine::Engine;
use super::panics;
use super::rows::{Head, Row};
use crate::store::{Change, Entry, FLEETING, Key, StoreError, Version, whole_commits};

/// What a batch replaces: for each key it writes, the last durable row, or `None` if there was none.
pub(super) type Before = HashMap<Key, Option<Row>>;

pub(super) struct View {
    /// Locked for each question, never across two; for writing only while sled is closed and opened.
    access: RwLock<Access>,
    /// The last durable version.
    mark: Arc<AtomicU64>,
    /// Empty but for the time from the application of a batch to its sync.
    before: Mutex<Before>,
}

enum Access {
    Open(Engine),
    Reopening,
    Ended(String),
}

impl View {
    pub(super) fn new(engine: Engine, durable: Version) -> Self {
        let mark = Arc::new(AtomicU64::new(durable.sequence()));
        Self { access: RwLock::new(Access::Open(engine)), mark, before: Mutex::default() }
    }

    /// Does something with the database. What sled panics about is damage.
    pub(super) fn engine<T>(
        &self,
        work: impl FnOnce(&Engine) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &*self.access.read().unwrap_or_else(PoisonError::into_inner) {
            Access::Open(engine) => {
                panics::caught(|| work(engine)).unwrap_or_else(|panic| Err(StoreError::Damaged(panic)))
            }
            Access::Reopening => {
                Err(StoreError::Unavailable("it is being opened again after an error of its disk".to_owned()))
            }
            Access::Ended(why) => Err(StoreError::Ended(why.clone())),
        }
    }

    /// Closes the database, once nobody reads any more, and waits until sled has let go of it.
    pub(super) fn close(&self) {
        let closed = self.give(Access::Reopening);
        // After an error, sled may have more to say.
        let _ = panics::caught(|| drop(closed));
    }

    /// Lets readers in again, to all that is there.
    pub(super) fn reopen(&self, engine: Engine, durable: Version) {
        self.settle(durable);
        self.give(Access::Open(engine));
    }

    /// Closes it for good.
    pub(super) fn end(&self, why: &str) {
        let closed = self.give(Access::Ended(why.to_owned()));
        let _ = panics::caught(|| drop(closed));
    }

    fn give(&self, access: Access) -> Access {
        std::mem::replace(&mut *self.access.write().unwrap_or_else(PoisonError::into_inner), access)
    }

    /// The last durable version, for whoever outlives this.
    pub(super) fn shared_mark(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.mark)
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
        self.engine(|engine| self.row_in(engine, key))
    }

    fn row_in(&self, engine: &Engine, key: &Key) -> Result<Option<Row>, StoreError> {
        let mut gone = None;
        loop {
            let Some(head) = engine.head(key)? else { return Ok(None) };
            let version = head.version();
            match self.durable(engine, key, head)? {
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

    fn durable(&self, engine: &Engine, key: &Key, head: Head) -> Result<Seen, StoreError> {
        if head.version() > self.mark()
            && let Some(before) = self.before().get(key)
        {
            return Ok(Seen::Row(before.clone()));
        }
        Ok(engine.row(head)?.map_or(Seen::Replaced, |row| Seen::Row(Some(row))))
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
        self.engine(|engine| {
            for head in engine.heads(prefix, after) {
                let (key, head) = head?;
                let row = match self.durable(engine, &key, head)? {
                    Seen::Row(row) => row,
                    Seen::Replaced => self.row_in(engine, &key)?,
                };
                if let Some(entry) = row.and_then(Row::entry) {
                    found.push((key, entry));
                    if found.len() == limit {
                        break;
                    }
                }
            }
            Ok(found)
        })
    }

    /// Deleted fleeting keys that still have a row.
    pub(super) fn graves(&self) -> Result<Vec<Key>, StoreError> {
        self.engine(|engine| {
            let mut graves = Vec::new();
            for head in engine.heads(FLEETING.as_bytes(), None) {
                if let (key, Head::Whole(Row { value: None, .. })) = head? {
                    graves.push(key);
                }
            }
            Ok(graves)
        })
    }

    pub(super) fn changes(&self, after: Version, limit: usize) -> Result<Vec<Change>, StoreError> {
        // Rows of the feed never change, so what is at or below the mark is complete.
        self.engine(|engine| whole_commits(engine.feed(after, self.mark()), limit))
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
