//! Who may follow whom, and until when ("Key Rotation & Account Recovery", "Audit Logs").

use std::collections::HashMap;

use namesake::Timestamp;
use serde_json::Value;

use super::{
    Fault, InvalidLog, MAX_SIGNATURE_CHECKS,
    key::{Match, RotationKey},
    operation::{Body, Operation, State},
};
use crate::Did;

/// How long a mightier key may strike out what a lesser one signed.
const RECOVERY_HOURS: i64 = 72;

/// An operation that holds.
#[derive(Debug)]
pub(super) struct Accepted {
    pub(super) operation: Operation,
    /// When the directory took it, by its own word.
    pub(super) at: Timestamp,
    pub(super) nullified: bool,
    /// The rank of the key that signed it, among the rotation keys of the operation it follows.
    rank: usize,
}

/// The log so far.
#[derive(Debug, Default)]
struct Chain {
    accepted: Vec<Accepted>,
    /// Those that were not struck out, in order, as places in `accepted`.
    active: Vec<usize>,
    places: HashMap<String, usize>,
    signature_checks: usize,
}

/// What the directory says of an operation.
struct Entry<'a> {
    did: &'a str,
    cid: &'a str,
    nullified: bool,
    at: Timestamp,
    operation: &'a Value,
}

/// All of the log's operations, in order, or the first that does not hold.
pub(super) fn verify(did: &Did, entries: &[Value]) -> Result<Vec<Accepted>, InvalidLog> {
    let failed = |place: usize, fault| InvalidLog { operation: Some(place + 1), fault };
    let mut chain = Chain::default();
    let mut marks = Vec::with_capacity(entries.len());
    for (place, value) in entries.iter().enumerate() {
        let entry = read(value).ok_or(failed(place, Fault::Entry))?;
        marks.push(entry.nullified);
        chain.take(did, &entry).map_err(|fault| failed(place, fault))?;
    }
    let wrong = chain.accepted.iter().zip(marks).position(|(accepted, mark)| accepted.nullified != mark);
    match wrong {
        Some(place) => Err(failed(place, Fault::Mark)),
        None => Ok(chain.accepted),
    }
}

fn read(entry: &Value) -> Option<Entry<'_>> {
    Some(Entry {
        did: entry.get("did")?.as_str()?,
        cid: entry.get("cid")?.as_str()?,
        nullified: entry.get("nullified")?.as_bool()?,
        at: entry.get("createdAt")?.as_str()?.parse().ok()?,
        operation: entry.get("operation")?,
    })
}

impl Chain {
    fn take(&mut self, did: &Did, entry: &Entry<'_>) -> Result<(), Fault> {
        if entry.did != did.as_str() {
            return Err(Fault::OtherDid);
        }
        let operation = Operation::read(entry.operation)?;
        if operation.cid != entry.cid {
            return Err(Fault::Cid);
        }
        if self.places.contains_key(&operation.cid) {
            return Err(Fault::Duplicate);
        }
        if self.accepted.last().is_some_and(|last| entry.at < last.at) {
            return Err(Fault::Time);
        }
        let rank = match self.accepted.is_empty() {
            true => self.begin(did, &operation)?,
            false => self.follow(&operation, entry.at)?,
        };
        let place = self.accepted.len();
        self.places.insert(operation.cid.clone(), place);
        self.active.push(place);
        self.accepted.push(Accepted { operation, at: entry.at, nullified: false, rank });
        Ok(())
    }

    /// A genesis is signed by one of its own keys, and the DID is its hash.
    fn begin(&mut self, did: &Did, operation: &Operation) -> Result<usize, Fault> {
        let state = operation.state().filter(|_| operation.prev.is_none()).ok_or(Fault::Genesis)?;
        if operation.did != did.as_str() {
            return Err(Fault::GenesisHash);
        }
        signer(&mut self.signature_checks, operation, &state.rotation_keys)?.ok_or(Fault::Signature)
    }

    /// Every other is signed by a key of the one it follows; unless that is the newest, by a key above the one that
    /// signed what it strikes out, in time.
    fn follow(&mut self, operation: &Operation, at: Timestamp) -> Result<usize, Fault> {
        if matches!(operation.body, Body::Legacy(_)) {
            return Err(Fault::Form);
        }
        let place = *operation.prev.as_ref().and_then(|prev| self.places.get(prev)).ok_or(Fault::Prev)?;
        // Both are sorted; what is in the log and not active was struck out.
        let depth = self.active.binary_search(&place).map_err(|_| Fault::AfterNullified)?;
        let before = self.accepted.get(place).ok_or(Fault::Prev)?;
        let State { rotation_keys, .. } = before.operation.state().ok_or(Fault::AfterTombstone)?;
        let rank = signer(&mut self.signature_checks, operation, rotation_keys)?.ok_or(Fault::Signature)?;
        let disputed = self.active.get(depth + 1).and_then(|place| self.accepted.get(*place));
        if let Some(disputed) = disputed {
            if rank >= disputed.rank {
                return Err(Fault::Priority);
            }
            // Two operations of one moment have no order: recovery needs one.
            if self.accepted.last().is_none_or(|last| at <= last.at) {
                return Err(Fault::Time);
            }
            if at.duration_since(disputed.at).as_millis() > i128::from(RECOVERY_HOURS * 3_600_000) {
                return Err(Fault::Late);
            }
        }
        for struck in self.active.drain(depth + 1..) {
            if let Some(accepted) = self.accepted.get_mut(struck) {
                accepted.nullified = true;
            }
        }
        Ok(rank)
    }
}

/// The rank of the first of `keys` that signed `operation`; `None` when none did.
fn signer(checks: &mut usize, operation: &Operation, keys: &[String]) -> Result<Option<usize>, Fault> {
    let mut high = false;
    for (rank, key) in keys.iter().enumerate() {
        // A key of an unknown kind signs nothing, and the same key twice has its higher rank.
        let twice = keys.iter().take(rank).any(|other| other == key);
        let Some(key) = RotationKey::parse(key).filter(|_| !twice) else { continue };
        *checks += 1;
        if *checks > MAX_SIGNATURE_CHECKS {
            return Err(Fault::TooLong);
        }
        match key.check(&operation.signed, &operation.signature) {
            Match::Signed => return Ok(Some(rank)),
            Match::HighS => high = true,
            Match::No => {}
        }
    }
    if high { Err(Fault::HighS) } else { Ok(None) }
}
