//! Many at once, and those who leave early.

use std::sync::Arc;
use std::task::{Context, Waker};

use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::{commit, conflict, done, feed, key, put, read};
use crate::store::{Commit, CommitError, Store};

pub(super) async fn s11_one_claim_wins(store: Arc<dyn Store>) {
    const CLAIMANTS: usize = 64;
    for round in 0..4 {
        let handle = format!("s11/h/{round}");
        let start = Arc::new(Barrier::new(CLAIMANTS));
        let mut claims = JoinSet::new();
        for claimant in 0..CLAIMANTS {
            let (store, start, handle) = (Arc::clone(&store), Arc::clone(&start), handle.clone());
            claims.spawn(async move {
                let account = format!("s11/a/{round}/{claimant}");
                let claim =
                    put(&handle, &account).put(key(&account), b"x".as_slice()).expect_absent(key(&handle));
                start.wait().await;
                (account, store.commit(claim).await)
            });
        }
        let mut winners = Vec::new();
        while let Some(claim) = claims.join_next().await {
            match done("S11", claim) {
                (account, Ok(version)) => winners.push((account, version)),
                (_, Err(CommitError::Conflict(on))) => {
                    assert_eq!(on, key(&handle), "S11: the conflict is on another key");
                    let held = read("S11", &*store, &handle).await;
                    assert!(held.is_some(), "S11: a loser was told of a holder whom nobody can see");
                }
                (account, other) => assert!(other.is_ok(), "S11: {account} got {other:?}"),
            }
        }
        assert_eq!(winners.len(), 1, "S11: winners of one handle: {winners:?}");
        let held = read("S11", &*store, &handle).await;
        let held = held.map(|entry| (String::from_utf8_lossy(&entry.value).into_owned(), entry.version));
        assert_eq!(held, winners.pop(), "S11: the holder is not the winner");
        let accounts = done("S11", store.scan(format!("s11/a/{round}/").as_bytes(), None, 99).await);
        assert_eq!(accounts.len(), 1, "S11: a loser left something");
    }
}

pub(super) async fn s12_a_dropped_commit_harms_nothing(store: Arc<dyn Store>) {
    // Dropped before the first poll, after it, after the second …
    let dropped: Vec<String> = (0..32).map(|n| format!("s12/{n}")).collect();
    for (n, name) in dropped.iter().enumerate() {
        let both = put(format!("{name}/a"), "x").put(key(format!("{name}/b")), b"x".as_slice());
        let mut future = store.commit(both);
        for _ in 0..n % 4 {
            let mut context = Context::from_waker(Waker::noop());
            if future.as_mut().poll(&mut context).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
    }
    // Others go on. This one also comes behind those dropped, wherever commits queue.
    let version = commit("S12", &*store, put("s12/after", "x")).await;
    let seen = read("S12", &*store, "s12/after").await.map(|entry| entry.version);
    assert_eq!(seen, Some(version), "S12: a later commit is not seen");
    conflict("S12", &*store, put("s12/after", "y").expect_absent(key("s12/after")), "s12/after").await;
    let mut made = 0;
    for name in dropped {
        let a = read("S12", &*store, format!("{name}/a")).await.map(|entry| entry.version);
        let b = read("S12", &*store, format!("{name}/b")).await.map(|entry| entry.version);
        assert_eq!(a, b, "S12: half of a dropped commit at {name}");
        made += usize::from(a.is_some());
    }
    assert_eq!(feed("S12", &*store, 9).await.len(), 2 * made + 1, "S12: the feed and the entries differ");
    commit("S12", &*store, Commit::new().delete(key("s12/after")).expect_version(key("s12/after"), version))
        .await;
}
