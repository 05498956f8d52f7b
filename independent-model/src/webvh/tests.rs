//! The log as a whole: the reference log that other implementations accept, and every mutation that they do not.

use namesake::Timestamp;
use serde_json::{Value, json};

use super::{Genesis, Multikey, SecretKey, account_document, append, genesis, parallel_did_web, verify};
use crate::Hostname;

/// Three entries: a genesis, a change of handle, a rotation of keys. Verified by didwebvh-ts 2.8.0, did-webvh 1.0.1 and
/// didwebvh-rs 0.8.2.
const ROTATED: &[u8] = include_bytes!("vectors/rotated.jsonl");
/// What didwebvh-ts makes of it as a did:web.
const ROTATED_WEB: &str = include_str!("vectors/rotated.did.json");

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn now() -> Timestamp {
    at("2026-11-22T12:00:00Z")
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

#[test]
fn the_reference_log_holds() {
    let log = verify(ROTATED, now()).unwrap();
    let head = log.head();
    assert_eq!(head.version.to_string(), "3-QmYRW1BsPipEToFCxAhDtvMBeYrvJUek9BGbN5ZmHkuBk1");
    assert_eq!(
        head.did,
        "did:webvh:QmYBwiui4Eunh1rFW3wU6wm7QXunRpM43QHtmrWkgDVhye:u-3k7qm2xy.id.handles-demo.test"
    );
    assert_eq!(head.host(), "u-3k7qm2xy.id.handles-demo.test");
    assert_eq!(log.lines().join("\n").as_bytes(), ROTATED.trim_ascii_end());
    let held: Vec<_> = log.handles().into_iter().map(|held| (held.handle.to_string(), held.until)).collect();
    assert_eq!(
        held,
        [
            ("alice.handles-demo.test".to_owned(), Some(at("2026-11-22T10:05:00Z"))),
            ("alice.example-brand.test".to_owned(), None),
        ]
    );
    assert_eq!(parallel_did_web(head), serde_json::from_str::<Value>(ROTATED_WEB).unwrap());
}

/// The author writes, from the same keys and times, the reference log, byte for byte.
#[test]
fn the_author_writes_the_reference_log() {
    let host = Hostname::parse("u-3k7qm2xy.id.handles-demo.test").unwrap();
    let (alice, brand) = ("alice.handles-demo.test", "alice.example-brand.test");
    let pds = url::Url::parse("https://pds.handles-demo.test").unwrap();
    let state = |did: &str, handle, key: &Multikey| {
        account_document(did, &host, Hostname::parse(handle).ok().as_ref(), key, Some(&pds))
    };
    let commit = |seed: u8| vec![key(seed).multikey().hash(), key(9).multikey().hash()];
    let unknown = format!("did:webvh:{{SCID}}:{host}");
    let first = genesis(&Genesis {
        state: state(&unknown, alice, &key(1).multikey()),
        key: &key(1),
        next: commit(2),
        portable: true,
        at: at("2026-11-22T10:00:00Z"),
    })
    .unwrap();
    let mut log = verify(first.line().as_bytes(), now()).unwrap();
    let mut text = format!("{}\n", first.line());
    for (time, handle, signer, shown) in
        [("2026-11-22T10:05:00Z", brand, 2, 1), ("2026-11-22T10:10:00Z", brand, 3, 3)]
    {
        let parameters = json!({
            "updateKeys": [key(signer).multikey().as_str()],
            "nextKeyHashes": super::author::hashes(&commit(signer + 1)),
        });
        let state = state(&log.head().did, handle, &key(shown).multikey());
        let parameters = parameters.as_object().unwrap().clone();
        let entry = append(log.head(), parameters, &state, &key(signer), at(time)).unwrap();
        text = format!("{text}{}\n", entry.line());
        log = verify(text.as_bytes(), now()).unwrap();
    }
    assert_eq!(text.as_bytes(), ROTATED);
}
