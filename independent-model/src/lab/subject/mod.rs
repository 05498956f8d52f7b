//! The verbs of life under this model, in either way of using it.

mod keys;
mod names;
mod records;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Handle, Policy, Timestamp,
    lab::{Act, Front, LabError, LabFuture, NotPlayed, Outcome, Person, Subject},
};

use super::{
    Way,
    holder::{Holder, hostname},
    world::{DOMAIN, OWN, World},
};
use crate::{
    Faults, Hostname,
    hosted::{Receipt, Rejection},
};

/// People with keys, and who owns which domain.
pub(super) struct Independent {
    world: World,
    seed: u64,
    /// How many sets of keys were made: nobody gets the same twice.
    lives: u32,
    people: BTreeMap<Person, Holder>,
    owners: BTreeMap<Hostname, Person>,
}

impl Independent {
    pub(super) fn new(world: World, seed: u64) -> Self {
        Self { world, seed, lives: 0, people: BTreeMap::new(), owners: BTreeMap::new() }
    }

    async fn play(&mut self, act: &Act) -> Result<Outcome, LabError> {
        let own = self.world.way == Way::OwnDomain;
        match act {
            Act::Join { who, wish } | Act::JoinUnlinked { who, wish } => self.join(*who, wish).await,
            Act::Rename { who, wish } | Act::RenameHere { who, wish } => self.rename(*who, wish).await,
            Act::Take { who, wish } => self.take(*who, wish).await,
            Act::TakeShort { who } => self.take(*who, "al").await,
            Act::TakeConfusable { who, of } => self.take_confusable(*who, of).await,
            Act::MoveToOwnName { .. } if own => Ok(Outcome::impossible("it is one's own already")),
            Act::MoveToOwnName { who, wish } => self.claim_domain(*who, &hostname(wish, OWN)?).await,
            Act::Swap { one, other } => self.swap(*one, *other).await,
            Act::LoseHints { .. } => Ok(Outcome::done::<String>([])),
            Act::EditAtSource { .. } => Ok(Outcome::impossible("a name has no profile but the one here")),
            Act::EditHere { who, field, text } => self.edit(*who, *field, text).await,
            Act::Leave { who } => self.leave(*who).await,
            Act::ComeBack { who } => self.come_back(*who).await,
            Act::GiveAtSource { wish, to } | Act::Order { wish, to } if own => self.give(wish, *to).await,
            Act::GiveAtSource { .. } => Ok(Outcome::impossible("nobody stands behind the register")),
            Act::Order { wish, .. } => self.forge(self.holder_of(wish)?).await,
            Act::SourceDown { down } => {
                self.world.internet.set_faults(if *down {
                    Faults::everything_down()
                } else {
                    Faults::default()
                });
                Ok(Outcome::done::<String>([]))
            }
            Act::Lapse { wish } if own => {
                let name = hostname(wish, OWN)?;
                self.owners.remove(&name);
                self.world.internet.remove_txt(name.as_str());
                Ok(Outcome::done(["nobody renews the domain"]))
            }
            Act::Lapse { .. } => {
                Ok(Outcome::impossible("a name of the platform has no registration that ends"))
            }
            Act::Hijack { wish, by } if own => self.hijack_domain(wish, *by).await,
            Act::Hijack { wish, by } => self.steal_key(wish, *by).await,
            Act::Recover { wish, who } if own => self.recover_domain(wish, *who),
            Act::Recover { who, .. } => self.recover(*who).await,
            Act::LoseKey { who } => self.lose_key(*who).await,
            Act::LoseMail { who } => self.lose_mail(*who).await,
            Act::LeaveEmployer { wish, .. } if own => {
                self.world.internet.remove_txt(hostname(wish, OWN)?.as_str());
                Ok(Outcome::done(["the employer, whose domain it is, removes the TXT record"]))
            }
            Act::LeaveEmployer { .. } => Ok(Outcome::impossible("it is the platform that gave the name")),
            Act::BanUser { who } => self.forge(*who).await,
            Act::BanService => Ok(Outcome::impossible("there is no upstream that it depends on")),
            Act::Dormant { days, .. } => {
                self.world.clock.advance(Duration::from_secs(u64::from(*days) * 24 * 3600));
                Ok(Outcome::done::<String>([]))
            }
            Act::ForgetOldName { who } => self.forget(*who).await,
            Act::Erase { who } => self.erase(*who).await,
            Act::VerifyWithoutUs { who } => self.verify(*who).await,
            Act::LeaveWithName { who } => self.leave_with_name(*who).await,
            _ => NotPlayed::because(NotPlayed::UNKNOWN),
        }
    }

    fn holder(&self, who: Person) -> Result<&Holder, LabError> {
        self.people.get(&who).ok_or_else(|| format!("{who} has no account").into())
    }

    fn holder_of(&self, wish: &str) -> Result<Person, LabError> {
        let name = self.name(wish)?;
        let holder = self.people.iter().find(|(_, holder)| claim_of(holder).as_ref() == Some(&name));
        Ok(*holder.ok_or("nobody goes by that name")?.0)
    }

    fn claimed(&self, who: Person) -> Option<Hostname> {
        self.people.get(&who).and_then(claim_of)
    }

    fn domain(&self) -> &'static str {
        match self.world.way {
            Way::BelowPlatform => DOMAIN,
            Way::OwnDomain => OWN,
        }
    }

    fn name(&self, wish: &str) -> Result<Hostname, LabError> {
        Ok(hostname(wish, self.domain())?)
    }
}

impl Subject for Independent {
    fn policy(&self) -> &Policy {
        &self.world.policy
    }

    #[expect(clippy::expect_used, reason = "the wishes of scenarios are good labels")]
    fn handle(&self, wish: &str) -> Handle {
        Handle::parse(&format!("{wish}.{}", self.domain())).expect("a handle")
    }

    fn account(&self, who: Person) -> Option<AccountId> {
        self.people.get(&who).and_then(|holder| holder.account().ok())
    }

    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome> {
        Box::pin(self.play(act))
    }

    fn front(&self) -> Arc<dyn Front> {
        Arc::clone(&self.world.front)
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()> {
        self.world.clock.advance(time);
        Box::pin(async { Ok(()) })
    }
}

/// The name that the newest entry claims, also if it is the last.
fn claim_of(holder: &Holder) -> Option<Hostname> {
    holder.head.handle().and_then(|handle| Hostname::parse(handle.as_str()).ok())
}

fn taken(receipt: Result<Receipt, Rejection>, steps: Vec<&str>) -> Outcome {
    match receipt {
        Ok(_) => Outcome::done(steps),
        Err(refused) => Outcome::impossible(refused.to_string()),
    }
}
