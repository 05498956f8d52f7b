//! The model itself: the steps of a lookup, in order, over the ports.

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Answer, Clock, ErrorKind, Handle, HandleResolver, Identity, Lookup, Policy, Profile,
    ProfileState, Proof, ResolveError, StepOutcome, Trace, Ttl, Why, clean_line,
};
use tokio::time::timeout;

use crate::{
    Did, DidDocument, DidMethod, DocumentAnswer, HandleCheck, Hostname, IndependentSettings, InvalidDid,
    Ports, ProvedDid, VerifiedIdentity, WebHost, WhyInvalid, explain,
    hosted::Hosted,
    policy::{policy, policy_with},
    profile,
    proof::{Conclusion, Established, conclude},
    race,
    verify::{check_claim, claim_to_check},
};

/// A handle is what its holder claims and DNS confirms (the AT Protocol's world).
///
/// As every backend it does not cache. Beside the contract it offers the narrower questions of XRPC, which need less
/// I/O: [`Self::did_of`], [`Self::document_of`], [`Self::verified`].
///
/// **For the cache in front.** An answer whose [`Proof::provisional`] is set was given by HTTPS while the DNS was silent
/// or failing; it lives at most 30 s. It must not replace a remembered answer proved by DNS with another account, or
/// silencing the DNS would choose the holder. Asking again with a [`Trace`] that listens waits for the DNS as long as
/// its own deadline allows: that is how a flight gets the DNS's word after it has sent the provisional answer out.
#[derive(Debug)]
pub struct IndependentModel {
    settings: IndependentSettings,
    policy: Policy,
    pub(crate) ports: Ports,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) hosted: Option<Arc<Hosted>>,
    lookups: race::Tally,
}

/// How long an answer lives that leaves something unchecked.
const UNCHECKED_TTL: Duration = Duration::from_secs(10);

/// A DID found for a handle, with the failure it hides when it is provisional.
type Forward = (ProvedDid, Option<ResolveError>);

impl IndependentModel {
    /// The model over these ports.
    #[must_use]
    pub fn new(settings: IndependentSettings, ports: Ports, clock: Arc<dyn Clock>) -> Self {
        let policy = policy(&settings);
        Self { settings, policy, ports, clock, hosted: None, lookups: race::Tally::default() }
    }

    /// The same, with accounts that live here: they, and the names below the domains served here, are answered from
    /// the register, and the world is not asked about them.
    #[must_use]
    pub fn with_hosted(self, hosted: Arc<Hosted>) -> Self {
        let policy = policy_with(&self.settings, hosted.settings());
        Self { policy, hosted: Some(hosted), ..self }
    }

    /// Which DID `handle` names, by DNS or HTTPS alone (lexicon `com.atproto.identity.resolveHandle`).
    ///
    /// Takes every host name that is not reserved. `Pass` for any other handle, without I/O.
    ///
    /// # Errors
    /// Temporary kinds when a source that was needed failed, [`ErrorKind::BadAnswer`] for an ambiguous handle.
    pub async fn did_of(&self, handle: &Handle, trace: &Trace) -> Result<Lookup<ProvedDid>, ResolveError> {
        let Some(host) = self.askable(handle) else { return Ok(Lookup::Pass) };
        Ok(self.forward(&host, trace).await?.map(|(proved, _)| proved))
    }

    /// The document of `did` (lexicon `com.atproto.identity.resolveDid`).
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for methods other than plc and web, temporary kinds when the source failed,
    /// [`ErrorKind::BadAnswer`] when what it sent cannot be the document of `did`.
    pub async fn document_of(
        &self,
        did: &Did,
        trace: &Trace,
    ) -> Result<Lookup<Arc<DidDocument>>, ResolveError> {
        if let Some(hosted) = self.host_of(did) {
            return self.registered_document(hosted, did, trace).await;
        }
        let (source, answer) = match did.method() {
            DidMethod::Plc if self.settings.verify_plc => ("plc-log", self.logged_document(did).await),
            DidMethod::Plc => ("directory", self.ports.directory.document(did).await),
            DidMethod::Web(host) if self.may_ask(host) => {
                ("did-web", self.ports.did_web.document(host).await)
            }
            DidMethod::Web(_) => {
                trace.step(
                    "did-web",
                    || did.to_string(),
                    StepOutcome::Absent,
                    || "a reserved host".to_owned(),
                );
                return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default });
            }
            DidMethod::Other => {
                return Err(ResolveError::new(
                    ErrorKind::Unsupported,
                    "only did:plc and did:web are supported",
                ));
            }
        };
        let lookup = answer.and_then(|answer| read_document(did, answer));
        let (outcome, words) = match &lookup {
            Ok(Lookup::Found { value, .. }) => (StepOutcome::Found, describe(value)),
            Ok(Lookup::Absent { why: Why::Deactivated, .. }) => {
                (StepOutcome::Absent, "the account was deactivated".to_owned())
            }
            Ok(Lookup::Absent { .. } | Lookup::Pass) => {
                (StepOutcome::Absent, "there is no such document".to_owned())
            }
            Err(error) => (StepOutcome::Failed, explain::failure(trace, error)),
        };
        trace.step(source, || did.to_string(), outcome, || words);
        lookup
    }

    /// The account behind `did`, with its handle checked both ways (lexicon `com.atproto.identity.resolveIdentity`).
    ///
    /// A claim that cannot be checked *now* is not an error but [`HandleCheck::Unchecked`]: the document is good, and
    /// the caller may remember a handle.
    ///
    /// # Errors
    /// Those of [`Self::document_of`].
    pub async fn verified(&self, did: &Did, trace: &Trace) -> Result<Lookup<VerifiedIdentity>, ResolveError> {
        let document = match self.document_of(did, trace).await? {
            Lookup::Found { value, .. } => value,
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        let (handle, ttl) = self.check(&document, trace).await;
        Ok(Lookup::Found { value: VerifiedIdentity { did: document.did.clone(), document, handle }, ttl })
    }

    /// [`HandleResolver::resolve`] and [`HandleResolver::profile`] of the account it finds, in one: neither the
    /// document nor the handle is asked for twice. For a page that shows both.
    ///
    /// # Errors
    /// Those of [`HandleResolver::resolve`].
    pub async fn resolve_with_profile(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Result<Lookup<(Identity, Arc<Profile>)>, ResolveError> {
        let (identity, document, ttl) = match self.identify(handle, trace).await? {
            Lookup::Found { value: (identity, document), ttl } => (identity, document, ttl),
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        let mut profile = self.decoration(&document, trace).await;
        profile.handle = Some(identity.handle.clone());
        Ok(Lookup::Found { value: (identity, Arc::new(profile)), ttl })
    }

    /// Handle ⇒ DID ⇒ document ⇒ the claim must be the handle.
    async fn identify(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Result<Lookup<(Identity, Arc<DidDocument>)>, ResolveError> {
        let Some(host) = self.askable(handle) else { return Ok(Lookup::Pass) };
        if let Some(hosted) = self.server_of(&host) {
            // Both halves of the proof are in the register, and were read together.
            return Ok(self.registered(hosted, &host, trace).await?.map(
                |(ProvedDid { did, proof }, document)| {
                    let (account, scheme) = (did.account().clone(), self.settings.scheme.clone());
                    (Identity { handle: handle.clone(), account, scheme, proof }, document)
                },
            ));
        }
        let ((ProvedDid { did, proof }, hidden), ttl) = match self.forward(&host, trace).await? {
            Lookup::Found { value, ttl } => (value, ttl),
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        // A no that rests on a provisional DID is the DNS's failure, not absence.
        let no = |why| hidden.clone().map_or(Ok(Lookup::Absent { why, ttl: Ttl::Default }), Err);
        let document = self.document_of(&did, trace).await;
        // A weaker source alone does not decide whom the handle names.
        let is_certain = hidden.is_none();
        let names =
            |error: ResolveError| if is_certain { error.naming(did.account().clone()) } else { error };
        let document = match document.map_err(names)? {
            Lookup::Found { value, .. } => value,
            Lookup::Absent { why, .. } => {
                explain::no_account(trace, &host, &did, why);
                return no(why);
            }
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        // A name that points to a did:webvh is nobody's: other software would not follow it to the did:web.
        if document.claim.as_ref() != Some(&host) || document.did != did {
            explain::unproven(trace, &host, &proof.method, &document);
            return no(Why::Unproven);
        }
        let (account, scheme) = (did.account().clone(), self.settings.scheme.clone());
        let identity = Identity { handle: handle.clone(), account, scheme, proof };
        Ok(Lookup::Found { value: (identity, document), ttl })
    }

    async fn show(&self, account: &AccountId, trace: &Trace) -> Result<Lookup<Arc<Profile>>, ResolveError> {
        let did = match Did::parse(account.as_str()) {
            Ok(did) if *did.method() != DidMethod::Other || self.host_of(&did).is_some() => did,
            // Of a method of ours, and nobody's by its rules.
            Err(InvalidDid::Plc | InvalidDid::Web) => {
                return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default });
            }
            _ => return Ok(Lookup::Pass),
        };
        let document = match self.document_of(&did, trace).await? {
            Lookup::Found { value, .. } => value,
            Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
            Lookup::Pass => return Ok(Lookup::Pass),
        };
        let ((check, ttl), mut profile) =
            tokio::join!(self.check(&document, trace), self.decoration(&document, trace));
        match check {
            HandleCheck::Verified { handle, .. } => profile.handle = Some(handle),
            HandleCheck::Invalid(_) => {}
            HandleCheck::Unchecked { claim, error } => {
                return Err(match claim.to_handle() {
                    Some(claim) => error.claiming(claim),
                    None => error,
                });
            }
        }
        Ok(Lookup::Found { value: Arc::new(profile), ttl })
    }

    /// Handle ⇒ DID, whatever the namespace.
    async fn forward(&self, host: &Hostname, trace: &Trace) -> Result<Lookup<Forward>, ResolveError> {
        if let Some(hosted) = self.server_of(host) {
            return Ok(self.registered(hosted, host, trace).await?.map(|(proved, _)| (proved, None)));
        }
        let evidence = race::ask(&self.ports, host, &self.settings, &self.lookups, trace).await;
        explain::forward(trace, host, &evidence);
        match conclude(&evidence) {
            Conclusion::Proved(Established { did, method, provisional, lives }) => {
                let hidden = provisional.map(|kind| {
                    ResolveError::new(kind, "the DNS did not answer, and the web host alone does not decide")
                });
                let proof = Proof { method, checked_at: self.clock.now(), provisional: hidden.is_some() };
                let ttl = self.ttl(&proof, lives);
                Ok(Lookup::Found { value: (ProvedDid { did, proof }, hidden), ttl })
            }
            Conclusion::Absent => Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default }),
            Conclusion::Failed(error) => Err(error),
        }
    }

    /// Whether the handle a document claims names its account, and how long that is believed.
    async fn check(&self, document: &DidDocument, trace: &Trace) -> (HandleCheck, Ttl) {
        let (claim, handle) = match claim_to_check(document, |claim| self.can_be_held(claim)) {
            Ok(claim) => claim,
            Err(why) => return (HandleCheck::Invalid(why), Ttl::Default),
        };
        let forward = self.forward(&claim, trace).await;
        let found = match forward {
            Ok(Lookup::Found { ttl, .. }) => ttl,
            _ => Ttl::Default,
        };
        let check = check_claim(&document.did, claim, handle, forward);
        match &check {
            HandleCheck::Invalid(WhyInvalid::HeldBy { claim, holder }) => {
                explain::claim_is_anothers(trace, claim, &document.did, Some(holder));
            }
            HandleCheck::Invalid(WhyInvalid::Unresolvable(claim)) => {
                explain::claim_is_anothers(trace, claim, &document.did, None);
            }
            _ => {}
        }
        let ttl = match (&check, found) {
            (HandleCheck::Verified { .. }, found) => found,
            // The record of the other account lives only so long.
            (HandleCheck::Invalid(_), Ttl::For(lives)) => Ttl::For(lives),
            (HandleCheck::Invalid(_), Ttl::UntilPurged | Ttl::Default) => Ttl::Default,
            (HandleCheck::Unchecked { .. }, _) => Ttl::For(UNCHECKED_TTL),
        };
        (check, ttl)
    }

    /// What the account's PDS shows for it, without a handle. Never fails, and never takes long.
    async fn decoration(&self, document: &DidDocument, trace: &Trace) -> Profile {
        let did = &document.did;
        if let Some(hosted) = self.host_of(did) {
            return self.registered_profile(hosted, did, trace).await;
        }
        let pds = match &document.pds {
            Some(pds) => pds,
            None if document.names_pds => {
                let asked = || format!("profile of {did}");
                let words = || "the document names a PDS, under what is no address of one".to_owned();
                trace.step("pds", asked, StepOutcome::Failed, words);
                return profile::bare(did, None, ProfileState::Unavailable);
            }
            // An account without a PDS has no profile: that is all there is.
            None => return profile::bare(did, None, ProfileState::Current),
        };
        let asked = || format!("profile of {did} at {}", clean_line(pds.as_str(), 200));
        match timeout(self.settings.profile_timeout, self.ports.pds.profile(pds, did)).await {
            Ok(Ok(Some(answer))) => {
                trace.step("pds", asked, StepOutcome::Found, || "a profile".to_owned());
                profile::from_record(did, None, pds, &answer)
            }
            Ok(Ok(None)) => {
                trace.step("pds", asked, StepOutcome::Absent, || "it has no profile".to_owned());
                profile::bare(did, None, ProfileState::Current)
            }
            Ok(Err(error)) => {
                trace.step("pds", asked, StepOutcome::Failed, || explain::failure(trace, &error));
                profile::bare(did, None, ProfileState::Unavailable)
            }
            Err(_) => {
                trace.step("pds", asked, StepOutcome::Failed, || "no answer in time".to_owned());
                profile::bare(did, None, ProfileState::Unavailable)
            }
        }
    }

    /// The handle as a host name worth asking about.
    fn askable(&self, handle: &Handle) -> Option<Hostname> {
        Hostname::parse(handle.as_str()).ok().filter(|host| self.can_be_held(host))
    }

    /// Whether anybody can go by a name at all.
    fn can_be_held(&self, name: &Hostname) -> bool {
        !name.is_reserved(self.settings.allow_test_tld) || self.server_of(name).is_some()
    }

    fn may_ask(&self, host: &WebHost) -> bool {
        match host {
            WebHost::Name(name) => !name.is_reserved(self.settings.allow_test_tld),
            WebHost::Localhost(_) => self.settings.allow_localhost_did_web,
        }
    }

    fn ttl(&self, proof: &Proof, lives: Option<Duration>) -> Ttl {
        if proof.provisional {
            return Ttl::For(self.settings.provisional_ttl.min(IndependentSettings::MAX_PROVISIONAL_TTL));
        }
        lives.map_or(Ttl::Default, |lives| Ttl::For(self.settings.believed(lives)))
    }
}

fn read_document(did: &Did, answer: DocumentAnswer) -> Result<Lookup<Arc<DidDocument>>, ResolveError> {
    let absent = |why| Ok(Lookup::Absent { why, ttl: Ttl::Default });
    match answer {
        DocumentAnswer::Found(bytes) => match DidDocument::parse(did, &bytes) {
            Ok(document) => Ok(Lookup::Found { value: Arc::new(document), ttl: Ttl::Default }),
            Err(unusable) => {
                let message = format!("the document of {did} cannot be used: {unusable}");
                Err(ResolveError::caused(ErrorKind::BadAnswer, message, unusable))
            }
        },
        DocumentAnswer::NotFound => absent(Why::Unknown),
        DocumentAnswer::Deactivated => absent(Why::Deactivated),
    }
}

fn describe(document: &DidDocument) -> String {
    let claim = document.claim.as_ref().map_or("no handle", Hostname::as_str);
    let no_pds = if document.names_pds { "a PDS without a usable address" } else { "no PDS" };
    let pds = document.pds.as_ref().map_or(no_pds, |url| url.as_str());
    format!("claims {claim}; {}", clean_line(pds, 200))
}

impl HandleResolver for IndependentModel {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move { Ok(self.identify(handle, trace).await?.map(|(identity, _)| identity)) })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(self.show(account, trace))
    }
}
