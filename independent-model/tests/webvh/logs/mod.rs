//! Logs that hold and logs that break one rule each, with the rule: a table for this crate's tests, and, as files, for
//! other implementations (`examples/webvh_logs.rs`).

mod accepted;
mod documents;
mod forge;
mod forms;
mod history;
mod keys;
mod parameters;
mod proofs;

use namesake_independent::{
    Hostname,
    webvh::{Fault, Multikey, account_document},
};
use serde_json::{Value, json};

use self::forge::{SCID, commitment, multikey};
pub(crate) use self::{
    accepted::accepted,
    forge::{Draft, forge, lines},
};

/// A log that does not hold.
pub(crate) struct Refused {
    /// What was done to a good log.
    pub(crate) name: String,
    /// The entry that breaks a rule, the first being 1.
    pub(crate) entry: usize,
    /// The rule.
    pub(crate) fault: Fault,
    /// The file.
    pub(crate) log: Vec<u8>,
}

/// A log that holds.
pub(crate) struct Accepted {
    pub(crate) name: String,
    pub(crate) log: Vec<u8>,
}

/// Every way we know to break a log.
pub(crate) fn refused() -> Vec<Refused> {
    [
        forms::refused(),
        proofs::refused(),
        keys::refused(),
        parameters::refused(),
        history::refused(),
        documents::refused(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

const HOST: &str = "u-3k7qm2xy.id.handles-demo.test";

/// The reference log: a genesis, a change of handle, a rotation; pre-rotation is on, and key 9 is for recovery.
pub(crate) fn rotated() -> Vec<Draft> {
    let commit = |seed: u8| json!([commitment(seed), commitment(9)]);
    let genesis = json!({
        "method": "did:webvh:1.0",
        "scid": SCID,
        "portable": true,
        "updateKeys": [multikey(1)],
        "nextKeyHashes": commit(2),
    });
    let next = |seed: u8| json!({ "updateKeys": [multikey(seed)], "nextKeyHashes": commit(seed + 1) });
    let (alice, brand) = ("alice.handles-demo.test", "alice.example-brand.test");
    vec![
        Draft::new(1, "2026-11-22T10:00:00Z", genesis, document(alice, 1), 1),
        Draft::new(2, "2026-11-22T10:05:00Z", next(2), document(brand, 1), 2),
        Draft::new(3, "2026-11-22T10:10:00Z", next(3), document(brand, 3), 3),
    ]
}

/// A log in the other profile: one key for all, no pre-rotation, not portable.
pub(crate) fn fixed() -> Vec<Draft> {
    let genesis = json!({ "method": "did:webvh:1.0", "scid": SCID, "updateKeys": [multikey(1)] });
    let document = |name: &str| document(&format!("{name}.handles-demo.test"), 1);
    vec![
        Draft::new(1, "2026-11-22T10:00:00Z", genesis, document("alice"), 1),
        Draft::new(2, "2026-11-22T10:05:00Z", json!({}), document("alicia"), 1),
        Draft::new(3, "2026-11-22T10:10:00Z", json!({}), document("ali"), 1),
    ]
}

fn document(handle: &str, key: u8) -> Value {
    let key = Multikey::parse(&multikey(key)).unwrap();
    let (host, handle) = (Hostname::parse(HOST).unwrap(), Hostname::parse(handle).unwrap());
    let pds = "https://pds.handles-demo.test".parse().unwrap();
    account_document(&format!("did:webvh:{SCID}:{HOST}"), &host, Some(&handle), &key, Some(&pds))
}

/// [`rotated`], changed before anything is hashed and signed.
fn rotated_but(change: impl FnOnce(&mut Vec<Draft>)) -> String {
    let mut drafts = rotated();
    change(&mut drafts);
    lines(&forge(&drafts))
}

/// [`fixed`], likewise.
fn fixed_but(change: impl FnOnce(&mut Vec<Draft>)) -> String {
    let mut drafts = fixed();
    change(&mut drafts);
    lines(&forge(&drafts))
}

/// [`rotated`], changed when all was hashed and signed.
fn tampered(change: impl FnOnce(&mut Vec<Value>)) -> String {
    let mut log = forge(&rotated());
    change(&mut log);
    lines(&log)
}

fn refuse(name: impl Into<String>, entry: usize, fault: Fault, log: impl Into<Vec<u8>>) -> Refused {
    Refused { name: name.into(), entry, fault, log: log.into() }
}

fn accept(name: impl Into<String>, log: impl Into<Vec<u8>>) -> Accepted {
    Accepted { name: name.into(), log: log.into() }
}
