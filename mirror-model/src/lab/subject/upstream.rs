//! What people do, and suffer, at the upstream.

use namesake::lab::{Act, Field, LabError, Outcome, Person};

use super::{Mirrored, refused_upstream, told};
use crate::sandbox::{Faults, PersonEdit};

impl Mirrored {
    pub(super) fn rename(&mut self, who: Person, to: &str) -> Outcome {
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

    pub(super) fn swap(&mut self, one: Person, other: Person) -> Outcome {
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

    pub(super) fn edit_upstream(&self, who: Person, field: Field, text: &str) -> Outcome {
        let text = Some(text.to_owned());
        let edit = match field {
            Field::DisplayName => PersonEdit { name: text, ..PersonEdit::default() },
            Field::Bio => PersonEdit { bio: text, ..PersonEdit::default() },
            Field::Picture => PersonEdit { picture: text, ..PersonEdit::default() },
        };
        let username = self.people.get(&who).map_or("", |someone| &someone.username);
        told(self.world.sandbox.edit(username, edit), ["edit the profile at the upstream"])
    }

    /// The upstream takes a name from whoever has it, and lets somebody else have it.
    pub(super) async fn give_upstream(&mut self, name: &str, to: Person) -> Result<Outcome, LabError> {
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

    pub(super) async fn take_confusable(&mut self, who: Person, of: &str) -> Result<Outcome, LabError> {
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
    pub(super) async fn lose_login(
        &mut self,
        name: &str,
        by: Person,
        act: &Act,
    ) -> Result<Outcome, LabError> {
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
    pub(super) async fn reset_password(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    pub(super) fn faults(&self, faults: Faults) {
        self.world.sandbox.set_faults(faults);
    }
}
