//! A new account; an entry; a profile: one atomic commit each.
//!
//! Each is read, judged and committed on condition that nothing it was judged by has changed; otherwise it is judged
//! again. What costs least to judge comes first, and nothing is counted against an account but what it signed.

use std::time::Duration;

use namesake::{
    AccountId, AvatarUrl, Change, Timestamp,
    store::{Commit, CommitError, Slot, StoreError},
};
use serde_json::{Map, Value};

use super::{
    Hosted, ProfileReceipt, Receipt, Rejection, Rule,
    admission::{self, Signer},
    names::{Place, is_free},
    records::{Account, Names, Row},
};
use crate::{
    Did, Hostname,
    webvh::{Entry, Fault, Head, VersionId, canonical, read_strictly, verify_record},
};

/// How often a commit is tried again when others changed the same rows.
pub(super) const ATTEMPTS: u32 = 16;

impl Hosted {
    /// Takes the first entry of a new account, and the handle it claims, if that is below a domain of ours. The same
    /// entry again is [`Receipt::repeated`].
    ///
    /// # Errors
    /// [`Rejection`]; the entry is then nowhere.
    pub async fn register(&self, entry: &[u8]) -> Result<Receipt, Rejection> {
        self.register_if(entry, || Ok(())).await
    }

    /// Takes the first entry of a new account, as [`Self::register`] does, if `admit` lets it: asked once, when the
    /// entry is known to be good; it may say how long to wait instead.
    ///
    /// # Errors
    /// [`Rejection`]; the entry is then nowhere.
    pub async fn register_if(
        &self,
        entry: &[u8],
        admit: impl FnOnce() -> Result<(), Duration>,
    ) -> Result<Receipt, Rejection> {
        let mut admit = Some(admit);
        let entry = self.read_entry(entry)?;
        let host = self.host_of(&entry)?;
        let did = did_at(&host)?;
        let mut tried = false;
        for _ in 0..ATTEMPTS {
            let slot = self.slot::<Names>(did.account()).await?;
            if let Some(account) = slot.value() {
                let receipt = self.past(account, &host, &entry).await?;
                return Ok(Receipt { repeated: !tried, ..receipt });
            }
            let now = self.now();
            admission::is_of_now(&self.settings, &entry, now)?;
            let claim = admission::claim(&entry, &host).map_err(Rejection::Refused)?;
            if let Some(name) = &claim {
                self.settings.is_to_be_had(name)?;
            }
            let head = Head::begin(&entry, admission::latest(&self.settings, now))?;
            if let Some(admit) = admit.take() {
                admit().map_err(|retry_after| Rejection::TooMany { retry_after })?;
            }
            let commit = self.rows(Commit::new(), did.account(), None, claim.as_ref(), now).await?;
            let scid: Slot<AccountId> = Slot::read(&*self.store, self.keys.scid(&head.scid)?).await?;
            let commit = scid.put(commit, did.account())?;
            let account = admission::begun(&entry, head, now);
            let commit = self.write_entry(slot.put_as(commit, &account)?, &host, &entry, now)?;
            if self.finish(commit, did.account(), None, claim.as_ref()).await? {
                return Ok(receipt(did, &account.head, claim.as_ref()));
            }
            tried = true;
        }
        Err(contended().into())
    }

    /// Takes the next entry of an account: a new handle, other keys, the end. `account` is either of its DIDs.
    ///
    /// # Errors
    /// [`Rejection`]; the log is then as it was.
    pub async fn append(&self, account: &AccountId, entry: &[u8]) -> Result<Receipt, Rejection> {
        let entry = self.read_entry(entry)?;
        let (did, host) = self.web_did(account).ok_or(Rejection::UnknownAccount)?;
        let mut tried = false;
        for _ in 0..ATTEMPTS {
            let slot = self.slot::<Names>(did.account()).await?;
            let stored = slot.value().filter(|stored| answers_to(stored, account));
            let stored = stored.ok_or(Rejection::UnknownAccount)?;
            if entry.version.number <= stored.head.version.number {
                let receipt = self.past(stored, &host, &entry).await?;
                return Ok(Receipt { repeated: !tried, ..receipt });
            }
            if stored.head.deactivated {
                return Err(Rejection::Refused(Rule::Closed));
            }
            if entry.version.number > stored.head.version.number + 1 {
                return Err(stale(&stored.head.version));
            }
            let now = self.now();
            let old = stored.claim();
            let (next, claim) = self.judge(stored, old.as_ref(), &host, &entry, now)?;
            let commit = self.rows(Commit::new(), did.account(), old.as_ref(), claim.as_ref(), now).await?;
            let commit = self.write_entry(slot.put_as(commit, &next)?, &host, &entry, now)?;
            if self.finish(commit, did.account(), old.as_ref(), claim.as_ref()).await? {
                return Ok(receipt(did, &next.head, claim.as_ref()));
            }
            tried = true;
        }
        Err(contended().into())
    }

    /// Takes a profile record, `{did, rev, displayName, description, avatar, redirect, proof}`, signed by an update key
    /// of the log's head.
    ///
    /// # Errors
    /// [`Rejection`]; the profile is then as it was.
    pub async fn put_profile(&self, account: &AccountId, record: &[u8]) -> Result<ProfileReceipt, Rejection> {
        if record.len() > self.settings.largest_entry() {
            return Err(Rejection::Refused(Rule::EntrySize));
        }
        let record = read_strictly(record)?;
        let rev = revision_of(&record).ok_or(Rejection::Refused(Rule::Record))?;
        let (did, _) = self.web_did(account).ok_or(Rejection::UnknownAccount)?;
        let mut tried = false;
        for _ in 0..ATTEMPTS {
            let slot = self.slot::<Value>(did.account()).await?;
            let stored = slot.value().filter(|stored| answers_to(stored, account));
            let stored = stored.ok_or(Rejection::UnknownAccount)?;
            if stored.head.deactivated {
                return Err(Rejection::Refused(Rule::Closed));
            }
            if record.get("did").and_then(Value::as_str) != Some(did.as_str()) {
                return Err(Rejection::Refused(Rule::RecordDid));
            }
            if rev <= stored.rev {
                let same = |held: &Value| canonical(held) == canonical(&record);
                return match stored.profile.as_ref().is_some_and(same) {
                    true => Ok(ProfileReceipt { did, rev, repeated: !tried }),
                    false => Err(Rejection::StaleHead { head: stored.rev.to_string() }),
                };
            }
            let now = self.now();
            admission::may_show(&self.settings, stored, now)?;
            if !stored.head.update_keys.contains(&verify_record(&record, now)?.key) {
                return Err(Rejection::Invalid(Fault::Signer));
            }
            let commit = slot.put(Commit::new(), &admission::shown(stored, rev, record.clone(), now))?;
            if self.finish(commit, did.account(), None, stored.claim().as_ref()).await? {
                return Ok(ProfileReceipt { did, rev, repeated: false });
            }
            tried = true;
        }
        Err(contended().into())
    }

    fn read_entry(&self, entry: &[u8]) -> Result<Entry, Rejection> {
        if entry.len() > self.settings.largest_entry() {
            return Err(Rejection::Refused(Rule::EntrySize));
        }
        let entry = Entry::read(entry)?;
        admission::time_is_plain(&entry).map_err(Rejection::Refused)?;
        Ok(entry)
    }

    /// The host that the account of a first entry has to be at, if it says that it is there.
    fn host_of(&self, entry: &Entry) -> Result<Hostname, Rejection> {
        let keys = entry.parameters.update_keys.as_deref().unwrap_or_default();
        let first = keys.first().ok_or(Fault::NoKeys)?;
        let label = super::label_of(first);
        let id = entry.state.get("id").and_then(Value::as_str).ok_or(Fault::StateId)?;
        let place = id.splitn(4, ':').nth(3).ok_or(Fault::StateId)?;
        let host = Hostname::parse(&format!("{label}.{}", self.settings.id_domain)).ok();
        let host = host.filter(|host| host.as_str() == place).ok_or(Rejection::Refused(Rule::Label))?;
        // Anybody can put anybody's public key first; only its holder can sign by it.
        match entry.proof.key == *first {
            true => Ok(host),
            false => Err(Rejection::Refused(Rule::FirstKey)),
        }
    }

    /// The account after `entry`, if its holder may have it so, and the name it then goes by; until now it goes by `old`.
    fn judge<'e>(
        &self,
        stored: &Account<Names>,
        old: Option<&Hostname>,
        host: &Hostname,
        entry: &'e Entry,
        now: Timestamp,
    ) -> Result<(Account<&'e Value>, Option<Hostname>), Rejection> {
        let (head, settings) = (&stored.head, &self.settings);
        let signer = Signer::of(head, entry);
        let id = entry.state.get("id").and_then(Value::as_str).ok_or(Fault::StateId)?;
        if id != head.did && id.starts_with(&format!("did:webvh:{}:", head.scid)) {
            return Err(Rejection::Refused(Rule::Host));
        }
        admission::is_of_now(settings, entry, now)?;
        let claim = admission::claim(entry, host).map_err(Rejection::Refused)?;
        admission::keeps_recovery(head, entry, signer).map_err(Rejection::Refused)?;
        admission::has_room(settings, stored, entry, signer).map_err(Rejection::Refused)?;
        // A name that an account has stays its own, even if it would not be given today.
        if let Some(name) = claim.as_ref().filter(|name| old != Some(name)) {
            settings.is_to_be_had(name)?;
        }
        admission::may_post(settings, stored, entry, signer, now)?;
        let next = head.follow_with(entry, admission::latest(settings, now), |document| document)?;
        Ok((admission::after(stored, entry, next, signer, now), claim))
    }

    /// What becomes of an entry for a place in the log that is taken: it is that very entry, or too late.
    async fn past(
        &self,
        account: &Account<Names>,
        host: &Hostname,
        entry: &Entry,
    ) -> Result<Receipt, Rejection> {
        let key = self.keys.entry(label(host.as_str()), entry.version.number)?;
        let held = self.store.read(&key).await?;
        if held.is_some_and(|held| *held.value == *entry.line().as_bytes()) {
            return Ok(receipt(did_at(host)?, &account.head, account.claim().as_ref()));
        }
        match account.head.deactivated {
            true => Err(Rejection::Refused(Rule::Closed)),
            false => Err(stale(&account.head.version)),
        }
    }

    /// Adds to `commit` that `account` gives `old` up and takes `new`, as far as these are names of ours.
    async fn rows(
        &self,
        mut commit: Commit,
        account: &AccountId,
        old: Option<&Hostname>,
        new: Option<&Hostname>,
        now: Timestamp,
    ) -> Result<Commit, Rejection> {
        if old == new {
            return Ok(commit);
        }
        if let Some(old) = old {
            let row: Slot<Row> = Slot::read(&*self.store, self.keys.handle(old)?).await?;
            // Wherever it is: the domain may be one that we no longer serve.
            if matches!(row.value(), Some(Row::Held { account: by }) if by == account) {
                commit = row.put(commit, &Row::Released { by: account.clone(), at: now })?;
            }
        }
        if let Some(new) = new.filter(|new| matches!(self.settings.place(new), Place::Name(_))) {
            let row: Slot<Row> = Slot::read(&*self.store, self.keys.handle(new)?).await?;
            if !is_free(row.value(), account, now, self.settings.hold) {
                let handle = new.to_handle().ok_or(Rejection::Refused(Rule::NoHandle))?;
                return Err(Rejection::HandleTaken(handle));
            }
            commit = row.put(commit, &Row::Held { account: account.clone() })?;
        }
        Ok(commit)
    }

    /// Adds to `commit` the line of the log, and beside it the moment `now` at which it came.
    fn write_entry(
        &self,
        commit: Commit,
        host: &Hostname,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Commit, StoreError> {
        let (label, number) = (label(host.as_str()), entry.version.number);
        let (line, came) = (self.keys.entry(label, number)?, self.keys.receipt(label, number)?);
        let commit = commit.expect_absent(line.clone()).put(line, entry.line().as_bytes());
        Ok(commit.put(came, now.to_string().into_bytes()))
    }

    /// Commits a change after which `account` answers differently, and tells of it. `false`: read and judge again.
    ///
    /// In a task of its own: whoever posted may hang up, and the caches must hear of what is durable nevertheless.
    async fn finish(
        &self,
        commit: Commit,
        account: &AccountId,
        old: Option<&Hostname>,
        new: Option<&Hostname>,
    ) -> Result<bool, StoreError> {
        let handle = |name: Option<&Hostname>| name.and_then(Hostname::to_handle);
        let change = Change { account: account.clone(), old: handle(old), new: handle(new) };
        let (store, invalidator) = (self.store.clone(), self.invalidator.clone());
        #[expect(clippy::disallowed_methods, reason = "whoever posted waits for it; it ends with the commit")]
        let task = tokio::spawn(async move {
            let outcome = store.commit(commit).await;
            if matches!(outcome, Ok(_) | Err(CommitError::Unknown(_))) {
                invalidator.tell(&change);
            }
            outcome
        });
        match task.await {
            Ok(Ok(_)) => Ok(true),
            Ok(Err(CommitError::Conflict(_) | CommitError::Unknown(_))) => Ok(false),
            Ok(Err(CommitError::Failed(error))) => Err(error),
            // The largest entry and the number of rows are far below the limits of a store.
            Ok(Err(CommitError::Refused(refusal))) => Err(StoreError::Unavailable(refusal.to_string())),
            Err(error) => {
                // Whoever posted is told nothing of it but that it is not done; it may be.
                tracing::error!(error.message = %error, "hosted.commit_ended");
                Err(StoreError::Stopped)
            }
        }
    }
}

/// Whether `account` is a name of this one: its did:web, or its did:webvh with the right SCID.
pub(super) fn answers_to<D>(stored: &Account<D>, account: &AccountId) -> bool {
    account.as_str().starts_with("did:web:") || account.as_str() == stored.head.did
}

pub(super) fn did_at(host: &Hostname) -> Result<Did, Rejection> {
    Did::parse(&format!("did:web:{host}")).map_err(|_| Rejection::Invalid(Fault::StateId))
}

/// The label of an account's host.
pub(super) fn label(host: &str) -> &str {
    host.split('.').next().unwrap_or_default()
}

/// The revision of a profile record, if the record has exactly the members of one.
fn revision_of(record: &Value) -> Option<u64> {
    let members = record.as_object()?;
    let fits = |(name, value): (&String, &Value)| match name.as_str() {
        "did" | "displayName" | "description" => value.is_string(),
        "rev" => value.is_u64(),
        "avatar" => value.as_str().is_some_and(|url| AvatarUrl::clean(url).is_some()),
        "redirect" => value.is_boolean(),
        "proof" => true,
        _ => false,
    };
    let whole = |members: &Map<String, Value>| members.contains_key("did") && members.contains_key("proof");
    members.get("rev")?.as_u64().filter(|_| whole(members) && members.iter().all(fits))
}

fn receipt<D>(did: Did, head: &Head<D>, claim: Option<&Hostname>) -> Receipt {
    Receipt {
        did,
        webvh: head.did.clone(),
        handle: claim.and_then(Hostname::to_handle),
        version: head.version.clone(),
        version_time: head.time,
        repeated: false,
    }
}

fn stale(head: &VersionId) -> Rejection {
    Rejection::StaleHead { head: head.to_string() }
}

pub(super) fn contended() -> StoreError {
    StoreError::Unavailable("too many changes at the same place at once".to_owned())
}
