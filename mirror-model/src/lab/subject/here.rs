//! What people do with their account here.

use namesake::{
    Handle, HandleResolver as _, Lookup, Trace,
    lab::{LabError, Outcome, Person},
};
use serde_json::Value;

use super::Mirrored;
use crate::{Edit, OwnError};

impl Mirrored {
    /// What the service's route does with a change of one's own profile.
    pub(super) async fn edit(&self, who: Person, change: &Value) -> Result<Outcome, LabError> {
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

    pub(super) async fn leave(&mut self, who: Person) -> Result<Outcome, LabError> {
        let (account, session) = self.account_of(who)?;
        self.world.mirror.delete(account, session).await?;
        Ok(Outcome::done(["delete the account here"]))
    }

    pub(super) async fn forget(&self, who: Person) -> Result<Outcome, LabError> {
        let (account, session) = self.account_of(who)?;
        let own = self.world.mirror.own(account, session).await?;
        let Some(former) = own.former_handles.last() else { return Ok(Outcome::impossible("there is none")) };
        let name = format!("\"{}\"", former.handle);
        let rows = self.world.rows_with(&[&name, &format!("/{}", former.handle)]).await?;
        Ok(Outcome::done([format!(
            "lookups do not say whose it was, and a list of former names is shown to its owner alone; {rows} rows of the register keep it until the account is deleted"
        )]))
    }

    pub(super) async fn erase(&mut self, who: Person) -> Result<Outcome, LabError> {
        let (account, username) = (self.account_of(who)?.0.clone(), self.username_of(who)?);
        let texts = [account.as_str(), &format!("\"{username}\"")];
        let before = self.world.rows_with(&texts).await?;
        self.leave(who).await?;
        let after = self.world.rows_with(&texts).await?;
        Ok(Outcome::done([format!(
            "deleted here at once: of {before} rows of the register that knew the account or its name, {after} are left; what the upstream keeps is the upstream's"
        )]))
    }

    pub(super) async fn verify(&self, who: Person) -> Result<Outcome, LabError> {
        let handle = Handle::parse(&self.username_of(who)?)?;
        let found = self.world.mirror.resolve(&handle, &Trace::OFF).await?;
        let Lookup::Found { value, .. } = found else { return Err("the name is not answered".into()) };
        Ok(Outcome::impossible(format!(
            "the proof is called {:?}: our word for what the upstream said to us, and it speaks to nobody else about this account",
            value.proof.method.to_string()
        )))
    }

    pub(super) async fn leave_with_name(&mut self, who: Person) -> Result<Outcome, LabError> {
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
}
