//! The suite for adapters of [`Store`]: one check per rule, S1 to S15, in that order.
//!
//! A rule that is broken panics with its number. What the suite cannot show is durability: that a commit survives a
//! kill and a power cut needs a test that kills.

mod commits;
mod feed;
mod races;
mod reads;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::store::{Commit, CommitError, Entry, Key, Store, Version};

/// How long one rule may take. None waits for time, so this is reached only by a store that hangs.
const DEADLINE: Duration = Duration::from_secs(60);

/// Checks every rule, each on a new store. `make` returns an empty one every time it is called.
///
/// # Panics
/// With the number of the first rule that is broken: `S7: …`.
pub async fn check_store(make: impl AsyncFn() -> Arc<dyn Store>) {
    macro_rules! check {
        ($($rule:literal $check:path,)*) => {$(
            let checked = tokio::time::timeout(DEADLINE, $check(make().await)).await;
            assert!(checked.is_ok(), concat!($rule, ": still not done after {:?}"), DEADLINE);
        )*};
    }
    check! {
        "S1" reads::s1_a_read_sees_what_was_committed,
        "S2" reads::s2_absence_is_an_answer,
        "S3" commits::s3_expect_absent,
        "S4" commits::s4_expect_version,
        "S5" commits::s5_a_conflict_leaves_nothing,
        "S6" commits::s6_a_commit_is_one_thing,
        "S7" commits::s7_a_delete_keeps_the_place,
        "S8" reads::s8_scans,
        "S9" feed::s9_the_feed_is_complete_in_whole_commits,
        "S10" commits::s10_malformed_commits_are_refused,
        "S11" races::s11_one_claim_wins,
        "S12" races::s12_a_dropped_commit_harms_nothing,
        "S13" commits::s13_the_last_write_wins,
        "S14" feed::s14_a_follower_misses_nothing,
        "S15" feed::s15_fleeting_keys_are_not_told_of,
    }
}

fn key(name: impl AsRef<str>) -> Key {
    done("a test key", Key::new(name.as_ref()))
}

fn put(name: impl AsRef<str>, value: impl AsRef<[u8]>) -> Commit {
    Commit::new().put(key(name), value.as_ref())
}

/// The value of a call that this rule needs to succeed.
#[expect(clippy::panic, reason = "a suite of checks reports by panicking")]
fn done<T>(rule: &str, outcome: Result<T, impl Debug>) -> T {
    outcome.unwrap_or_else(|error| panic!("{rule}: failed: {error:?}"))
}

async fn commit(rule: &str, store: &dyn Store, commit: Commit) -> Version {
    done(rule, store.commit(commit).await)
}

async fn read(rule: &str, store: &dyn Store, name: impl AsRef<str>) -> Option<Entry> {
    done(rule, store.read(&key(name)).await)
}

/// Commits, and wants a conflict on the key of this name.
async fn conflict(rule: &str, store: &dyn Store, commit: Commit, name: &str) {
    match store.commit(commit).await {
        Err(CommitError::Conflict(on)) => assert_eq!(on, key(name), "{rule}: the conflict is on another key"),
        other => assert!(matches!(other, Err(CommitError::Conflict(_))), "{rule}: no conflict but {other:?}"),
    }
}

/// The whole feed, page after page.
async fn feed(rule: &str, store: &dyn Store, limit: usize) -> Vec<(Version, Key, bool)> {
    let mut feed: Vec<(Version, Key, bool)> = Vec::new();
    loop {
        let after = feed.last().map_or(Version::ZERO, |(version, ..)| *version);
        let page = done(rule, store.changes(after, limit).await);
        if page.is_empty() {
            return feed;
        }
        for change in page {
            let last = feed.last().map_or(Version::ZERO, |(version, ..)| *version);
            assert!(
                change.version >= last && change.version > after,
                "{rule}: the feed goes back at {change:?}"
            );
            feed.push((change.version, change.key, change.deleted));
        }
    }
}
