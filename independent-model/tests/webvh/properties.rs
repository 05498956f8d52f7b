//! What holds for any log: nothing in it can be changed, and what an author writes is accepted.

use namesake::Timestamp;
use namesake_independent::webvh::{Genesis, Head, KeyHash, SecretKey, append, genesis, verify};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{REFERENCE, now};

/// Every byte, each with another of its bits: it fails, or, where bytes have two spellings, it is the same log.
#[test]
fn no_byte_can_be_changed() {
    let head = verify(REFERENCE.as_bytes(), now()).unwrap().head().clone();
    for place in 0..REFERENCE.len() {
        let mut bytes = REFERENCE.as_bytes().to_vec();
        bytes[place] ^= 1 << (place % 8);
        if let Ok(log) = verify(&bytes, now()) {
            assert_eq!(*log.head(), head, "byte {place}");
        }
    }
}

fn key(seed: u8) -> SecretKey {
    SecretKey::from_seed(&[seed; 32])
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

/// What an account's holder does.
#[derive(Debug, Clone, Copy)]
enum Operation {
    Rename(u8),
    /// To another key, at once or, under pre-rotation, to the one committed to.
    Rotate,
    /// The recovery key signs, where there is one.
    Recover,
    TurnOn,
    TurnOff,
    /// To another host.
    Move(u8),
    Close,
}

fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let operation = prop_oneof![
        4 => any::<u8>().prop_map(Operation::Rename),
        2 => Just(Operation::Rotate),
        1 => Just(Operation::Recover),
        1 => Just(Operation::TurnOn),
        1 => Just(Operation::TurnOff),
        1 => any::<u8>().prop_map(Operation::Move),
        1 => Just(Operation::Close),
    ];
    prop::collection::vec(operation, 0..12)
}

/// An account's holder: the seeds of the keys that may sign next.
struct Holder {
    log: String,
    head: Head,
    /// Under pre-rotation the key that was committed to, otherwise the one in force.
    seed: u8,
    second: i64,
}

impl Holder {
    fn new(pre_rotation: bool) -> Self {
        let state = json!({ "id": "did:webvh:{SCID}:u0.id.handles.test", "alsoKnownAs": ["at://alice.handles.test"] });
        let next = if pre_rotation { commitments(1) } else { Vec::new() };
        let key = key(0);
        let first = genesis(&Genesis { state, key: &key, next, portable: true, at: at(0) }).unwrap();
        let log = first.line().to_owned();
        let head = verify(log.as_bytes(), at(0)).unwrap().head().clone();
        Self { log, head, seed: u8::from(pre_rotation), second: 0 }
    }

    /// Does it, and answers the log as it is now.
    fn operate(&mut self, operation: Operation) {
        let on = !self.head.next_key_hashes.is_empty();
        let mut state = self.head.state.clone();
        let mut parameters = Map::new();
        let mut signer = self.seed;
        if on {
            parameters = shown(self.seed, &commitments(self.seed + 1));
            self.seed += 1;
        }
        match operation {
            Operation::Rename(name) => {
                state["alsoKnownAs"][0] = format!("at://alice{name}.handles.test").into();
            }
            Operation::Rotate if on => {}
            Operation::Rotate => {
                self.seed += 1;
                parameters.insert("updateKeys".to_owned(), json!([key(self.seed).multikey()]));
            }
            Operation::Recover if on => {
                signer = RECOVERY;
                parameters = shown(RECOVERY, &commitments(self.seed));
            }
            Operation::TurnOn if !on => {
                parameters.insert("nextKeyHashes".to_owned(), hashes(&commitments(self.seed + 1)));
                self.seed += 1;
            }
            Operation::TurnOff if on => {
                parameters.insert("nextKeyHashes".to_owned(), json!([]));
                self.seed = signer;
            }
            Operation::Move(place) => {
                let did = format!("did:webvh:{}:u{place}.id.handles.test", self.head.scid);
                state["alsoKnownAs"] = json!([state["alsoKnownAs"][0], self.head.did]);
                state["id"] = did.into();
            }
            Operation::Close => drop(parameters.insert("deactivated".to_owned(), true.into())),
            Operation::Recover | Operation::TurnOn | Operation::TurnOff => {}
        }
        self.second += 1;
        let entry = append(&self.head, parameters, &state, &key(signer), at(self.second)).unwrap();
        self.log = format!("{}\n{}", self.log, entry.line());
        self.head = self.head.follow(&entry, at(self.second)).unwrap();
    }
}

const RECOVERY: u8 = 200;

fn commitments(next: u8) -> Vec<KeyHash> {
    [next, RECOVERY].map(|seed| key(seed).multikey().hash()).to_vec()
}

fn hashes(commitments: &[KeyHash]) -> Value {
    commitments.iter().map(|hash| hash.as_str()).collect()
}

fn shown(seed: u8, commitments: &[KeyHash]) -> Map<String, Value> {
    let parameters = json!({ "updateKeys": [key(seed).multikey()], "nextKeyHashes": hashes(commitments) });
    parameters.as_object().unwrap().clone()
}

fn history(pre_rotation: bool, operations: &[Operation]) -> Holder {
    let mut holder = Holder::new(pre_rotation);
    for operation in operations {
        if holder.head.deactivated {
            break;
        }
        holder.operate(*operation);
    }
    holder
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Entry by entry, from the file, and in another spelling, it is one log.
    #[test]
    fn what_is_written_is_read(pre_rotation: bool, operations in operations()) {
        let holder = history(pre_rotation, &operations);
        let log = verify(holder.log.as_bytes(), at(holder.second)).unwrap();
        prop_assert_eq!(log.head(), &holder.head);
        prop_assert_eq!(log.lines().join("\n"), holder.log.as_str());
        let stored: Head = serde_json::from_str(&serde_json::to_string(&holder.head).unwrap()).unwrap();
        prop_assert_eq!(stored, holder.head);
    }

    /// Entries can be missing at the end, and nowhere else; none can change places, come twice, or be from the future.
    #[test]
    fn no_entry_can_be_moved(operations in operations(), place: prop::sample::Index, other: prop::sample::Index) {
        let holder = history(true, &operations);
        let lines: Vec<_> = holder.log.lines().collect();
        let fails = |lines: &[&str]| verify(lines.join("\n").as_bytes(), at(holder.second)).is_err();
        let (place, other) = (place.index(lines.len()), other.index(lines.len()));
        let mut dropped = lines.clone();
        dropped.remove(place);
        prop_assert_eq!(fails(&dropped), place + 1 != lines.len() || lines.len() == 1);
        let mut swapped = lines.clone();
        swapped.swap(place, other);
        prop_assert_eq!(fails(&swapped), place != other);
        let mut twice = lines.clone();
        twice.insert(place, lines[other]);
        prop_assert!(fails(&twice));
        prop_assert!(verify(holder.log.as_bytes(), at(holder.second - 1)).is_err());
    }
}
