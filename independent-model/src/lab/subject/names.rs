//! Names: had, changed, given up, and wanted by others.

use namesake::{
    Clock as _, HandleResolver as _, Trace,
    lab::{LabError, Outcome, Person},
};
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Way,
        holder::{Holder, Move},
        world::id_domain,
    },
    Independent, claim_of, taken,
};
use crate::{
    Hostname,
    hosted::{Receipt, Rejection},
};

impl Independent {
    pub(super) async fn join(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        let mut steps = vec!["make keys, and put the recovery key away"];
        if self.world.way == Way::OwnDomain {
            steps.extend(["register a domain", "publish a TXT record there"]);
        }
        steps.push("sign and post the first entry");
        let receipt = self.begin(who, Some(&name)).await?;
        if self.world.way == Way::OwnDomain && receipt.is_ok() {
            self.own(who, &name)?;
        }
        Ok(taken(receipt, steps))
    }

    /// A new account with new keys, if the entry is taken.
    pub(super) async fn begin(
        &mut self,
        who: Person,
        handle: Option<&Hostname>,
    ) -> Result<Result<Receipt, Rejection>, LabError> {
        let seed = Sha256::digest(format!("{} {who} {}", self.seed, self.lives)).into();
        self.lives += 1;
        let (entry, holder) = Holder::begin(seed, &id_domain(), handle, self.world.tick())?;
        let receipt = self.world.hosted.register(entry.line().as_bytes()).await;
        if receipt.is_ok() {
            self.people.insert(who, holder);
        }
        Ok(receipt)
    }

    /// Posts what somebody signed; it counts once it is taken.
    pub(super) async fn post(
        &mut self,
        who: Person,
        done: Move,
    ) -> Result<Result<Receipt, Rejection>, LabError> {
        let account = self.holder(who)?.account()?;
        let receipt = self.world.hosted.append(&account, done.entry.line().as_bytes()).await;
        let now = self.world.clock.now();
        if let (Ok(_), Some(holder)) = (&receipt, self.people.get_mut(&who)) {
            holder.accept(done, now)?;
        }
        Ok(receipt)
    }

    pub(super) async fn claim(
        &mut self,
        who: Person,
        handle: Option<&Hostname>,
    ) -> Result<Result<Receipt, Rejection>, LabError> {
        let done = self.holder(who)?.claim(handle, self.world.tick())?;
        self.post(who, done).await
    }

    pub(super) async fn rename(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
        if !self.people.contains_key(&who) || self.holder(who)?.head.deactivated {
            return Ok(Outcome::impossible("they have no account"));
        }
        let name = self.name(wish)?;
        match self.world.way {
            Way::BelowPlatform => {
                Ok(taken(self.claim(who, Some(&name)).await?, vec!["sign and post one entry"]))
            }
            Way::OwnDomain => self.claim_domain(who, &name).await,
        }
    }

    /// Goes by a domain of one's own, which nobody else may have.
    pub(super) async fn claim_domain(&mut self, who: Person, name: &Hostname) -> Result<Outcome, LabError> {
        let old = self.claimed(who);
        if !self.own(who, name)? {
            return Ok(Outcome::impossible("the domain is somebody else's"));
        }
        let receipt = self.claim(who, Some(name)).await?;
        // The record at the old name proves nothing now; tidy people remove it.
        if let Some(old) = old.filter(|old| old != name && receipt.is_ok()) {
            self.world.internet.remove_txt(old.as_str());
        }
        Ok(taken(receipt, vec!["publish a TXT record at the domain", "sign and post one entry"]))
    }

    /// By whatever means a stranger has: asking first; or, of a domain, registering it.
    pub(super) async fn take(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        let receipt = match self.people.contains_key(&who) {
            true => self.claim(who, Some(&name)).await?,
            false => self.begin(who, Some(&name)).await?,
        };
        if self.world.way == Way::BelowPlatform || receipt.is_err() {
            return Ok(taken(receipt, vec!["sign and post one entry"]));
        }
        if self.own(who, &name)? {
            return Ok(Outcome::done([
                "register the domain",
                "publish a TXT record there",
                "sign and post one entry",
            ]));
        }
        let handle = name.to_handle().ok_or("no handle")?;
        let found = self.world.model.resolve(&handle, &Trace::OFF).await?.found();
        let holder = self.holder(who)?.account()?;
        Ok(match found.is_some_and(|found| found.account == holder) {
            true => Outcome::done(["sign and post an entry that claims it"]),
            false => Outcome::impossible(
                "an entry that claims it proves nothing while the domain is somebody else's",
            ),
        })
    }

    pub(super) async fn take_confusable(&mut self, who: Person, of: &str) -> Result<Outcome, LabError> {
        // A Cyrillic а in place of the first letter.
        let other_alphabet = format!("\u{430}{}", of.get(1..).unwrap_or_default());
        let refused = match Hostname::parse(&format!("{other_alphabet}.{}", self.domain())) {
            Ok(_) => "in another alphabet it is taken as it is written".to_owned(),
            Err(error) => format!("as it is written in another alphabet it is refused, {error}"),
        };
        let ascii = Hostname::from_unicode(&format!("{other_alphabet}.{}", self.domain()))?;
        let label = ascii.as_str().split('.').next().unwrap_or_default();
        Ok(match self.take(who, label).await? {
            Outcome::Done { .. } => Outcome::done([refused, format!("its ASCII form {ascii} is given")]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    pub(super) async fn swap(&mut self, one: Person, other: Person) -> Result<Outcome, LabError> {
        let (Some(ones), Some(others)) = (self.claimed(one), self.claimed(other)) else {
            return Err("one of them goes by no name".into());
        };
        if self.world.way == Way::OwnDomain {
            for (who, name) in [(one, &others), (other, &ones)] {
                self.owners.insert(name.clone(), who);
                self.own(who, name)?;
                if let Err(refused) = self.claim(who, Some(name)).await? {
                    return Ok(Outcome::impossible(refused.to_string()));
                }
            }
            return Ok(Outcome::done([
                format!("{one} publishes a TXT record"),
                format!("{one} signs an entry"),
                format!("{other} publishes a TXT record"),
                format!("{other} signs an entry"),
            ]));
        }
        let between = self.name("for-a-moment")?;
        let mut steps = Vec::new();
        for (who, name) in [(one, &between), (other, &ones), (one, &others)] {
            match self.claim(who, Some(name)).await? {
                Ok(_) => steps.push(format!("{who} becomes {name}")),
                Err(refused) => {
                    // Whoever gave it up may have it back.
                    self.claim(one, Some(&ones)).await??;
                    return Ok(Outcome::impossible(refused.to_string()));
                }
            }
        }
        Ok(Outcome::done(steps))
    }

    pub(super) async fn come_back(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = claim_of(self.holder(who)?).ok_or("there is no name to come back to")?;
        let receipt = self.begin(who, Some(&name)).await?;
        if self.world.way == Way::OwnDomain && receipt.is_ok() {
            self.own(who, &name)?;
        }
        Ok(taken(receipt, vec!["make new keys", "sign and post a first entry"]))
    }

    /// The domain changes hands at its registrar.
    pub(super) async fn give(&mut self, wish: &str, to: Person) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        self.owners.insert(name.clone(), to);
        if !self.people.contains_key(&to) {
            self.begin(to, Some(&name)).await??;
        }
        Ok(match self.claim_domain(to, &name).await? {
            Outcome::Done { .. } => Outcome::done([
                format!("the registrar transfers the domain to {to}"),
                "who publishes a TXT record and signs an entry".to_owned(),
            ]),
            impossible @ Outcome::Impossible { .. } => impossible,
        })
    }

    /// Gets a domain, unless it is somebody else's, and names the account in its DNS.
    pub(super) fn own(&mut self, who: Person, name: &Hostname) -> Result<bool, LabError> {
        if *self.owners.entry(name.clone()).or_insert(who) != who {
            return Ok(false);
        }
        self.publish(who, name)?;
        Ok(true)
    }

    pub(super) fn publish(&self, who: Person, name: &Hostname) -> Result<(), LabError> {
        let account = self.holder(who)?.account()?;
        self.world.internet.set_txt(name.as_str(), &[&format!("did={account}")]);
        Ok(())
    }
}
