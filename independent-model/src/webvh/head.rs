//! What a log amounts to, entry by entry: who may sign the next one, and what the DID says of itself now.

use std::num::NonZero;

use namesake::{Handle, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Entry, Fault, KeyHash, Multikey, Parameters, VersionId};
use crate::{Did, Hostname, document};

/// The state of a log after an entry. All that is needed to judge the next, so that an append costs one verification
/// however long the log is. It can be stored, and is then as good as the log it came from.
///
/// The next entry brings a document of its own, so that `D`, the document, may be borrowed or less than that.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Head<D = Value> {
    /// The self-certifying identifier: the hash of the first entry.
    pub scid: String,
    /// The DID: `did:webvh:<SCID>:<host>`, with a path if it has one.
    pub did: String,
    /// The newest entry.
    pub version: VersionId,
    /// When it was made, by its author's word.
    pub time: Timestamp,
    /// The keys that it names.
    pub update_keys: Vec<Multikey>,
    /// Commitments to the keys that may sign the next entry; empty: those of `update_keys` may.
    pub next_key_hashes: Vec<KeyHash>,
    /// Whether the DID may move to another host.
    pub portable: bool,
    /// Whether the DID ended.
    pub deactivated: bool,
    /// The DID document.
    pub state: D,
}

impl Head {
    /// The head of a log that begins with `entry`, at the moment `now`.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn begin(entry: &Entry, now: Timestamp) -> Result<Self, Fault> {
        let parameters = &entry.parameters;
        if entry.version.number != 1 {
            return Err(Fault::VersionNumber);
        }
        if !parameters.method {
            return Err(Fault::Method);
        }
        // One verifier refuses it, and one goes on as if nothing had been said.
        if parameters.deactivated == Some(true) {
            return Err(Fault::Deactivated);
        }
        let scid = parameters.scid.clone().ok_or(Fault::ScidPlace)?;
        if entry.scid(&scid)? != scid {
            return Err(Fault::ScidHash);
        }
        let head = Self {
            did: did_of(&entry.state, &scid)?,
            version: entry.version.clone(),
            time: entry.time,
            update_keys: parameters.update_keys.clone().unwrap_or_default(),
            next_key_hashes: parameters.next_key_hashes.clone().unwrap_or_default(),
            portable: parameters.portable.unwrap_or(false),
            deactivated: false,
            state: entry.state.clone(),
            scid,
        };
        if head.update_keys.is_empty() {
            return Err(Fault::NoKeys);
        }
        check(entry, &head.scid, &head.update_keys, now)?;
        Ok(head)
    }

    /// The head after `entry`, at the moment `now`.
    ///
    /// # Errors
    /// The rule it breaks.
    pub fn follow(&self, entry: &Entry, now: Timestamp) -> Result<Self, Fault> {
        self.follow_with(entry, now, Value::clone)
    }

    /// The first handle the DID claims, if any.
    #[must_use]
    pub fn handle(&self) -> Option<Handle> {
        document::claim(&self.state)?.to_handle()
    }
}

impl<D> Head<D> {
    /// The same, with what `state` makes of the document.
    pub(crate) fn follow_with<'e, E>(
        &self,
        entry: &'e Entry,
        now: Timestamp,
        state: impl FnOnce(&'e Value) -> E,
    ) -> Result<Head<E>, Fault> {
        let parameters = &entry.parameters;
        if self.deactivated {
            return Err(Fault::Deactivated);
        }
        if entry.version.number != self.version.number + 1 {
            return Err(Fault::VersionNumber);
        }
        if entry.time <= self.time {
            return Err(Fault::VersionOrder);
        }
        if parameters.scid.is_some() {
            return Err(Fault::ScidPlace);
        }
        if parameters.portable == Some(true) {
            return Err(Fault::Portable);
        }
        let signers = self.signers(entry)?;
        let did = did_of(&entry.state, &self.scid)?;
        // An entry is judged by what it says itself: one that ends portability cannot move.
        let portable = parameters.portable.unwrap_or(self.portable);
        if did != self.did && !(portable && aliases(&entry.state).any(|alias| alias == self.did)) {
            return Err(Fault::Moved);
        }
        check(entry, &self.version.to_string(), signers, now)?;
        Ok(Head {
            scid: self.scid.clone(),
            did,
            version: entry.version.clone(),
            time: entry.time,
            update_keys: parameters.update_keys.clone().unwrap_or_else(|| self.update_keys.clone()),
            next_key_hashes: parameters.next_key_hashes.clone().unwrap_or_default(),
            portable,
            deactivated: parameters.deactivated.unwrap_or(false),
            state: state(&entry.state),
        })
    }

    /// The host the DID is at, without port and path.
    #[must_use]
    pub fn host(&self) -> &str {
        let rest = self.did.splitn(4, ':').nth(3).unwrap_or_default();
        rest.split([':', '%']).next().unwrap_or_default()
    }

    /// The keys of which one must have signed `entry`: while keys are committed to beforehand, those it shows itself,
    /// each of which must be one that was committed to ("Key Pre-Rotation"); otherwise those of the entry before.
    fn signers<'a>(&'a self, entry: &'a Entry) -> Result<&'a [Multikey], Fault> {
        if self.next_key_hashes.is_empty() {
            return Ok(&self.update_keys);
        }
        let Parameters { update_keys: Some(shown), next_key_hashes: Some(_), .. } = &entry.parameters else {
            return Err(Fault::PreRotationLists);
        };
        let commits = |hash: &KeyHash| self.next_key_hashes.contains(hash);
        let committed = |key: &Multikey| match *key == entry.proof.key {
            true => commits(&entry.signer),
            false => commits(&key.hash()),
        };
        match shown.iter().all(committed) {
            true => Ok(shown),
            false => Err(Fault::Uncommitted),
        }
    }
}

/// What holds for every entry: it is not from the future, nor is its proof, its hash is over all before it, and one of
/// `signers` signed.
fn check(entry: &Entry, previous: &str, signers: &[Multikey], now: Timestamp) -> Result<(), Fault> {
    if entry.time > now {
        return Err(Fault::Future);
    }
    entry.proof.check_time(now)?;
    let (hash, signed) = entry.hashes(previous);
    if hash != entry.version.hash {
        return Err(Fault::EntryHash);
    }
    if !signers.contains(&entry.proof.key) {
        return Err(Fault::Signer);
    }
    entry.proof.check(&signed)
}

/// The `id` of a document, if it is `did:webvh:<scid>:<host>`, perhaps with a port and a path ("Method-Specific
/// Identifier") and no longer than a DID may be here: a head can always be an account.
fn did_of(state: &Value, scid: &str) -> Result<String, Fault> {
    let did = state.get("id").and_then(Value::as_str).ok_or(Fault::StateId)?;
    let place = did.strip_prefix("did:webvh:").and_then(|rest| rest.strip_prefix(scid)?.strip_prefix(':'));
    match place.is_some_and(is_place) && did.len() <= Did::MAX_BYTES {
        true => Ok(did.to_owned()),
        false => Err(Fault::StateId),
    }
}

/// A host name of at least two labels, which an IP address is not; then a port as `%3A…`; then path segments.
///
/// In the one spelling that needs no decoding: the specification also knows capital letters, `%3a`, and percent-encoding
/// in names and segments, and then two DIDs for one place.
fn is_place(text: &str) -> bool {
    let mut parts = text.split(':');
    let host = parts.next().unwrap_or_default();
    let (name, port) = host.split_once("%3A").map_or((host, None), |(name, port)| (name, Some(port)));
    let good_port = |port: &str| port.parse::<NonZero<u16>>().is_ok_and(|number| number.to_string() == port);
    let good_segment = |segment: &str| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        !segment.is_empty() && segment != "." && segment != ".." && segment.bytes().all(plain)
    };
    Hostname::parse(name).is_ok_and(|parsed| parsed.as_str() == name)
        && port.is_none_or(good_port)
        && parts.all(good_segment)
}

fn aliases(state: &Value) -> impl Iterator<Item = &str> {
    state.get("alsoKnownAs").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}
