//! What is read back: documents, logs, holders, and who is at a host.

use std::{collections::HashMap, sync::Arc};

use namesake::{
    AccountId, Timestamp,
    store::{self, Key, Slot, StoreError},
};
use serde_json::Value;

use super::{
    AtHost, Hosted, PublishedLog,
    names::Place,
    records::{Account, Row},
    register::{ATTEMPTS, answers_to, contended, label},
};
use crate::{
    Did, Hostname, document,
    plc::HeldHandle,
    webvh::{Entry, parallel_did_web},
};

/// Who goes by a name below a domain of ours.
#[derive(Debug)]
pub(crate) enum Holder {
    /// This account.
    Held(Did, Box<Account>),
    /// This account did.
    Released(AccountId),
    /// Nobody ever did.
    Nobody,
}

impl Hosted {
    /// The account that lives here by this name, which is either of its DIDs.
    pub(crate) async fn account(&self, account: &AccountId) -> Result<Option<(Did, Account)>, StoreError> {
        let Some((did, _)) = self.web_did(account) else { return Ok(None) };
        let slot = self.slot(did.account()).await?;
        let stored = slot.into_value().filter(|stored| answers_to(stored, account));
        Ok(stored.map(|stored| (did, stored)))
    }

    /// The name under which an account is remembered, its did:web, of either of its DIDs; `None` when no such account
    /// lives here. What is remembered under any other name would not be purged with it.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn canonical(&self, account: &AccountId) -> Result<Option<AccountId>, StoreError> {
        Ok(self.account(account).await?.map(|(did, _)| did.account().clone()))
    }

    /// Who goes by `name`, with the account as it was when it did.
    pub(crate) async fn holder(&self, name: &Hostname) -> Result<Holder, StoreError> {
        for _ in 0..ATTEMPTS {
            let row: Slot<Row> = Slot::read(&*self.store, self.keys.handle(name)?).await?;
            let account = match row.value() {
                Some(Row::Held { account }) => account,
                Some(Row::Released { by, .. }) => return Ok(Holder::Released(by.clone())),
                None => return Ok(Holder::Nobody),
            };
            match self.account(account).await? {
                Some((did, held)) if held.claim().as_ref() == Some(name) => {
                    return Ok(Holder::Held(did, Box::new(held)));
                }
                // It was renamed between the two reads.
                _ => {}
            }
        }
        Err(contended())
    }

    /// The log of an account, by either of its DIDs; `None` when none lives here by that name.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn log(&self, account: &AccountId) -> Result<Option<PublishedLog>, StoreError> {
        let Some((stored, lines)) = self.lines(account).await? else { return Ok(None) };
        let text: Vec<u8> = lines.into_iter().flat_map(|line| [line.as_ref(), b"\n"].concat()).collect();
        Ok(Some(PublishedLog { text: text.into(), version: stored.head.version }))
    }

    /// The handles that an account claimed, the oldest first, and whether it was closed, from its log. Their times are
    /// those at which the entries came here; of entries that are older than that is kept, those that they have.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn history(&self, account: &AccountId) -> Result<Option<(Vec<HeldHandle>, bool)>, StoreError> {
        let Some((stored, lines)) = self.lines(account).await? else { return Ok(None) };
        let came = self.receipts(&stored).await?;
        let mut claims = Vec::with_capacity(lines.len());
        for line in lines {
            // It was verified before it was stored.
            let entry = Entry::read(&line).map_err(|fault| StoreError::Damaged(fault.to_string()))?;
            let ended = entry.parameters.deactivated == Some(true);
            let claim = document::claim(&entry.state).filter(|_| !ended);
            let at = came.get(&entry.version.number).copied().unwrap_or(entry.time);
            claims.push((at, claim.and_then(|name| name.to_handle())));
        }
        Ok(Some((HeldHandle::from_claims(claims.into_iter()), stored.head.deactivated)))
    }

    /// Who is at `host`, for requests that come to it.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn at_host(&self, host: &Hostname) -> Result<AtHost, StoreError> {
        Ok(match self.settings.place(host) {
            Place::Elsewhere | Place::Domain => AtHost::Elsewhere,
            Place::BelowName => AtHost::NoHandle,
            Place::BelowIdentifier => AtHost::NoAccount,
            Place::Name(_) => match self.holder(host).await? {
                Holder::Held(did, _) => AtHost::Handle(did),
                Holder::Released(by) => self.sends_on(&by).await?.map_or(AtHost::NoHandle, AtHost::Moved),
                Holder::Nobody => AtHost::NoHandle,
            },
            Place::Identifier(_) => {
                let account = AccountId::parse(&format!("did:web:{host}")).ok();
                let found = match &account {
                    Some(account) => self.account(account).await?,
                    None => None,
                };
                match found {
                    None => AtHost::NoAccount,
                    Some((did, stored)) if stored.head.deactivated => AtHost::Closed(did),
                    Some((did, stored)) => {
                        let document = parallel_did_web(&stored.head);
                        AtHost::Account { did, document, version: stored.head.version }
                    }
                }
            }
        })
    }

    /// Whether a certificate may be had for `host`: it is a handle or an account's host of ours, now.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn may_have_certificate(&self, host: &Hostname) -> Result<bool, StoreError> {
        Ok(match self.at_host(host).await? {
            AtHost::Handle(_) | AtHost::Moved(_) | AtHost::Account { .. } | AtHost::Closed(_) => true,
            AtHost::Elsewhere | AtHost::NoHandle | AtHost::NoAccount => false,
        })
    }

    /// The account that visitors of a former name are sent to, if its holder wants that. Somebody else may have had the name
    /// since: then it is that one's to say.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn moved(&self, name: &Hostname) -> Result<Option<Did>, StoreError> {
        match self.holder(name).await? {
            Holder::Released(by) => self.sends_on(&by).await,
            Holder::Held(..) | Holder::Nobody => Ok(None),
        }
    }

    /// `account`, if it goes by a name and wants to be found by its former ones.
    async fn sends_on(&self, account: &AccountId) -> Result<Option<Did>, StoreError> {
        let Some((did, stored)) = self.account(account).await? else { return Ok(None) };
        let wanted = stored.profile.as_ref().and_then(|record| record.get("redirect"));
        Ok((stored.claim().is_some() && wanted == Some(&Value::Bool(true))).then_some(did))
    }

    /// The lines of a log up to its head: what was appended since that was read is left for the next time.
    async fn lines(&self, account: &AccountId) -> Result<Option<(Account, Vec<Arc<[u8]>>)>, StoreError> {
        let Some((_, stored)) = self.account(account).await? else { return Ok(None) };
        let label = label(stored.head.host());
        let most = usize::try_from(stored.head.version.number).unwrap_or(usize::MAX);
        let entries = self.store.scan(self.keys.log(label).as_bytes(), None, most).await?;
        let lines = entries.into_iter().map(|(_, entry)| entry.value).collect();
        Ok(Some((stored, lines)))
    }

    /// When the entries of a log came, by their numbers, as far as that was kept.
    async fn receipts(&self, stored: &Account) -> Result<HashMap<u64, Timestamp>, StoreError> {
        let prefix = self.keys.receipts(label(stored.head.host()));
        let most = usize::try_from(stored.head.version.number).unwrap_or(usize::MAX);
        let rows = self.store.scan(prefix.as_bytes(), None, most).await?;
        let read = |(key, entry): (Key, store::Entry)| {
            let number = std::str::from_utf8(key.as_bytes().strip_prefix(prefix.as_bytes())?).ok()?;
            let at = std::str::from_utf8(&entry.value).ok()?;
            Some((number.parse().ok()?, at.parse().ok()?))
        };
        let damaged = || StoreError::Damaged(format!("a row below {prefix} is no time"));
        rows.into_iter().map(|row| read(row).ok_or_else(damaged)).collect()
    }
}
