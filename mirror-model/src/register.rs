//! Typed access to the rows of one mirror.

use std::sync::Arc;

use namesake::{
    AccountId, Randomness, Scheme,
    store::{Commit, CommitError, Entry, Key, Slot, Store},
};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use crate::{
    RegisterError, TokenSealer, Username,
    name_key::NameKey,
    records::{Account, ForeignKey, Keys, Row},
    sealing::Sealed,
};

/// How often a commit is tried again when others changed the same rows.
pub(crate) const ATTEMPTS: u32 = 16;

/// The rows of one mirror.
#[derive(Debug)]
pub(crate) struct Register {
    store: Arc<dyn Store>,
    pub(crate) keys: Keys,
    /// Read, or made, when it is first needed.
    names: OnceCell<NameKey>,
    sealer: Arc<TokenSealer>,
    randomness: Arc<dyn Randomness>,
}

/// Some of the places below a prefix.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) records: Vec<Slot<T>>,
    /// After what the next page begins; `None` when there was nothing left.
    pub(crate) last: Option<Key>,
}

/// What became of a commit that was not refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is durable.
    Done,
    /// Somebody was faster: read again, decide again.
    Conflict,
    /// It may be durable: read again, and tell of the change either way.
    Unknown,
}

impl Register {
    pub(crate) fn new(
        store: Arc<dyn Store>,
        scheme: &Scheme,
        sealer: Arc<TokenSealer>,
        randomness: Arc<dyn Randomness>,
    ) -> Self {
        Self { store, keys: Keys::new(scheme), names: OnceCell::new(), sealer, randomness }
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, key: Key) -> Result<Slot<T>, RegisterError> {
        Ok(Slot::read(&*self.store, key).await?)
    }

    pub(crate) async fn account(&self, account: &AccountId) -> Result<Slot<Account>, RegisterError> {
        self.read(self.keys.account(account)?).await
    }

    pub(crate) async fn row(&self, username: &Username) -> Result<Slot<Row>, RegisterError> {
        self.read(self.names().await?.handle(&self.keys, username)?).await
    }

    /// What is known of a name, for whoever only asks: where no key was ever made to find names by, nobody has one, and
    /// none is made.
    pub(crate) async fn holder(&self, username: &Username) -> Result<Option<Row>, RegisterError> {
        if !self.names.initialized() && self.read::<Sealed>(self.keys.name_key()?).await?.value().is_none() {
            return Ok(None);
        }
        Ok(self.row(username).await?.into_value())
    }

    pub(crate) async fn foreign(&self, foreign: &ForeignKey) -> Result<Slot<AccountId>, RegisterError> {
        self.read(self.names().await?.foreign(&self.keys, foreign)?).await
    }

    /// Makes the key that names are found by, if there is none: so that nobody who asks has it made.
    pub(crate) async fn prepare(&self) -> Result<(), RegisterError> {
        self.names().await.map(|_| ())
    }

    /// What names are hashed with.
    pub(crate) async fn names(&self) -> Result<&NameKey, RegisterError> {
        self.names.get_or_try_init(|| self.read_names()).await
    }

    /// Reads the key, or makes it; seals it again when the sealer's key has changed.
    async fn read_names(&self) -> Result<NameKey, RegisterError> {
        let place = self.keys.name_key()?;
        let owner = place.to_string();
        for _ in 0..ATTEMPTS {
            let slot = self.read::<Sealed>(place.clone()).await?;
            let secret = match slot.value() {
                Some(sealed) => self.sealer.open(&owner, sealed).map_err(|_| RegisterError::Sealing)?,
                None => NameKey::mint(&*self.randomness),
            };
            let names = NameKey::new(&secret).ok_or(RegisterError::Sealing)?;
            if slot.value().is_some_and(|sealed| sealed.is_current(&self.sealer)) {
                return Ok(names);
            }
            let sealed = self.sealer.seal(&owner, &secret, &*self.randomness);
            let commit = slot.put(Commit::new(), &sealed.map_err(|_| RegisterError::Sealing)?)?;
            // Whoever was faster made the key that counts.
            if self.commit(commit).await? == Outcome::Done {
                return Ok(names);
            }
        }
        Err(RegisterError::Contended)
    }

    /// A page of the places below `prefix`, after `after`. A damaged record is left out, and logged: it must not keep
    /// the others from what is done for them.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&Key>,
    ) -> Result<Page<T>, RegisterError> {
        const PAGE: usize = 256;
        let entries = self.store.scan(prefix.as_bytes(), after, PAGE).await?;
        let last = entries.last().map(|(key, _)| key.clone());
        let slot = |(key, entry): (Key, Entry)| Slot::of(key, &entry).ok();
        Ok(Page { records: entries.into_iter().filter_map(slot).collect(), last })
    }

    pub(crate) async fn commit(&self, commit: Commit) -> Result<Outcome, RegisterError> {
        match self.store.commit(commit).await {
            Ok(_) => Ok(Outcome::Done),
            Err(CommitError::Conflict(_)) => Ok(Outcome::Conflict),
            Err(CommitError::Unknown(_)) => Ok(Outcome::Unknown),
            Err(CommitError::Failed(error)) => Err(error.into()),
            // Our commits have a handful of small rows; only a record out of all proportion could be refused.
            Err(CommitError::Refused(refusal)) => {
                tracing::error!(error = %refusal, "mirror.commit.refused");
                Err(RegisterError::Contended)
            }
        }
    }
}
