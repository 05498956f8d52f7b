//! Who somebody is: the identity and the profile, put together from a backend's two answers.

use std::sync::Arc;

use namesake::{
    AccountId, ErrorKind, Handle, Identity, Lookup, Profile, ProfileState, Proof, ResolveError, Timestamp,
    Trace, Ttl, Why,
};

use crate::{
    api::{Freshness, ProfileBody, ProofBody, Resolution},
    cache::{Remembered, shorter},
    directory::{Directory, Seat},
    display_form::display_form,
    guard::Guarded,
    query::Subject,
};

/// Who a handle or an account is. A million of these may be in memory: what can be told from the rest is not kept.
#[derive(Debug)]
pub(crate) struct Person {
    /// Whose answer it is.
    pub(crate) seat: Seat,
    /// The handle, with its proof; or why there is none.
    pub(crate) handle: Result<(Handle, Proof), Why>,
    /// Of the account.
    pub(crate) profile: Arc<Profile>,
    /// When what is shown was so, if its source does not say so any more: [`ProfileState::Stale`].
    pub(crate) shown_at: Option<Timestamp>,
}

impl Remembered for Person {
    fn account(&self) -> &AccountId {
        &self.profile.account
    }

    fn handle(&self) -> Option<&Handle> {
        self.handle.as_ref().ok().map(|(handle, _)| handle)
    }

    fn checked_at(&self) -> Option<Timestamp> {
        self.handle.as_ref().ok().map(|(_, proof)| proof.checked_at)
    }

    fn is_provisional(&self) -> bool {
        self.handle.as_ref().is_ok_and(|(_, proof)| proof.provisional)
    }

    fn is_incomplete(&self) -> bool {
        matches!(self.profile.state, ProfileState::Unavailable | ProfileState::Stale)
    }

    fn completed_by(self, earlier: &Self, learned_at: Timestamp, oldest: Timestamp) -> Self {
        let shown_at = match earlier.profile.state {
            ProfileState::Stale => earlier.shown_at,
            ProfileState::Current => Some(learned_at),
            ProfileState::Unavailable | ProfileState::NeedsLogin => None,
        };
        let Profile { display_name, bio, avatar, .. } = &*earlier.profile;
        let shows_something = display_name.is_some() || bio.is_some() || avatar.is_some();
        // The latest, and none that is too old.
        if !shows_something || shown_at < self.shown_at.or(Some(oldest)) {
            return self;
        }
        let profile = Profile {
            account: self.profile.account.clone(),
            handle: self.profile.handle.clone(),
            display_name: display_name.clone(),
            bio: bio.clone(),
            avatar: avatar.clone(),
            state: ProfileState::Stale,
        };
        Self { profile: Arc::new(profile), shown_at, ..self }
    }

    fn is_denial(&self) -> bool {
        self.handle.is_err()
    }

    fn weight(&self) -> usize {
        let shown = [
            self.profile.display_name.as_ref().map(|name| name.as_str().len()),
            self.profile.bio.as_ref().map(|bio| bio.as_str().len()),
            self.profile.avatar.as_ref().map(|avatar| avatar.as_str().len()),
        ];
        let handle = self.handle().map_or(0, |handle| handle.as_str().len());
        // Once as values, once in the prepared bytes.
        2 * (self.account().as_str().len() + handle + shown.into_iter().flatten().sum::<usize>()) + 480
    }
}

impl Person {
    /// The profile's canonical address.
    pub(crate) fn url(&self, directory: &Directory) -> String {
        directory.profile_url(self.seat, self.account(), self.handle())
    }

    /// The body that says so.
    pub(crate) fn resolution(&self, directory: &Directory, freshness: Option<Freshness>) -> Resolution {
        let proof = self.handle.as_ref().ok().map(|(_, proof)| ProofBody {
            method: proof.method.to_string(),
            checked_at: proof.checked_at,
            provisional: proof.provisional,
        });
        let profile = &self.profile;
        Resolution {
            handle: self.handle().map(ToString::to_string),
            display_handle: self.handle().and_then(|handle| display_form(handle.as_str())),
            reason: self.handle.as_ref().err().copied(),
            account: self.account().to_string(),
            scheme: directory.policy(self.seat).scheme.to_string(),
            proof,
            profile: ProfileBody {
                display_name: profile.display_name.as_ref().map(ToString::to_string),
                description: profile.bio.as_ref().map(ToString::to_string),
                avatar: profile.avatar.as_ref().map(|avatar| avatar.as_str().to_owned()),
                url: self.url(directory),
                display: profile.state,
            },
            freshness,
        }
    }
}

/// Asks the backend at `seat` who `subject` is.
pub(crate) async fn ask(
    backend: &Guarded,
    seat: Seat,
    subject: &Subject,
    trace: &Trace,
) -> Result<Lookup<Person>, ResolveError> {
    let found = match subject {
        Subject::Handle(handle) => by_handle(backend, handle, trace).await?,
        Subject::Account(account) => by_account(backend, account, trace).await?,
    };
    Ok(found.map(|(handle, profile)| Person { seat, handle, profile, shown_at: None }))
}

type Found = (Result<(Handle, Proof), Why>, Arc<Profile>);

async fn by_handle(backend: &Guarded, handle: &Handle, trace: &Trace) -> Result<Lookup<Found>, ResolveError> {
    if let Some(answer) = backend.in_one_go(handle, trace).await {
        return Ok(answer?.map(|(identity, profile)| (Ok((identity.handle, identity.proof)), profile)));
    }
    let (identity, ttl) = match backend.resolve(handle, trace).await? {
        Lookup::Found { value, ttl } => (value, ttl),
        Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
        Lookup::Pass => return Ok(Lookup::Pass),
    };
    let Identity { handle, account, proof, .. } = identity;
    let (profile, profile_ttl) = match backend.profile(&account, trace).await {
        Ok(Lookup::Found { value, ttl }) => (value, ttl),
        Ok(Lookup::Absent { why, ttl }) => return Ok(Lookup::Absent { why, ttl }),
        // The identity is proved. What is shown beside it may come later.
        Ok(Lookup::Pass) => (undecorated(account, &handle), ttl),
        Err(error) if error.kind().is_temporary() => (undecorated(account, &handle), ttl),
        Err(error) => return Err(error),
    };
    Ok(Lookup::Found { value: (Ok((handle, proof)), profile), ttl: shorter(ttl, profile_ttl) })
}

fn undecorated(account: AccountId, handle: &Handle) -> Arc<Profile> {
    Arc::new(Profile {
        account,
        handle: Some(handle.clone()),
        display_name: None,
        bio: None,
        avatar: None,
        state: ProfileState::Unavailable,
    })
}

/// The profile says which handle the account goes by; the handle must say the same of the account, else the account is
/// shown without one.
async fn by_account(
    backend: &Guarded,
    account: &AccountId,
    trace: &Trace,
) -> Result<Lookup<Found>, ResolveError> {
    let (profile, ttl) = match backend.profile(account, trace).await? {
        Lookup::Found { value, ttl } => (value, ttl),
        Lookup::Absent { why, ttl } => return Ok(Lookup::Absent { why, ttl }),
        // The backend answers for DIDs, and not for this method: that says nothing about the account.
        Lookup::Pass if account.is_did() => {
            return Err(ResolveError::new(ErrorKind::Unsupported, "this DID method is not supported"));
        }
        Lookup::Pass => return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default }),
    };
    let Some(handle) = &profile.handle else {
        let why = if profile.state == ProfileState::NeedsLogin { Why::Released } else { Why::Unproven };
        return Ok(Lookup::Found { value: (Err(why), profile), ttl });
    };
    let (handle, proof_ttl) = match backend.resolve(handle, trace).await? {
        Lookup::Found { value, ttl } if value.account == *account => (Ok((value.handle, value.proof)), ttl),
        Lookup::Found { ttl, .. } => (Err(Why::Unproven), ttl),
        Lookup::Absent { ttl, .. } => (Err(Why::Unproven), ttl),
        Lookup::Pass => (Err(Why::Unproven), Ttl::Default),
    };
    Ok(Lookup::Found { value: (handle, profile), ttl: shorter(ttl, proof_ttl) })
}
