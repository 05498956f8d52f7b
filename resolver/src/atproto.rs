//! What XRPC asks: handle ⇒ DID alone, DID ⇒ document, and both together, verified in both directions.
//!
//! XRPC speaks of atproto only, so it asks a narrower port than [`namesake::HandleResolver`], one that never fetches a
//! profile. The memory and the flights are the same as everybody's.

use std::{fmt::Debug, sync::Arc};

use namesake::{
    AccountId, Answer, Clock, ErrorKind, Handle, Lookup, Proof, ResolveError, Scheme, Timestamp, Trace, Ttl,
    Why,
};
use serde::{Deserialize, Serialize};

use crate::{
    admission::Admission,
    cache::{Answered, Generations, Key, Memory, Patience, Remembered, Whose, shorter},
    directory::Seat,
    guard::Gate,
    query::Subject,
    quota::Quotas,
    settings::{CacheSettings, Limits},
    tally::Operation,
};

/// The atproto half of the independent model, as the specification has it.
pub trait AtprotoIdentity: Debug + Send + Sync + 'static {
    /// The DID a handle gives, by DNS or HTTPS; the DID's own claim is not looked at.
    fn did_of<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, (AccountId, Proof)>;

    /// The document of a DID.
    fn document_of<'a>(&'a self, did: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<DidDocument>>;
}

/// A DID document, checked to be the DID's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DidDocument {
    /// Whose it is.
    pub did: AccountId,
    /// The first handle it claims in `alsoKnownAs` that is one.
    pub claim: Option<Handle>,
    /// The document as it was served.
    pub json: serde_json::Value,
}

/// The DID a handle gives.
#[derive(Debug)]
pub(crate) struct DidOf {
    pub(crate) did: AccountId,
    pub(crate) proof: Proof,
}

/// A DID, the handle that is verified in both directions (if any), and the document.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) handle: Option<Handle>,
    pub(crate) document: Arc<DidDocument>,
    pub(crate) provisional: bool,
}

/// A document as it is remembered.
#[derive(Debug)]
pub(crate) struct Document(pub(crate) Arc<DidDocument>);

/// The engine behind the XRPC routes.
#[derive(Debug)]
pub(crate) struct Atproto {
    port: Arc<Port>,
    admission: Admission,
    pub(crate) dids: Memory<DidOf>,
    pub(crate) documents: Memory<Document>,
    pub(crate) identities: Memory<Verified>,
}

#[derive(Debug)]
struct Port {
    port: Arc<dyn AtprotoIdentity>,
    gate: Gate,
}

impl Atproto {
    pub(crate) fn new(
        port: Arc<dyn AtprotoIdentity>,
        settings: CacheSettings,
        limits: &Limits,
        quotas: &Arc<Quotas>,
        generations: &Arc<Generations>,
        schemes: &Arc<[Scheme]>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let gate = Gate::new("atproto".to_owned(), limits.deadline);
        let whose = || Whose { directory: None, atproto: Arc::clone(schemes) };
        // Documents are the largest and the least asked for; together these take as much as the people do.
        let part = |parts| CacheSettings { capacity_bytes: settings.capacity_bytes / parts, ..settings };
        Self {
            port: Arc::new(Port { port, gate }),
            admission: Admission::new(quotas, limits),
            dids: Memory::new(part(2), Arc::clone(generations), whose(), Arc::clone(clock)),
            documents: Memory::new(part(4), Arc::clone(generations), whose(), Arc::clone(clock)),
            identities: Memory::new(part(4), Arc::clone(generations), whose(), Arc::clone(clock)),
        }
    }

    /// Forgets failures whose time is up, in each memory.
    pub(crate) fn tidy(&self) {
        self.dids.tidy();
        self.documents.tidy();
        self.identities.tidy();
    }

    pub(crate) async fn did_of(&self, handle: &Handle) -> Result<Answered<DidOf>, ResolveError> {
        let (port, handle) = (Arc::clone(&self.port), handle.clone());
        let key = Key { seat: Seat::ATPROTO, subject: Subject::Handle(handle.clone()) };
        let source = move |patience: Patience| {
            let (port, handle) = (Arc::clone(&port), handle.clone());
            async move { port.did_of(&handle, &patience.trace()).await }
        };
        self.dids.ask(&key, &self.admission, source).await
    }

    /// The same, if nobody needs to be asked.
    pub(crate) fn did_at_hand(&self, handle: &str) -> Option<Answered<DidOf>> {
        self.dids.at_hand(Seat::ATPROTO, handle)
    }

    pub(crate) async fn document_of(&self, did: &AccountId) -> Result<Answered<Document>, ResolveError> {
        let (port, did) = (Arc::clone(&self.port), did.clone());
        let key = Key { seat: Seat::ATPROTO, subject: Subject::Account(did.clone()) };
        let source = move |patience: Patience| {
            let (port, did) = (Arc::clone(&port), did.clone());
            async move { Ok(port.document_of(&did, &patience.trace()).await?.map(Document)) }
        };
        self.documents.ask(&key, &self.admission, source).await
    }

    pub(crate) async fn identity_of(
        &self,
        subject: &Subject,
        afresh: bool,
    ) -> Result<Answered<Verified>, ResolveError> {
        let key = Key { seat: Seat::ATPROTO, subject: subject.clone() };
        let (port, subject) = (Arc::clone(&self.port), subject.clone());
        let source = move |patience: Patience| {
            let (port, subject) = (Arc::clone(&port), subject.clone());
            async move { port.identity_of(&subject, &patience.trace()).await }
        };
        if afresh {
            self.identities.ask_afresh(&key, &self.admission, source).await
        } else {
            self.identities.ask(&key, &self.admission, source).await
        }
    }
}

impl Port {
    async fn did_of(&self, handle: &Handle, trace: &Trace) -> Result<Lookup<DidOf>, ResolveError> {
        let answer = self.gate.pass(Operation::DidOf, || self.port.did_of(handle, trace)).await?;
        // A handle outside the namespace (a reserved ending) is nobody's, without I/O.
        Ok(match answer {
            Lookup::Pass => Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default },
            answer => answer.map(|(did, proof)| DidOf { did, proof }),
        })
    }

    async fn document_of(
        &self,
        did: &AccountId,
        trace: &Trace,
    ) -> Result<Lookup<Arc<DidDocument>>, ResolveError> {
        let answer = self.gate.pass(Operation::DocumentOf, || self.port.document_of(did, trace)).await?;
        match &answer {
            Lookup::Pass => {
                Err(ResolveError::new(ErrorKind::Unsupported, "this DID method is not supported"))
            }
            Lookup::Found { value, .. } if value.did != *did => {
                Err(ResolveError::new(ErrorKind::BadAnswer, "the document is another DID's"))
            }
            _ => Ok(answer),
        }
    }

    async fn identity_of(&self, subject: &Subject, trace: &Trace) -> Result<Lookup<Verified>, ResolveError> {
        match subject {
            Subject::Handle(handle) => self.identity_of_handle(handle, trace).await,
            Subject::Account(did) => self.identity_of_did(did, trace).await,
        }
    }

    /// A handle counts only if its DID claims it.
    async fn identity_of_handle(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Result<Lookup<Verified>, ResolveError> {
        let (found, ttl) = match self.did_of(handle, trace).await? {
            Lookup::Found { value, ttl } => (value, ttl),
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        // A weaker source alone does not decide whom the handle names.
        let names = |error: ResolveError| match found.proof.provisional {
            true => error,
            false => error.naming(found.did.clone()),
        };
        Ok(match self.document_of(&found.did, trace).await.map_err(names)? {
            Lookup::Found { value: document, ttl: other } if document.claim.as_ref() == Some(handle) => {
                let handle = Some(handle.clone());
                let value = Verified { handle, document, provisional: found.proof.provisional };
                Lookup::Found { value, ttl: shorter(ttl, other) }
            }
            // A no that rests on a provisional DID is the DNS's failure, not absence.
            Lookup::Found { .. } | Lookup::Absent { .. } if found.proof.provisional => {
                return Err(undecided());
            }
            Lookup::Found { ttl, .. } => Lookup::Absent { why: Why::Unproven, ttl },
            Lookup::Absent { why, ttl } => Lookup::Absent { why, ttl },
            Lookup::Pass => Lookup::Pass,
        })
    }

    /// A DID is found even where its claim does not hold; then it has no handle. While the claim cannot be checked,
    /// neither is concluded: the failure lets the last verified answer go out stale.
    async fn identity_of_did(
        &self,
        did: &AccountId,
        trace: &Trace,
    ) -> Result<Lookup<Verified>, ResolveError> {
        let (document, ttl) = match self.document_of(did, trace).await? {
            Lookup::Found { value, ttl } => (value, ttl),
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        let claim = match &document.claim {
            None => None,
            Some(claim) => match self.did_of(claim, trace).await {
                Ok(Lookup::Found { value, ttl }) if value.did == *did => {
                    Some((claim.clone(), value.proof, ttl))
                }
                // Silencing the DNS must not take a handle away.
                Ok(Lookup::Found { value, .. }) if value.proof.provisional => {
                    return Err(undecided().claiming(claim.clone()));
                }
                Ok(_) => None,
                Err(error) if error.kind() == ErrorKind::BadAnswer => None,
                Err(error) => return Err(error.claiming(claim.clone())),
            },
        };
        let (handle, provisional, ttl) = match claim {
            Some((handle, proof, other)) => (Some(handle), proof.provisional, shorter(ttl, other)),
            None => (None, false, ttl),
        };
        Ok(Lookup::Found { value: Verified { handle, document, provisional }, ttl })
    }
}

fn undecided() -> ResolveError {
    ResolveError::new(
        ErrorKind::Unavailable,
        "the DNS did not answer, and the web host alone does not decide who holds the handle",
    )
}

impl Remembered for DidOf {
    fn account(&self) -> &AccountId {
        &self.did
    }
    fn handle(&self) -> Option<&Handle> {
        None
    }
    fn checked_at(&self) -> Option<Timestamp> {
        Some(self.proof.checked_at)
    }
    fn is_provisional(&self) -> bool {
        self.proof.provisional
    }
    fn weight(&self) -> usize {
        2 * self.did.as_str().len()
    }
}

impl Remembered for Document {
    fn account(&self) -> &AccountId {
        &self.0.did
    }
    fn handle(&self) -> Option<&Handle> {
        None
    }
    fn is_provisional(&self) -> bool {
        false
    }
    fn weight(&self) -> usize {
        json_weight(&self.0.json)
    }
}

impl Remembered for Verified {
    fn account(&self) -> &AccountId {
        &self.document.did
    }
    fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref().or(self.document.claim.as_ref())
    }
    fn is_provisional(&self) -> bool {
        self.provisional
    }
    fn is_denial(&self) -> bool {
        self.handle.is_none()
    }
    fn weight(&self) -> usize {
        json_weight(&self.document.json)
    }
}

/// About three times its text: a tree of values, and the prepared bytes.
fn json_weight(json: &serde_json::Value) -> usize {
    use serde_json::Value;
    match json {
        Value::Null | Value::Bool(_) | Value::Number(_) => 32,
        Value::String(text) => 32 + 2 * text.len(),
        Value::Array(items) => 32 + items.iter().map(json_weight).sum::<usize>(),
        Value::Object(fields) => {
            32 + fields.iter().map(|(key, value)| 64 + 2 * key.len() + json_weight(value)).sum::<usize>()
        }
    }
}
