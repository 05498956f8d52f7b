//! The feed of changes: what the store tells, as accounts.
//!
//! A store tells of keys; each model knows which of them are an account's own. Every commit about an account writes that
//! key, so that the others (names, log entries, sessions) are skipped and no change is lost. Nothing of a value is read:
//! what goes out is which account changed, never how it is called.

use std::sync::Arc;

use namesake::{
    AccountId, Scheme,
    store::{Change, Key, Store, StoreError, Version},
};
use namesake_independent::hosted::Hosted;
use namesake_mirror::MirrorModel;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Notify, futures::Notified};

use crate::api::{AccountChange, Changes};

/// How many changes of keys are asked of the store at a time.
const KEYS_AT_ONCE: usize = 500;
/// How often the store is asked for one page. Where few keys are accounts, the page then ends early and says `more`: no
/// question costs more than this, and how many there may be is a matter of quotas.
const MOST_READS: usize = 2;
/// The cursor of the start.
const START: &str = "0";
/// How many characters of the hash of a commit are in a cursor.
const MARK: usize = 8;

/// The feed.
#[derive(Debug)]
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    hosted: Option<Arc<Hosted>>,
    mirrors: Vec<Arc<MirrorModel>>,
    told: Arc<Notify>,
}

/// A place in the feed: after a commit, or at its start.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    version: Version,
    cursor: String,
}

/// Why a cursor leads nowhere.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CursorError {
    /// This feed never gave it.
    #[error("the cursor is not of this feed: leave it out to begin at its start")]
    Foreign,
    /// Nobody knows.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

impl Feed {
    /// The feed of `store`; `told` is woken when a change is told of elsewhere.
    pub(crate) fn new(
        store: Arc<dyn Store>,
        hosted: Option<Arc<Hosted>>,
        mirrors: Vec<Arc<MirrorModel>>,
        told: Arc<Notify>,
    ) -> Self {
        Self { store, hosted, mirrors, told }
    }

    /// Ready when a change is told of from now on: from the call, not from the first poll.
    pub(crate) fn told(&self) -> Notified<'_> {
        self.told.notified()
    }

    /// The place that a cursor names. The commit before it must be the one it was made of, so that the cursor of another
    /// store, or of what was lost when this one was restored from a backup, is found out and skips nothing.
    pub(crate) async fn place(&self, cursor: &str) -> Result<Place, CursorError> {
        if cursor == START {
            return Ok(Place::start());
        }
        let version = cursor.split_once('-').and_then(|(version, _)| version.parse::<Version>().ok());
        let before = version.and_then(|version| version.sequence().checked_sub(1));
        let before = Version::from_sequence(before.ok_or(CursorError::Foreign)?);
        let commit = self.store.changes(before, 1).await?;
        Place::after(&commit).filter(|place| place.cursor == cursor).ok_or(CursorError::Foreign)
    }

    /// What follows `after`: whole commits, about `limit` changes, at least one commit if there is one. With the place
    /// where it goes on.
    pub(crate) async fn page(&self, after: &Place, limit: usize) -> Result<(Changes, Place), StoreError> {
        let (mut changes, mut until, mut more) = (Vec::new(), after.clone(), true);
        'reads: for _ in 0..MOST_READS {
            let keys = self.store.changes(until.version, KEYS_AT_ONCE).await?;
            more = !keys.is_empty();
            for commit in keys.chunk_by(|one, next| one.version == next.version) {
                let Some(next) = Place::after(commit) else { continue };
                let mut found = self.accounts_in(commit, &until, &next);
                let fits = changes.len() + found.len() <= limit;
                if !found.is_empty() && !changes.is_empty() && !fits {
                    break 'reads;
                }
                changes.append(&mut found);
                until = next;
            }
            if !more {
                break;
            }
        }
        Ok((Changes { changes, next: until.cursor.clone(), more }, until))
    }

    /// The changes of a commit that are about accounts. Whoever has seen the last of them goes on after the commit;
    /// whoever has seen another one goes on before it, and sees that one twice.
    fn accounts_in(&self, commit: &[Change], before: &Place, after: &Place) -> Vec<AccountChange> {
        let found = commit.iter().filter_map(|change| Some((change.deleted, self.account_of(&change.key)?)));
        let mut found: Vec<_> = found
            .map(|(deleted, (account, scheme))| AccountChange {
                seq: before.cursor.clone(),
                account: account.to_string(),
                scheme: scheme.to_string(),
                deleted,
            })
            .collect();
        if let Some(last) = found.last_mut() {
            last.seq.clone_from(&after.cursor);
        }
        found
    }

    /// Whose key it is, if it is an account's.
    fn account_of(&self, key: &Key) -> Option<(AccountId, &Scheme)> {
        let hosted = self.hosted.as_ref();
        let hosted = hosted.and_then(|hosted| Some((hosted.account_of_key(key)?, hosted.scheme())));
        let mut mirrors = self.mirrors.iter();
        hosted.or_else(|| {
            mirrors.find_map(|mirror| Some((mirror.account_of_key(key)?, &mirror.settings().scheme)))
        })
    }
}

impl Place {
    /// Before the first commit.
    pub(crate) fn start() -> Self {
        Self { version: Version::ZERO, cursor: START.to_owned() }
    }

    /// After the commit that `changes` begin with. Its cursor has a hash of the commit's keys, which say nothing about
    /// a person, and differ from those of any other store's commit, since account ids and the like are random.
    fn after(changes: &[Change]) -> Option<Self> {
        let version = changes.first()?.version;
        let mut digest = Sha256::new();
        for change in changes.iter().take_while(|change| change.version == version) {
            let key = change.key.as_bytes();
            digest.update(key.len().to_be_bytes());
            digest.update(key);
        }
        let digest = data_encoding::BASE32_NOPAD.encode(&digest.finalize()).to_ascii_lowercase();
        let mark: String = digest.chars().take(MARK).collect();
        Some(Self { version, cursor: format!("{version}-{mark}") })
    }
}
