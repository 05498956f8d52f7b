//! What the store may do to us: fail, or not say.

use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use namesake::store::{
    Change, Commit, CommitError, Entry, Key, MemoryStore, Store, StoreError, StoreFuture, Version,
};
use namesake_independent::hosted::{AtHost, Rejection};

use crate::bench::{Bench, Person, host, settings};

const ALICE: &str = "alice.people.example.com";

/// A store that answers the next commit in its own way.
#[derive(Debug, Default)]
pub(crate) struct Moody {
    inner: MemoryStore,
    mood: AtomicU8,
    reads: AtomicU64,
}

const DOES_IT_AND_DOES_NOT_SAY: u8 = 1;
const DOES_NOT_AND_DOES_NOT_SAY: u8 = 2;
const FAILS: u8 = 3;
pub(crate) const IS_DOWN: u8 = 4;
pub(crate) const IS_DAMAGED: u8 = 5;

impl Moody {
    pub(crate) fn set(&self, mood: u8) {
        self.mood.store(mood, Ordering::SeqCst);
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }

    fn failure(&self) -> Result<(), StoreError> {
        match self.mood.load(Ordering::SeqCst) {
            IS_DOWN => Err(StoreError::Unavailable("down".to_owned())),
            IS_DAMAGED => Err(StoreError::Damaged("nonsense".to_owned())),
            _ => Ok(()),
        }
    }
}

impl Store for Moody {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            // As a store on a disk: an answer is not there at once.
            tokio::task::yield_now().await;
            self.failure()?;
            self.inner.read(key).await
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        self.inner.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        let broken = || StoreError::Unavailable("broken".to_owned());
        Box::pin(async move {
            match self.mood.swap(0, Ordering::SeqCst) {
                DOES_IT_AND_DOES_NOT_SAY => {
                    self.inner.commit(commit).await?;
                    Err(CommitError::Unknown(broken()))
                }
                DOES_NOT_AND_DOES_NOT_SAY => Err(CommitError::Unknown(broken())),
                FAILS => Err(CommitError::Failed(broken())),
                _ => self.inner.commit(commit).await,
            }
        })
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        self.inner.changes(after, limit)
    }
}

#[tokio::test]
async fn a_commit_whose_outcome_is_not_known_is_read_again_and_told_of() {
    for (mood, told) in [(DOES_IT_AND_DOES_NOT_SAY, 1), (DOES_NOT_AND_DOES_NOT_SAY, 2)] {
        let store = Arc::new(Moody::default());
        let bench = Bench::over(settings(), store.clone());
        store.set(mood);
        let mut alice = Person::new(1);
        let receipt = bench.register(&mut alice, None).await.unwrap();
        assert!(!receipt.repeated);
        assert_eq!(bench.told().len(), told);
        store.set(mood);
        let receipt = bench.rename(&mut alice, Some(ALICE)).await.unwrap();
        assert!(!receipt.repeated);
        assert_eq!((receipt.version.number, bench.told().len()), (2, told));
        assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::Handle(receipt.did));
        store.set(mood);
        let receipt = bench.show(&alice, 1, serde_json::json!({})).await.unwrap();
        assert!(!receipt.repeated);
        assert_eq!(bench.told().len(), told);
    }
}

#[tokio::test]
async fn a_commit_that_failed_left_nothing() {
    let store = Arc::new(Moody::default());
    let bench = Bench::over(settings(), store.clone());
    let mut alice = bench.person(1, None).await;
    bench.told();
    let entry = alice.draft(Some(ALICE), bench.tick()).sign(&alice);
    store.set(FAILS);
    let failed = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(failed, Rejection::Store(StoreError::Unavailable(_))), "{failed:?}");
    assert_eq!(bench.told(), []);
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::NoHandle);
    assert!(!bench.post(&mut alice, &entry).await.unwrap().repeated);
}

/// Whoever posts and hangs up: the entry is taken, and the caches hear of it.
#[tokio::test]
async fn a_dropped_post_is_all_or_nothing() {
    let bench = Bench::new();
    let mut alice = bench.person(1, None).await;
    for polls in 1.. {
        let name = format!("name{polls}.people.example.com");
        bench.told();
        let mut post = Box::pin(bench.rename(&mut alice, Some(&name)));
        let mut left = polls;
        let ended = std::future::poll_fn(|context| match post.as_mut().poll(context) {
            std::task::Poll::Ready(_) => std::task::Poll::Ready(true),
            std::task::Poll::Pending => {
                left -= 1;
                if left == 0 { std::task::Poll::Ready(false) } else { std::task::Poll::Pending }
            }
        })
        .await;
        drop(post);
        tokio::task::yield_now().await;
        let taken = bench.hosted.at_host(&host(&name)).await.unwrap() != AtHost::NoHandle;
        assert_eq!(bench.told().len(), usize::from(taken), "after {polls} polls");
        if ended {
            assert!(taken);
            return;
        }
        alice = Person::new(u8::try_from(polls).unwrap() + 1);
        bench.register(&mut alice, None).await.unwrap();
    }
}
