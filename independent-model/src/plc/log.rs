//! What comes of a log that holds: the document, and who went by which handle when.

use namesake::{Handle, Timestamp};
use serde_json::{Value, json};

use super::{
    chain::Accepted,
    key::RotationKey,
    operation::{Service, State},
};
use crate::{Did, Hostname};

/// An audit log, every operation of which holds.
#[derive(Debug)]
pub struct Log {
    did: Did,
    /// All of them, in order, nullified ones included; at least one.
    operations: Vec<Accepted>,
}

/// A handle that an account claimed for a while. Whether it held it is for the DNS to say, and for then nobody can ask.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldHandle {
    /// The name.
    pub handle: Handle,
    /// When the directory, or the server, took the operation that claims it.
    pub from: Timestamp,
    /// When it took the one that no longer does; `None`: it is claimed today.
    pub until: Option<Timestamp>,
}

impl HeldHandle {
    /// What was held when, from what was claimed from each moment on; the oldest first.
    pub(crate) fn from_claims(claims: impl Iterator<Item = (Timestamp, Option<Handle>)>) -> Vec<Self> {
        let mut held: Vec<Self> = Vec::new();
        for (at, claim) in claims {
            let open = held.last_mut().filter(|held| held.until.is_none());
            match (open, claim) {
                (Some(open), Some(claim)) if open.handle == claim => {}
                (open, claim) => {
                    if let Some(open) = open {
                        open.until = Some(at);
                    }
                    held.extend(claim.map(|handle| Self { handle, from: at, until: None }));
                }
            }
        }
        held
    }
}

impl Log {
    pub(super) fn new(did: Did, operations: Vec<Accepted>) -> Self {
        Self { did, operations }
    }

    /// How many operations it has, nullified ones included.
    #[must_use]
    pub fn operations(&self) -> usize {
        self.operations.len()
    }

    /// How many of them a recovery struck out.
    #[must_use]
    pub fn nullified(&self) -> usize {
        self.operations.iter().filter(|accepted| accepted.nullified).count()
    }

    /// Whether it ends with a tombstone ("DID Deactivation").
    #[must_use]
    pub fn is_deactivated(&self) -> bool {
        self.state().is_none()
    }

    /// The document that the directory shows for it ("Presentation as DID Document"); `None` after a tombstone.
    #[must_use]
    pub fn document(&self) -> Option<Value> {
        self.state().map(|state| document(&self.did, state))
    }

    /// The handles it claimed, the oldest first: of each operation the first syntactically valid `at://`, as for a
    /// document. What was struck out is left out, as if it had never been.
    #[must_use]
    pub fn handles(&self) -> Vec<HeldHandle> {
        HeldHandle::from_claims(
            self.active().map(|accepted| (accepted.at, accepted.operation.state().and_then(claim))),
        )
    }

    fn active(&self) -> impl DoubleEndedIterator<Item = &Accepted> {
        self.operations.iter().filter(|accepted| !accepted.nullified)
    }

    fn state(&self) -> Option<&State> {
        self.active().next_back()?.operation.state()
    }
}

fn claim(state: &State) -> Option<Handle> {
    let claims = state.also_known_as.iter().filter_map(|alias| alias.strip_prefix("at://"));
    claims.filter_map(|name| Hostname::parse(name).ok()).next()?.to_handle()
}

fn document(did: &Did, state: &State) -> Value {
    let mut context = vec!["https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"];
    let methods: Vec<Value> = state
        .verification_methods
        .iter()
        .map(|(name, key)| {
            let suite = match RotationKey::parse(key) {
                Some(RotationKey::K256(_)) => Some("https://w3id.org/security/suites/secp256k1-2019/v1"),
                Some(RotationKey::P256(_)) => Some("https://w3id.org/security/suites/ecdsa-2019/v1"),
                None => None,
            };
            context.extend(suite.filter(|suite| !context.contains(suite)));
            json!({
                "id": format!("{did}#{name}"),
                "type": "Multikey",
                "controller": did.as_str(),
                "publicKeyMultibase": key.strip_prefix("did:key:").unwrap_or(key),
            })
        })
        .collect();
    let services = state.services.iter().map(|(name, Service { kind, endpoint })| {
        json!({ "id": format!("#{name}"), "type": kind, "serviceEndpoint": endpoint })
    });
    json!({
        "@context": context,
        "id": did.as_str(),
        "alsoKnownAs": state.also_known_as,
        "verificationMethod": methods,
        "service": services.collect::<Vec<_>>(),
    })
}
