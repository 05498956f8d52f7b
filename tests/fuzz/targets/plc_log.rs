//! Audit logs of `did:plc`: what holds is the log of this DID and no other, and was signed by those who could.
//!
//! An input that begins with `#` says who signs what, after what and when; the rules of recovery, told a second time here,
//! must agree on whether that log holds, and one changed byte never leads to another document. Any other input is a log as
//! it is.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use namesake::Timestamp;
use namesake_fuzz::Script;
use namesake_independent::{
    Did, DidDocument, Hostname, PlcKey, PlcLog,
    plc::{Fault, Log, verify},
};
use serde_json::Value;

const HANDLES: [&str; 3] = ["alice.test", "alice.example.com", "no handle"];
const MOST_OPERATIONS: usize = 8;
const RECOVERY_SECONDS: i64 = 72 * 3600;

static KEYS: LazyLock<[PlcKey; 3]> =
    LazyLock::new(|| [PlcKey::p256("first"), PlcKey::k256("second"), PlcKey::k256("third")]);

fuzz_target!(|input: &[u8]| match input.split_first() {
    Some((b'#', script)) => written(Script(script)),
    _ => arbitrary(input),
});

fn arbitrary(bytes: &[u8]) {
    let json: Option<Value> = serde_json::from_slice(bytes).ok();
    let did = json.as_ref().and_then(|log| Did::parse(log[0]["did"].as_str()?).ok());
    let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").expect("a DID");
    assert!(verify(&other, bytes).is_err(), "nobody has found a genesis for this hash");
    let (Some(Value::Array(mut entries)), Some(did)) = (json, did) else { return };
    let Ok(log) = verify(&did, bytes) else { return };
    assert_eq!(log.operations(), entries.len());
    check(&did, &log);

    // Its beginning holds as well, but for what was struck out later.
    entries.pop();
    match verify(&did, Value::Array(entries).to_string().as_bytes()) {
        Ok(shorter) => assert_eq!(shorter.operations() + 1, log.operations()),
        Err(invalid) => assert!(matches!(invalid.fault, Fault::Empty | Fault::Mark), "{invalid}"),
    }
}

/// What holds of every log that holds.
fn check(did: &Did, log: &Log) {
    assert!(log.operations() > log.nullified());
    let handles = log.handles();
    assert!(handles.windows(2).all(|pair| pair[0].until.is_some_and(|until| until <= pair[1].from)));
    let today = handles.last().filter(|held| held.until.is_none()).map(|held| &held.handle);
    let Some(document) = log.document() else {
        assert!(log.is_deactivated() && today.is_none());
        return;
    };
    let document = DidDocument::parse(did, document.to_string().as_bytes()).expect("its own document");
    assert_eq!(document.claim.as_ref().and_then(Hostname::to_handle).as_ref(), today);
}

/// One operation of a script.
struct Operation {
    /// Its rotation keys, the mightiest first; `None` for a tombstone.
    keys: Option<Vec<usize>>,
    handle: &'static str,
    signer: usize,
    /// Which operation it follows, if there is such a one.
    prev: Option<usize>,
    at: i64,
}

fn written(mut script: Script<'_>) {
    let operations = operations(&mut script);
    let log = write(&operations);
    let json = log.to_json().to_string();
    let checked = verify(log.did(), json.as_bytes());
    let expected = judge(&operations);
    assert_eq!(
        checked.as_ref().err().and_then(|invalid| invalid.operation),
        expected.as_ref().err().copied()
    );
    let (Ok(checked), Ok(active)) = (checked, expected) else { return };
    assert_eq!(
        (checked.operations(), checked.nullified()),
        (operations.len(), operations.len() - active.len())
    );
    check(log.did(), &checked);

    let mut bytes = json.into_bytes();
    let place = usize::from(u16::from_le_bytes([script.byte(), script.byte()])) % bytes.len();
    bytes[place] = script.byte();
    if let Ok(changed) = verify(log.did(), &bytes) {
        assert_eq!(changed.document(), checked.document());
        assert_eq!((changed.operations(), changed.nullified()), (checked.operations(), checked.nullified()));
    }
}

fn operations(script: &mut Script<'_>) -> Vec<Operation> {
    let length = 1 + script.below(MOST_OPERATIONS);
    let mut at = 0;
    let mut operation = |place: usize| {
        let kind = script.byte();
        let first = script.below(KEYS.len());
        let keys = (0..1 + script.below(KEYS.len())).map(|key| (first + key) % KEYS.len()).collect();
        // Mostly the one before, sometimes any, seldom none.
        let prev = match kind & 7 {
            0 => script.below(place + 1).checked_sub(1),
            1 | 2 => Some(script.below(place.max(1))),
            _ => place.checked_sub(1),
        };
        at += [0, 1, 3600, RECOVERY_SECONDS][usize::from(kind >> 3 & 3)];
        let keys = Some(keys).filter(|_| kind >> 5 != 7);
        let handle = HANDLES[script.below(HANDLES.len())];
        Operation { keys, handle, signer: script.below(KEYS.len()), prev: prev.filter(|_| place > 0), at }
    };
    (0..length).map(&mut operation).collect()
}

fn write(operations: &[Operation]) -> PlcLog {
    let at = |operation: &Operation| Timestamp::from_second(operation.at).expect("a time");
    let mut log: Option<PlcLog> = None;
    for operation in operations {
        let prev = operation.prev.and_then(|place| Some(log.as_ref()?.cid(place).to_owned()));
        let body = match &operation.keys {
            Some(keys) => {
                let keys: Vec<&PlcKey> = keys.iter().map(|&key| &KEYS[key]).collect();
                PlcLog::operation(operation.handle, &keys, prev.as_deref())
            }
            None => PlcLog::tombstone(prev.as_deref().unwrap_or("nothing")),
        };
        let signed = KEYS[operation.signer].sign(body);
        match &mut log {
            Some(log) => log.push(&signed, at(operation)),
            None => log = Some(PlcLog::begin(&signed, at(operation)).expect("a hash makes a DID")),
        }
    }
    log.expect("at least one")
}

/// Which operations stand at the end; or the number of the first that does not hold (did:plc specification 0.3.0, "Key
/// Rotation & Account Recovery").
fn judge(operations: &[Operation]) -> Result<Vec<usize>, usize> {
    let mut active: Vec<usize> = Vec::new();
    for (place, operation) in operations.iter().enumerate() {
        let rank = |keys: &Operation, signer| keys.keys.as_ref()?.iter().position(|&key| key == signer);
        let same = |other: &Operation| {
            (&other.keys, other.prev, other.signer) == (&operation.keys, operation.prev, operation.signer)
                && (other.handle == operation.handle || other.keys.is_none())
        };
        let holds = if operations[..place].iter().any(same) {
            false
        } else if place == 0 {
            rank(operation, operation.signer).is_some()
        } else if let Some(depth) =
            operation.prev.and_then(|prev| active.iter().position(|&place| place == prev))
        {
            let prev = &operations[active[depth]];
            let mine = rank(prev, operation.signer);
            match active.get(depth + 1).map(|&struck| &operations[struck]) {
                None => mine.is_some(),
                Some(struck) => {
                    let mightier =
                        mine.zip(rank(prev, struck.signer)).is_some_and(|(mine, theirs)| mine < theirs);
                    let in_time = operation.at - struck.at <= RECOVERY_SECONDS;
                    mightier && in_time && operation.at > operations[place - 1].at
                }
            }
        } else {
            false
        };
        if !holds {
            return Err(place + 1);
        }
        if let Some(depth) = active.iter().position(|&place| Some(place) == operation.prev) {
            active.truncate(depth + 1);
        }
        active.push(place);
    }
    Ok(active)
}
