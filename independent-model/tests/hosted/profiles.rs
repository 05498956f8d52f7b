//! Profile records.

use namesake::Change;
use namesake_independent::{
    hosted::{Rejection, Rule},
    webvh::Fault,
};
use serde_json::{Value, json};

use crate::bench::{Bench, Person, host};

const ALICE: &str = "alice.people.example.com";

async fn put(bench: &Bench, person: &Person, record: &Value) -> Result<bool, Rejection> {
    let taken = bench.hosted.put_profile(&person.account(), record.to_string().as_bytes()).await;
    taken.map(|receipt| receipt.repeated)
}

#[tokio::test]
async fn a_profile_is_taken_in_the_order_of_its_revisions() {
    let bench = Bench::new();
    let alice = bench.person(1, Some(ALICE)).await;
    bench.told();
    let at = bench.tick();
    let seven = alice.record(7, json!({ "displayName": "Alice" }), &alice.key(0), at);
    assert!(!put(&bench, &alice, &seven).await.unwrap());
    let new = host(ALICE).to_handle();
    assert_eq!(bench.told(), [Change { account: alice.account(), old: None, new }]);
    assert!(put(&bench, &alice, &seven).await.unwrap(), "the same again");
    assert_eq!(bench.told(), []);
    for rev in [6, 7] {
        let other = alice.record(rev, json!({ "displayName": "Alicia" }), &alice.key(0), at);
        let stale = put(&bench, &alice, &other).await.unwrap_err();
        assert!(matches!(&stale, Rejection::StaleHead { head } if head == "7"), "{stale:?}");
    }
    // By the other name of the account.
    let eight = alice.record(8, json!({}), &alice.key(0), at).to_string();
    bench.hosted.put_profile(&alice.webvh(), eight.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn only_the_keys_of_the_head_sign_profiles() {
    let bench = Bench::new();
    let mut alice = bench.person(1, Some(ALICE)).await;
    let at = bench.tick();
    for key in [alice.key(1), alice.recovery(), Person::new(2).key(0)] {
        let refused = put(&bench, &alice, &alice.record(1, json!({}), &key, at)).await.unwrap_err();
        assert!(matches!(refused, Rejection::Invalid(Fault::Signer)), "{refused:?}");
    }
    let mut tampered = alice.record(1, json!({ "description": "this" }), &alice.key(0), at);
    tampered["description"] = "that".into();
    let refused = put(&bench, &alice, &tampered).await.unwrap_err();
    assert!(matches!(refused, Rejection::Invalid(Fault::Signature)), "{refused:?}");
    // A key that is used up.
    let old = alice.record(1, json!({}), &alice.key(0), at);
    bench.rename(&mut alice, Some(ALICE)).await.unwrap();
    assert!(matches!(put(&bench, &alice, &old).await, Err(Rejection::Invalid(Fault::Signer))));
    bench.show(&alice, 1, json!({})).await.unwrap();
}

#[tokio::test]
async fn a_record_has_exactly_its_members() {
    let bench = Bench::new();
    let alice = bench.person(1, Some(ALICE)).await;
    let at = bench.tick();
    for members in [
        json!({ "displayName": 7 }),
        json!({ "description": null }),
        json!({ "avatar": "http://example.com/a.png" }),
        json!({ "avatar": "javascript:alert(1)" }),
        json!({ "redirect": "yes" }),
        json!({ "handle": ALICE }),
    ] {
        let record = alice.record(1, members.clone(), &alice.key(0), at);
        let refused = put(&bench, &alice, &record).await.unwrap_err();
        assert!(matches!(refused, Rejection::Refused(Rule::Record)), "{members}: {refused:?}");
    }
    for member in ["did", "rev", "proof"] {
        let mut record = alice.record(1, json!({}), &alice.key(0), at);
        record.as_object_mut().unwrap().remove(member);
        let refused = put(&bench, &alice, &record).await.unwrap_err();
        assert!(matches!(refused, Rejection::Refused(Rule::Record)), "{member}: {refused:?}");
    }
    let bob = bench.person(2, None).await;
    let theirs = bob.record(1, json!({}), &bob.key(0), at);
    let refused = put(&bench, &alice, &theirs).await.unwrap_err();
    assert!(matches!(refused, Rejection::Refused(Rule::RecordDid)), "{refused:?}");
    let twice = alice.record(1, json!({}), &alice.key(0), at).to_string().replacen('{', r#"{"rev":2,"#, 1);
    let refused = bench.hosted.put_profile(&alice.account(), twice.as_bytes()).await.unwrap_err();
    assert!(matches!(refused, Rejection::Invalid(Fault::DuplicateMember)), "{refused:?}");
    let nobody = Person::new(3);
    let record = nobody.record(1, json!({}), &nobody.key(0), at);
    assert!(matches!(put(&bench, &nobody, &record).await, Err(Rejection::UnknownAccount)));
    let all = json!({
        "displayName": "Alice", "description": "hello", "avatar": "https://example.com/a.png", "redirect": true,
    });
    bench.show(&alice, 1, all).await.unwrap();
}
