//! When an entry was made is its author's word; when it came is ours.

use std::time::Duration;

use namesake::{
    Clock as _, Timestamp,
    store::{Commit, Key},
};
use namesake_independent::{
    hosted::{HostedSettings, Rejection, Rule},
    webvh::Fault,
};
use serde_json::json;

use crate::bench::{Bench, Person, settings};

const ALICE: &str = "alice.people.example.com";
const ALICIA: &str = "alicia.people.example.com";
const DAY: Duration = Duration::from_secs(24 * 3600);
const SECOND: Duration = Duration::from_secs(1);

/// Registers somebody by an entry that was made at another time.
async fn register_at(bench: &Bench, name: u8, at: Timestamp) -> Result<Person, Rejection> {
    let mut person = Person::new(name);
    let entry = person.genesis(Some(ALICE), at);
    bench.hosted.register(entry.line().as_bytes()).await?;
    person.accept(&entry, bench.clock.now().max(at));
    Ok(person)
}

async fn held(bench: &Bench, person: &Person) -> Vec<(String, Timestamp, Option<Timestamp>)> {
    let (held, _) = bench.hosted.history(&person.account()).await.unwrap().unwrap();
    held.into_iter().map(|held| (held.handle.to_string(), held.from, held.until)).collect()
}

#[tokio::test]
async fn an_entry_that_was_made_long_ago_or_later_is_not_taken() {
    let bench = Bench::new();
    let now = bench.clock.now();
    for at in ["1970-01-01T00:00:00Z".parse().unwrap(), now - DAY - SECOND] {
        let refused = register_at(&bench, 1, at).await.unwrap_err();
        assert!(matches!(refused, Rejection::Refused(Rule::TooOld)), "{at}: {refused:?}");
    }
    for at in [now + SECOND, now + DAY] {
        let refused = register_at(&bench, 1, at).await.unwrap_err();
        assert!(matches!(refused, Rejection::Invalid(Fault::Future)), "{at}: {refused:?}");
    }
    let mut alice = register_at(&bench, 1, now - DAY).await.unwrap();

    bench.clock.advance(2 * DAY);
    let now = bench.clock.now();
    for (at, taken) in [(now - DAY - SECOND, false), (now + SECOND, false), (now - DAY, true)] {
        let entry = alice.draft(Some(ALICIA), at).sign(&alice);
        assert_eq!(bench.post(&mut alice, &entry).await.is_ok(), taken, "{at}");
    }
    // What was taken may be posted again however old it is by now.
    let entry = alice.draft(Some(ALICE), bench.tick()).sign(&alice);
    bench.post(&mut alice, &entry).await.unwrap();
    bench.clock.advance(30 * DAY);
    assert!(bench.post(&mut alice, &entry).await.unwrap().repeated);
}

#[tokio::test]
async fn how_old_and_how_early_is_for_the_operator_to_say() {
    let settings = HostedSettings { max_entry_age: 10 * SECOND, clock_tolerance: 5 * SECOND, ..settings() };
    let bench = Bench::with(settings);
    let now = bench.clock.now();
    for (name, at, taken) in
        [(1, now - 11 * SECOND, false), (1, now + 6 * SECOND, false), (1, now + 5 * SECOND, true)]
    {
        assert_eq!(register_at(&bench, name, at).await.is_ok(), taken, "{at}");
    }
}

/// Otherwise anybody could have been called anything at any time.
#[tokio::test]
async fn history_tells_when_an_entry_came() {
    let bench = Bench::new();
    let begun = bench.clock.now();
    let mut alice = register_at(&bench, 1, begun - DAY).await.unwrap();
    bench.clock.advance(DAY);
    let renamed = bench.clock.now();
    let entry = alice.draft(Some(ALICIA), renamed - DAY + SECOND).sign(&alice);
    bench.post(&mut alice, &entry).await.unwrap();
    let expected = [(ALICE.to_owned(), begun, Some(renamed)), (ALICIA.to_owned(), renamed, None)];
    assert_eq!(held(&bench, &alice).await, expected);
}

/// Entries that were taken before that was kept: their own times are all there is.
#[tokio::test]
async fn an_entry_that_came_at_no_known_time_has_its_own() {
    let bench = Bench::new();
    let now = bench.clock.now();
    let mut alice = register_at(&bench, 1, now - DAY).await.unwrap();
    let label = alice.host().as_str().split('.').next().unwrap().to_owned();
    let key = Key::new(format!("independent/came/{label}/0000000001")).unwrap();
    bench.store.commit(Commit::new().delete(key)).await.unwrap();
    bench.rename(&mut alice, Some(ALICIA)).await.unwrap();
    let renamed = bench.clock.now();
    let expected = [(ALICE.to_owned(), now - DAY, Some(renamed)), (ALICIA.to_owned(), renamed, None)];
    assert_eq!(held(&bench, &alice).await, expected);
}

#[tokio::test]
async fn a_profile_is_not_from_the_future() {
    let bench = Bench::new();
    let alice = bench.person(1, None).await;
    let put = async |rev: u64, at: Timestamp| {
        let record = alice.record(rev, json!({}), &alice.key(0), at);
        bench.hosted.put_profile(&alice.account(), record.to_string().as_bytes()).await
    };
    let now = bench.clock.now();
    put(1, now - DAY).await.unwrap();
    put(2, now + 300 * SECOND).await.unwrap();
    let refused = put(3, now + 301 * SECOND).await.unwrap_err();
    assert!(matches!(refused, Rejection::Invalid(Fault::ProofTime)), "{refused:?}");
}
