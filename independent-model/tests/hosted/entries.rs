//! Which entries are taken, and which are not: nothing changes by one that is not.

use std::time::Duration;

use namesake::{AccountId, Clock as _};
use namesake_independent::{
    hosted::{AtHost, PublishedLog, Rejection, Rule, label_of},
    webvh::{Entry, Fault, Multikey, account_document, verify},
};
use serde_json::{Value, json};

use crate::{
    bench::{Bench, ID_DOMAIN, Person, host},
    forge::{Draft, SCID, forge, lines, multikey},
};

const ALICE: &str = "alice.people.example.com";
const ALICIA: &str = "alicia.people.example.com";

async fn log(bench: &Bench, person: &Person) -> PublishedLog {
    bench.hosted.log(&person.account()).await.unwrap().unwrap()
}

/// The rule that a rejected entry broke.
fn broken(rejection: &Rejection) -> &'static str {
    match rejection {
        Rejection::Invalid(fault) => fault.rule(),
        Rejection::Refused(rule) => rule.name(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_served_is_a_log_that_verifies() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    for name in [ALICIA, ALICE, ALICIA] {
        bench.rename(&mut alice, Some(name)).await.unwrap();
    }
    let served = log(&bench, &alice).await;
    let verified = verify(&served.text, bench.clock.now()).unwrap();
    assert_eq!(verified.head(), alice.head());
    assert_eq!(served.version, alice.head().version);
    assert_eq!(verified.lines().len(), 4);
    // By its other name, and by one that is not its.
    assert_eq!(bench.hosted.log(&alice.webvh()).await.unwrap(), Some(served));
    let other = alice.webvh().as_str().replacen("did:webvh:Qm", "did:webvh:Qx", 1);
    let other = AccountId::parse(&other).unwrap();
    assert_eq!(bench.hosted.log(&other).await.unwrap(), None);
    assert_eq!(bench.hosted.canonical(&alice.webvh()).await.unwrap(), Some(alice.account()));
    assert_eq!(bench.hosted.canonical(&other).await.unwrap(), None);
    // The document beside the log.
    match bench.hosted.at_host(&alice.host()).await.unwrap() {
        AtHost::Account { did, document, version } => {
            assert_eq!((did.account(), &version), (&alice.account(), &alice.head().version));
            assert_eq!(document["id"], alice.account().as_str());
            assert_eq!(document["alsoKnownAs"][0], format!("at://{ALICIA}"));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_entry_is_taken_once_and_may_be_posted_again() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let before = log(&bench, &alice).await;
    // In another spelling: what is compared is the canonical form.
    let first: Value = serde_json::from_slice(&before.text).unwrap();
    let again = bench.hosted.register(format!("{first:#}").as_bytes()).await.unwrap();
    assert!(again.repeated);
    assert_eq!(log(&bench, &alice).await, before);

    let second = alice.draft(Some(ALICIA), bench.tick()).sign(&alice);
    assert!(!bench.post(&mut alice, &second).await.unwrap().repeated);
    bench.rename(&mut alice, Some(ALICE)).await.unwrap();
    bench.told();
    // Not the head any more, and still in the log.
    let again = bench.post(&mut alice, &second).await.unwrap();
    assert!(again.repeated);
    assert_eq!((again.version, again.handle), (alice.head().version.clone(), host(ALICE).to_handle()));
    assert_eq!(bench.told(), [], "nothing changed");
}

#[tokio::test]
async fn an_entry_that_does_not_follow_the_head_is_stale() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let at = bench.tick();
    let (one, other) = (alice.draft(Some(ALICIA), at).sign(&alice), alice.draft(None, at).sign(&alice));
    let mut ahead = alice.clone();
    ahead.accept(&one, bench.clock.now());
    let third = ahead.draft(None, bench.tick()).sign(&ahead);
    // Out of order.
    let stale = bench.post(&mut alice, &third).await.unwrap_err();
    assert!(matches!(&stale, Rejection::StaleHead { head } if *head == alice.head().version.to_string()));
    bench.post(&mut alice, &one).await.unwrap();
    // A second child of the same parent.
    let stale = bench.post(&mut alice, &other).await.unwrap_err();
    assert!(matches!(&stale, Rejection::StaleHead { head } if *head == alice.head().version.to_string()));
    // A second first entry, by the same key.
    let genesis = alice.genesis(None, bench.tick());
    let stale = bench.hosted.register(genesis.line().as_bytes()).await.unwrap_err();
    assert!(matches!(&stale, Rejection::StaleHead { head } if *head == alice.head().version.to_string()));
    bench.post(&mut alice, &third).await.unwrap();
}

#[tokio::test]
async fn forgeries_change_nothing() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let mallory = bench.person(2, None).await;
    let before = log(&bench, &alice).await;
    let at = bench.tick();
    // Mallory's own next key; a key that Alice showed and used up; the right key over something else.
    let mut foreign = alice.draft(Some(ALICIA), at);
    foreign.signer = mallory.next_key();
    let mut uncommitted = alice.draft(Some(ALICIA), at);
    uncommitted.signer = mallory.next_key();
    uncommitted.update = vec![mallory.next_key().multikey().to_string()];
    let mut used = alice.draft(Some(ALICIA), at);
    used.signer = alice.key(0);
    let mut tampered: Value =
        serde_json::from_str(alice.draft(Some(ALICIA), at).sign(&alice).line()).unwrap();
    tampered["proof"][0]["proofValue"] = serde_json::from_str::<Value>(
        alice.draft(None, at).sign(&alice).line(),
    )
    .unwrap()["proof"][0]["proofValue"]
        .clone();
    for (entry, fault) in [
        (foreign.sign(&alice).line().to_owned(), Fault::Signer),
        (uncommitted.sign(&alice).line().to_owned(), Fault::Uncommitted),
        (used.sign(&alice).line().to_owned(), Fault::Signer),
        (tampered.to_string(), Fault::Signature),
        ("{".to_owned(), Fault::NotJson),
    ] {
        let rejection = bench.hosted.append(&alice.account(), entry.as_bytes()).await.unwrap_err();
        assert!(
            matches!(rejection, Rejection::Invalid(broken) if broken == fault),
            "{fault:?}: {rejection:?}"
        );
    }
    // An entry of another log, and the right entry at another's door.
    let theirs = mallory.draft(None, at).sign(&mallory);
    let rejection = bench.hosted.append(&alice.account(), theirs.line().as_bytes()).await.unwrap_err();
    assert!(["state-id", "web-alias"].contains(&broken(&rejection)), "{rejection:?}");
    assert_eq!(log(&bench, &alice).await, before);
    bench.rename(&mut alice, Some(ALICIA)).await.unwrap();
}

#[tokio::test]
async fn no_entry_is_from_the_future_or_older_than_its_parent() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let entry = alice.draft(None, bench.clock.now() + Duration::from_secs(1)).sign(&alice);
    let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(rejection, Rejection::Invalid(Fault::Future)), "{rejection:?}");
    let entry = alice.draft(None, alice.head().time).sign(&alice);
    let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(rejection, Rejection::Invalid(Fault::VersionOrder)), "{rejection:?}");
    bench.tick();
    let entry = alice.draft(None, bench.clock.now()).sign(&alice);
    bench.post(&mut alice, &entry).await.unwrap();
}

#[tokio::test]
async fn an_account_is_at_the_label_of_its_first_key() {
    let bench = Bench::new();
    let (alice, bob) = (Person::new(1), Person::new(2));
    let entry = alice.genesis(None, bench.tick());
    // The same, at Bob's host; and at Alice's label below another domain; and with a path.
    for place in [
        bob.host().to_string(),
        alice.host().to_string().replace("people", "other"),
        format!("{}:x", alice.host()),
    ] {
        let moved = entry.line().replace(alice.host().as_str(), &place);
        let rejection = bench.hosted.register(moved.as_bytes()).await.unwrap_err();
        assert!(matches!(rejection, Rejection::Refused(Rule::Label)), "{place}: {rejection:?}");
    }
    bench.hosted.register(entry.line().as_bytes()).await.unwrap();
}

/// Public keys are public: whoever sees one could otherwise take the label made of it before its holder does.
#[tokio::test]
async fn a_first_entry_is_signed_by_the_key_that_its_label_is_made_of() {
    const ALICE: u8 = 1;
    const MALLORY: u8 = 2;
    let bench = Bench::new();
    let made = |update: &[u8], signer: u8| {
        let first = Multikey::parse(&multikey(update[0])).unwrap();
        let host = host(&format!("{}.{ID_DOMAIN}", label_of(&first)));
        let state = account_document(&format!("did:webvh:{SCID}:{host}"), &host, None, &first, None);
        let keys: Vec<_> = update.iter().map(|seed| multikey(*seed)).collect();
        let parameters = json!({ "method": "did:webvh:1.0", "scid": SCID, "updateKeys": keys });
        let log = forge(&[Draft::new(1, &bench.clock.now().to_string(), parameters, state, signer)]);
        verify(lines(&log).as_bytes(), bench.clock.now()).unwrap().lines()[0].clone()
    };
    for (update, signer) in [(&[ALICE, MALLORY][..], MALLORY), (&[ALICE, 3, MALLORY], MALLORY)] {
        let entry = made(update, signer);
        let rejection = bench.hosted.register(entry.as_bytes()).await.unwrap_err();
        assert!(matches!(rejection, Rejection::Refused(Rule::FirstKey)), "{rejection:?}");
    }
    // The label was never taken: its holder has it, whatever other keys there are.
    bench.hosted.register(made(&[ALICE, MALLORY], ALICE).as_bytes()).await.unwrap();
    bench.hosted.register(made(&[MALLORY, ALICE], MALLORY).as_bytes()).await.unwrap();
}

#[tokio::test]
async fn an_account_names_its_did_web_once_and_one_handle() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let web = alice.account().to_string();
    for (aliases, rule) in [
        (vec![], Rule::WebAlias),
        (vec![format!("at://{ALICE}")], Rule::WebAlias),
        (vec![web.clone(), web.clone()], Rule::WebAlias),
        (vec![web.clone(), format!("at://{ALICE}"), format!("at://{ALICIA}")], Rule::HandleAlias),
        (vec![web.clone(), "at://Alice.people.example.com".to_owned()], Rule::HandleAlias),
        (vec![web.clone(), "at://alice".to_owned()], Rule::HandleAlias),
        (vec![web.clone(), "at://".to_owned()], Rule::HandleAlias),
    ] {
        let mut draft = alice.draft(None, bench.tick());
        draft.state["alsoKnownAs"] = aliases.clone().into();
        let entry = draft.sign(&alice);
        let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
        assert!(
            matches!(rejection, Rejection::Refused(broken) if broken == rule),
            "{aliases:?}: {rejection:?}"
        );
    }
    // Other names of it may stand beside.
    let mut draft = alice.draft(None, bench.tick());
    draft.state["alsoKnownAs"] =
        vec![format!("at://{ALICIA}"), web, "https://alice.example.net".to_owned()].into();
    let entry = draft.sign(&alice);
    assert_eq!(bench.post(&mut alice, &entry).await.unwrap().handle, host(ALICIA).to_handle());
}

/// did:webvh lets a time be written in other ways; but not all who are to read the log read those.
#[tokio::test]
async fn times_are_whole_seconds_and_z() {
    let bench = Bench::new();
    let mut alice = Person::new(1);
    let first = alice.genesis(None, bench.tick());
    let unusual = |entry: &Entry| {
        let plain = entry.time.to_string();
        let clock = plain.trim_end_matches('Z');
        [format!("{clock}.5Z"), format!("{clock}.000Z"), format!("{clock}+00:00")].map(|time| {
            let line = entry
                .line()
                .replace(&format!(r#""versionTime":"{plain}""#), &format!(r#""versionTime":"{time}""#));
            assert!(Entry::read(line.as_bytes()).is_ok(), "did:webvh takes {time}");
            line
        })
    };
    for line in unusual(&first) {
        let rejection = bench.hosted.register(line.as_bytes()).await.unwrap_err();
        assert!(matches!(rejection, Rejection::Refused(Rule::TimeForm)), "{line}: {rejection:?}");
    }
    bench.hosted.register(first.line().as_bytes()).await.unwrap();
    alice.accept(&first, bench.clock.now());
    let next = alice.draft(None, bench.tick()).sign(&alice);
    for line in unusual(&next) {
        let rejection = bench.hosted.append(&alice.account(), line.as_bytes()).await.unwrap_err();
        assert_eq!(broken(&rejection), "time-form", "{line}");
    }
    bench.hosted.append(&alice.account(), next.line().as_bytes()).await.unwrap();
}

/// did:webvh lets a portable DID move; but its log would still be served here.
#[tokio::test]
async fn an_account_does_not_move_away() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let mut draft = alice.draft(Some(ALICE), bench.tick());
    let text = draft.state.to_string().replace(alice.host().as_str(), "alice.example.net");
    draft.state = serde_json::from_str(&text).unwrap();
    let aliases = draft.state["alsoKnownAs"].as_array_mut().unwrap();
    aliases.push(alice.head().did.clone().into());
    let entry = draft.sign(&alice);
    let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(rejection, Rejection::Refused(Rule::Host)), "{rejection:?}");
}

#[tokio::test]
async fn nobody_appends_to_an_account_that_is_not_here() {
    let bench = Bench::new();
    let mut alice = Person::new(1);
    let first = alice.genesis(None, bench.tick());
    alice.accept(&first, bench.clock.now());
    let entry = alice.draft(None, bench.tick()).sign(&alice);
    let elsewhere = AccountId::parse("did:web:alice.example.net").unwrap();
    for account in [alice.account(), alice.webvh(), elsewhere, AccountId::parse("threads:x").unwrap()] {
        let rejection = bench.hosted.append(&account, entry.line().as_bytes()).await.unwrap_err();
        assert!(matches!(rejection, Rejection::UnknownAccount), "{account}: {rejection:?}");
    }
    bench.hosted.register(first.line().as_bytes()).await.unwrap();
    bench.hosted.append(&alice.webvh(), entry.line().as_bytes()).await.unwrap();
    let rejection = bench.hosted.register(entry.line().as_bytes()).await.unwrap_err();
    assert_eq!(broken(&rejection), Rule::Label.name(), "a later entry begins nothing");
}

#[tokio::test]
async fn the_feed_names_the_account_of_a_commit_once() {
    let bench = Bench::new();
    let alice = bench.person(1, Some(ALICE)).await;
    let changes = bench.store.changes(namesake::store::Version::ZERO, 100).await.unwrap();
    let told: Vec<_> = changes.iter().filter_map(|change| bench.hosted.account_of_key(&change.key)).collect();
    assert_eq!((told, changes.len()), (vec![alice.account()], 5));
}
