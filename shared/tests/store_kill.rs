//! A killed process loses nothing that it acknowledged, tears no commit, and grants no handle twice.
//!
//! This says nothing about a power cut: what a killed process wrote is safe with the kernel. See `store_power_cut.rs`.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test; its helpers are no test functions")]

mod crash;

use std::path::Path;

const ROUNDS: usize = 16;

#[tokio::test]
async fn a_kill_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut said = crash::Said::default();
    for round in 0..ROUNDS {
        // Every fourth is killed in its first few lines, while it opens or just after; the others in the middle of work.
        let enough = if round % 4 == 3 { 0 } else { 1 + crash::random(400) };
        let mut lines_left = crash::random(10);
        let order = format!("{}\t{round}", path.display());
        let status = said.run(crash::child(), &order, |acknowledged| {
            lines_left = lines_left.saturating_sub(1);
            acknowledged >= enough && lines_left == 0
        });
        assert!(status.code().is_none(), "the child was not killed: {status}");
        said.check(&path).await;
    }
    assert!(said.acknowledged.len() > ROUNDS, "{} commits prove nothing", said.acknowledged.len());
    assert!(!said.won.is_empty(), "no handle was won");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that is killed"]
async fn child() {
    let Some(order) = crash::order() else { return };
    crash::load(Path::new(&order[0]), order[1].parse().unwrap()).await;
}
