//! What commits do, one at a time.

use std::sync::Arc;

use super::{commit, conflict, done, feed, key, put, read};
use crate::store::{
    Commit, CommitError, MAX_COMMIT_BYTES, MAX_KEY_BYTES, MAX_KEYS_PER_COMMIT, MAX_VALUE_BYTES, Refusal,
    Store, Version,
};

pub(super) async fn s3_expect_absent(store: Arc<dyn Store>) {
    let claim = |value: &str| put("s3", value).expect_absent(key("s3"));
    commit("S3", &*store, claim("first")).await;
    conflict("S3", &*store, claim("second"), "s3").await;
    commit("S3", &*store, Commit::new().delete(key("s3"))).await;
    commit("S3", &*store, claim("third")).await;
    let entry = read("S3", &*store, "s3").await;
    assert_eq!(entry.as_ref().map(|entry| &*entry.value), Some(&b"third"[..]), "S3: who holds the key");
    // Expected, but not written.
    conflict("S3", &*store, put("s3/other", "x").expect_absent(key("s3")), "s3").await;
    commit("S3", &*store, put("s3/other", "x").expect_absent(key("s3/none"))).await;
}

pub(super) async fn s4_expect_version(store: Arc<dyn Store>) {
    let at = |version: Version| put("s4", "new").expect_version(key("s4"), version);
    conflict("S4", &*store, at(Version::ZERO), "s4").await;
    let first = commit("S4", &*store, put("s4", "old")).await;
    conflict("S4", &*store, at(Version::ZERO), "s4").await;
    let second = commit("S4", &*store, at(first)).await;
    conflict("S4", &*store, at(first), "s4").await;
    // Expected, but not written; and a version that another key has.
    conflict("S4", &*store, put("s4/other", "x").expect_version(key("s4"), first), "s4").await;
    let other = commit("S4", &*store, put("s4/other", "x").expect_version(key("s4"), second)).await;
    conflict("S4", &*store, at(other), "s4").await;
}

pub(super) async fn s5_a_conflict_leaves_nothing(store: Arc<dyn Store>) {
    let before = commit("S5", &*store, put("s5/b", "held")).await;
    let all = Commit::new()
        .put(key("s5/a"), b"1".as_slice())
        .delete(key("s5/b"))
        .put(key("s5/c"), b"1".as_slice())
        .expect_absent(key("s5/a"))
        .expect_absent(key("s5/b"));
    conflict("S5", &*store, all, "s5/b").await;
    assert_eq!(read("S5", &*store, "s5/a").await, None, "S5: a write before the conflict stayed");
    assert_eq!(read("S5", &*store, "s5/c").await, None, "S5: a write after the conflict stayed");
    let entry = read("S5", &*store, "s5/b").await;
    assert_eq!(entry.map(|entry| entry.version), Some(before), "S5: the entry in conflict changed");
    assert_eq!(feed("S5", &*store, 9).await.len(), 1, "S5: the feed tells of a commit that failed");
}

pub(super) async fn s6_a_commit_is_one_thing(store: Arc<dyn Store>) {
    let mut last = Version::ZERO;
    for round in 0..3_u8 {
        let names = [format!("s6/new/{round}"), "s6/a".into(), "s6/b".into()];
        let all = names.iter().fold(Commit::new(), |all, name| all.put(key(name), [round].as_slice()));
        let version = commit("S6", &*store, all).await;
        assert!(version > last, "S6: {version} is not after {last}");
        last = version;
        for name in names {
            let entry = read("S6", &*store, &name).await;
            assert_eq!(entry.map(|entry| entry.version), Some(version), "S6: the version of {name}");
        }
    }
}

pub(super) async fn s7_a_delete_keeps_the_place(store: Arc<dyn Store>) {
    let delete = || Commit::new().delete(key("s7"));
    let mut seen = vec![commit("S7", &*store, put("s7", "1")).await];
    for _ in 0..3 {
        seen.push(commit("S7", &*store, delete()).await);
        assert_eq!(read("S7", &*store, "s7").await, None, "S7: a deleted entry is read");
        for old in &seen {
            conflict("S7", &*store, delete().expect_version(key("s7"), *old), "s7").await;
        }
        seen.push(commit("S7", &*store, put("s7", "again").expect_absent(key("s7"))).await);
        let entry = read("S7", &*store, "s7").await;
        assert_eq!(entry.map(|entry| entry.version), seen.last().copied(), "S7: the entry written again");
        assert!(seen.is_sorted_by(|a, b| a < b), "S7: a version came twice, or went back: {seen:?}");
    }
    commit("S7", &*store, Commit::new().delete(key("s7/never"))).await;
    let deletes = feed("S7", &*store, 9).await.iter().filter(|(.., deleted)| *deleted).count();
    assert_eq!(deletes, 4, "S7: every delete is a change");
}

pub(super) async fn s10_malformed_commits_are_refused(store: Arc<dyn Store>) {
    let numbered = |n: usize| (0..n).fold(Commit::new(), |all, n| all.delete(key(format!("s10/{n}"))));
    let full = (0..7).fold(Commit::new(), |all, n| all.put(key(n.to_string()), vec![0; MAX_VALUE_BYTES]));
    let rest = MAX_COMMIT_BYTES - full.bytes() - 1;
    let refused = [
        (Commit::new(), Refusal::NoWrites),
        (Commit::new().expect_absent(key("s10")), Refusal::NoWrites),
        (put("s10", "1").delete(key("s10")), Refusal::DuplicateKey(key("s10"))),
        (
            put("s10", "1").expect_absent(key("s10")).expect_absent(key("s10")),
            Refusal::DuplicateKey(key("s10")),
        ),
        (numbered(MAX_KEYS_PER_COMMIT + 1), Refusal::TooManyKeys),
        (numbered(MAX_KEYS_PER_COMMIT).expect_absent(key("s10")), Refusal::TooManyKeys),
        (put("s10", vec![0; MAX_VALUE_BYTES + 1]), Refusal::ValueTooLarge(key("s10"))),
        (full.clone().put(key("7"), vec![0; rest + 1]), Refusal::TooLarge),
    ];
    for (commit, why) in refused {
        let outcome = store.commit(commit).await;
        let right = matches!(&outcome, Err(CommitError::Refused(refusal)) if *refusal == why);
        assert!(right, "S10: not refused with {why:?} but {outcome:?}");
    }
    assert_eq!(feed("S10", &*store, 9).await, [], "S10: a refused commit left something");

    let longest = key("k".repeat(MAX_KEY_BYTES));
    commit("S10", &*store, Commit::new().put(longest.clone(), vec![1; MAX_VALUE_BYTES])).await;
    commit("S10", &*store, numbered(MAX_KEYS_PER_COMMIT)).await;
    commit("S10", &*store, full.put(key("7"), vec![0; rest])).await;
    let entry = done("S10", store.read(&longest).await);
    assert_eq!(entry.map(|entry| entry.value.len()), Some(MAX_VALUE_BYTES), "S10: what is at the limits");
    let found = done("S10", store.scan(longest.as_bytes(), None, 9).await);
    assert_eq!(found.len(), 1, "S10: a scan of the longest key");
}

pub(super) async fn s13_the_last_write_wins(store: Arc<dyn Store>) {
    for value in ["1", "2", "3"] {
        commit("S13", &*store, put("s13", value)).await;
        let entry = read("S13", &*store, "s13").await;
        assert_eq!(
            entry.as_ref().map(|entry| &*entry.value),
            Some(value.as_bytes()),
            "S13: a later write lost"
        );
    }
}
