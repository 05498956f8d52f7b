//! A world of its own: every port answered from memory. The demo, the policy lab and the tests live in it.

mod author;
mod controls;

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use author::{PlcKey, PlcLog};
use bytes::Bytes;
pub use controls::{Calls, Faults};
use namesake::{
    ResolveError,
    http::{HttpError, HttpFailure},
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    Did, DidMethod, DidWeb, Directory, Dns, DnsFailure, DocumentAnswer, Hostname, Pds, PortFuture, Ports,
    TxtAnswer, TxtRecord, WebHost, WellKnown, WellKnownReply, profile,
};

/// DNS, web hosts, directory and PDS in memory, with controls. Thread-safe; a change is visible to the next question.
///
/// Handles are given as text and used as they are, in lower case. Nothing here reads a clock: delays pass in tokio's
/// time, which a test may pause.
#[derive(Debug, Default)]
pub struct PrivateWorld(Mutex<World>);

#[derive(Debug, Default)]
struct World {
    txt: HashMap<String, Vec<TxtRecord>>,
    well_known: HashMap<String, WellKnownReply>,
    documents: BTreeMap<Did, DocumentAnswer>,
    logs: HashMap<Did, Bytes>,
    profiles: HashMap<Did, Value>,
    faults: Faults,
    calls: Calls,
    ttl: Option<Duration>,
}

/// How long the records of this world's DNS live, unless a test says otherwise.
const TTL: Duration = Duration::from_secs(3600);

impl PrivateWorld {
    /// Where every account of [`Self::add_person`] keeps its profile. A name that never resolves.
    pub const PDS: &str = "https://pds.invalid";

    /// An empty world: no name exists, no host has an address, the directory knows nobody.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// All five ports, answered by this world.
    #[must_use]
    pub fn ports(self: &Arc<Self>) -> Ports {
        Ports {
            dns: self.clone(),
            well_known: self.clone(),
            directory: self.clone(),
            did_web: self.clone(),
            pds: self.clone(),
        }
    }

    /// Somebody whose handle is proved by DNS, with a document that claims it and a profile.
    pub fn add_person(&self, did: &Did, handle: &str, display_name: &str, bio: &str) {
        self.set_txt(handle, &[&format!("did={did}")]);
        self.set_document(did, &Self::document(did, handle));
        self.set_profile(
            did,
            &json!({ "$type": profile::COLLECTION, "displayName": display_name, "description": bio }),
        );
    }

    /// The holder of `did` takes `handle`: the old name's proofs go, the new one's record and the document's claim
    /// come, in one step. Other fields of the document stay.
    pub fn rename(&self, did: &Did, handle: &str) {
        let handle = handle.to_ascii_lowercase();
        let mut world = self.lock();
        let record = TxtRecord(vec![format!("did={did}").into_bytes()]);
        world.txt.retain(|_, records| *records != [record.clone()]);
        world.well_known.retain(|_, reply| reply.body.as_deref() != Some(did.as_str().as_bytes()));
        world.txt.insert(handle.clone(), vec![record]);
        let mut document = match world.documents.get(did) {
            Some(DocumentAnswer::Found(bytes)) => serde_json::from_slice(bytes).unwrap_or(Value::Null),
            _ => Value::Null,
        };
        if document.is_object() {
            document["alsoKnownAs"] = json!([format!("at://{handle}")]);
        } else {
            document = Self::document(did, &handle);
        }
        world.documents.insert(did.clone(), found(&document));
    }

    /// A document as the directory shows it: the claim, and [`Self::PDS`].
    #[must_use]
    pub fn document(did: &Did, handle: &str) -> Value {
        json!({
            "@context": ["https://www.w3.org/ns/did/v1"],
            "id": did.as_str(),
            "alsoKnownAs": [format!("at://{handle}")],
            "verificationMethod": [],
            "service": [{
                "id": "#atproto_pds", "type": "AtprotoPersonalDataServer", "serviceEndpoint": Self::PDS,
            }],
        })
    }

    /// The TXT records at `_atproto.<handle>`, each of one character-string.
    pub fn set_txt(&self, handle: &str, records: &[&str]) {
        let record = |text: &&str| TxtRecord(vec![text.as_bytes().to_vec()]);
        self.set_txt_records(handle, records.iter().map(record).collect());
    }

    /// The same, with control over the character-strings. None at all makes the name exist without data.
    pub fn set_txt_records(&self, handle: &str, records: Vec<TxtRecord>) {
        self.lock().txt.insert(handle.to_ascii_lowercase(), records);
    }

    /// How long all TXT records live from now on.
    pub fn set_ttl(&self, ttl: Duration) {
        self.lock().ttl = Some(ttl);
    }

    /// Removes the name `_atproto.<handle>`.
    pub fn remove_txt(&self, handle: &str) {
        self.lock().txt.remove(&handle.to_ascii_lowercase());
    }

    /// What the handle's host answers at the well-known address.
    pub fn set_well_known(&self, handle: &str, status: u16, body: &str) {
        let body = (body.len() <= WellKnownReply::CAP).then(|| Bytes::from(body.to_owned()));
        self.lock().well_known.insert(handle.to_ascii_lowercase(), WellKnownReply { status, body });
    }

    /// Takes the handle's host away: it has no address any more.
    pub fn remove_well_known(&self, handle: &str) {
        self.lock().well_known.remove(&handle.to_ascii_lowercase());
    }

    /// The document of a `did:plc` or `did:web`, as it will be sent.
    pub fn set_document(&self, did: &Did, document: &Value) {
        self.lock().documents.insert(did.clone(), found(document));
    }

    /// The audit log of a `did:plc`, as it will be sent. The documents of this world are set apart from it.
    pub fn set_log(&self, did: &Did, log: &Value) {
        self.lock().logs.insert(did.clone(), log.to_string().into());
    }

    /// The account was closed for good.
    pub fn deactivate(&self, did: &Did) {
        self.lock().documents.insert(did.clone(), DocumentAnswer::Deactivated);
    }

    /// Nobody knows this DID.
    pub fn remove_document(&self, did: &Did) {
        self.lock().documents.remove(did);
    }

    /// The profile record of an account, on whatever PDS its document names.
    pub fn set_profile(&self, did: &Did, record: &Value) {
        self.lock().profiles.insert(did.clone(), record.clone());
    }

    /// Takes an account's profile record away.
    pub fn remove_profile(&self, did: &Did) {
        self.lock().profiles.remove(did);
    }

    /// Breaks, slows or mends the world; replaces what was set before.
    pub fn set_faults(&self, faults: Faults) {
        self.lock().faults = faults;
    }

    /// How often each port was asked since the world began, failures included.
    #[must_use]
    pub fn calls(&self) -> Calls {
        self.lock().calls
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn document_of(&self, wanted: impl Fn(&Did) -> bool) -> Result<DocumentAnswer, ResolveError> {
        let world = self.lock();
        if let Some(kind) = world.faults.directory {
            return Err(ResolveError::new(kind, "the private world's directory is broken"));
        }
        let found = world.documents.iter().find(|(did, _)| wanted(did));
        Ok(match found {
            None => DocumentAnswer::NotFound,
            Some(_) if world.faults.nonsense => DocumentAnswer::Found("nonsense".into()),
            Some((_, answer)) => answer.clone(),
        })
    }

    /// Counts a question when it is asked, not when it is answered; says how long its port takes.
    fn asked(&self, counter: fn(&mut Calls) -> &mut u64, delay: fn(&Faults) -> Duration) -> Duration {
        let mut world = self.lock();
        *counter(&mut world.calls) += 1;
        delay(&world.faults)
    }

    async fn wait(delay: Duration) {
        if !delay.is_zero() {
            #[expect(clippy::disallowed_methods, reason = "a delay is what was asked for; tests pause time")]
            tokio::time::sleep(delay).await;
        }
    }
}

/// Records of two different DIDs.
fn contradiction() -> Vec<TxtRecord> {
    let record = |text: &[u8]| TxtRecord(vec![text.to_vec()]);
    vec![record(b"did=did:web:one.invalid"), record(b"did=did:web:another.invalid")]
}

fn found(document: &Value) -> DocumentAnswer {
    DocumentAnswer::Found(document.to_string().into())
}

impl Dns for PrivateWorld {
    fn txt<'a>(&'a self, name: &'a str) -> PortFuture<'a, TxtAnswer, DnsFailure> {
        let delay = self.asked(|calls| &mut calls.dns, |faults| faults.dns_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            let world = self.lock();
            if let Some(failure) = world.faults.dns {
                return Err(failure);
            }
            let ttl = world.ttl.unwrap_or(TTL);
            let handle = name.strip_prefix("_atproto.").and_then(|name| name.strip_suffix('.'));
            Ok(match handle.and_then(|handle| world.txt.get(handle)) {
                None => TxtAnswer::NoDomain,
                Some(records) if records.is_empty() => TxtAnswer::NoData,
                Some(_) if world.faults.nonsense => TxtAnswer::Records { records: contradiction(), ttl },
                Some(records) => TxtAnswer::Records { records: records.clone(), ttl },
            })
        })
    }
}

impl WellKnown for PrivateWorld {
    fn fetch<'a>(&'a self, host: &'a Hostname) -> PortFuture<'a, WellKnownReply, HttpError> {
        let delay = self.asked(|calls| &mut calls.well_known, |faults| faults.https_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            let world = self.lock();
            let fail = |failure| HttpError::new(failure, format!("{host} {}", failure.as_words()));
            match world.faults.https {
                Some(failure) => Err(fail(failure)),
                None => {
                    world.well_known.get(host.as_str()).cloned().ok_or_else(|| fail(HttpFailure::NoAddress))
                }
            }
        })
    }
}

impl Directory for PrivateWorld {
    fn document<'a>(&'a self, did: &'a Did) -> PortFuture<'a, DocumentAnswer, ResolveError> {
        let delay = self.asked(|calls| &mut calls.directory, |faults| faults.directory_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            self.document_of(|known| known == did)
        })
    }

    fn log<'a>(&'a self, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError> {
        let delay = self.asked(|calls| &mut calls.directory, |faults| faults.directory_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            let world = self.lock();
            match world.faults.directory {
                Some(kind) => Err(ResolveError::new(kind, "the private world's directory is broken")),
                None if world.faults.nonsense => Ok(Some("nonsense".into())),
                None => Ok(world.logs.get(did).cloned()),
            }
        })
    }
}

impl DidWeb for PrivateWorld {
    fn document<'a>(&'a self, host: &'a WebHost) -> PortFuture<'a, DocumentAnswer, ResolveError> {
        let delay = self.asked(|calls| &mut calls.did_web, |faults| faults.directory_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            self.document_of(|known| matches!(known.method(), DidMethod::Web(known) if known == host))
        })
    }
}

impl Pds for PrivateWorld {
    fn profile<'a>(&'a self, _pds: &'a Url, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError> {
        let delay = self.asked(|calls| &mut calls.pds, |faults| faults.pds_delay);
        Box::pin(async move {
            Self::wait(delay).await;
            let world = self.lock();
            if let Some(kind) = world.faults.pds {
                return Err(ResolveError::new(kind, "the private world's PDS is broken"));
            }
            Ok(world.profiles.get(did).map(|record| json!({ "value": record }).to_string().into()))
        })
    }
}
