//! The memory adapter: for `demo`, for tests, and for a server that keeps nothing.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    Change, Commit, CommitError, Entry, Key, Store, StoreError, StoreFuture, Version, Write, whole_commits,
};

/// A store in memory, gone with the process; "durable" means applied. It grows with every change ever made.
#[derive(Debug, Default)]
pub struct MemoryStore {
    // Never held across an await: no method awaits anything.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    rows: BTreeMap<Key, Row>,
    feed: Vec<Change>,
    /// The version of the last commit.
    last: Version,
}

#[derive(Debug)]
struct Row {
    version: Version,
    /// `None` is a tombstone.
    value: Option<Arc<[u8]>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing below can panic between two halves of a change, so a poisoned state is still a whole one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move { Ok(self.state().rows.get(key).and_then(Row::entry)) })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        Box::pin(async move {
            let from = match after.map(Key::as_bytes) {
                Some(after) if after >= prefix => Bound::Excluded(after),
                _ => Bound::Included(prefix),
            };
            let state = self.state();
            let rows = state.rows.range::<[u8], _>((from, Bound::Unbounded));
            let within = rows.take_while(|(key, _)| key.as_bytes().starts_with(prefix));
            let live = within.filter_map(|(key, row)| row.entry().map(|entry| (key.clone(), entry)));
            Ok(live.take(limit).collect())
        })
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        Box::pin(async move { self.state().commit(&commit) })
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(async move {
            let state = self.state();
            let from = state.feed.partition_point(|change| change.version <= after);
            whole_commits(state.feed.iter().skip(from).cloned().map(Ok), limit)
        })
    }
}

impl State {
    fn commit(&mut self, commit: &Commit) -> Result<Version, CommitError> {
        commit.validate()?;
        let live = |key: &Key| Ok(self.rows.get(key).and_then(Row::entry).map(|entry| entry.version));
        let Ok(conflict) = commit.conflict::<Infallible>(live);
        if let Some(key) = conflict {
            return Err(CommitError::Conflict(key));
        }
        let version = self.last.next();
        for (key, write) in commit.writes() {
            let value = match write {
                Write::Put(value) => Some(value.clone()),
                Write::Delete => None,
            };
            if !key.is_fleeting() {
                self.feed.push(Change { version, key: key.clone(), deleted: value.is_none() });
            } else if value.is_none() {
                self.rows.remove(key);
                continue;
            }
            self.rows.insert(key.clone(), Row { version, value });
        }
        self.last = version;
        Ok(version)
    }
}

impl Row {
    fn entry(&self) -> Option<Entry> {
        self.value.clone().map(|value| Entry { version: self.version, value })
    }
}
