//! A killed process loses no entry that it acknowledged, and leaves no name without its entry or entry without its name.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../hosted/bench.rs"]
#[expect(dead_code, reason = "shared with the tests of the register")]
mod bench;
#[path = "../../../shared/tests/crash/mod.rs"]
#[expect(dead_code, clippy::expect_used, reason = "shared with the tests of the store")]
mod crash;

use std::{collections::HashSet, path::Path, sync::Arc, time::Duration};

use bench::{Bench, DOMAIN, Person, settings};
use namesake::{Clock as _, store::Store};
use namesake_independent::{
    Did, Hostname,
    hosted::{AtHost, HostedSettings, Rejection},
    webvh::verify,
};
use tokio::task::JoinSet;

const ROUNDS: u8 = 8;
const WRITERS: u8 = 12;
/// Fewer than those who want one.
const NAMES: u8 = 8;
/// Where a load that nobody stopped would end.
const ENTRIES: u8 = 100;

#[tokio::test]
async fn a_kill_tears_no_entry_from_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let mut said = crash::Said::default();
    for round in 0..ROUNDS {
        let enough = 1 + crash::random(150);
        let order = format!("{}\t{round}", path.display());
        let status = said.run(crash::child(), &order, |acknowledged| acknowledged >= enough);
        assert!(status.code().is_none(), "the child was not killed: {status}");
        check(&path, round, &said.acknowledged).await;
    }
    assert!(
        said.acknowledged.len() > usize::from(ROUNDS),
        "{} entries prove nothing",
        said.acknowledged.len()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "the process that is killed"]
async fn child() {
    let Some(order) = crash::order() else { return };
    load(Path::new(&order[0]), order[1].parse().unwrap()).await;
}

/// The register over the store in this folder, later in each round.
fn bench(path: &Path, round: u8) -> Bench {
    let settings = HostedSettings {
        hold: Duration::ZERO,
        entries_per_hour: 1000,
        entries_per_day: 1000,
        entries_per_week: 1000,
        ..settings()
    };
    let bench = Bench::over(settings, crash::open(path));
    bench.clock.advance(Duration::from_secs(100_000) * u32::from(round));
    bench
}

fn name(number: u8) -> String {
    format!("name{number}.{DOMAIN}")
}

/// The child's life: people who take names from each other's hands, one entry after the other.
async fn load(path: &Path, round: u8) {
    let bench = Arc::new(bench(path, round));
    let mut tasks = JoinSet::new();
    for writer in 0..WRITERS {
        let bench = bench.clone();
        tasks.spawn(async move {
            let mut person = Person::new(1 + round * WRITERS + writer);
            bench.register(&mut person, None).await.unwrap();
            for entry in 0..ENTRIES {
                // Now and then it goes without, so that others find one.
                let wanted = (entry % 3 > 0).then(|| name(entry.wrapping_mul(writer + 1) % NAMES));
                match bench.rename(&mut person, wanted.as_deref()).await {
                    Ok(receipt) => crash::say(&format!("ack {}|{}", receipt.did, receipt.version)),
                    Err(Rejection::HandleTaken(_)) => {}
                    Err(other) => panic!("{other:?}"),
                }
            }
        });
    }
    tasks.join_all().await;
}

/// Opens the folder, and compares what was acknowledged, the logs, and the names.
async fn check(path: &Path, round: u8, acknowledged: &HashSet<String>) {
    let bench = bench(path, round + 1);
    let store: &dyn Store = &*bench.store;
    let (mut kept, mut claimed) = (HashSet::new(), HashSet::new());
    for (key, _) in store.scan(b"independent/account/", None, usize::MAX).await.unwrap() {
        let account = bench.hosted.account_of_key(&key).unwrap();
        let served = bench.hosted.log(&account).await.unwrap().unwrap();
        let log = verify(&served.text, bench.clock.now()).unwrap();
        assert_eq!(
            log.head().version,
            served.version,
            "the log of {account} is not as long as its head says"
        );
        for line in log.lines() {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            kept.insert(format!("{account}|{}", line["versionId"].as_str().unwrap()));
        }
        if let Some(handle) = log.head().handle() {
            assert!(claimed.insert(handle.clone()), "two accounts claim {handle}");
            let at = bench.hosted.at_host(&Hostname::parse(handle.as_str()).unwrap()).await.unwrap();
            assert_eq!(at, AtHost::Handle(Did::parse(account.as_str()).unwrap()), "{handle}");
        }
    }
    let lost: Vec<_> = acknowledged.difference(&kept).collect();
    assert!(lost.is_empty(), "lost {} of {}: {lost:?}", lost.len(), acknowledged.len());
    for number in 0..NAMES {
        let name = Hostname::parse(&name(number)).unwrap();
        // Fails where a row names an account that does not claim it.
        let held = matches!(bench.hosted.at_host(&name).await.unwrap(), AtHost::Handle(_));
        assert_eq!(held, claimed.contains(&name.to_handle().unwrap()), "{name}");
    }
}
