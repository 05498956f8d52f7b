//! How often, and how much: counted from what was taken, and never against the recovery key.

use std::time::Duration;

use namesake::Clock as _;
use namesake_independent::hosted::{HostedSettings, Rejection, Rule};
use serde_json::json;

use crate::bench::{Bench, Person, settings};

const HOUR: Duration = Duration::from_secs(3600);

/// How long the next entry has to wait.
async fn wait(bench: &Bench, person: &mut Person) -> Duration {
    match bench.rename(person, None).await {
        Err(Rejection::TooMany { retry_after }) => retry_after,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn entries_are_limited_by_the_hour_the_day_and_the_week() {
    let settings =
        HostedSettings { entries_per_hour: 3, entries_per_day: 4, entries_per_week: 5, ..settings() };
    let bench = Bench::with(settings);
    let mut alice = bench.person(1, None).await;
    let begun = bench.clock.now();
    for _ in 0..2 {
        bench.rename(&mut alice, None).await.unwrap();
    }
    let left = wait(&bench, &mut alice).await;
    assert_eq!(bench.clock.now() + left, begun + HOUR);
    // Refused entries do not count: at the moment that was named, the next is taken.
    bench.clock.advance(left);
    bench.rename(&mut alice, None).await.unwrap();
    let left = wait(&bench, &mut alice).await;
    assert_eq!(bench.clock.now() + left, begun + 24 * HOUR);
    bench.clock.advance(left);
    bench.rename(&mut alice, None).await.unwrap();
    let left = wait(&bench, &mut alice).await;
    assert_eq!(bench.clock.now() + left, begun + 7 * 24 * HOUR);
    // Another account is another matter.
    bench.person(2, None).await;
}

#[tokio::test]
async fn a_stranger_uses_up_nobody_s_limit() {
    let bench = Bench::with(HostedSettings { entries_per_hour: 2, ..settings() });
    let mut alice = bench.person(1, None).await;
    let mallory = Person::new(2);
    for _ in 0..10 {
        let mut draft = alice.draft(None, bench.tick());
        draft.signer = mallory.next_key();
        let entry = draft.sign(&alice);
        assert!(matches!(bench.post(&mut alice, &entry).await, Err(Rejection::Invalid(_))));
    }
    bench.rename(&mut alice, None).await.unwrap();
}

#[tokio::test]
async fn entries_and_records_have_a_greatest_size() {
    let bench = Bench::new();
    let mut alice = bench.person(1, None).await;
    let mut draft = alice.draft(None, bench.tick());
    draft.state["note"] = "x".repeat(4096).into();
    let entry = draft.sign(&alice);
    let refused = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::EntrySize)), "{refused:?}");
    let long = json!({ "description": "x".repeat(4096) });
    let refused = bench.show(&alice, 1, long).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::EntrySize)), "{refused:?}");
}

#[tokio::test]
async fn a_full_log_has_room_for_the_recovery_key_alone() {
    let settings = HostedSettings {
        max_entry_bytes: 2048,
        max_log_bytes: 5 * 2048,
        entries_per_hour: 100,
        ..settings()
    };
    let most = settings.max_log_bytes;
    let bench = Bench::with(settings);
    let mut alice = bench.person(1, None).await;
    let refused = loop {
        match bench.rename(&mut alice, None).await {
            Ok(_) => {}
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Rejection::Refused(Rule::LogSize)), "{refused:?}");
    let mut taken = 0;
    let refused = loop {
        let mut draft = alice.draft(None, bench.tick());
        draft.signer = alice.recovery();
        draft.update = vec![alice.recovery().multikey().to_string()];
        draft.next = Some(alice.commitments(7));
        let entry = draft.sign(&alice);
        match bench.post(&mut alice, &entry).await {
            Ok(_) => taken += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused, Rejection::Refused(Rule::LogSize)), "{refused:?}");
    assert!(taken >= 4, "{taken}");
    let log = bench.hosted.log(&alice.account()).await.unwrap().unwrap();
    assert!(log.text.len() <= most, "{}", log.text.len());
}

#[tokio::test]
async fn profiles_are_limited_by_the_hour() {
    let bench = Bench::with(HostedSettings { profiles_per_hour: 2, ..settings() });
    let alice = bench.person(1, None).await;
    bench.show(&alice, 1, json!({})).await.unwrap();
    bench.show(&alice, 2, json!({})).await.unwrap();
    let refused = bench.show(&alice, 3, json!({})).await.unwrap_err();
    assert!(matches!(refused, Rejection::TooMany { retry_after } if retry_after == HOUR), "{refused:?}");
    bench.clock.advance(HOUR);
    bench.show(&alice, 3, json!({})).await.unwrap();
}
