//! What the model answers without asking the world: names below our domains, and accounts that live here.
//!
//! All of it is in the register, so that it is known until the register says otherwise.

use std::sync::Arc;

use namesake::{
    AvatarUrl, Bio, DisplayName, ErrorKind, Lookup, Method, Profile, ProfileState, Proof, ResolveError,
    StepOutcome, Trace, Ttl, Why,
    store::{StoreError, StoreErrorKind},
};
use serde_json::Value;

use crate::{
    Did, DidDocument, DidMethod, History, Hostname, IndependentModel, ProvedDid,
    hosted::{Holder, Hosted},
    profile,
    webvh::{Head, parallel_did_web},
};

const SOURCE: &str = "register";

impl IndependentModel {
    /// The register, if it is what answers for `name`.
    pub(crate) fn server_of(&self, name: &Hostname) -> Option<&Hosted> {
        self.hosted.as_deref().filter(|hosted| hosted.settings().serves(name))
    }

    /// The register, if it is what answers for `did`.
    pub(crate) fn host_of(&self, did: &Did) -> Option<&Hosted> {
        self.hosted.as_deref().filter(|hosted| hosted.is_ours(did.account()))
    }

    /// Who goes by a name below a domain of ours, with the document that claims it.
    pub(crate) async fn registered(
        &self,
        hosted: &Hosted,
        name: &Hostname,
        trace: &Trace,
    ) -> Result<Lookup<(ProvedDid, Arc<DidDocument>)>, ResolveError> {
        let asked = || name.to_string();
        let absent = |why, words: &str| {
            trace.step(SOURCE, asked, StepOutcome::Absent, || words.to_owned());
            Ok(Lookup::Absent { why, ttl: Ttl::UntilPurged })
        };
        match hosted.holder(name).await.map_err(|error| failed(trace, name.as_str(), error))? {
            Holder::Held(did, account) => {
                trace.step(SOURCE, asked, StepOutcome::Found, || format!("{did} goes by it"));
                let proof = Proof::new(Method::REGISTER, self.clock.now());
                let document = document(&did, &account.head)?;
                Ok(Lookup::Found { value: (ProvedDid { did, proof }, document), ttl: Ttl::UntilPurged })
            }
            Holder::Released(_) => absent(Why::Released, "somebody went by it, and does not any more"),
            Holder::Nobody => absent(Why::Unknown, "nobody ever went by it"),
        }
    }

    /// The document of an account that lives here, under its did:web, whichever of its DIDs was asked about.
    pub(crate) async fn registered_document(
        &self,
        hosted: &Hosted,
        did: &Did,
        trace: &Trace,
    ) -> Result<Lookup<Arc<DidDocument>>, ResolveError> {
        let stored =
            hosted.account(did.account()).await.map_err(|error| failed(trace, did.as_str(), error))?;
        let (lookup, words) = match stored {
            None => (unknown(did), "no such account lives here"),
            Some((_, account)) if account.head.deactivated => {
                (Lookup::Absent { why: Why::Deactivated, ttl: Ttl::UntilPurged }, "the account was closed")
            }
            Some((web, account)) => {
                let value = document(&web, &account.head)?;
                (Lookup::Found { value, ttl: Ttl::UntilPurged }, "it lives here")
            }
        };
        let outcome =
            if matches!(lookup, Lookup::Found { .. }) { StepOutcome::Found } else { StepOutcome::Absent };
        trace.step(SOURCE, || did.to_string(), outcome, || words.to_owned());
        Ok(lookup)
    }

    /// The handles that an account of ours claimed.
    pub(crate) async fn registered_history(
        &self,
        hosted: &Hosted,
        did: &Did,
    ) -> Result<Lookup<History>, ResolveError> {
        let history = hosted.history(did.account()).await;
        Ok(match history.map_err(|error| failed(&Trace::OFF, did.as_str(), error))? {
            Some((handles, deactivated)) => {
                Lookup::Found { value: History { handles, deactivated }, ttl: Ttl::UntilPurged }
            }
            None => unknown(did),
        })
    }

    /// What an account of ours shows, without a handle: the record its holder signed, cleaned.
    pub(crate) async fn registered_profile(&self, hosted: &Hosted, did: &Did, trace: &Trace) -> Profile {
        let stored = match hosted.account(did.account()).await {
            Ok(stored) => stored,
            Err(error) => {
                failed(trace, did.as_str(), error);
                return profile::bare(did, None, ProfileState::Unavailable);
            }
        };
        let record = stored.and_then(|(_, account)| account.profile).unwrap_or_default();
        let text = |field: &str| record.get(field).and_then(Value::as_str);
        Profile {
            display_name: text("displayName").and_then(DisplayName::clean),
            bio: text("description").and_then(Bio::clean),
            avatar: text("avatar").and_then(AvatarUrl::clean),
            ..profile::bare(did, None, ProfileState::Current)
        }
    }
}

/// A change tells of a did:web: that an account came to be would not purge what is remembered of its did:webvh.
fn unknown<T>(did: &Did) -> Lookup<T> {
    let ttl = if *did.method() == DidMethod::Other { Ttl::Default } else { Ttl::UntilPurged };
    Lookup::Absent { why: Why::Unknown, ttl }
}

fn document(did: &Did, head: &Head) -> Result<Arc<DidDocument>, ResolveError> {
    let document = parallel_did_web(head).to_string();
    DidDocument::parse(did, document.as_bytes()).map(Arc::new).map_err(|unusable| {
        let message = format!("the document of {did} cannot be used: {unusable}");
        ResolveError::caused(ErrorKind::Internal, message, unusable)
    })
}

fn failed(trace: &Trace, asked: &str, error: StoreError) -> ResolveError {
    trace.step(
        SOURCE,
        || asked.to_owned(),
        StepOutcome::Failed,
        || "the register could not be read".to_owned(),
    );
    let kind = match &error {
        StoreError::Damaged(_) => ErrorKind::BadAnswer,
        error if error.kind() == StoreErrorKind::Temporary => ErrorKind::Unavailable,
        _ => ErrorKind::Internal,
    };
    ResolveError::caused(kind, "the register of accounts that live here could not be read", error)
}
