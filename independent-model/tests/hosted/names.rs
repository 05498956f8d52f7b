//! Names: claimed, changed, given up, held back.

use std::time::Duration;

use namesake::Change;
use namesake_independent::hosted::{AtHost, Rejection, Rule};

use crate::bench::{Bench, Person, host};

const ALICE: &str = "alice.people.example.com";
const ALICIA: &str = "alicia.people.example.com";
const OWN: &str = "alice.example.net";

#[tokio::test]
async fn an_account_is_registered_with_its_name() {
    let bench = Bench::new();
    let mut alice = Person::new(1);
    let receipt = bench.register(&mut alice, Some(ALICE)).await.unwrap();
    assert_eq!(receipt.did.account(), &alice.account());
    assert_eq!(receipt.webvh, alice.head().did);
    assert_eq!((receipt.handle.unwrap().as_str(), receipt.repeated), (ALICE, false));
    assert_eq!((receipt.version, receipt.version_time), (alice.head().version.clone(), alice.head().time));
    let new = host(ALICE).to_handle();
    assert_eq!(bench.told(), [Change { account: alice.account(), old: None, new }]);
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::Handle(receipt.did));
    assert!(bench.hosted.may_have_certificate(&host(ALICE)).await.unwrap());
    assert!(bench.hosted.may_have_certificate(&alice.host()).await.unwrap());
}

#[tokio::test]
async fn a_name_changes_with_one_entry() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    bench.told();
    assert_eq!(bench.rename(&mut alice, Some(ALICIA)).await.unwrap().handle, host(ALICIA).to_handle());
    let (old, new) = (host(ALICE).to_handle(), host(ALICIA).to_handle());
    assert_eq!(bench.told(), [Change { account: alice.account(), old, new }]);
    let did = namesake_independent::Did::parse(alice.account().as_str()).unwrap();
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::NoHandle);
    assert!(!bench.hosted.may_have_certificate(&host(ALICE)).await.unwrap());
    assert_eq!(bench.hosted.at_host(&host(ALICIA)).await.unwrap(), AtHost::Handle(did.clone()));

    // To a domain of one's own, which has no row, and back.
    assert_eq!(bench.rename(&mut alice, Some(OWN)).await.unwrap().handle, host(OWN).to_handle());
    assert_eq!(bench.hosted.at_host(&host(ALICIA)).await.unwrap(), AtHost::NoHandle);
    assert_eq!(bench.hosted.at_host(&host(OWN)).await.unwrap(), AtHost::Elsewhere);
    bench.rename(&mut alice, Some(ALICE)).await.unwrap();
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::Handle(did));
    // And to none at all.
    assert_eq!(bench.rename(&mut alice, None).await.unwrap().handle, None);
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::NoHandle);

    let (held, closed) = bench.hosted.history(&alice.account()).await.unwrap().unwrap();
    let names: Vec<_> = held.iter().map(|held| held.handle.as_str()).collect();
    assert_eq!((names, closed), (vec![ALICE, ALICIA, OWN, ALICE], false));
    assert!(held.iter().all(|held| held.until.is_some()), "{held:?}");
}

#[tokio::test]
async fn a_name_is_one_account_s_at_a_time() {
    let bench = Bench::new();
    bench.person(1, Some(ALICE)).await;
    let mut bob = Person::new(2);
    let taken = bench.register(&mut bob, Some(ALICE)).await.unwrap_err();
    assert!(matches!(&taken, Rejection::HandleTaken(name) if name.as_str() == ALICE), "{taken:?}");
    // The refused entry is nowhere.
    assert!(bench.hosted.log(&bob.account()).await.unwrap().is_none());
    bench.register(&mut bob, None).await.unwrap();
    let taken = bench.rename(&mut bob, Some(ALICE)).await.unwrap_err();
    assert!(matches!(taken, Rejection::HandleTaken(_)), "{taken:?}");
}

#[tokio::test]
async fn a_name_given_up_is_held_back() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let mut bob = bench.person(2, None).await;
    bench.rename(&mut alice, None).await.unwrap();
    assert!(matches!(bench.rename(&mut bob, Some(ALICE)).await, Err(Rejection::HandleTaken(_))));
    // Whoever gave it up may have it again at once.
    bench.rename(&mut alice, Some(ALICE)).await.unwrap();
    bench.rename(&mut alice, Some(ALICIA)).await.unwrap();
    let hold = bench.hosted.settings().hold;
    bench.clock.advance(hold - Duration::from_secs(2));
    assert!(matches!(bench.rename(&mut bob, Some(ALICE)).await, Err(Rejection::HandleTaken(_))));
    bench.rename(&mut bob, Some(ALICE)).await.unwrap();
    // It is somebody else's now.
    assert!(matches!(bench.rename(&mut alice, Some(ALICE)).await, Err(Rejection::HandleTaken(_))));
}

#[tokio::test]
async fn names_that_are_not_given() {
    let bench = Bench::new();
    let mut alice = Person::new(1);
    let reserved = bench.register(&mut alice, Some("www.people.example.com")).await.unwrap_err();
    assert!(matches!(reserved, Rejection::Reserved(_)), "{reserved:?}");
    for (name, rule) in [
        ("al.people.example.com", Rule::ShortName),
        ("a.b.people.example.com", Rule::NoHandle),
        ("people.example.com", Rule::NoHandle),
        ("id.people.example.com", Rule::NoHandle),
        (alice.host().as_str(), Rule::NoHandle),
        ("alice.local", Rule::NoHandle),
    ] {
        let refused = bench.register(&mut alice.clone(), Some(name)).await.unwrap_err();
        assert!(matches!(refused, Rejection::Refused(broken) if broken == rule), "{name}: {refused:?}");
    }
    bench.register(&mut alice, None).await.unwrap();
    let refused = bench.rename(&mut alice, Some("al.people.example.com")).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::ShortName)), "{refused:?}");
}

/// Names were given before somebody reserved them: their holders keep them, and can still change their keys.
#[tokio::test]
async fn a_name_that_was_reserved_later_is_kept() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let mut settings = crate::bench::settings();
    settings.reserved = vec!["alice".to_owned()];
    let later = Bench::over(settings, bench.store.clone());
    later.clock.advance(Duration::from_secs(60));
    later.rename(&mut alice, Some(ALICE)).await.unwrap();
    later.rename(&mut alice, None).await.unwrap();
    assert!(matches!(later.rename(&mut alice, Some(ALICE)).await, Err(Rejection::Reserved(_))));
}

#[tokio::test]
async fn visitors_of_a_former_name_are_sent_on_if_its_holder_wants_that() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    bench.show(&alice, 1, serde_json::json!({ "redirect": true })).await.unwrap();
    bench.rename(&mut alice, Some(OWN)).await.unwrap();
    let at_host = bench.hosted.at_host(&host(ALICE)).await.unwrap();
    assert!(matches!(&at_host, AtHost::Moved(did) if *did.account() == alice.account()), "{at_host:?}");
    assert_eq!(bench.hosted.moved(&host(OWN)).await.unwrap(), None);
    assert!(bench.hosted.may_have_certificate(&host(ALICE)).await.unwrap());
    bench.show(&alice, 2, serde_json::json!({ "redirect": false })).await.unwrap();
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::NoHandle);
}

#[tokio::test]
async fn hosts_of_nobody() {
    let bench = Bench::new();
    for (name, at) in [
        ("example.com", AtHost::Elsewhere),
        ("people.example.com", AtHost::Elsewhere),
        ("id.people.example.com", AtHost::Elsewhere),
        (ALICE, AtHost::NoHandle),
        ("a.b.people.example.com", AtHost::NoHandle),
        ("u7.id.people.example.com", AtHost::NoAccount),
        ("x.u7.id.people.example.com", AtHost::NoAccount),
    ] {
        assert_eq!(bench.hosted.at_host(&host(name)).await.unwrap(), at, "{name}");
        assert!(!bench.hosted.may_have_certificate(&host(name)).await.unwrap(), "{name}");
    }
}
