//! Logs that hold, and each way in which one does not.

use data_encoding::BASE64URL_NOPAD;
use namesake::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fault, InvalidLog, Log, MAX_LOG_BYTES, MAX_OPERATIONS, verify};
use crate::{Did, PlcKey, PlcLog, PrivateWorld};

const HOUR: i64 = 3600;
/// 2024-01-01.
const START: i64 = 1_704_067_200;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(START + second).unwrap()
}

fn keys() -> (PlcKey, PlcKey) {
    (PlcKey::p256("recovery"), PlcKey::k256("everyday"))
}

/// alice.test, then alice.example.com, then alice.example.org, a day each: signed by the lesser key, on k256.
fn renames() -> PlcLog {
    let (recovery, everyday) = keys();
    let ranked = [&recovery, &everyday];
    let mut log =
        PlcLog::begin(&everyday.sign(PlcLog::operation("alice.test", &ranked, None)), at(0)).unwrap();
    for (place, handle) in ["alice.example.com", "alice.example.org"].into_iter().enumerate() {
        let operation = PlcLog::operation(handle, &ranked, Some(log.cid(place)));
        log.push(&everyday.sign(operation), at(24 * HOUR * (1 + i64::try_from(place).unwrap())));
    }
    log
}

/// The same, and then the mightier key, on p256, strikes out the last of them.
fn recovered(after: i64) -> PlcLog {
    let (recovery, everyday) = keys();
    let mut log = renames();
    let back = PlcLog::operation("alice.example.net", &[&recovery, &everyday], Some(log.cid(1)));
    log.push(&recovery.sign(back), at(48 * HOUR + after));
    log
}

fn check(log: &PlcLog) -> Result<Log, InvalidLog> {
    verify(log.did(), log.to_json().to_string().as_bytes())
}

fn mutated(log: &PlcLog, change: impl FnOnce(&mut Vec<Value>)) -> Result<Log, InvalidLog> {
    let mut json = log.to_json();
    change(json.as_array_mut().unwrap());
    verify(log.did(), json.to_string().as_bytes())
}

fn names(log: &Log) -> Vec<(String, i64, Option<i64>)> {
    let hours = |at: Timestamp| (at.as_second() - START) / HOUR;
    log.handles()
        .into_iter()
        .map(|held| (held.handle.to_string(), hours(held.from), held.until.map(hours)))
        .collect()
}

#[test]
fn a_good_log_gives_the_directorys_document_and_the_names() {
    let log = renames();
    let checked = check(&log).unwrap();
    assert_eq!(
        checked.document().unwrap(),
        json!({
            "@context": ["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"],
            "id": log.did().as_str(),
            "alsoKnownAs": ["at://alice.example.org"],
            "verificationMethod": [],
            "service": [{
                "id": "#atproto_pds",
                "type": "AtprotoPersonalDataServer",
                "serviceEndpoint": PrivateWorld::PDS,
            }],
        })
    );
    assert_eq!(
        names(&checked),
        [
            ("alice.test".to_owned(), 0, Some(24)),
            ("alice.example.com".to_owned(), 24, Some(48)),
            ("alice.example.org".to_owned(), 48, None),
        ]
    );
    assert!(!checked.is_deactivated());
}

#[test]
fn keys_in_a_document_have_their_curves_context() {
    let (recovery, everyday) = keys();
    let mut operation = PlcLog::operation("alice.test", &[&recovery], None);
    operation["verificationMethods"] = json!({
        "atproto": everyday.did_key(), "other": recovery.did_key(), "odd": "did:key:zOdd",
    });
    let log = PlcLog::begin(&recovery.sign(operation), at(0)).unwrap();
    let document = check(&log).unwrap().document().unwrap();
    let suite = |name: &str| json!(format!("https://w3id.org/security/suites/{name}/v1"));
    let context = document["@context"].as_array().unwrap();
    assert!(
        context.len() == 4
            && context.contains(&suite("ecdsa-2019"))
            && context.contains(&suite("secp256k1-2019"))
    );
    assert_eq!(
        document["verificationMethod"][0],
        json!({
            "id": format!("{}#atproto", log.did()),
            "type": "Multikey",
            "controller": log.did().as_str(),
            "publicKeyMultibase": everyday.did_key().trim_start_matches("did:key:"),
        })
    );
}

#[test]
fn a_mightier_key_strikes_out_within_72_hours() {
    for after in [1, 72 * HOUR] {
        let checked = check(&recovered(after)).unwrap();
        assert_eq!((checked.operations(), checked.nullified()), (4, 1));
        let names: Vec<_> = names(&checked).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["alice.test", "alice.example.com", "alice.example.net"], "{after}");
    }
}

#[test]
fn a_tombstone_ends_a_did_unless_it_is_struck_out() {
    let (recovery, everyday) = keys();
    let mut log = renames();
    log.push(&everyday.sign(PlcLog::tombstone(log.cid(2))), at(72 * HOUR));
    let gone = check(&log).unwrap();
    assert!(gone.is_deactivated() && gone.document().is_none());
    assert_eq!(names(&gone).last().unwrap(), &("alice.example.org".to_owned(), 48, Some(72)));
    let back = PlcLog::operation("alice.example.org", &[&recovery], Some(log.cid(2)));
    log.push(&recovery.sign(back), at(100 * HOUR));
    let back = check(&log).unwrap();
    assert!(!back.is_deactivated());
    assert_eq!(names(&back).last().unwrap(), &("alice.example.org".to_owned(), 48, None));
}

#[test]
fn the_retired_form_may_begin_a_log() {
    let (recovery, everyday) = keys();
    let genesis = everyday.sign(json!({
        "type": "create",
        "signingKey": everyday.did_key(),
        "recoveryKey": recovery.did_key(),
        "handle": "alice.test",
        "service": "pds.example.com",
        "prev": null,
    }));
    let mut log = PlcLog::begin(&genesis, at(0)).unwrap();
    let next = PlcLog::operation("alice.example.com", &[&recovery], Some(log.cid(0)));
    log.push(&recovery.sign(next), at(HOUR));
    let document = check(&log).unwrap().document().unwrap();
    assert_eq!(document["alsoKnownAs"], json!(["at://alice.example.com"]));
    let first = PlcLog::begin(&genesis, at(0)).unwrap();
    let document = check(&first).unwrap().document().unwrap();
    assert_eq!(document["alsoKnownAs"], json!(["at://alice.test"]));
    assert_eq!(document["service"][0]["serviceEndpoint"], "https://pds.example.com");
    assert_eq!(document["verificationMethod"][0]["id"], format!("{}#atproto", first.did()));
    // Only begin one.
    let mut again = renames();
    let late = everyday.sign(json!({
        "type": "create", "signingKey": everyday.did_key(), "recoveryKey": recovery.did_key(),
        "handle": "mallory.test", "service": "pds.example.com", "prev": again.cid(2),
    }));
    again.push(&late, at(80 * HOUR));
    assert_eq!(check(&again).unwrap_err(), InvalidLog { operation: Some(4), fault: Fault::Form });
}

/// Signed by the right key, over the right bytes, and then written in its other form.
fn high_s(entry: &mut Value) {
    let signature = BASE64URL_NOPAD.decode(entry["operation"]["sig"].as_str().unwrap().as_bytes()).unwrap();
    let k256 = k256::ecdsa::Signature::from_slice(&signature).unwrap();
    let high = k256::ecdsa::Signature::from_scalars(k256.r(), -k256.s()).unwrap();
    entry["operation"]["sig"] = BASE64URL_NOPAD.encode(&high.to_bytes()).into();
}

/// Makes the CIDs of a list right again, and every `prev` that named one, as a forger would.
fn rechain(entries: &mut [Value]) {
    for place in 0..entries.len() {
        let operation = &entries[place]["operation"];
        let cid = super::cid::cid(&super::cbor::encode(operation).unwrap());
        let old = std::mem::replace(&mut entries[place]["cid"], cid.clone().into());
        for entry in &mut entries[place + 1..] {
            if entry["operation"]["prev"] == old {
                entry["operation"]["prev"] = cid.clone().into();
            }
        }
    }
}

/// A log, what somebody did to it, where it fails, and why.
type Mutation = (&'static str, PlcLog, fn(&mut Vec<Value>), Option<usize>, Fault);

#[test]
fn each_way_to_tamper_with_a_log_is_seen_for_what_it_is() {
    const STOLEN: &str = "at://mallory.test";
    let table: Vec<Mutation> = vec![
        (
            "handle",
            renames(),
            |log| log[1]["operation"]["alsoKnownAs"][0] = STOLEN.into(),
            Some(2),
            Fault::Cid,
        ),
        (
            "handle, hashes made good",
            renames(),
            |log| {
                log[1]["operation"]["alsoKnownAs"][0] = STOLEN.into();
                rechain(log);
            },
            Some(2),
            Fault::Signature,
        ),
        (
            "handle of the genesis, hashes made good",
            renames(),
            |log| {
                log[0]["operation"]["alsoKnownAs"][0] = STOLEN.into();
                rechain(log);
            },
            Some(1),
            Fault::GenesisHash,
        ),
        (
            "high-S",
            renames(),
            |log| {
                high_s(&mut log[2]);
                rechain(log);
            },
            Some(3),
            Fault::HighS,
        ),
        (
            "padded signature",
            renames(),
            |log| {
                let sig = format!("{}==", log[2]["operation"]["sig"].as_str().unwrap());
                log[2]["operation"]["sig"] = sig.into();
                rechain(log);
            },
            Some(3),
            Fault::SignatureForm,
        ),
        (
            "wrong prev",
            renames(),
            |log| {
                log[2]["operation"]["prev"] = log[0]["did"].clone();
                rechain(log);
            },
            Some(3),
            Fault::Prev,
        ),
        (
            "prev to the operation before the one before, by the same key",
            renames(),
            |log| {
                let (_, everyday) = keys();
                log[2]["operation"]["prev"] = log[0]["cid"].clone();
                log[2]["operation"] = everyday.sign(log[2]["operation"].take());
                rechain(log);
            },
            Some(3),
            Fault::Priority,
        ),
        (
            "foreign key",
            renames(),
            |log| {
                log[2]["operation"] = PlcKey::k256("mallory").sign(log[2]["operation"].take());
                rechain(log);
            },
            Some(3),
            Fault::Signature,
        ),
        ("nullification too late", recovered(72 * HOUR + 1), |_| {}, Some(4), Fault::Late),
        (
            "nullification hidden",
            recovered(HOUR),
            |log| log[2]["nullified"] = false.into(),
            Some(3),
            Fault::Mark,
        ),
        ("nullification invented", renames(), |log| log[2]["nullified"] = true.into(), Some(3), Fault::Mark),
        ("reordered", renames(), |log| log.swap(1, 2), Some(2), Fault::Prev),
        (
            "reordered in time",
            renames(),
            |log| log[2]["createdAt"] = log[0]["createdAt"].clone(),
            Some(3),
            Fault::Time,
        ),
        ("truncated at the beginning", renames(), |log| drop(log.remove(0)), Some(1), Fault::Genesis),
        (
            "another genesis",
            renames(),
            |log| {
                let mallory = PlcKey::k256("mallory");
                log.truncate(1);
                log[0]["operation"] = mallory.sign(PlcLog::operation("alice.test", &[&mallory], None));
                rechain(log);
            },
            Some(1),
            Fault::GenesisHash,
        ),
        (
            "another DID's entry",
            renames(),
            |log| log[1]["did"] = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa".into(),
            Some(2),
            Fault::OtherDid,
        ),
        (
            "an operation twice",
            renames(),
            |log| {
                let again = log[2].clone();
                log.push(again);
            },
            Some(4),
            Fault::Duplicate,
        ),
        ("an unknown field", renames(), |log| log[1]["operation"]["x"] = "y".into(), Some(2), Fault::Form),
        (
            "a field that is missing",
            renames(),
            |log| drop(log[0]["operation"].as_object_mut().unwrap().remove("prev")),
            Some(1),
            Fault::Form,
        ),
        ("a number", renames(), |log| log[1]["operation"]["prev"] = 7.into(), Some(2), Fault::Form),
        (
            "a huge operation",
            renames(),
            |log| log[1]["operation"]["alsoKnownAs"][0] = "x".repeat(70_000).into(),
            Some(2),
            Fault::TooLarge,
        ),
        ("no time", renames(), |log| log[1]["createdAt"] = "yesterday".into(), Some(2), Fault::Entry),
        ("nothing", renames(), Vec::clear, None, Fault::Empty),
        ("too many", renames(), |log| log.resize(MAX_OPERATIONS + 1, Value::Null), None, Fault::TooLong),
    ];
    for (name, log, change, operation, fault) in table {
        assert_eq!(mutated(&log, change).unwrap_err(), InvalidLog { operation, fault }, "{name}");
    }
}

#[test]
fn nothing_follows_a_tombstone_or_what_was_struck_out() {
    let (recovery, everyday) = keys();
    let mut log = renames();
    log.push(&everyday.sign(PlcLog::tombstone(log.cid(2))), at(72 * HOUR));
    let after = PlcLog::operation("alice.test", &[&everyday], Some(log.cid(3)));
    log.push(&everyday.sign(after), at(73 * HOUR));
    assert_eq!(check(&log).unwrap_err().fault, Fault::AfterTombstone);

    let mut log = recovered(HOUR);
    let after = PlcLog::operation("alice.test", &[&recovery], Some(log.cid(2)));
    log.push(&recovery.sign(after), at(50 * HOUR));
    assert_eq!(check(&log).unwrap_err().fault, Fault::AfterNullified);
}

#[test]
fn a_log_is_its_dids_alone() {
    let log = renames();
    let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    let bytes = log.to_json().to_string();
    assert_eq!(verify(&other, bytes.as_bytes()).unwrap_err().fault, Fault::OtherDid);
    let renamed = bytes.replace(log.did().as_str(), other.as_str());
    assert_eq!(verify(&other, renamed.as_bytes()).unwrap_err().fault, Fault::GenesisHash);
}

#[test]
fn a_log_that_would_cost_too_much_is_not_checked_to_its_end() {
    let strangers: Vec<_> = (0..200).map(|number| PlcKey::k256(&format!("stranger {number}"))).collect();
    let everyday = keys().1;
    let ranked: Vec<&PlcKey> = strangers.iter().chain([&everyday]).collect();
    let mut log =
        PlcLog::begin(&everyday.sign(PlcLog::operation("alice.test", &ranked, None)), at(0)).unwrap();
    for place in 0..25 {
        let operation = PlcLog::operation("alice.test", &ranked, Some(log.cid(place)));
        log.push(&everyday.sign(operation), at(HOUR + i64::try_from(place).unwrap()));
    }
    assert_eq!(check(&log).unwrap_err().fault, Fault::TooLong);
    let did = log.did();
    assert_eq!(verify(did, &vec![b' '; MAX_LOG_BYTES + 1]).unwrap_err().fault, Fault::TooLong);
    assert_eq!(verify(did, "[".repeat(60_000).as_bytes()).unwrap_err().fault, Fault::NotAList);
    assert_eq!(verify(did, b"{}").unwrap_err().fault, Fault::NotAList);
}

#[test]
fn a_reason_says_where_and_why() {
    let error = mutated(&renames(), |log| log[1]["operation"]["alsoKnownAs"] = json!([])).unwrap_err();
    assert_eq!(error.to_string(), "operation 2: its content is not what its CID says");
}

/// Any JSON, in the places where a log has some.
fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        Just(json!("plc_operation")),
        Just(json!("create")),
    ];
    let names = prop_oneof![
        Just("type".to_owned()),
        Just("prev".to_owned()),
        Just("sig".to_owned()),
        Just("services".to_owned()),
        Just("rotationKeys".to_owned()),
        ".{0,6}".prop_map(String::from),
    ];
    leaf.prop_recursive(3, 24, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(names.clone(), inner, 0..6)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn total_on_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(verify(renames().did(), &bytes).is_err());
    }

    #[test]
    fn total_on_json_in_any_place(place in 0..3_usize, field in 0..5_usize, value in json_value()) {
        let name = ["did", "operation", "cid", "nullified", "createdAt"][field];
        let unchanged = renames().to_json()[place][name] == value;
        let outcome = mutated(&renames(), |log| log[place][name] = value);
        prop_assert!(unchanged || outcome.is_err());
    }

    /// One bit anywhere in a signed log: it does not hold, or says the same.
    #[test]
    fn no_bit_can_be_flipped(bit in any::<prop::sample::Index>()) {
        let log = renames();
        let mut bytes = log.to_json().to_string().into_bytes();
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        if let Ok(checked) = verify(log.did(), &bytes) {
            let name = |log: &Log| log.handles().into_iter().map(|held| held.handle).collect::<Vec<_>>();
            prop_assert_eq!(name(&checked), name(&check(&log).unwrap()));
        }
    }
}
