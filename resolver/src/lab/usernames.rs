//! A column of a backend from outside: a table of usernames, as most sites have one. Nothing here is known to the lab.
//!
//! A name is its holder's to choose and to change; given up, it is anybody's at once.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use namesake::{
    AccountId, Answer, AvatarUrl, Bio, Bound, Change, ChangedBy, Clock, DisplayName, FieldRule, Handle,
    HandleResolver, Identity, Invalidator, Lookup, ManualClock, Method, Model, Namespace, OldName, Policy,
    Profile, Proof, Recreation, Scheme, SeededRandomness, Source, Timestamp, Trace, Ttl, Uniqueness, Why,
    lab::{
        Act, Column, ColumnInfo, Documented, Field, Front, LabError, LabFuture, NotPlayed, Outcome, Person,
        Service, Settings, Subject,
    },
};

/// Names in a table.
pub struct UsernamesColumn {
    service: Arc<dyn Service>,
}

impl UsernamesColumn {
    /// The column, asked through `service`.
    #[must_use]
    pub fn new(service: Arc<dyn Service>) -> Self {
        Self { service }
    }
}

impl fmt::Debug for UsernamesColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernamesColumn").finish_non_exhaustive()
    }
}

impl Column for UsernamesColumn {
    fn info(&self) -> ColumnInfo {
        ColumnInfo {
            id: "D".to_owned(),
            title: "Local usernames".to_owned(),
            summary:
                "A table of names, as most sites have one: its holder changes a name, and it is free at once."
                    .to_owned(),
            limits: Some(
                "A backend of a few lines, to compare with; it is no part of the service.".to_owned(),
            ),
        }
    }

    fn settings(&self) -> Settings {
        Settings::default()
    }

    fn begin<'a>(&'a self, _: &'a Settings, seed: u64) -> LabFuture<'a, Box<dyn Subject>> {
        Box::pin(async move {
            let clock = Arc::new(ManualClock::new(Timestamp::constant(1_767_603_600, 0)));
            let scheme = Scheme::parse("usernames")?;
            let mut made = None;
            let front =
                self.service.open(&scheme, clock.clone(), Duration::from_secs(600), &mut |invalidator| {
                    let table = Arc::new(Usernames {
                        policy: policy(scheme.clone()),
                        clock: clock.clone(),
                        randomness: SeededRandomness::new(seed),
                        invalidator,
                        table: Mutex::default(),
                    });
                    made = Some(Arc::clone(&table));
                    table
                })?;
            let table = made.ok_or("the service made no backend")?;
            Ok(Box::new(Site { clock, table, front, accounts: BTreeMap::new() }) as _)
        })
    }

    fn documented(&self, _: &str) -> Option<Documented> {
        None
    }
}

/// The backend.
#[derive(Debug)]
struct Usernames {
    policy: Policy,
    clock: Arc<ManualClock>,
    randomness: SeededRandomness,
    invalidator: Invalidator,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    names: BTreeMap<Handle, AccountId>,
    profiles: BTreeMap<AccountId, Profile>,
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
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives an account a name, or none; refuses one that is held.
    fn name(&self, account: &AccountId, handle: Option<Handle>) -> Result<(), &'static str> {
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

    fn delete(&self, account: &AccountId) {
        let old = {
            let mut table = self.table();
            table.names.retain(|_, holder| holder != account);
            table.profiles.remove(account).and_then(|profile| profile.handle)
        };
        self.invalidator.tell(&Change { account: account.clone(), old, new: None });
    }

    fn edit(&self, account: &AccountId, field: Field, text: &str) {
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

    fn mint(&self) -> AccountId {
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

/// A site that has nothing but the table.
struct Site {
    clock: Arc<ManualClock>,
    table: Arc<Usernames>,
    front: Arc<dyn Front>,
    accounts: BTreeMap<Person, AccountId>,
}

impl Site {
    fn play(&mut self, act: &Act) -> Result<Outcome, LabError> {
        Ok(match act {
            Act::Join { who, wish } | Act::JoinUnlinked { who, wish } => self.join(*who, wish)?,
            Act::ComeBack { who } => self.join(*who, "ann")?,
            Act::Take { who, wish } | Act::Rename { who, wish } | Act::RenameHere { who, wish } => {
                let joins = matches!(act, Act::Take { .. });
                self.rename(*who, wish, joins)?
            }
            Act::TakeShort { who } => self.join(*who, "al")?,
            Act::TakeConfusable { who, of } => self.take_confusable(*who, of)?,
            Act::MoveToOwnName { .. } => Outcome::impossible("every name is one of the table"),
            Act::Swap { one, other } => self.swap(*one, *other)?,
            Act::LoseHints { .. } => Outcome::done::<String>([]),
            Act::SourceDown { .. } => Outcome::done::<String>([]),
            Act::EditAtSource { .. } => Outcome::impossible("there is nothing outside the table"),
            Act::EditHere { who, field, text } => {
                self.table.edit(self.account_of(*who)?, *field, text);
                Outcome::done(["edit the profile"])
            }
            Act::Leave { who } => {
                self.table.delete(self.account_of(*who)?);
                Outcome::done(["delete the account"])
            }
            Act::GiveAtSource { .. } => Outcome::impossible("there is nothing outside the table"),
            Act::Lapse { .. } => Outcome::impossible("a row of the table does not lapse"),
            Act::LeaveEmployer { .. } => Outcome::impossible("the name is a row of the table"),
            Act::BanService => Outcome::impossible("there is no upstream that it depends on"),
            Act::Dormant { days, .. } => {
                self.clock.advance(Duration::from_secs(u64::from(*days) * 24 * 3600));
                Outcome::done::<String>([])
            }
            Act::BanUser { who } => {
                self.table.delete(self.account_of(*who)?);
                Outcome::done(["the operator deletes the row"])
            }
            Act::Order { wish, to } => self.order(wish, *to)?,
            Act::ForgetOldName { .. } => Outcome::done(["nothing: the table keeps no former name"]),
            Act::Erase { who } => self.erase(*who)?,
            Act::VerifyWithoutUs { .. } => {
                Outcome::impossible("the table is the operator's word, and nothing is signed")
            }
            Act::LeaveWithName { .. } => {
                Outcome::impossible("the name is a row of this table, and of no other")
            }
            Act::Hijack { .. } | Act::Recover { .. } | Act::LoseKey { .. } | Act::LoseMail { .. } => {
                return NotPlayed::because(
                    "it depends on how the site signs people in, which the table says nothing about",
                );
            }
            _ => return NotPlayed::because(NotPlayed::UNKNOWN),
        })
    }

    fn join(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
        let account = self.table.mint();
        if let Err(refused) = self.table.name(&account, Some(Handle::parse(wish)?)) {
            return Ok(Outcome::impossible(refused));
        }
        self.accounts.insert(who, account);
        Ok(Outcome::done(["choose a username"]))
    }

    fn rename(&mut self, who: Person, wish: &str, joins: bool) -> Result<Outcome, LabError> {
        let account =
            self.accounts.get(&who).filter(|account| self.table.table().profiles.contains_key(account));
        let Some(account) = account else {
            return if joins {
                self.join(who, wish)
            } else {
                Ok(Outcome::impossible("they have no account"))
            };
        };
        Ok(match self.table.name(account, Some(Handle::parse(wish)?)) {
            Ok(()) => Outcome::done(["choose another username"]),
            Err(refused) => Outcome::impossible(refused),
        })
    }

    fn take_confusable(&mut self, who: Person, of: &str) -> Result<Outcome, LabError> {
        let other_alphabet = format!("\u{430}{}", of.get(1..).unwrap_or_default());
        let refused = match self.join(who, &other_alphabet)? {
            Outcome::Done { .. } => "in another alphabet it is given".to_owned(),
            Outcome::Impossible { why } => format!("in another alphabet it is refused, {why}"),
        };
        let like = format!("{of}-");
        Ok(match self.join(who, &like)? {
            Outcome::Done { .. } => Outcome::done([refused, format!("{like} is given")]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    fn swap(&mut self, one: Person, other: Person) -> Result<Outcome, LabError> {
        let (ones, others) = (self.name_of(one)?, self.name_of(other)?);
        let mut steps = Vec::new();
        for (who, name) in [(one, "for-a-moment"), (other, ones.as_str()), (one, others.as_str())] {
            match self.rename(who, name, false)? {
                Outcome::Done { .. } => steps.push(format!("{who} becomes {name}")),
                impossible @ Outcome::Impossible { .. } => return Ok(impossible),
            }
        }
        Ok(Outcome::done(steps))
    }

    fn order(&mut self, wish: &str, to: Person) -> Result<Outcome, LabError> {
        let holder = self.table.table().names.get(&Handle::parse(wish)?).cloned();
        if let Some(holder) = holder
            && let Err(refused) = self.table.name(&holder, None)
        {
            return Ok(Outcome::impossible(refused));
        }
        Ok(match self.rename(to, wish, true)? {
            Outcome::Done { .. } => Outcome::done(["the operator changes the table"]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    fn erase(&mut self, who: Person) -> Result<Outcome, LabError> {
        let account = self.account_of(who)?;
        self.table.delete(account);
        let table = self.table.table();
        let left = table.names.values().filter(|holder| *holder == account).count()
            + usize::from(table.profiles.contains_key(account));
        Ok(Outcome::done([format!("deleted at once: {left} rows know the account")]))
    }

    fn name_of(&self, who: Person) -> Result<Handle, LabError> {
        let account = self.account_of(who)?;
        let table = self.table.table();
        let handle = table.profiles.get(account).and_then(|profile| profile.handle.clone());
        handle.ok_or_else(|| format!("{who} has no name").into())
    }

    fn account_of(&self, who: Person) -> Result<&AccountId, LabError> {
        self.accounts.get(&who).ok_or_else(|| format!("{who} has no account").into())
    }
}

impl Subject for Site {
    fn policy(&self) -> &Policy {
        &self.table.policy
    }

    #[expect(clippy::expect_used, reason = "the wishes of scenarios are good usernames")]
    fn handle(&self, wish: &str) -> Handle {
        Handle::parse(wish).expect("a username")
    }

    fn account(&self, who: Person) -> Option<AccountId> {
        self.accounts.get(&who).cloned()
    }

    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome> {
        Box::pin(async move { self.play(act) })
    }

    fn front(&self) -> Arc<dyn Front> {
        Arc::clone(&self.front)
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()> {
        self.clock.advance(time);
        Box::pin(async { Ok(()) })
    }
}
