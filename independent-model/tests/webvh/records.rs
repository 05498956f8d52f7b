//! Signed records: JSON objects with a proof among their members, such as a profile.

use namesake::Timestamp;
use namesake_independent::webvh::{Fault, SecretKey, read_strictly, sign, verify_record};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::now;

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn profile() -> Value {
    json!({ "did": "did:web:u0.id.handles.test", "rev": 1, "displayName": "Alice ÅÄÖ 🐇", "redirect": true })
}

fn signed(mut record: Value, key: &SecretKey) -> Value {
    record["proof"] = sign(&record, key, now());
    record
}

fn fault(record: &Value) -> Fault {
    verify_record(record, now()).unwrap_err()
}

#[test]
fn a_record_says_who_signed_it_and_when() {
    let record = signed(profile(), &key(1));
    let proof = verify_record(&record, now()).unwrap();
    assert_eq!(proof.key, key(1).multikey());
    assert_eq!(proof.created, Some(now()));
    // Read from text, with its members in whatever order.
    let text = format!(r#"{{"rev":1,{}"#, &record.to_string()[1..].replace(r#","rev":1"#, ""));
    assert_ne!(text, record.to_string());
    assert!(verify_record(&read_strictly(text.as_bytes()).unwrap(), now()).is_ok());
}

#[test]
fn nothing_in_a_record_can_be_changed() {
    let record = signed(profile(), &key(1));
    let but = |change: &dyn Fn(&mut Value)| {
        let mut record = record.clone();
        change(&mut record);
        fault(&record)
    };
    for change in [
        (&|record: &mut Value| record["rev"] = 2.into()) as &dyn Fn(&mut Value),
        &|record| record["displayName"] = "Mallory".into(),
        &|record| record["more"] = Value::Null,
        &|record| drop(record.as_object_mut().unwrap().remove("redirect")),
        &|record| record["proof"][0]["created"] = "2026-11-22T12:00:01Z".into(),
        &|record| drop(record["proof"][0].as_object_mut().unwrap().remove("created")),
        &|record| record["proof"][0]["verificationMethod"] = key(2).multikey().verification_method().into(),
    ] {
        assert_eq!(but(change), Fault::Signature);
    }
    for (change, expected) in [
        ((&|record: &mut Value| drop(record["proof"].take())) as &dyn Fn(&mut Value), Fault::ProofMembers),
        (&|record| drop(record.as_object_mut().unwrap().remove("proof")), Fault::ProofMembers),
        (&|record| record["proof"] = record["proof"][0].take(), Fault::ProofMembers),
        (&|record| *record = json!([]), Fault::ProofMembers),
        (&|record| record["proof"][0]["proofPurpose"] = "authentication".into(), Fault::ProofKind),
        (&|record| record["proof"][0]["verificationMethod"] = "did:key:x#x".into(), Fault::Key),
    ] {
        assert_eq!(but(change), expected);
    }
}

#[test]
fn a_record_is_not_from_the_future() {
    let made = |second: i64| {
        let mut record = profile();
        record["proof"] = sign(&record, &key(1), Timestamp::from_second(now().as_second() + second).unwrap());
        verify_record(&record, now()).map(|_| ())
    };
    assert_eq!([made(-86_400), made(0), made(300)], [Ok(()); 3]);
    assert_eq!([made(301), made(86_400)], [Err(Fault::ProofTime); 2]);
}

/// What is signed is the whole object.
#[test]
fn the_proof_of_one_record_is_not_that_of_another() {
    let (mut one, other) = (signed(profile(), &key(1)), signed(json!({ "rev": 1 }), &key(1)));
    one["proof"] = other["proof"].clone();
    assert_eq!(fault(&one), Fault::Signature);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_record_can_be_signed(name: String, rev in 0_u64..1 << 53, seed: u8, second in 0_i64..4_000_000_000) {
        let mut record = json!({ "rev": rev, "more": { name.clone(): [name] } });
        let created = Timestamp::from_second(second).unwrap();
        record["proof"] = sign(&record, &key(seed), created);
        let read = read_strictly(record.to_string().as_bytes()).unwrap();
        let proof = verify_record(&read, created).unwrap();
        prop_assert_eq!(proof.key, key(seed).multikey());
        prop_assert_eq!(proof.created, Some(created));
    }
}
