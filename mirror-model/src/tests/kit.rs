//! The mirror keeps the numbered rules of the contract.

use std::sync::Arc;

use namesake::{
    AccountId, Handle, HandleResolver,
    conformance::backend::{Breakage, Excuse, Facts, Faults, Fixture, Held, Renamed, Upstream, check},
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
        held.push(Held::new(name, world.link(name).await.account.as_str()));
    }
    world.settle().await;
    let report = check(&Mirror { world, store, held }).await;
    assert!(report.is_complete(), "{report}");
}

impl Fixture for Mirror {
    fn backend(&self) -> Arc<dyn HandleResolver> {
        self.world.model.clone()
    }

    fn facts(&self) -> Facts {
        Facts {
            held: self.held.clone(),
            absent: Handle::parse("nobody").unwrap(),
            absent_account: AccountId::parse("threads:nobody").unwrap(),
            foreign: Handle::parse("bob@example.com").unwrap(),
        }
    }

    fn upstream(&self) -> &impl Upstream {
        &self.store.faults
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        self.world.sandbox.rename("alice", "alicia").unwrap();
        Ok(Renamed::new("alice", "alicia"))
    }

    async fn settle(&self) {
        self.world.after(self.world.model.settings().poll_interval).await;
    }
}

/// A store in memory that counts reads and can be broken: what a mirror's lookups depend on.
#[derive(Debug, Default)]
struct Breakable {
    whole: MemoryStore,
    faults: Faults,
}

impl Store for Breakable {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async {
            let broken = self.faults.asked().await;
            let read = self.whole.read(key).await?;
            match broken {
                Some(Breakage::Down) => Err(StoreError::Unavailable("broken by a test".to_owned())),
                Some(Breakage::Nonsense) => {
                    Ok(read.map(|entry| Entry { value: b"nonsense".as_slice().into(), ..entry }))
                }
                None => Ok(read),
            }
        })
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
