//! Typed access to the rows of one mirror.

use std::sync::Arc;

use namesake::{
    AccountId, Scheme,
    store::{Commit, CommitError, Key, Slot, Store},
};
use serde::de::DeserializeOwned;

use crate::{
    RegisterError, Username,
    records::{Account, ForeignKey, Keys, Row},
};

/// How often a commit is tried again when others changed the same rows.
pub(crate) const ATTEMPTS: u32 = 16;

/// The rows of one mirror.
#[derive(Debug, Clone)]
pub(crate) struct Register {
    store: Arc<dyn Store>,
    pub(crate) keys: Keys,
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
    pub(crate) fn new(store: Arc<dyn Store>, scheme: &Scheme) -> Self {
        Self { store, keys: Keys::new(scheme) }
    }

    pub(crate) async fn read<T: DeserializeOwned>(&self, key: Key) -> Result<Slot<T>, RegisterError> {
        Ok(Slot::read(&*self.store, key).await?)
    }

    pub(crate) async fn account(&self, account: &AccountId) -> Result<Slot<Account>, RegisterError> {
        self.read(self.keys.account(account)?).await
    }

    pub(crate) async fn row(&self, username: &Username) -> Result<Slot<Row>, RegisterError> {
        self.read(self.keys.handle(username)?).await
    }

    pub(crate) async fn foreign(&self, foreign: &ForeignKey) -> Result<Slot<AccountId>, RegisterError> {
        self.read(self.keys.foreign(foreign)?).await
    }

    /// A page of the places below `prefix`, after `after`.
    pub(crate) async fn page<T: DeserializeOwned>(
        &self,
        prefix: &str,
        after: Option<&Key>,
    ) -> Result<Vec<Slot<T>>, RegisterError> {
        const PAGE: usize = 256;
        let entries = self.store.scan(prefix.as_bytes(), after, PAGE).await?;
        entries.into_iter().map(|(key, entry)| Ok(Slot::of(key, &entry)?)).collect()
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
