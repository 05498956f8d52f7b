//! Keys: the recovery key, a thief, and the end.

use namesake::Why;
use namesake_independent::{
    hosted::{AtHost, Rejection, Rule},
    webvh::verify,
};

use crate::bench::{Bench, Draft, Person, host};

const ALICE: &str = "alice.people.example.com";

/// An entry by the recovery key, which commits to `next` after it.
fn recovered(alice: &Person, bench: &Bench, next: u8, handle: Option<&str>) -> Draft {
    let mut draft = alice.draft(handle, bench.tick());
    draft.signer = alice.recovery();
    draft.update = vec![alice.recovery().multikey().to_string()];
    draft.next = Some(alice.commitments(next));
    draft
}

#[tokio::test]
async fn only_the_recovery_key_may_drop_the_recovery_key() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let (kept, next) = (alice.recovery().multikey().hash(), alice.key(2).multikey().hash());
    for hashes in [
        vec![],
        vec![next.clone()],
        vec![kept.clone(), next.clone()],
        vec![next.clone(), alice.key(3).multikey().hash()],
        // Alone it would no longer be known for what it is.
        vec![kept.clone()],
    ] {
        let mut draft = alice.draft(Some(ALICE), bench.tick());
        draft.next = Some(hashes.clone());
        let entry = draft.sign(&alice);
        let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
        assert!(matches!(rejection, Rejection::Refused(Rule::Recovery)), "{hashes:?}: {rejection:?}");
    }
    // Nor may another key end the account.
    let mut draft = alice.draft(Some(ALICE), bench.tick());
    (draft.next, draft.deactivated) = (Some(vec![]), true);
    let entry = draft.sign(&alice);
    let rejection = bench.post(&mut alice, &entry).await.unwrap_err();
    assert!(matches!(rejection, Rejection::Refused(Rule::Recovery)), "{rejection:?}");
    // To *say* that one is the recovery key is not enough.
    let mut draft = recovered(&alice, &bench, 2, None);
    draft.next = Some(vec![]);
    let genuine = draft.sign(&alice).line().to_owned();
    let at = genuine.find("proofValue\":\"z").unwrap() + 14;
    let forged = format!(
        "{}{}{}",
        &genuine[..at],
        if &genuine[at..=at] == "2" { "3" } else { "2" },
        &genuine[at + 1..]
    );
    let rejection = bench.hosted.append(&alice.account(), forged.as_bytes()).await.unwrap_err();
    assert!(matches!(rejection, Rejection::Invalid(_)), "{rejection:?}");
    bench.hosted.append(&alice.account(), genuine.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn the_owner_takes_an_account_back_from_a_thief() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    // The thief has the next key: renames, commits to keys of his own, uses up the hour, shows a profile of his.
    let mut thief = alice.clone();
    for _ in 0..bench.hosted.settings().entries_per_hour - 1 {
        bench.rename(&mut thief, Some("stolen.people.example.com")).await.unwrap();
    }
    bench.show(&thief, (1 << 53) - 1, serde_json::json!({ "displayName": "Thief" })).await.unwrap();
    assert!(matches!(bench.rename(&mut thief, None).await, Err(Rejection::TooMany { .. })));
    // The owner sees the log, and has the recovery key.
    alice.head.clone_from(&thief.head);
    let entry = recovered(&alice, &bench, 100, Some(ALICE)).sign(&alice);
    let receipt = bench.post(&mut alice, &entry).await.unwrap();
    assert_eq!(receipt.handle, host(ALICE).to_handle());
    // What the thief holds is worth nothing now, and the name he took is the owner's to take again only.
    let stale = thief.draft(None, bench.tick()).sign(&thief);
    assert!(matches!(bench.post(&mut thief, &stale).await, Err(Rejection::StaleHead { .. })));
    let mut late = alice.draft(None, bench.tick());
    (late.signer, late.update) = (thief.next_key(), vec![thief.next_key().multikey().to_string()]);
    let late = late.sign(&alice);
    assert!(matches!(bench.post(&mut alice, &late).await, Err(Rejection::Invalid(_))));
    // Nothing that the thief used up is missing: entries, nor revisions of the profile.
    let record = alice.record(1, serde_json::json!({}), &alice.recovery(), bench.tick());
    bench.hosted.put_profile(&alice.account(), record.to_string().as_bytes()).await.unwrap();
    let mut draft = alice.draft(Some("alicia.people.example.com"), bench.tick());
    (draft.signer, draft.update) = (alice.key(100), vec![alice.key(100).multikey().to_string()]);
    let entry = draft.sign(&alice);
    bench.post(&mut alice, &entry).await.unwrap();
}

#[tokio::test]
async fn an_account_is_closed_by_two_entries_of_the_recovery_key() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let recovery = alice.recovery().multikey().to_string();
    let mut first = recovered(&alice, &bench, 2, Some(ALICE));
    first.next = Some(vec![]);
    let first = first.sign(&alice);
    bench.post(&mut alice, &first).await.unwrap();
    let mut last = alice.draft(Some(ALICE), bench.tick());
    last.signer = alice.recovery();
    (last.update, last.next, last.deactivated) = (vec![], None, true);
    let last = last.sign(&alice);
    bench.told();
    let receipt = bench.post(&mut alice, &last).await.unwrap();
    assert_eq!(receipt.handle, None);
    assert_eq!(bench.told()[0].old, host(ALICE).to_handle());
    assert_eq!(alice.head().update_keys, []);

    // Its name is held back, its log stays, its host says that it was closed.
    assert_eq!(bench.hosted.at_host(&host(ALICE)).await.unwrap(), AtHost::NoHandle);
    assert_eq!(bench.hosted.at_host(&alice.host()).await.unwrap(), AtHost::Closed(receipt.did));
    assert!(matches!(bench.register(&mut Person::new(2), Some(ALICE)).await, Err(Rejection::HandleTaken(_))));
    let log = bench.hosted.log(&alice.account()).await.unwrap().unwrap();
    assert!(verify(&log.text, bench.tick()).unwrap().head().deactivated);
    let (held, closed) = bench.hosted.history(&alice.webvh()).await.unwrap().unwrap();
    assert_eq!((held.len(), held[0].until, closed), (1, Some(alice.head().time), true));

    // Nothing follows; what was taken may still be posted again.
    let mut more = alice.draft(None, bench.tick());
    (more.signer, more.update, more.next) = (alice.recovery(), vec![recovery], None);
    let more = more.sign(&alice);
    let refused = bench.post(&mut alice, &more).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::Closed)), "{refused:?}");
    assert!(bench.post(&mut alice, &last).await.unwrap().repeated);
    let again = alice.genesis(None, bench.tick());
    let refused = bench.hosted.register(again.line().as_bytes()).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::Closed)), "{refused:?}");
    let record = alice.record(1, serde_json::json!({}), &alice.recovery(), bench.tick());
    let refused =
        bench.hosted.put_profile(&alice.account(), record.to_string().as_bytes()).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::Closed)), "{refused:?}");

    let model = crate::model::model(&bench);
    let did = namesake_independent::Did::parse(alice.account().as_str()).unwrap();
    let answer = model.document_of(&did, &namesake::Trace::OFF).await.unwrap();
    assert!(matches!(answer, namesake::Lookup::Absent { why: Why::Deactivated, .. }), "{answer:?}");
}
