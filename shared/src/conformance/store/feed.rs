//! The feed.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{commit, conflict, done, feed, key, put, read};
use crate::store::{Commit, FLEETING, Store, Version};

pub(super) async fn s9_the_feed_is_complete_in_whole_commits(store: Arc<dyn Store>) {
    // Commits of 1 to 5 changes; each writes one key that is new and some that all write, and every other deletes.
    let mut expected = Vec::new();
    for round in 0..10 {
        let mut all = put(format!("s9/new/{round}"), "x");
        for n in 0..round % 5 {
            let again = key(format!("s9/{n}"));
            all = if round % 2 == 0 { all.delete(again) } else { all.put(again, b"x".as_slice()) };
        }
        let keys: Vec<_> = all.writes().iter().map(|(key, _)| key.clone()).collect();
        let version = commit("S9", &*store, all).await;
        expected.extend(keys.into_iter().enumerate().map(|(n, key)| (version, key, n > 0 && round % 2 == 0)));
    }
    for limit in [1, 2, 3, 7, 1000] {
        assert_eq!(feed("S9", &*store, limit).await, expected, "S9: the feed in pages of {limit}");
    }
    // From anywhere: everything after, and nothing else.
    for (version, ..) in &expected {
        let rest = done("S9", store.changes(*version, 1000).await);
        let expected = expected.iter().filter(|(later, ..)| later > version).count();
        assert_eq!(rest.len(), expected, "S9: the feed after {version}");
    }
    let commits = |version: &Version| expected.iter().filter(|(other, ..)| other == version).count();
    for limit in 0..12 {
        let page = done("S9", store.changes(Version::ZERO, limit).await);
        assert!(page.len() <= limit.max(commits(&expected[0].0)), "S9: a page of {limit} has {}", page.len());
        assert_eq!(page.is_empty(), limit == 0, "S9: a page of {limit} is empty");
        if let Some(last) = page.last() {
            let in_page = page.iter().filter(|change| change.version == last.version).count();
            assert_eq!(in_page, commits(&last.version), "S9: a page of {limit} cuts a commit");
        }
    }
    let end = done("S9", store.changes(Version::from_sequence(u64::MAX), 9).await);
    assert_eq!(end, [], "S9: there are changes after the last version of all");
}

pub(super) async fn s14_a_follower_misses_nothing(store: Arc<dyn Store>) {
    const WRITERS: usize = 16;
    const COMMITS: usize = 12;
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(&store);
        writers.spawn(async move {
            let mut versions = Vec::new();
            for n in 0..COMMITS {
                let both = Commit::new()
                    .put(key(format!("s14/{writer}/{n}")), b"x".as_slice())
                    .put(key(format!("s14/{writer}")), b"x".as_slice());
                versions.push(commit("S14", &*store, both).await);
            }
            versions
        });
    }
    // Reads the feed as it grows, each time from where it stopped.
    let mut followed: Vec<Version> = Vec::new();
    let mut acknowledged: Vec<Version> = Vec::new();
    loop {
        let written_before = writers.is_empty();
        let after = followed.last().copied().unwrap_or(Version::ZERO);
        let page = done("S14", store.changes(after, 8).await);
        if page.is_empty() && written_before {
            break;
        }
        for change in page {
            let last = followed.last().copied().unwrap_or(Version::ZERO);
            assert!(change.version >= last, "S14: the feed goes back from {last} to {}", change.version);
            followed.push(change.version);
        }
        while let Some(versions) = writers.try_join_next() {
            acknowledged.extend(done("S14", versions));
        }
        tokio::task::yield_now().await;
    }
    let mut twice: Vec<Version> = acknowledged.iter().flat_map(|version| [*version; 2]).collect();
    twice.sort_unstable();
    assert_eq!(twice.len(), 2 * WRITERS * COMMITS, "S14: the test's own count");
    assert!(followed == twice, "S14: a follower saw {} changes of {}", followed.len(), twice.len());
}

pub(super) async fn s15_fleeting_keys_are_not_told_of(store: Arc<dyn Store>) {
    let fleeting = |name: &str| format!("{FLEETING}s15/{name}");
    let (a, b) = (fleeting("a"), fleeting("b"));
    let first = commit("S15", &*store, put(&a, "1")).await;
    let both = commit("S15", &*store, put("s15", "x").put(key(&b), b"2".as_slice())).await;
    assert!(both > first, "S15: {both} after {first}");
    let values = |entries: Vec<(_, crate::store::Entry)>| -> Vec<_> {
        entries.into_iter().map(|(key, entry)| (key, entry.value.to_vec())).collect()
    };
    let found = values(done("S15", store.scan(fleeting("").as_bytes(), None, 9).await));
    assert_eq!(found, [(key(&a), b"1".to_vec()), (key(&b), b"2".to_vec())], "S15: a scan");

    let claim = || put(&a, "3").expect_absent(key(&a));
    conflict("S15", &*store, claim(), &a).await;
    let gone = commit("S15", &*store, Commit::new().expect_version(key(&a), first).delete(key(&a))).await;
    assert_eq!(read("S15", &*store, &a).await, None, "S15: deleted");
    let again = commit("S15", &*store, claim()).await;
    assert!(again > gone && gone > both, "S15: {again} after {gone} after {both}");
    assert_eq!(read("S15", &*store, &a).await.map(|entry| entry.version), Some(again), "S15: written again");

    assert_eq!(feed("S15", &*store, 9).await, [(both, key("s15"), false)], "S15: the feed");
}
