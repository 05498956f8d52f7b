//! A store in memory in which others get between a read and the commit that was made from it, and whose commits may
//! end in doubt.

use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use namesake::store::{
    Change, Commit, CommitError, Entry, Key, MemoryStore, Store, StoreError, StoreFuture, Version,
};

use super::upstream::pending;

#[derive(Debug, Default)]
pub(super) struct Interleaved {
    whole: MemoryStore,
    /// For how many polls a commit waits before it is done.
    pub(super) wait: AtomicU8,
    /// How many commits from now on end in doubt: every second one of these was done.
    pub(super) doubtful: AtomicU8,
}

impl Store for Interleaved {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        self.whole.read(key)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        self.whole.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            pending(self.wait.load(Relaxed)).await;
            let Some(left) = self.doubtful.load(Relaxed).checked_sub(1) else {
                return self.whole.commit(commit).await;
            };
            self.doubtful.store(left, Relaxed);
            if left % 2 == 0 {
                // A conflict is certain in any case.
                self.whole.commit(commit).await?;
            }
            Err(CommitError::Unknown(StoreError::Unavailable("in doubt, as a test wants it".to_owned())))
        })
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        self.whole.changes(after, limit)
    }
}
