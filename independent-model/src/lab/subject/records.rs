//! What is written of somebody: profiles, the public log, and who can check it.

use namesake::{
    Clock as _, HandleResolver as _, Lookup, Trace,
    lab::{Field, LabError, Outcome, Person},
    store::Key,
};

use super::{super::Way, Independent, taken};
use crate::{Did, Hostname, PrivateWorld, TxtAnswer, webvh};

impl Independent {
    pub(super) async fn edit(&mut self, who: Person, field: Field, text: &str) -> Result<Outcome, LabError> {
        let at = self.world.tick();
        let holder = self.people.get_mut(&who).ok_or("nobody to edit")?;
        let field = match field {
            Field::DisplayName => "displayName",
            Field::Bio => "description",
            Field::Picture => "avatar",
        };
        let (account, record) = (holder.account()?, holder.record(field, text, at));
        let receipt = self.world.hosted.put_profile(&account, record.to_string().as_bytes()).await;
        Ok(match receipt {
            Ok(_) => Outcome::done(["sign and post a profile"]),
            Err(refused) => Outcome::impossible(refused.to_string()),
        })
    }

    pub(super) async fn leave(&mut self, who: Person) -> Result<Outcome, LabError> {
        let done = self.holder(who)?.close(self.world.tick())?;
        Ok(taken(self.post(who, done).await?, vec!["sign and post the last entry"]))
    }

    pub(super) async fn forget(&mut self, who: Person) -> Result<Outcome, LabError> {
        let (text, log) = self.log(who).await?;
        let names: Vec<_> = log.handles().iter().map(|held| held.handle.to_string()).collect();
        // Every entry's hash is over the one before it.
        let lines: Vec<_> = text.lines().collect();
        let without: String = lines.iter().skip(1).map(|line| format!("{line}\n")).collect();
        let Err(broken) = webvh::verify(without.as_bytes(), self.world.clock.now()) else {
            return Ok(Outcome::done(["take the entry out of the log"]));
        };
        Ok(Outcome::impossible(format!(
            "the public log names {} for good: without the entry it would not hold ({broken})",
            names.join(" and ")
        )))
    }

    pub(super) async fn erase(&mut self, who: Person) -> Result<Outcome, LabError> {
        self.edit(who, Field::Bio, "Something to be erased.").await?;
        self.leave(who).await?;
        let (text, _) = self.log(who).await?;
        let name = self.name("ann")?;
        let kept = self.rows_with("Something to be erased.").await?;
        Ok(Outcome::done([format!(
            "the account is closed and answered no more; its public log stays, with {} entries that name {name} in it; {kept} rows of the register still keep the profile",
            text.lines().filter(|line| line.contains(name.as_str())).count(),
        )]))
    }

    pub(super) async fn verify(&self, who: Person) -> Result<Outcome, LabError> {
        let (text, log) = self.log(who).await?;
        let claims = log.head().handle().ok_or("the log claims no name")?;
        let tampered = text.replacen("at://", "at://x", 1);
        let Err(caught) = webvh::verify(tampered.as_bytes(), self.world.clock.now()) else {
            return Err("a log that was tampered with holds".into());
        };
        let first = format!(
            "fetch the log and check {} signed entries back to the first, offline: it claims @{claims}; with one letter changed it does not hold ({caught})",
            log.lines().len()
        );
        let back = match self.world.way {
            Way::BelowPlatform => {
                "that the name leads back to the account, the platform says, whose domain it is".to_owned()
            }
            Way::OwnDomain => self.txt_names(who).await?,
        };
        Ok(Outcome::done([first, back]))
    }

    pub(super) async fn txt_names(&self, who: Person) -> Result<String, LabError> {
        let name = self.claimed(who).ok_or("no name")?;
        let asked = name.txt_name().ok_or("the name is too long")?;
        let answer = self.world.internet.ports().dns.txt(&asked).await;
        let Ok(TxtAnswer::Records { records, .. }) = answer else { return Err("no TXT record".into()) };
        let wanted = format!("did={}", self.holder(who)?.account()?);
        match records.iter().any(|record| record.0.concat() == wanted.as_bytes()) {
            true => Ok("ask the DNS: the TXT record of the domain names the account".to_owned()),
            false => Err("the TXT record names another account".into()),
        }
    }

    pub(super) async fn leave_with_name(&mut self, who: Person) -> Result<Outcome, LabError> {
        let holder = self.holder(who)?;
        let account = holder.account()?;
        if self.world.way == Way::BelowPlatform {
            let elsewhere = Hostname::parse("elsewhere.example.net")?;
            let entry = holder.moved(&elsewhere, self.world.tick())?;
            return Ok(match self.world.hosted.append(&account, entry.line().as_bytes()).await {
                Ok(_) => Outcome::done(["sign an entry that moves the account"]),
                Err(refused) => Outcome::impossible(format!(
                    "the name is the platform's, and an entry that moves the account is refused ({refused}); a domain of one's own goes along"
                )),
            });
        }
        let name = self.claimed(who).ok_or("no name")?;
        let elsewhere = Did::parse("did:plc:elsewhere777777777777777")?;
        self.world.internet.set_document(&elsewhere, &PrivateWorld::document(&elsewhere, name.as_str()));
        self.world.internet.set_txt(name.as_str(), &[&format!("did={elsewhere}")]);
        let handle = name.to_handle().ok_or("no handle")?;
        let found = self.world.model.resolve(&handle, &Trace::OFF).await?;
        Ok(match found {
            Lookup::Found { value, .. } if value.account == *elsewhere.account() => Outcome::done([
                "make an account at the other service",
                "name it in the TXT record of the domain: the name is there, and the account here has none",
            ]),
            _ => Outcome::impossible("the name did not follow"),
        })
    }

    pub(super) async fn log(&self, who: Person) -> Result<(String, webvh::Log), LabError> {
        let published = self.world.hosted.log(&self.holder(who)?.account()?).await?;
        let text = published.ok_or("the log is not published")?.text;
        let log = webvh::verify(&text, self.world.clock.now())?;
        Ok((String::from_utf8(text.to_vec())?, log))
    }

    pub(super) async fn rows_with(&self, text: &str) -> Result<usize, LabError> {
        const PAGE: usize = 100;
        let (mut last, mut found): (Option<Key>, _) = (None, 0);
        loop {
            let page = self.world.store.scan(b"", last.as_ref(), PAGE).await?;
            let holds = |value: &[u8]| value.windows(text.len()).any(|part| part == text.as_bytes());
            found += page.iter().filter(|(_, entry)| holds(&entry.value)).count();
            match page.last() {
                Some((key, _)) => last = Some(key.clone()),
                None => return Ok(found),
            }
        }
    }
}
