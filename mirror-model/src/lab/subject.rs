//! The verbs of life under a mirror.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Handle, HandleResolver as _, Lookup, Policy, Timestamp, Trace,
    lab::{Act, Field, Front, LabError, LabFuture, NotPlayed, Outcome, Person, Subject},
};
use serde_json::json;

use super::world::World;
use crate::{
    Edit, OwnError, SessionToken,
    sandbox::{ControlError, Faults, NewPerson, PersonEdit},
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

    fn rename(&mut self, who: Person, to: &str) -> Outcome {
        let Some(someone) = self.people.get_mut(&who) else {
            return Outcome::impossible("they have no account upstream");
        };
        if someone.locked_out {
            return Outcome::impossible("the account upstream is in somebody else's hands");
        }
        match self.world.sandbox.rename(&someone.username, to) {
            Ok(()) => {
                to.clone_into(&mut someone.username);
                Outcome::done(["change the username at the upstream"])
            }
            Err(error) => refused_upstream(error),
        }
    }

    fn swap(&mut self, one: Person, other: Person) -> Outcome {
        let name = |who| self.people.get(&who).map(|someone| someone.username.clone());
        let (Some(ones), Some(others)) = (name(one), name(other)) else {
            return Outcome::impossible("one of them has no account");
        };
        let mut steps = Vec::new();
        for (who, to) in [(one, "for.a.moment"), (other, ones.as_str()), (one, others.as_str())] {
            match self.rename(who, to) {
                Outcome::Done { .. } => steps.push(format!("{who} becomes {to} upstream")),
                impossible @ Outcome::Impossible { .. } => return impossible,
            }
        }
        Outcome::done(steps)
    }

    fn edit_upstream(&self, who: Person, field: Field, text: &str) -> Outcome {
        let text = Some(text.to_owned());
        let edit = match field {
            Field::DisplayName => PersonEdit { name: text, ..PersonEdit::default() },
            Field::Bio => PersonEdit { bio: text, ..PersonEdit::default() },
            Field::Picture => PersonEdit { picture: text, ..PersonEdit::default() },
        };
        let username = self.people.get(&who).map_or("", |someone| &someone.username);
        told(self.world.sandbox.edit(username, edit), ["edit the profile at the upstream"])
    }

    /// What the service's route does with a change of one's own profile.
    async fn edit(&self, who: Person, change: &serde_json::Value) -> Result<Outcome, LabError> {
        let (account, session) = self.account_of(who)?;
        let edit = match Edit::from_json(change.to_string().as_bytes(), &self.world.mirror) {
            Ok(edit) => edit,
            Err(refused) => return Ok(Outcome::impossible(refused.to_string())),
        };
        match self.world.mirror.edit(account, session, edit).await {
            Ok(_) => Ok(Outcome::done(["edit the profile here"])),
            Err(OwnError::Register(error)) => Err(error.into()),
            Err(refused) => Ok(Outcome::impossible(refused.to_string())),
        }
    }

    async fn leave(&mut self, who: Person) -> Result<Outcome, LabError> {
        let (account, session) = self.account_of(who)?;
        self.world.mirror.delete(account, session).await?;
        Ok(Outcome::done(["delete the account here"]))
    }

    /// The upstream takes a name from whoever has it, and lets somebody else have it.
    async fn give_upstream(&mut self, name: &str, to: Person) -> Result<Outcome, LabError> {
        let holder = self.people.iter().find(|(_, someone)| someone.username == name).map(|(who, _)| *who);
        if let Some(holder) = holder {
            let impossible = self.rename(holder, &format!("{name}.moved"));
            if !impossible.is_done() {
                return Ok(impossible);
            }
        }
        Ok(match self.join(to, name).await? {
            Outcome::Done { .. } => Outcome::done(["the upstream gives the name to somebody else"]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    async fn take_confusable(&mut self, who: Person, of: &str) -> Result<Outcome, LabError> {
        // A Cyrillic а in place of the first letter.
        let other_alphabet = format!("\u{430}{}", of.get(1..).unwrap_or_default());
        let refused = match self.join(who, &other_alphabet).await? {
            Outcome::Done { .. } => format!("{other_alphabet} in another alphabet is given"),
            Outcome::Impossible { why } => format!("in another alphabet it is refused, {why}"),
        };
        let like = format!("{of}_");
        Ok(match self.join(who, &like).await? {
            Outcome::Done { .. } => Outcome::done([refused, format!("{like} is given")]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    /// Somebody else signs in with the login upstream, and so gets the account here.
    async fn lose_login(&mut self, name: &str, by: Person, act: &Act) -> Result<Outcome, LabError> {
        let holder = self.people.iter().find(|(_, someone)| someone.username == name).map(|(who, _)| *who);
        let holder = holder.ok_or("nobody has that name")?;
        let (account, old) = self.account_of(holder)?.clone();
        let linked = match self.world.link(name, None).await? {
            Ok(linked) => linked,
            Err(why) => return Ok(Outcome::impossible(why)),
        };
        let signed_out = self.world.mirror.own(&account, &old).await.is_err();
        let whose = if linked.account == account { "the very account here" } else { "another account here" };
        let out = if signed_out { "the holder is signed out" } else { "the holder stays signed in" };
        if let Some(someone) = self.people.get_mut(&holder) {
            someone.locked_out = true;
        }
        let thief = match act {
            Act::LeaveEmployer { .. } => "the employer".to_owned(),
            _ => format!("{by}"),
        };
        Ok(Outcome::done([format!("{thief} signs in with the login upstream and gets {whose}; {out}")]))
    }

    /// A new password at the upstream ends every token, and every other sign-in there.
    async fn reset_password(&mut self, who: Person) -> Result<Outcome, LabError> {
        let username = self.username_of(who)?;
        let before = self.account_of(who)?.0.clone();
        self.world.sandbox.revoke_tokens(&username)?;
        if let Some(someone) = self.people.get_mut(&who) {
            someone.locked_out = false;
        }
        let again = self.sign_in(who).await?;
        let same = self.account_of(who)?.0 == before;
        Ok(match again {
            Outcome::Done { .. } if same => Outcome::done([
                "get a new password from the upstream",
                "sign in there and here again: it is the same account",
            ]),
            Outcome::Done { .. } => Outcome::impossible("signing in again made another account"),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    async fn forget(&self, who: Person) -> Result<Outcome, LabError> {
        let (account, session) = self.account_of(who)?;
        let own = self.world.mirror.own(account, session).await?;
        let Some(former) = own.former_handles.last() else { return Ok(Outcome::impossible("there is none")) };
        let name = format!("\"{}\"", former.handle);
        let rows = self.world.rows_with(&[&name, &format!("/{}", former.handle)]).await?;
        Ok(Outcome::done([format!(
            "lookups do not say whose it was, and a list of former names is shown to its owner alone; {rows} rows of the register keep it until the account is deleted"
        )]))
    }

    async fn erase(&mut self, who: Person) -> Result<Outcome, LabError> {
        let (account, username) = (self.account_of(who)?.0.clone(), self.username_of(who)?);
        let texts = [account.as_str(), &format!("\"{username}\"")];
        let before = self.world.rows_with(&texts).await?;
        self.leave(who).await?;
        let after = self.world.rows_with(&texts).await?;
        Ok(Outcome::done([format!(
            "deleted here at once: of {before} rows of the register that knew the account or its name, {after} are left; what the upstream keeps is the upstream's"
        )]))
    }

    async fn verify(&self, who: Person) -> Result<Outcome, LabError> {
        let handle = Handle::parse(&self.username_of(who)?)?;
        let found = self.world.mirror.resolve(&handle, &Trace::OFF).await?;
        let Lookup::Found { value, .. } = found else { return Err("the name is not answered".into()) };
        Ok(Outcome::impossible(format!(
            "the proof is called {:?}: our word for what the upstream said to us, and it speaks to nobody else about this account",
            value.proof.method.to_string()
        )))
    }

    async fn leave_with_name(&mut self, who: Person) -> Result<Outcome, LabError> {
        let before = self.account_of(who)?.0.clone();
        self.leave(who).await?;
        let gone = self.world.mirror.profile(&before, &Trace::OFF).await?.found().is_none();
        // Another service that mirrors the same upstream is asked as this one is.
        self.sign_in(who).await?;
        let (after, _) = self.account_of(who)?;
        let kept = if gone && *after != before {
            "nothing of the account here goes along"
        } else {
            "the account goes along"
        };
        Ok(Outcome::done([format!(
            "the name stays with the account upstream, and is there wherever that is linked; {kept}"
        )]))
    }

    fn faults(&self, faults: Faults) {
        self.world.sandbox.set_faults(faults);
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
