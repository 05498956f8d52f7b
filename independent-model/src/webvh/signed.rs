//! The proof on an entry or a record: `eddsa-jcs-2022` (Data Integrity EdDSA Cryptosuites 1.0, section 3.3).

use ed25519_dalek::{Signature, VerifyingKey};
use namesake::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{CLOCK_TOLERANCE, Fault, Multikey, SecretKey, canonical, entry::read_time};
use crate::base58;

/// A proof of the right form; nothing is known about its signature.
#[derive(Debug, Clone)]
pub struct Proof {
    /// The key that is said to have made it.
    pub key: Multikey,
    /// When it was made, if it says so.
    pub created: Option<Timestamp>,
    /// The same key, decoded.
    point: VerifyingKey,
    signature: Signature,
    /// The hash of what the proof says about itself, which is signed with the document.
    options: [u8; 32],
}

impl Proof {
    /// Reads a `proof` member: a list of exactly one proof, of exactly the members that are known.
    ///
    /// # Errors
    /// The [`Fault`] it has.
    pub fn read(proofs: &Value) -> Result<Self, Fault> {
        let [proof] = proofs.as_array().ok_or(Fault::ProofMembers)?.as_slice() else {
            return Err(Fault::ProofMembers);
        };
        let members = proof.as_object().ok_or(Fault::ProofMembers)?;
        let value = members.get("proofValue").ok_or(Fault::ProofMembers)?;
        let text = |name: &str| members.get(name).map(|value| value.as_str().ok_or(Fault::ProofMembers));
        let member = |name: &str| text(name).ok_or(Fault::ProofMembers)?;
        let created = text("created").transpose()?;
        if members.len() != 5 + usize::from(created.is_some()) {
            return Err(Fault::ProofMembers);
        }
        let kind = (member("type")?, member("cryptosuite")?, member("proofPurpose")?);
        if kind != ("DataIntegrityProof", "eddsa-jcs-2022", "assertionMethod") {
            return Err(Fault::ProofKind);
        }
        let time = created.map(|text| read_time(text).ok_or(Fault::ProofTime)).transpose()?;
        let method = member("verificationMethod")?;
        let (key, point) = read_method(method)?;
        let signature = value.as_str().and_then(read_signature).ok_or(Fault::Signature)?;
        Ok(Self { key, created: time, point, signature, options: options(created, method) })
    }

    /// That it was not made after the moment `now`, as far as clocks agree. Earlier or later than what it signs, no
    /// specification minds: `didwebvh-rs` signs an entry when it is published, whatever its `versionTime`.
    pub(super) fn check_time(&self, now: Timestamp) -> Result<(), Fault> {
        let latest = now.saturating_add(CLOCK_TOLERANCE).unwrap_or(Timestamp::MAX);
        match self.created.is_some_and(|created| created > latest) {
            true => Err(Fault::ProofTime),
            false => Ok(()),
        }
    }

    /// Whether it is a proof of the document whose canonical form, without the proof, has this hash; never by a key or
    /// with a point of small order, and in one form only (`verify_strict`), so that nobody can make a second signature
    /// of a first.
    pub(super) fn check(&self, document: &[u8; 32]) -> Result<(), Fault> {
        let message = message(&self.options, document);
        self.point.verify_strict(&message, &self.signature).map_err(|_| Fault::Signature)
    }
}

/// The `proof` member for `document`, which has none, by `key`.
#[must_use]
pub fn sign(document: &Value, key: &SecretKey, created: Timestamp) -> Value {
    sign_canonical(canonical(document).as_bytes(), key, created)
}

/// The same, for a document in its canonical form.
pub(super) fn sign_canonical(document: &[u8], key: &SecretKey, created: Timestamp) -> Value {
    let mut proof = json!({
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": key.multikey().verification_method(),
        "created": write_time(created),
        "proofPurpose": "assertionMethod",
    });
    let options = Sha256::digest(canonical(&proof)).into();
    let signature = key.sign(&message(&options, &Sha256::digest(document).into()));
    proof["proofValue"] = format!("z{}", base58::encode(&signature)).into();
    json!([proof])
}

/// Checks a signed JSON object, such as a profile record, at the moment `now`: its `proof` member over all its other
/// members. Whose key it is signed with, and whether that key may, is for the caller to say.
///
/// # Errors
/// The [`Fault`] it has.
pub fn verify_record(record: &Value, now: Timestamp) -> Result<Proof, Fault> {
    let mut members = record.as_object().ok_or(Fault::ProofMembers)?.clone();
    let proof = Proof::read(&members.remove("proof").ok_or(Fault::ProofMembers)?)?;
    proof.check_time(now)?;
    proof.check(&Sha256::digest(canonical(&Value::Object(members))).into())?;
    Ok(proof)
}

/// A time in the form that entries have: whole seconds, UTC.
pub(super) fn write_time(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// `did:key:<key>#<key>`, twice the same key.
fn read_method(text: &str) -> Result<(Multikey, VerifyingKey), Fault> {
    let (did, fragment) = text.split_once('#').ok_or(Fault::Key)?;
    match did.strip_prefix("did:key:") == Some(fragment) {
        true => Multikey::decode(fragment),
        false => Err(Fault::Key),
    }
}

/// The hash of the canonical form of a proof without its signature. All that can differ in it are a time and a key that
/// were read: nothing in them needs an escape.
fn options(created: Option<&str>, method: &str) -> [u8; 32] {
    let created = created.map(|time| format!(r#""created":"{time}","#)).unwrap_or_default();
    let kind =
        r#""cryptosuite":"eddsa-jcs-2022","proofPurpose":"assertionMethod","type":"DataIntegrityProof""#;
    Sha256::digest(format!(r#"{{{created}{kind},"verificationMethod":"{method}"}}"#)).into()
}

/// Multibase base58btc of 64 bytes.
fn read_signature(text: &str) -> Option<Signature> {
    text.strip_prefix('z').and_then(base58::decode).map(|bytes| Signature::from_bytes(&bytes))
}

fn message(options: &[u8; 32], document: &[u8; 32]) -> [u8; 64] {
    let mut message = [0; 64];
    let (first, second) = message.split_at_mut(32);
    first.copy_from_slice(options);
    second.copy_from_slice(document);
    message
}
