//! The verbs of life on a site with a table.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Handle, ManualClock, Policy, Timestamp,
    lab::{Act, Front, LabError, LabFuture, NotPlayed, Outcome, Person, Subject},
};

use super::table::Usernames;

/// A site that has nothing but the table.
pub(super) struct Site {
    clock: Arc<ManualClock>,
    table: Arc<Usernames>,
    front: Arc<dyn Front>,
    accounts: BTreeMap<Person, AccountId>,
}

impl Site {
    pub(super) fn new(clock: Arc<ManualClock>, table: Arc<Usernames>, front: Arc<dyn Front>) -> Self {
        Self { clock, table, front, accounts: BTreeMap::new() }
    }

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
