//! The backend: answers from the register, which linking and polling keep true.
//!
//! A lookup is one read: the row of a name says who holds it and when that was last confirmed. Answers hold *until
//! purged*, so that a rename is visible at once and no cache outside keeps a name that is somebody else's tomorrow.
//! A name that nobody confirms in time is therefore released by the poller, which tells the cache; a lookup that
//! comes before the poller got to it sees the same from the row's time.

use std::{
    fmt,
    future::{Future, pending},
    sync::Arc,
};

use namesake::{
    AccountId, Answer, Clock, Handle, HandleResolver, Identity, Invalidator, Lookup, Method, Policy, Profile,
    ProfileState, Proof, Randomness, RunningClock, StepOutcome, Trace, Ttl, Why,
    store::{Key, Store},
};

use crate::{
    MirrorSettings, RegisterError, Username,
    freshness::Freshness,
    policy::policy,
    records::{Account, Row},
    register::Register,
    schedule::Schedule,
    sealing::TokenSealer,
    upstream::{Upstream, UpstreamSource},
};

/// One mirror: the handles of one upstream.
pub struct MirrorModel {
    pub(crate) settings: MirrorSettings,
    pub(crate) policy: Policy,
    pub(crate) upstream: Arc<dyn Upstream>,
    pub(crate) register: Register,
    pub(crate) sealer: Arc<TokenSealer>,
    /// Names are put in order and polls are planned by it: it never goes back.
    pub(crate) clock: Arc<dyn Clock>,
    /// The clock above, as what it is.
    pub(crate) running: Arc<RunningClock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    pub(crate) invalidator: Invalidator,
    pub(crate) schedule: Schedule,
    pub(crate) freshness: Freshness,
}

impl MirrorModel {
    /// A mirror of `upstream`. It answers at once; names are kept true only while [`MirrorModel::run`] runs.
    #[must_use]
    pub fn new(
        settings: MirrorSettings,
        upstream: Arc<dyn Upstream>,
        store: Arc<dyn Store>,
        sealer: TokenSealer,
        clock: Arc<dyn Clock>,
        randomness: Arc<dyn Randomness>,
        invalidator: Invalidator,
    ) -> Arc<Self> {
        let running = Arc::new(RunningClock::new(clock));
        let clock: Arc<dyn Clock> = Arc::<RunningClock>::clone(&running);
        let schedule = Schedule::new(&settings, clock.now());
        let sealer = Arc::new(sealer);
        let register = Register::new(store, &settings.scheme, sealer.clone(), randomness.clone());
        let policy = policy(&settings);
        Arc::new(Self {
            settings,
            policy,
            upstream,
            register,
            sealer,
            clock,
            running,
            randomness,
            invalidator,
            schedule,
            freshness: Freshness::default(),
        })
    }

    /// What this mirror was told.
    #[must_use]
    pub fn settings(&self) -> &MirrorSettings {
        &self.settings
    }

    /// The account that a changed key of the store is about, if it is one of this mirror: for a feed of changes. Of all
    /// keys that a commit writes here, one is its account's; the others, some of which have a name in them, give `None`.
    #[must_use]
    pub fn account_of_key(&self, key: &Key) -> Option<AccountId> {
        self.register.keys.account_at(key)
    }

    /// Which upstream it mirrors.
    #[must_use]
    pub fn source(&self) -> &UpstreamSource {
        self.upstream.source()
    }

    /// Keeps names true until `shutdown` is ready: polls what is due, releases what nobody confirmed, and beside that
    /// forgets what nobody comes back for. Run one at a time.
    pub async fn run(self: Arc<Self>, shutdown: impl Future<Output = ()> + Send) {
        tokio::select! {
            biased;
            () = shutdown => (),
            () = self.keep_true() => (),
            () = self.keep_house() => (),
            () = async { self.seal_anew().await; pending().await } => (),
        }
    }

    async fn look_up(&self, username: &Username) -> Result<Lookup<Identity>, RegisterError> {
        let row = self.register.holder(username).await?;
        Ok(match row {
            None => absent(Why::Unknown),
            Some(Row::Released { .. }) => absent(Why::Released),
            Some(Row::Held { account, confirmed }) => {
                let confirmed = self.freshness.newest(&account, username, confirmed);
                if self.deadline(confirmed.asked) <= self.clock.now() {
                    return self.lapsed(&account).await;
                }
                let value = Identity {
                    handle: username.handle().clone(),
                    account,
                    scheme: self.settings.scheme.clone(),
                    proof: Proof::new(Method::UPSTREAM, confirmed.asked),
                };
                Lookup::Found { value, ttl: Ttl::UntilPurged }
            }
        })
    }

    /// The answer for the name of an account that was not confirmed in time. Where the account could not be asked about
    /// because its token cannot be opened, that is our failure, which never reads as absence.
    async fn lapsed(&self, id: &AccountId) -> Result<Lookup<Identity>, RegisterError> {
        let slot = self.register.account(id).await?;
        if let Some(token) = slot.value().and_then(|account| account.token.as_ref()) {
            self.opened(id, token)?;
        }
        Ok(absent(Why::Released))
    }

    async fn show(&self, id: &AccountId) -> Result<Lookup<Arc<Profile>>, RegisterError> {
        let slot = self.register.account(id).await?;
        let Some(account) = slot.value() else { return Ok(absent(Why::Unknown)) };
        let value = Arc::new(self.profile_of(account).await?);
        Ok(Lookup::Found { value, ttl: Ttl::UntilPurged })
    }

    /// The profile of a stored account, whose name is shown only while it is confirmed.
    pub(crate) async fn profile_of(&self, account: &Account) -> Result<Profile, RegisterError> {
        let mut handle = None;
        if let Some(name) = &account.handle {
            // The row is newer than the record by a little, or the same: a name moved meanwhile is not shown.
            let held = self.look_up(name).await?.found();
            handle = held.filter(|held| held.account == account.account).map(|held| held.handle);
        }
        let lapsed = account.handle.is_some() && handle.is_none();
        let needs_login = account.needs_login || lapsed;
        Ok(Profile {
            account: account.account.clone(),
            handle,
            display_name: account.display_name.clone(),
            bio: account.bio.clone(),
            avatar: account.avatar.clone(),
            state: if needs_login { ProfileState::NeedsLogin } else { ProfileState::Current },
        })
    }

    /// Whether an id is of the kind this mirror mints; no other is ever looked for.
    pub(crate) fn is_ours(&self, account: &AccountId) -> bool {
        const LONGEST: usize = 64;
        let minted = account.as_str().strip_prefix(self.settings.scheme.as_str());
        account.as_str().len() <= LONGEST && minted.is_some_and(|rest| rest.starts_with(':'))
    }
}

impl HandleResolver for MirrorModel {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            let Ok(username) = Username::try_from(handle.clone()) else { return Ok(Lookup::Pass) };
            let answer = self.look_up(&username).await?;
            if let Lookup::Found { value, .. } = &answer {
                self.schedule.touch(&value.account);
            }
            trace.step(
                "store",
                || format!("who holds @{username}"),
                outcome(&answer),
                || match &answer {
                    Lookup::Found { value, .. } => {
                        format!("{}, as the upstream said at {}", value.account, value.proof.checked_at)
                    }
                    Lookup::Absent { why, .. } => why.as_str().to_owned(),
                    Lookup::Pass => String::new(),
                },
            );
            Ok(answer)
        })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            if !self.is_ours(account) {
                return Ok(Lookup::Pass);
            }
            let answer = self.show(account).await?;
            trace.step(
                "store",
                || format!("the profile of {account}"),
                outcome(&answer),
                || match &answer {
                    Lookup::Found { value, .. } => match &value.handle {
                        Some(handle) => format!("goes by @{handle}"),
                        None => "has no name that is confirmed".to_owned(),
                    },
                    _ => "no such account".to_owned(),
                },
            );
            Ok(answer)
        })
    }
}

fn absent<T>(why: Why) -> Lookup<T> {
    Lookup::Absent { why, ttl: Ttl::UntilPurged }
}

fn outcome<T>(answer: &Lookup<T>) -> StepOutcome {
    match answer {
        Lookup::Found { .. } => StepOutcome::Found,
        Lookup::Absent { .. } | Lookup::Pass => StepOutcome::Absent,
    }
}

impl fmt::Debug for MirrorModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MirrorModel").field("scheme", &self.settings.scheme).finish_non_exhaustive()
    }
}
