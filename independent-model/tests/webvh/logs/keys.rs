//! Keys that may not sign, and lists of keys that may not be ("Authorized Keys", "Pre-Rotation").

use namesake_independent::webvh::{Fault, MAX_KEYS};
use serde_json::{Value, json};

use super::{
    Refused, fixed_but,
    forge::{commitment, multikey},
    refuse, rotated_but,
};

pub(super) fn refused() -> Vec<Refused> {
    [signers(), pre_rotation(), lists()].into_iter().flatten().collect()
}

fn keys(seeds: &[u8]) -> Value {
    seeds.iter().map(|seed| multikey(*seed)).collect()
}

fn signers() -> Vec<Refused> {
    let fault = Fault::Signer;
    vec![
        refuse("a genesis signed by a key it does not name", 1, fault, fixed_but(|log| log[0].sign_by(7))),
        refuse("signed by a foreign key", 2, fault, fixed_but(|log| log[1].sign_by(7))),
        refuse(
            "signed by a key that the same entry adds",
            2,
            fault,
            fixed_but(|log| {
                log[1].parameters["updateKeys"] = keys(&[1, 2]);
                log[1].sign_by(2);
            }),
        ),
        refuse(
            "signed by a key that was replaced",
            3,
            fault,
            fixed_but(|log| {
                log[1].parameters["updateKeys"] = keys(&[2]);
            }),
        ),
        refuse(
            "signed after the last key was taken away",
            3,
            fault,
            fixed_but(|log| {
                log[1].parameters["updateKeys"] = json!([]);
            }),
        ),
        refuse("signed by a committed key that is not shown", 2, fault, rotated_but(|log| log[1].sign_by(9))),
        refuse(
            "signed by the key of the entry before, under pre-rotation",
            2,
            fault,
            rotated_but(|log| log[1].sign_by(1)),
        ),
        refuse(
            "no key shown under pre-rotation",
            2,
            fault,
            rotated_but(|log| log[1].parameters["updateKeys"] = json!([])),
        ),
        refuse(
            "signed by a new key in the entry that turns pre-rotation on",
            2,
            fault,
            fixed_but(|log| {
                log[1].parameters = json!({ "updateKeys": keys(&[2]), "nextKeyHashes": [commitment(3)] });
                log[1].sign_by(2);
            }),
        ),
        refuse(
            "signed by a new key after pre-rotation was turned off",
            3,
            fault,
            rotated_but(|log| {
                log[1].parameters["nextKeyHashes"] = json!([]);
            }),
        ),
    ]
}

fn pre_rotation() -> Vec<Refused> {
    let lists = Fault::PreRotationLists;
    vec![
        refuse(
            "an uncommitted key",
            2,
            Fault::Uncommitted,
            rotated_but(|log| {
                log[1].parameters["updateKeys"] = keys(&[7]);
                log[1].sign_by(7);
            }),
        ),
        refuse(
            "an uncommitted key beside a committed one",
            2,
            Fault::Uncommitted,
            rotated_but(|log| {
                log[1].parameters["updateKeys"] = keys(&[2, 7]);
            }),
        ),
        refuse(
            "the present key kept, uncommitted",
            2,
            Fault::Uncommitted,
            rotated_but(|log| {
                log[1].parameters["updateKeys"] = keys(&[1, 2]);
            }),
        ),
        refuse(
            "an uncommitted key in the entry that turns pre-rotation off",
            2,
            Fault::Uncommitted,
            rotated_but(|log| {
                log[1].parameters = json!({ "updateKeys": keys(&[7]), "nextKeyHashes": [] });
                log[1].sign_by(7);
            }),
        ),
        refuse(
            "updateKeys omitted under pre-rotation",
            2,
            lists,
            rotated_but(|log| {
                log[1].unset("updateKeys");
                log[1].sign_by(1);
            }),
        ),
        refuse(
            "updateKeys omitted under pre-rotation, signed by the committed key",
            2,
            lists,
            rotated_but(|log| {
                log[1].unset("updateKeys");
            }),
        ),
        refuse(
            "nextKeyHashes omitted under pre-rotation",
            3,
            lists,
            rotated_but(|log| log[2].unset("nextKeyHashes")),
        ),
        refuse(
            "no parameters under pre-rotation",
            3,
            lists,
            rotated_but(|log| log[2].parameters = json!({})),
        ),
        refuse(
            "closed in one entry under pre-rotation",
            3,
            lists,
            rotated_but(|log| {
                log[2].parameters = json!({ "updateKeys": [], "deactivated": true });
            }),
        ),
    ]
}

fn lists() -> Vec<Refused> {
    let form = Fault::ParameterForm;
    let genesis = |value: Value| fixed_but(|log| log[0].parameters["updateKeys"] = value);
    let hashes = |value: Value| rotated_but(|log| log[2].parameters["nextKeyHashes"] = value);
    let p256 = "zDnaerx9CtbPJ1q36T5Ln5wYt3MQYeGRG5ehnPAmxcf5mDZpv";
    let many: Vec<_> = (0..=MAX_KEYS).map(|number| commitment(u8::try_from(number).unwrap() % 16)).collect();
    vec![
        refuse("a genesis without updateKeys", 1, Fault::NoKeys, fixed_but(|log| log[0].unset("updateKeys"))),
        refuse("a genesis with no update key", 1, Fault::NoKeys, genesis(json!([]))),
        refuse("an update key of P-256", 1, Fault::Key, genesis(json!([multikey(1), p256]))),
        refuse(
            "an update key as a did:key",
            1,
            Fault::Key,
            genesis(json!([format!("did:key:{}", multikey(1))])),
        ),
        refuse(
            "an update key with a zero byte before it",
            1,
            Fault::Key,
            genesis(json!([multikey(1), multikey(2).replacen('z', "z1", 1)])),
        ),
        refuse(
            "an update key in hexadecimal",
            1,
            Fault::Key,
            genesis(json!([multikey(1), format!("fed01{}", "8a".repeat(32))])),
        ),
        refuse("updateKeys that are one text", 1, form, genesis(multikey(1).into())),
        refuse("an update key that is a number", 1, form, genesis(json!([multikey(1), 1]))),
        refuse("a commitment that is no hash", 3, form, hashes(json!(["soon"]))),
        refuse("a commitment of SHA-1", 3, form, hashes(json!(["5dqx43QzS2KNNpEAqQVdF5uCVQAeQ3"]))),
        refuse(
            "a commitment with a zero byte before it",
            3,
            form,
            hashes(json!([commitment(4), format!("1{}", commitment(9))])),
        ),
        refuse("commitments that are an object", 3, form, hashes(json!({}))),
        refuse("too many commitments", 3, form, hashes(many.into())),
    ]
}
