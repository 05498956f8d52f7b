//! The independent model behind the ports of this crate.

use std::sync::Arc;

use namesake::{AccountId, Answer, Handle, Identity, Lookup, Profile, Proof, Trace, Ttl, Why};
use namesake_independent::{Did, Hostname, IndependentModel, plc::HeldHandle};

use crate::{
    atproto::{AtprotoIdentity, DidDocument},
    guard::InOneGo,
    history::{Chronicle, Claim, Claims},
};

impl AtprotoIdentity for IndependentModel {
    fn did_of<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, (AccountId, Proof)> {
        Box::pin(async move {
            let answer = Self::did_of(self, handle, trace).await?;
            Ok(answer.map(|proved| (proved.did.account().clone(), proved.proof)))
        })
    }

    fn document_of<'a>(&'a self, did: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<DidDocument>> {
        Box::pin(async move {
            // What no DID method could mean cannot have a document.
            let Ok(parsed) = Did::parse(did.as_str()) else {
                return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default });
            };
            let answer = Self::document_of(self, &parsed, trace).await?;
            Ok(answer.map(|document| {
                Arc::new(DidDocument {
                    did: document.did.account().clone(),
                    claim: document.claim.as_ref().and_then(Hostname::to_handle),
                    json: document.raw.clone(),
                })
            }))
        })
    }
}

impl Chronicle for IndependentModel {
    fn claims_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Claims> {
        Box::pin(async move {
            let Ok(did) = Did::parse(account.as_str()) else {
                return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default });
            };
            let claim = |HeldHandle { handle, from, until }| Claim { handle, from, until };
            Ok(self.history(&did).await?.map(|history| Claims {
                deactivated: history.deactivated,
                claims: history.handles.into_iter().map(claim).collect(),
            }))
        })
    }
}

impl InOneGo for IndependentModel {
    fn resolve_with_profile<'a>(
        &'a self,
        handle: &'a Handle,
        trace: &'a Trace,
    ) -> Answer<'a, (Identity, Arc<Profile>)> {
        Box::pin(Self::resolve_with_profile(self, handle, trace))
    }
}
