//! What is stored: the keys, and the record behind each.
//!
//! ```text
//! <scheme>/account/<did:web>        Account     everything of one account; every commit about it writes this
//! <scheme>/log/<label>/<number>     one entry   in canonical form; never written twice
//! <scheme>/came/<label>/<number>    a time      when that entry came, by our clock; older stores do not have it
//! <scheme>/handle/<name>            Row         who holds a name below a domain of ours
//! <scheme>/scid/<SCID>              did:web     which account a did:webvh is
//! ```
//!
//! A `handle` row never says that somebody holds a name whose head does not claim it: both are written in one commit.

use namesake::{
    AccountId, Scheme, Timestamp,
    store::{Key, StoreError},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Hostname, document, webvh::Head};

/// Everything of one account; what it says of itself as [`Value`], or as [`Names`] while it is replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account<D = Value> {
    /// What its log amounts to.
    pub(crate) head: Head<D>,
    /// How long the log is, line breaks and all.
    pub(super) log_bytes: usize,
    /// When its entries of the last week were taken.
    pub(super) entries: Vec<Timestamp>,
    /// The greatest revision of a profile that was taken since the recovery key last spoke.
    pub(super) rev: u64,
    /// The record of the profile, as it was signed.
    pub(crate) profile: Option<Value>,
    /// When profiles of the last hour were taken.
    pub(super) profiles: Vec<Timestamp>,
}

/// What the next entry has to know of a DID document. To read it whole costs as much as all the rest of an account, and
/// this cannot be written in its place.
#[derive(Debug, Deserialize)]
pub(super) struct Names {
    #[serde(rename = "alsoKnownAs", default)]
    aliases: Value,
}

/// What is known of a name below a domain of ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(super) enum Row {
    /// This account goes by it.
    Held { account: AccountId },
    /// This account did, until then.
    Released { by: AccountId, at: Timestamp },
}

/// Makes the keys.
#[derive(Debug, Clone)]
pub(super) struct Keys(Scheme);

impl Account {
    /// The name it goes by, if it is not closed.
    ///
    /// Whoever closed an account gave its name up.
    pub(crate) fn claim(&self) -> Option<Hostname> {
        document::claim(&self.head.state).filter(|_| !self.head.deactivated)
    }
}

impl Account<Names> {
    /// The same.
    pub(super) fn claim(&self) -> Option<Hostname> {
        document::claim_among(&self.head.state.aliases).filter(|_| !self.head.deactivated)
    }
}

impl Keys {
    pub(super) fn new(scheme: Scheme) -> Self {
        Self(scheme)
    }

    pub(super) fn scheme(&self) -> &Scheme {
        &self.0
    }

    pub(super) fn account(&self, did: &AccountId) -> Result<Key, StoreError> {
        self.key("account", did.as_str())
    }

    /// The account whose record is at `key`.
    pub(super) fn account_at(&self, key: &Key) -> Option<AccountId> {
        let text = std::str::from_utf8(key.as_bytes()).ok()?;
        let did = text.strip_prefix(self.0.as_str())?.strip_prefix("/account/")?;
        AccountId::parse(did).ok().filter(|did| did.as_str().starts_with("did:web:"))
    }

    pub(super) fn handle(&self, name: &Hostname) -> Result<Key, StoreError> {
        self.key("handle", name.as_str())
    }

    pub(super) fn scid(&self, scid: &str) -> Result<Key, StoreError> {
        self.key("scid", scid)
    }

    /// What all keys of one kind begin with.
    pub(super) fn all(&self, kind: &str) -> String {
        format!("{}/{kind}/", self.0)
    }

    /// What all keys of a log begin with.
    pub(super) fn log(&self, label: &str) -> String {
        format!("{}/log/{label}/", self.0)
    }

    /// Where an entry is.
    pub(super) fn entry(&self, label: &str, number: u64) -> Result<Key, StoreError> {
        self.key("log", &place(label, number))
    }

    /// What the keys of all moments begin with at which entries of a log came.
    pub(super) fn receipts(&self, label: &str) -> String {
        format!("{}/came/{label}/", self.0)
    }

    /// Where it says when an entry came.
    pub(super) fn receipt(&self, label: &str, number: u64) -> Result<Key, StoreError> {
        self.key("came", &place(label, number))
    }

    /// All names here are host names or shorter, so that no key is too long.
    fn key(&self, kind: &str, name: &str) -> Result<Key, StoreError> {
        Key::new(format!("{}/{kind}/{name}", self.0))
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }
}

/// Padded, so that the order of keys is that of entries.
fn place(label: &str, number: u64) -> String {
    format!("{label}/{number:010}")
}
