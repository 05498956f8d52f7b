//! The mirror keeps the numbered rules of the contract.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use namesake::{
    AccountId, Handle, HandleResolver,
    conformance::backend::{Breakage, Excuse, Fixture, Held, Renamed, check},
    store::{Change, Commit, CommitError, Entry, Key, MemoryStore, Store, StoreError, StoreFuture, Version},
};

use super::world::World;

struct Mirror {
    world: World,
    store: Arc<Breakable>,
    held: Vec<Held>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_mirror_keeps_the_rules() {
    let store = Arc::new(Breakable::default());
    let world = World::with(&["alice", "bob"], store.clone()).await;
    let mut held = Vec::new();
    for name in ["alice", "bob"] {
        held.push(Held { handle: Handle::parse(name).unwrap(), account: world.link(name).await.account });
    }
    world.settle().await;
    let report = check(&Mirror { world, store, held }).await;
    assert!(report.is_complete(), "{report}");
}

impl Fixture for Mirror {
    fn backend(&self) -> Arc<dyn HandleResolver> {
        self.world.model.clone()
    }

    fn held(&self) -> Vec<Held> {
        self.held.clone()
    }

    fn absent(&self) -> Handle {
        Handle::parse("nobody").unwrap()
    }

    fn absent_account(&self) -> AccountId {
        AccountId::parse("threads:nobody").unwrap()
    }

    fn foreign(&self) -> Handle {
        Handle::parse("bob@example.com").unwrap()
    }

    fn io_calls(&self) -> u64 {
        self.store.reads.load(Ordering::SeqCst)
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        self.world.sandbox.rename("alice", "alicia").unwrap();
        let Held { handle: old, account } = self.held[0].clone();
        Ok(Renamed { account, old, new: Handle::parse("alicia").unwrap() })
    }

    async fn settle(&self) {
        self.world.after(self.world.model.settings().poll_interval).await;
    }

    async fn break_upstream(&self, how: Breakage) -> Result<(), Excuse> {
        self.store.broken.store(if how == Breakage::Down { DOWN } else { NONSENSE }, Ordering::SeqCst);
        Ok(())
    }

    async fn mend_upstream(&self) {
        self.store.broken.store(WHOLE, Ordering::SeqCst);
    }
}

const WHOLE: u8 = 0;
const DOWN: u8 = 1;
const NONSENSE: u8 = 2;

/// A store in memory that counts reads and can be broken: what a mirror's lookups depend on.
#[derive(Debug, Default)]
struct Breakable {
    whole: MemoryStore,
    reads: AtomicU64,
    broken: AtomicU8,
}

impl Store for Breakable {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        match self.broken.load(Ordering::SeqCst) {
            DOWN => Box::pin(async { Err(StoreError::Unavailable("broken by a test".to_owned())) }),
            NONSENSE => Box::pin(async {
                let read = self.whole.read(key).await?;
                Ok(read.map(|entry| Entry { value: b"nonsense".as_slice().into(), ..entry }))
            }),
            // Lets go once, as a store on a disk does, so that there is something to interrupt.
            _ => Box::pin(async {
                tokio::task::yield_now().await;
                self.whole.read(key).await
            }),
        }
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
        self.whole.commit(commit)
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        self.whole.changes(after, limit)
    }
}
