//! The suite itself is tested: for each rule there is a store that breaks it, and the suite says so by number.

#![expect(clippy::unwrap_used, reason = "a test; its helpers are no test functions")]

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use namesake::conformance::store::check_store;
use namesake::store::{
    Change, Commit, CommitError, Entry, Expect, Key, MemoryStore, Store, StoreError, StoreFuture, Version,
    Write,
};

/// A memory store with one thing wrong.
#[derive(Debug)]
struct Broken {
    store: MemoryStore,
    rule: usize,
    under_way: AtomicUsize,
    wedged: AtomicBool,
}

impl Store for Broken {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        Box::pin(async move {
            let entry = self.store.read(key).await?;
            Ok(match self.rule {
                1 => entry.map(|entry| Entry { value: [].into(), ..entry }),
                2 => Some(entry.unwrap_or(Entry { version: Version::ZERO, value: [].into() })),
                _ => entry,
            })
        })
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        self.store.scan(prefix, if self.rule == 8 { None } else { after }, limit)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        Box::pin(async move {
            if self.wedged.load(Ordering::SeqCst) {
                return Err(CommitError::Failed(StoreError::Stopped));
            }
            // Concurrent commits overlap here, and dropped ones end here.
            let mut passage = Passage { store: self, whole: false };
            self.under_way.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
            passage.whole = true;
            self.broken_commit(commit).await
        })
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        Box::pin(async move {
            let mut page = self.store.changes(after, limit).await?;
            match self.rule {
                // Tells of what is nobody's business.
                15 => {
                    let key = Key::new("~s15/a").unwrap();
                    let version = self.store.read(&key).await?.map(|entry| entry.version);
                    let told = version.filter(|version| *version > after);
                    page.extend(told.map(|version| Change { version, key, deleted: false }));
                }
                // Cuts commits in two, as a plain limit does.
                9 => page.truncate(limit),
                // A number handed out earlier becomes visible later.
                14 if page.len() > 2 && self.under_way.load(Ordering::SeqCst) > 0 => {
                    let first = page[0].version;
                    page.retain(|change| change.version != first);
                }
                _ => {}
            }
            Ok(page)
        })
    }
}

impl Broken {
    async fn broken_commit(&self, commit: Commit) -> Result<Version, CommitError> {
        let unconditional = || again(&commit, |_| false);
        match self.rule {
            3 => self.store.commit(again(&commit, |expect| *expect != Expect::Absent)).await,
            4 => self.store.commit(again(&commit, |expect| *expect == Expect::Absent)).await,
            5 => {
                let outcome = self.store.commit(commit.clone()).await;
                if matches!(outcome, Err(CommitError::Conflict(_))) && commit.writes().len() > 1 {
                    self.each(&unconditional()).await?;
                }
                outcome
            }
            6 if commit.expectations().is_empty() && commit.validate().is_ok() => self.each(&commit).await,
            // Deletes do nothing, and say that they did.
            7 if commit.writes() == [(Key::new("s7").unwrap(), Write::Delete)]
                && commit.expectations().is_empty() =>
            {
                Ok(self.store.changes(Version::ZERO, 99).await.unwrap().last().unwrap().version)
            }
            10 if commit.validate().is_err() && !commit.writes().is_empty() => {
                self.each(&unconditional()).await
            }
            // Looks first and writes later.
            11 if matches!(commit.expectations(), [(_, Expect::Absent)]) && commit.validate().is_ok() => {
                let (key, _) = &commit.expectations()[0];
                if self.store.read(key).await.unwrap().is_some() {
                    return Err(CommitError::Conflict(key.clone()));
                }
                tokio::task::yield_now().await;
                self.store.commit(unconditional()).await
            }
            13 => {
                let first = &commit.writes().first().map(|(key, _)| key.clone());
                match first {
                    Some(key)
                        if key.as_bytes() == b"s13" && self.store.read(key).await.unwrap().is_some() =>
                    {
                        Err(CommitError::Conflict(key.clone()))
                    }
                    _ => self.store.commit(commit).await,
                }
            }
            _ => self.store.commit(commit).await,
        }
    }

    /// One commit per write.
    async fn each(&self, commit: &Commit) -> Result<Version, CommitError> {
        let mut last = Ok(Version::ZERO);
        for (key, write) in commit.writes() {
            last = self.store.commit(write_to(Commit::new(), key, write)).await;
        }
        last
    }
}

/// The same commit with fewer expectations.
fn again(commit: &Commit, keep: impl Fn(&Expect) -> bool) -> Commit {
    let writes = commit.writes().iter().fold(Commit::new(), |all, (key, write)| write_to(all, key, write));
    let kept = commit.expectations().iter().filter(|(_, expect)| keep(expect));
    kept.fold(writes, |all, (key, expect)| match expect {
        Expect::Absent => all.expect_absent(key.clone()),
        Expect::At(version) => all.expect_version(key.clone(), *version),
    })
}

fn write_to(commit: Commit, key: &Key, write: &Write) -> Commit {
    match write {
        Write::Put(value) => commit.put(key.clone(), Arc::clone(value)),
        Write::Delete => commit.delete(key.clone()),
    }
}

struct Passage<'a> {
    store: &'a Broken,
    whole: bool,
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        self.store.under_way.fetch_sub(1, Ordering::SeqCst);
        if self.store.rule == 12 && !self.whole {
            self.store.wedged.store(true, Ordering::SeqCst);
        }
    }
}

/// What the suite says about a store that breaks this rule.
fn verdict(rule: usize) -> Result<(), String> {
    let check = move || {
        let make = async || {
            let store = MemoryStore::new();
            let under_way = AtomicUsize::new(0);
            Arc::new(Broken { store, rule, under_way, wedged: AtomicBool::new(false) }) as Arc<dyn Store>
        };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(check_store(make));
    };
    let panicked = std::thread::spawn(check).join();
    panicked.map_err(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => (*panic.downcast::<&str>().unwrap()).to_owned(),
    })
}

#[test]
fn the_suite_finds_each_broken_rule() {
    // The wrapper itself breaks nothing.
    assert_eq!(verdict(0), Ok(()));
    for rule in 1..=15 {
        let found = verdict(rule).expect_err(&format!("nobody noticed a broken S{rule}"));
        // assert_eq! puts its own words in front of ours.
        let number = format!("S{rule}: ");
        assert!(
            found.starts_with(&number) || found.contains(&format!(": {number}")),
            "broke S{rule}: {found}"
        );
    }
}
