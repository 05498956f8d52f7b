//! The verbs of life under a mirror.

mod here;
mod upstream;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Handle, HandleResolver as _, Policy, Timestamp,
    lab::{Act, Field, Front, LabError, LabFuture, NotPlayed, Outcome, Person, Subject},
};
use serde_json::json;

use super::world::World;
use crate::{
    SessionToken,
    sandbox::{ControlError, Faults, NewPerson},
};

/// In a long time nothing is missed that is looked for no more finely than this.
const STEP: Duration = Duration::from_secs(6 * 3600);

/// People, upstream and here.
pub(super) struct Mirrored {
    world: World,
    people: BTreeMap<Person, Someone>,
}

struct Someone {
    /// What the upstream calls them.
    username: String,
    account: Option<(AccountId, SessionToken)>,
    /// Whether somebody else has their login upstream.
    locked_out: bool,
}

impl Mirrored {
    pub(super) fn new(world: World) -> Self {
        Self { world, people: BTreeMap::new() }
    }

    async fn play(&mut self, act: &Act) -> Result<Outcome, LabError> {
        match act {
            Act::Join { who, wish } | Act::Take { who, wish } => self.join(*who, &username(wish)).await,
            Act::TakeShort { who } => self.join(*who, "al").await,
            Act::JoinUnlinked { .. } => Ok(match self.world.link("", None).await? {
                Ok(_) => Outcome::done(["sign up"]),
                Err(why) => Outcome::impossible(why),
            }),
            Act::LinkAnother { who } => self.link_another(*who).await,
            Act::Rename { who, wish } => Ok(self.rename(*who, &username(wish))),
            Act::RenameHere { who, wish } | Act::MoveToOwnName { who, wish } => {
                self.edit(*who, &json!({ "handle": wish })).await
            }
            Act::Swap { one, other } => Ok(self.swap(*one, *other)),
            Act::LoseHints { lost } => {
                self.faults(Faults { webhooks: Some(!lost), ..Faults::default() });
                Ok(Outcome::done::<String>([]))
            }
            Act::SourceDown { down } => {
                self.faults(Faults { outage: Some(*down), ..Faults::default() });
                Ok(Outcome::done::<String>([]))
            }
            Act::EditAtSource { who, field, text } => Ok(self.edit_upstream(*who, *field, text)),
            Act::EditHere { who, field, text } => {
                let field = match field {
                    Field::DisplayName => "displayName",
                    Field::Bio => "description",
                    Field::Picture => "avatar",
                };
                self.edit(*who, &json!({ field: text })).await
            }
            Act::Leave { who } => self.leave(*who).await,
            Act::ComeBack { who } => self.sign_in(*who).await,
            Act::GiveAtSource { wish, to } => self.give_upstream(&username(wish), *to).await,
            Act::TakeConfusable { who, of } => self.take_confusable(*who, &username(of)).await,
            Act::Lapse { wish } => {
                Ok(told(self.world.sandbox.remove(&username(wish)), ["the account upstream is deleted"]))
            }
            Act::BanUser { who } => {
                let username = self.username_of(*who)?;
                Ok(told(self.world.sandbox.remove(&username), ["the upstream closes the account there"]))
            }
            Act::BanService => {
                self.world.sandbox.ban_client();
                Ok(Outcome::done(["the upstream refuses every token of this service"]))
            }
            Act::Hijack { wish, by } | Act::LeaveEmployer { wish, who: by } => {
                self.lose_login(&username(wish), *by, act).await
            }
            Act::Recover { who, .. } | Act::LoseKey { who } => self.reset_password(*who).await,
            Act::Dormant { days, .. } => {
                self.wait(Duration::from_secs(u64::from(*days) * 24 * 3600)).await;
                Ok(Outcome::done::<String>([]))
            }
            Act::ForgetOldName { who } => self.forget(*who).await,
            Act::Erase { who } => self.erase(*who).await,
            Act::Order { wish, .. } => Ok(Outcome::impossible(format!(
                "@{}: {}",
                username(wish),
                self.world.mirror.handle_is_mirrored()
            ))),
            Act::VerifyWithoutUs { who } => self.verify(*who).await,
            Act::LoseMail { .. } => {
                NotPlayed::because("the mailbox belongs to the account upstream, which alone knows it")
            }
            Act::LeaveWithName { who } => self.leave_with_name(*who).await,
            _ => NotPlayed::because(NotPlayed::UNKNOWN),
        }
    }

    /// Signs up under a name: a new account upstream, or a new name of the one there is, if the upstream gives it.
    async fn join(&mut self, who: Person, username: &str) -> Result<Outcome, LabError> {
        let given = match self.people.get(&who) {
            Some(someone) if someone.username == username => Ok(()),
            Some(someone) => self.world.sandbox.rename(&someone.username, username),
            None => self.world.sandbox.add(person(who, username)),
        };
        if let Err(error) = given {
            return Ok(refused_upstream(error));
        }
        let unlinked = || Someone { username: String::new(), account: None, locked_out: false };
        let someone = self.people.entry(who).or_insert_with(unlinked);
        username.clone_into(&mut someone.username);
        self.sign_in(who).await
    }

    async fn sign_in(&mut self, who: Person) -> Result<Outcome, LabError> {
        let username = self.username_of(who)?;
        let linked = match self.world.link(&username, None).await? {
            Ok(linked) => linked,
            Err(why) => return Ok(Outcome::impossible(why)),
        };
        if let Some(someone) = self.people.get_mut(&who) {
            someone.account = Some((linked.account, linked.token));
        }
        Ok(Outcome::done(["sign in at the upstream", "agree there that this service may ask who one is"]))
    }

    async fn link_another(&mut self, who: Person) -> Result<Outcome, LabError> {
        const SECOND: &str = "second.account";
        let (_, session) = self.account_of(who)?.clone();
        self.world.sandbox.add(person(who, SECOND))?;
        Ok(match self.world.link(SECOND, Some(&session)).await? {
            Ok(_) => Outcome::done(["sign in at the second account upstream"]),
            Err(why) => Outcome::impossible(why),
        })
    }

    fn username_of(&self, who: Person) -> Result<String, LabError> {
        let someone = self.people.get(&who).ok_or_else(|| format!("{who} is not known upstream"))?;
        Ok(someone.username.clone())
    }

    fn account_of(&self, who: Person) -> Result<&(AccountId, SessionToken), LabError> {
        let account = self.people.get(&who).and_then(|someone| someone.account.as_ref());
        account.ok_or_else(|| format!("{who} has no account here").into())
    }

    async fn wait(&self, time: Duration) {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(STEP);
            self.world.clock.advance(step);
            self.world.settle().await;
            left -= step;
        }
    }
}

impl Subject for Mirrored {
    fn policy(&self) -> &Policy {
        self.world.mirror.policy()
    }

    #[expect(
        clippy::expect_used,
        reason = "the wishes of scenarios are good usernames once hyphens are replaced"
    )]
    fn handle(&self, wish: &str) -> Handle {
        Handle::parse(&username(wish)).expect("a username")
    }

    fn account(&self, who: Person) -> Option<AccountId> {
        self.account_of(who).ok().map(|(account, _)| account.clone())
    }

    fn act<'a>(&'a mut self, act: &'a Act) -> LabFuture<'a, Outcome> {
        Box::pin(async move {
            let outcome = self.play(act).await?;
            self.world.settle().await;
            Ok(outcome)
        })
    }

    fn front(&self) -> Arc<dyn Front> {
        Arc::clone(&self.world.front)
    }

    fn now(&self) -> Timestamp {
        self.world.clock.now()
    }

    fn pass(&mut self, time: Duration) -> LabFuture<'_, ()> {
        Box::pin(async move {
            self.wait(time).await;
            Ok(())
        })
    }
}

fn username(wish: &str) -> String {
    wish.replace('-', "_")
}

fn person(who: Person, username: &str) -> NewPerson {
    NewPerson {
        username: username.to_owned(),
        name: Some(format!("{who} of there")),
        bio: Some("Written there at the beginning.".to_owned()),
        picture: Some(format!("https://pictures.test/{who}.png")),
    }
}

fn told<const N: usize>(done: Result<(), ControlError>, steps: [&str; N]) -> Outcome {
    match done {
        Ok(()) => Outcome::done(steps),
        Err(error) => refused_upstream(error),
    }
}

fn refused_upstream(error: ControlError) -> Outcome {
    Outcome::impossible(format!("the upstream says: {error}"))
}
