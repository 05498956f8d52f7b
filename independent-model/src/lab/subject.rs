//! The verbs of life under this model, in either way of using it.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Handle, HandleResolver as _, Lookup, Policy, Timestamp, Trace,
    lab::{Act, Field, Front, LabError, LabFuture, NotPlayed, Outcome, Person, Subject},
    store::Key,
};
use sha2::{Digest as _, Sha256};

use super::{
    Way,
    holder::{Holder, Move, hostname, key},
    world::{DOMAIN, OWN, World, id_domain},
};
use crate::{
    Did, Faults, Hostname, PrivateWorld, TxtAnswer,
    hosted::{Receipt, Rejection},
    webvh,
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

    async fn join(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
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
    async fn begin(
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
    async fn post(&mut self, who: Person, done: Move) -> Result<Result<Receipt, Rejection>, LabError> {
        let account = self.holder(who)?.account()?;
        let receipt = self.world.hosted.append(&account, done.entry.line().as_bytes()).await;
        let now = self.world.clock.now();
        if let (Ok(_), Some(holder)) = (&receipt, self.people.get_mut(&who)) {
            holder.accept(done, now)?;
        }
        Ok(receipt)
    }

    async fn claim(
        &mut self,
        who: Person,
        handle: Option<&Hostname>,
    ) -> Result<Result<Receipt, Rejection>, LabError> {
        let done = self.holder(who)?.claim(handle, self.world.tick())?;
        self.post(who, done).await
    }

    async fn rename(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
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
    async fn claim_domain(&mut self, who: Person, name: &Hostname) -> Result<Outcome, LabError> {
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
    async fn take(&mut self, who: Person, wish: &str) -> Result<Outcome, LabError> {
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

    async fn take_confusable(&mut self, who: Person, of: &str) -> Result<Outcome, LabError> {
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

    async fn swap(&mut self, one: Person, other: Person) -> Result<Outcome, LabError> {
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

    async fn edit(&mut self, who: Person, field: Field, text: &str) -> Result<Outcome, LabError> {
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

    async fn leave(&mut self, who: Person) -> Result<Outcome, LabError> {
        let done = self.holder(who)?.close(self.world.tick())?;
        Ok(taken(self.post(who, done).await?, vec!["sign and post the last entry"]))
    }

    async fn come_back(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = claim_of(self.holder(who)?).ok_or("there is no name to come back to")?;
        let receipt = self.begin(who, Some(&name)).await?;
        if self.world.way == Way::OwnDomain && receipt.is_ok() {
            self.own(who, &name)?;
        }
        Ok(taken(receipt, vec!["make new keys", "sign and post a first entry"]))
    }

    /// The domain changes hands at its registrar.
    async fn give(&mut self, wish: &str, to: Person) -> Result<Outcome, LabError> {
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

    async fn hijack_domain(&mut self, wish: &str, by: Person) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        let receipt = self.begin(by, Some(&name)).await?;
        receipt?;
        self.publish(by, &name)?;
        Ok(Outcome::done([
            "the thief replaces the TXT record, and claims the name with an account of their own",
        ]))
    }

    fn recover_domain(&mut self, wish: &str, who: Person) -> Result<Outcome, LabError> {
        let name = self.name(wish)?;
        self.publish(who, &name)?;
        Ok(Outcome::done(["the owner puts the TXT record back"]))
    }

    /// A thief has the key that signs next, and not the one put away.
    async fn steal_key(&mut self, wish: &str, by: Person) -> Result<Outcome, LabError> {
        let holder = self.holder_of(wish)?;
        let thief = key(&Sha256::digest(format!("{} {by}", self.seed)).into(), 0);
        let done = self.holder(holder)?.robbed(&thief.multikey().hash(), self.world.tick())?;
        let receipt = self.post(holder, done).await?;
        Ok(taken(
            receipt,
            vec!["with a stolen key the thief drops the name, and puts a key of their own in place"],
        ))
    }

    async fn recover(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = self.name("ann")?;
        let done = self.holder(who)?.recover(Some(&name), self.world.tick())?;
        Ok(taken(
            self.post(who, done).await?,
            vec!["one entry, signed with the recovery key, takes everything back"],
        ))
    }

    async fn lose_key(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    async fn lose_mail(&mut self, who: Person) -> Result<Outcome, LabError> {
        let name = self.claimed(who).ok_or("nobody of that name")?;
        let receipt = self.claim(who, Some(&name)).await?;
        Ok(taken(
            receipt,
            vec!["nothing: no mailbox was ever asked for, and the next signed entry is taken as ever"],
        ))
    }

    /// What an operator could try, who has nobody's key.
    async fn forge(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    async fn forget(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    async fn erase(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    async fn verify(&self, who: Person) -> Result<Outcome, LabError> {
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

    async fn txt_names(&self, who: Person) -> Result<String, LabError> {
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

    async fn leave_with_name(&mut self, who: Person) -> Result<Outcome, LabError> {
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

    async fn log(&self, who: Person) -> Result<(String, webvh::Log), LabError> {
        let published = self.world.hosted.log(&self.holder(who)?.account()?).await?;
        let text = published.ok_or("the log is not published")?.text;
        let log = webvh::verify(&text, self.world.clock.now())?;
        Ok((String::from_utf8(text.to_vec())?, log))
    }

    async fn rows_with(&self, text: &str) -> Result<usize, LabError> {
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

    /// Gets a domain, unless it is somebody else's, and names the account in its DNS.
    fn own(&mut self, who: Person, name: &Hostname) -> Result<bool, LabError> {
        if *self.owners.entry(name.clone()).or_insert(who) != who {
            return Ok(false);
        }
        self.publish(who, name)?;
        Ok(true)
    }

    fn publish(&self, who: Person, name: &Hostname) -> Result<(), LabError> {
        let account = self.holder(who)?.account()?;
        self.world.internet.set_txt(name.as_str(), &[&format!("did={account}")]);
        Ok(())
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
