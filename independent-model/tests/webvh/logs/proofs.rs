//! Proofs of another form, kind or time, and signatures that only a lenient verifier takes.

use std::ops::{Add, Mul};

use ed25519_dalek::SigningKey;
use namesake_independent::webvh::Fault;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    Refused,
    forge::{Draft, base58, multikey},
    refuse, rotated_but, tampered,
};

pub(super) fn refused() -> Vec<Refused> {
    [members(), kinds(), signatures()].into_iter().flatten().collect()
}

/// The last entry, with something done to its proof before it was signed.
fn signed(change: impl FnOnce(&mut Draft)) -> String {
    rotated_but(|log| change(&mut log[2]))
}

fn without(member: &str) -> String {
    signed(|entry| drop(entry.proof.as_object_mut().unwrap().remove(member)))
}

fn set(member: &str, value: impl Into<Value>) -> String {
    signed(|entry| entry.proof[member] = value.into())
}

fn members() -> Vec<Refused> {
    let fault = Fault::ProofMembers;
    let proofs = |change: fn(&Value) -> Value| {
        tampered(|log| {
            let proof = change(&log[2]["proof"][0]);
            log[2]["proof"] = proof;
        })
    };
    vec![
        refuse("a proof outside a list", 3, fault, proofs(Value::clone)),
        refuse("no proof", 3, fault, proofs(|_| json!([]))),
        refuse("two proofs", 3, fault, proofs(|proof| json!([proof, proof]))),
        refuse("a proof that is a text", 3, fault, proofs(|_| json!(["z"]))),
        refuse("an unknown member in the proof", 3, fault, set("domain", "example.com")),
        refuse("a context in the proof", 3, fault, set("@context", json!([]))),
        refuse("a proof without cryptosuite", 3, fault, without("cryptosuite")),
        refuse("a proof without proofPurpose", 3, fault, without("proofPurpose")),
        refuse("a proof without verificationMethod", 3, fault, without("verificationMethod")),
        refuse("a proof created at a number", 3, fault, set("created", 1)),
        refuse(
            "a proof without value",
            3,
            fault,
            tampered(|log| {
                drop(log[2]["proof"][0].as_object_mut().unwrap().remove("proofValue"));
            }),
        ),
    ]
}

fn kinds() -> Vec<Refused> {
    let other = multikey(7);
    let ours = multikey(3);
    let method = |text: String| set("verificationMethod", text);
    vec![
        refuse("another proofPurpose", 3, Fault::ProofKind, set("proofPurpose", "authentication")),
        refuse("another cryptosuite", 3, Fault::ProofKind, set("cryptosuite", "eddsa-rdfc-2022")),
        refuse("another type of proof", 3, Fault::ProofKind, set("type", "Ed25519Signature2020")),
        refuse("a proof to come", 3, Fault::ProofTime, set("created", "2099-11-22T10:10:00Z")),
        refuse("a proof from another zone", 3, Fault::ProofTime, set("created", "2026-11-22T10:00:00+01:00")),
        refuse("a proof from no time", 3, Fault::ProofTime, set("created", "yesterday")),
        refuse(
            "a key with the fragment of another",
            3,
            Fault::Key,
            method(format!("did:key:{ours}#{other}")),
        ),
        refuse("the fragment of a key of another", 3, Fault::Key, method(format!("did:key:{other}#{ours}"))),
        refuse("a key without fragment", 3, Fault::Key, method(format!("did:key:{ours}"))),
        refuse("a fragment alone", 3, Fault::Key, method(format!("#{ours}"))),
        refuse("a key of another method", 3, Fault::Key, method(format!("did:example:{ours}#{ours}"))),
    ]
}

fn signatures() -> Vec<Refused> {
    let fault = Fault::Signature;
    let value = |change: fn(Vec<u8>) -> String| {
        tampered(|log| {
            let text = log[2]["proof"][0]["proofValue"].as_str().unwrap();
            log[2]["proof"][0]["proofValue"] = change(bs58::decode(&text[1..]).into_vec().unwrap()).into();
        })
    };
    vec![
        refuse(
            "a flipped bit in the signature",
            3,
            fault,
            value(|mut bytes| {
                bytes[40] ^= 1;
                base58(&bytes)
            }),
        ),
        refuse("a signature of 65 bytes", 3, fault, value(|bytes| base58(&[&bytes[..], &[0]].concat()))),
        refuse(
            "a signature with a zero byte before it",
            3,
            fault,
            value(|bytes| base58(&[&[0], &bytes[..]].concat())),
        ),
        refuse("a signature of 63 bytes", 3, fault, value(|bytes| base58(&bytes[..63]))),
        refuse(
            "a signature in base58 without multibase",
            3,
            fault,
            value(|bytes| base58(&bytes)[1..].to_owned()),
        ),
        refuse(
            "a signature in hexadecimal",
            3,
            fault,
            value(|bytes| bytes.iter().fold("f".to_owned(), |text, byte| format!("{text}{byte:02x}"))),
        ),
        refuse(
            "a signature that is a number",
            3,
            fault,
            tampered(|log| log[2]["proof"][0]["proofValue"] = 1.into()),
        ),
        refuse(
            "a signature of another key, with the name of the right one",
            3,
            fault,
            signed(|entry| entry.signer = 7),
        ),
        refuse("a signature with S + L in place of S", 3, fault, value(|bytes| base58(&malleated(&bytes)))),
        refuse(
            "a signature whose R is of small order",
            3,
            fault,
            tampered(|log| sign_with_small_r(&mut log[2], 3)),
        ),
        refuse("a key of small order, whose signatures anybody can make", 1, Fault::Key, small_order_key()),
    ]
}

/// The order of the group: `S` and `S + L` satisfy one equation.
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// The neutral element: [8] times it is itself.
const NEUTRAL: [u8; 32] = {
    let mut bytes = [0; 32];
    bytes[0] = 1;
    bytes
};

fn malleated(signature: &[u8]) -> Vec<u8> {
    let mut carry = 0;
    let sum = signature[32..].iter().zip(ORDER).map(|(ours, order)| {
        let sum = u16::from(*ours) + u16::from(order) + carry;
        carry = sum >> 8;
        sum.to_le_bytes()[0]
    });
    signature[..32].iter().copied().chain(sum).collect()
}

/// R = 0 and S = k·a, so that S·B = R + k·A: whoever has the key can make it, and RFC 8032 alone does not forbid it.
fn sign_with_small_r(entry: &mut Value, seed: u8) {
    let mut proof = entry["proof"][0].take();
    let members = entry.as_object_mut().unwrap();
    members.remove("proof");
    proof.as_object_mut().unwrap().remove("proofValue");
    let digest = |value: &Value| Sha256::digest(serde_json_canonicalizer::to_string(value).unwrap());
    let message = [digest(&proof), digest(entry)].concat();
    let key = SigningKey::from_bytes(&[seed; 32]);
    let k = Sha512::digest([NEUTRAL.as_slice(), key.verifying_key().as_bytes(), &message].concat());
    let a = key.to_scalar();
    let s = scalar(&k, a) * a;
    proof["proofValue"] = base58(&[NEUTRAL, s.to_bytes()].concat()).into();
    entry["proof"] = json!([proof]);
}

/// The number that these bytes are, the least first, of the type of `like`.
fn scalar<S: Copy + From<u64> + Add<Output = S> + Mul<Output = S>>(bytes: &[u8], _like: S) -> S {
    bytes.iter().rev().fold(S::from(0), |sum, byte| sum * S::from(256) + S::from(u64::from(*byte)))
}

/// A log whose only key is the neutral element, signed by nobody: R = r·B and S = r, whatever the message.
fn small_order_key() -> String {
    let key = base58(&[[0xed, 0x01].as_slice(), &NEUTRAL].concat());
    let drafts = &mut super::fixed()[..1];
    drafts[0].parameters["updateKeys"] = json!([key]);
    drafts[0].proof["verificationMethod"] = format!("did:key:{key}#{key}").into();
    let mut log = super::forge(drafts);
    let anybody = SigningKey::from_bytes(&[7; 32]);
    let signature = [*anybody.verifying_key().as_bytes(), anybody.to_scalar().to_bytes()].concat();
    log[0]["proof"][0]["proofValue"] = base58(&signature).into();
    super::lines(&log)
}
