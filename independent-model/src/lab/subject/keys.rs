//! Keys and domains: stolen, lost, and not had at all.

use namesake::lab::{LabError, Outcome, Person};
use sha2::{Digest as _, Sha256};

use super::{super::holder::key, Independent, taken};

impl Independent {
    pub(super) async fn hijack_domain(&mut self, wish: &str, by: Person) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        let receipt = self.begin(by, Some(&name)).await?;
        receipt?;
        self.publish(by, &name)?;
        Ok(Outcome::done([
            "the thief replaces the TXT record, and claims the name with an account of their own",
        ]))
    }

    pub(super) fn recover_domain(&mut self, wish: &str, who: Person) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        self.publish(who, &name)?;
        Ok(Outcome::done(["the owner puts the TXT record back"]))
    }

    /// A thief has the key that signs next, and not the one put away.
    pub(super) async fn steal_key(&mut self, wish: &str, by: Person) -> Result<Outcome, LabError> {
        let holder = self.holder_of(wish)?;
        let thief = key(&Sha256::digest(format!("{} {by}", self.seed)).into(), 0);
        let done = self.holder(holder)?.robbed(&thief.multikey().hash(), self.world.tick())?;
        let receipt = self.post(holder, done).await?;
        Ok(taken(
            receipt,
            vec!["with a stolen key the thief drops the name, and puts a key of their own in place"],
        ))
    }

    pub(super) async fn recover(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = self.name("ann")?;
        let done = self.holder(who)?.recover(Some(&name), self.world.tick())?;
        Ok(taken(
            self.post(who, done).await?,
            vec!["one entry, signed with the recovery key, takes everything back"],
        ))
    }

    pub(super) async fn lose_key(&mut self, who: Person) -> Result<Outcome, LabError> {
        let before = self.holder(who)?.account()?;
        let name = self.claimed(who).ok_or("nobody of that name")?;
        let done = self.holder(who)?.recover(Some(&name), self.world.tick())?;
        let receipt = self.post(who, done).await?;
        let same = receipt.as_ref().is_ok_and(|receipt| *receipt.did.account() == before);
        Ok(taken(
            receipt,
            vec![
                "take the recovery key from where it was put",
                if same {
                    "sign one entry with it: same account, same name, new keys. Without the recovery key nobody can help"
                } else {
                    "sign one entry with it: another account"
                },
            ],
        ))
    }

    pub(super) async fn lose_mail(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = self.claimed(who).ok_or("nobody of that name")?;
        let receipt = self.claim(who, Some(&name)).await?;
        Ok(taken(
            receipt,
            vec!["nothing: no mailbox was ever asked for, and the next signed entry is taken as ever"],
        ))
    }

    /// What an operator could try, who has nobody's key.
    pub(super) async fn forge(&mut self, who: Person) -> Result<Outcome, LabError> {
        let operator = key(&Sha256::digest(format!("{} operator", self.seed)).into(), 0);
        let holder = self.holder(who)?;
        let (account, entry) = (holder.account()?, holder.forged(&operator, self.world.tick())?);
        Ok(match self.world.hosted.append(&account, entry.line().as_bytes()).await {
            Ok(_) => Outcome::done(["the operator signs an entry"]),
            Err(refused) => Outcome::impossible(format!(
                "the register takes no entry that the holder did not sign ({refused}), and has no other way to take a name"
            )),
        })
    }
}
