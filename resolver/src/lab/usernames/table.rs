//! The backend: a table.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use namesake::{
    AccountId, Answer, AvatarUrl, Bio, Bound, Change, ChangedBy, Clock as _, DisplayName, FieldRule, Handle,
    HandleResolver, Identity, Invalidator, Lookup, ManualClock, Method, Model, Namespace, OldName, Policy,
    Profile, Proof, Recreation, Scheme, SeededRandomness, Source, Trace, Ttl, Uniqueness, Why, lab::Field,
};

/// The backend.
#[derive(Debug)]
pub(super) struct Usernames {
    pub(super) policy: Policy,
    clock: Arc<ManualClock>,
    randomness: SeededRandomness,
    invalidator: Invalidator,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    pub(super) names: BTreeMap<Handle, AccountId>,
    pub(super) profiles: BTreeMap<AccountId, Profile>,
}

fn policy(scheme: Scheme) -> Policy {
    let holds = |handle: &Handle| is_username(handle.as_str());
    let mut policy = Policy::new(scheme, Model::Other, Namespace::new("names of letters and digits", holds));
    "A table of usernames.".clone_into(&mut policy.summary);
    policy.source = Source::Holder;
    policy.changed_by = ChangedBy::Holder;
    policy.visible_within = Bound::Immediately;
    policy.old_name = OldName::FreeAtOnce;
    policy.display_name = FieldRule::Own;
    policy.bio = FieldRule::Own;
    policy.picture = FieldRule::Own;
    policy.recreation = Recreation::IdentifierIsGone;
    policy.uniqueness = Uniqueness::Register;
    policy
}

fn is_username(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (2..=30).contains(&text.len()) && text.bytes().all(good)
}

impl Usernames {
    pub(super) fn new(scheme: Scheme, clock: Arc<ManualClock>, seed: u64, invalidator: Invalidator) -> Self {
        let randomness = SeededRandomness::new(seed);
        Self { policy: policy(scheme), clock, randomness, invalidator, table: Mutex::default() }
    }

    pub(super) fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an account a name, or none; refuses one that is held.
    pub(super) fn name(&self, account: &AccountId, handle: Option<Handle>) -> Result<(), &'static str> {
        let old = {
            let mut table = self.table();
            if handle.as_ref().is_some_and(|name| !is_username(name.as_str())) {
                return Err("a username has 2 to 30 letters, digits and hyphens");
            }
            let holder = handle.as_ref().and_then(|name| table.names.get(name));
            if holder.is_some_and(|holder| holder != account) {
                return Err("the username is taken");
            }
            let profile =
                table.profiles.entry(account.clone()).or_insert_with(|| Profile::bare(account.clone()));
            let old = std::mem::replace(&mut profile.handle, handle.clone());
            if let Some(old) = &old {
                table.names.remove(old);
            }
            table.names.extend(handle.clone().map(|handle| (handle, account.clone())));
            old
        };
        self.invalidator.tell(&Change { account: account.clone(), old, new: handle });
        Ok(())
    }

    pub(super) fn delete(&self, account: &AccountId) {
        let old = {
            let mut table = self.table();
            table.names.retain(|_, holder| holder != account);
            table.profiles.remove(account).and_then(|profile| profile.handle)
        };
        self.invalidator.tell(&Change { account: account.clone(), old, new: None });
    }

    pub(super) fn edit(&self, account: &AccountId, field: Field, text: &str) {
        let handle = {
            let mut table = self.table();
            let Some(profile) = table.profiles.get_mut(account) else { return };
            match field {
                Field::DisplayName => profile.display_name = DisplayName::clean(text),
                Field::Bio => profile.bio = Bio::clean(text),
                Field::Picture => profile.avatar = AvatarUrl::clean(text),
            }
            profile.handle.clone()
        };
        self.invalidator.tell(&Change { account: account.clone(), old: None, new: handle });
    }

    pub(super) fn mint(&self) -> AccountId {
        AccountId::mint(&self.policy.scheme, &self.randomness)
    }
}

impl HandleResolver for Usernames {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, _: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            if !is_username(handle.as_str()) {
                return Ok(Lookup::Pass);
            }
            let Some(account) = self.table().names.get(handle).cloned() else {
                return Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::UntilPurged });
            };
            let (handle, scheme) = (handle.clone(), self.policy.scheme.clone());
            let proof = Proof::new(Method::REGISTER, self.clock.now());
            Ok(Lookup::Found { value: Identity { handle, account, scheme, proof }, ttl: Ttl::UntilPurged })
        })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, _: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            Ok(match self.table().profiles.get(account) {
                Some(profile) => Lookup::Found { value: Arc::new(profile.clone()), ttl: Ttl::UntilPurged },
                None => Lookup::Absent { why: Why::Unknown, ttl: Ttl::UntilPurged },
            })
        })
    }
}
