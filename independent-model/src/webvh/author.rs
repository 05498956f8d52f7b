//! Making entries: what an account's holder does, with keys that never leave the holder's machine.

use namesake::Timestamp;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    Entry, Fault, Head, KeyHash, SecretKey, canonical,
    multikey::multihash,
    read_strictly,
    signed::{sign_canonical, write_time},
};

const PLACEHOLDER: &str = "{SCID}";

/// The first entry of a log, to be made.
#[derive(Debug)]
pub struct Genesis<'a> {
    /// The DID document, in which the identifier that is not known yet is `{SCID}`.
    pub state: Value,
    /// The key that signs it, and the only one it names.
    pub key: &'a SecretKey,
    /// Commitments to the keys that may sign the next entry, the recovery key's last; empty: `key` goes on signing.
    pub next: Vec<KeyHash>,
    /// Whether the DID may move to another host later.
    pub portable: bool,
    /// When it is made; whole seconds are kept.
    pub at: Timestamp,
}

/// Makes the first entry of a log.
///
/// # Errors
/// The [`Fault`] that the state has: it is checked as any other entry.
pub fn genesis(genesis: &Genesis<'_>) -> Result<Entry, Fault> {
    let mut parameters = json!({
        "method": "did:webvh:1.0",
        "scid": PLACEHOLDER,
        "updateKeys": [genesis.key.multikey().as_str()],
    });
    if genesis.portable {
        parameters["portable"] = true.into();
    }
    if !genesis.next.is_empty() {
        parameters["nextKeyHashes"] = hashes(&genesis.next);
    }
    let time = write_time(genesis.at);
    let (before, after) = around_version(&canonical(&parameters), &document(&genesis.state)?, &time);
    let scid = multihash(Sha256::digest(format!("{before}{PLACEHOLDER}{after}")));
    let known = |value: &Value| read_strictly(value.to_string().replace(PLACEHOLDER, &scid).as_bytes());
    finish(&scid, 1, &known(&parameters)?, &known(&genesis.state)?, genesis.key, genesis.at)
}

/// Makes the entry after `head`: `parameters` are what changes, `state` is the whole new document, and `key` one that
/// may sign it. Whether it may is for [`Head::follow`] to say.
///
/// # Errors
/// The [`Fault`] of an entry of this form.
pub fn append(
    head: &Head,
    parameters: Map<String, Value>,
    state: &Value,
    key: &SecretKey,
    at: Timestamp,
) -> Result<Entry, Fault> {
    let parameters = Value::Object(parameters);
    finish(&head.version.to_string(), head.version.number + 1, &parameters, state, key, at)
}

/// A list of commitments, as a parameter has it.
pub(crate) fn hashes(hashes: &[KeyHash]) -> Value {
    hashes.iter().map(KeyHash::as_str).collect()
}

fn finish(
    previous: &str,
    number: u64,
    parameters: &Value,
    state: &Value,
    key: &SecretKey,
    at: Timestamp,
) -> Result<Entry, Fault> {
    let time = write_time(at);
    let (before, after) = around_version(&canonical(parameters), &document(state)?, &time);
    let version = format!("{number}-{}", multihash(Sha256::digest(format!("{before}{previous}{after}"))));
    let proof = sign_canonical(format!("{before}{version}{after}").as_bytes(), key, at);
    let entry = json!({
        "versionId": version,
        "versionTime": time,
        "parameters": parameters,
        "state": state,
        "proof": proof,
    });
    Entry::read(entry.to_string().as_bytes())
}

/// An entry of these parts, which are in canonical form, without a proof, on both sides of the value of `versionId`:
/// members are sorted, and so all but the time comes before.
fn around_version(parameters: &str, state: &str, time: &str) -> (String, String) {
    let before = [r#"{"parameters":"#, parameters, r#","state":"#, state, r#","versionId":""#].concat();
    (before, format!(r#"","versionTime":"{time}"}}"#))
}

/// A document in canonical form.
fn document(state: &Value) -> Result<String, Fault> {
    state.is_object().then(|| canonical(state)).ok_or(Fault::EntryMembers)
}
