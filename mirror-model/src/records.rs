//! What a mirror stores: the keys, and the record behind each.
//!
//! ```text
//! mirror/<NAME>/account/<account>   Account   everything of one person; written when something changes
//! mirror/<NAME>/handle/<hash>       Row       who holds a name and when that was last confirmed; one read a lookup
//! mirror/<NAME>/foreign/<hash>      account   the upstream's user behind an account; unique
//! mirror/<NAME>/key                 Sealed    what names and upstream ids are hashed with: see `name_key`
//! mirror/<NAME>/keyring             Keyring   which keys of the key file anything may be sealed with: see `key_file`
//! ~mirror/<NAME>/session/<hash>     account   a signed-in browser; one for each account
//! ~mirror/<NAME>/used/<hash>        Used      a sign-in that was used, kept for as long as it could come back
//! ~mirror/<NAME>/deletion/<hash>    time      a data-deletion request, for its status page; kept for a time
//! ```
//!
//! Nothing of an account outlives it, and no key says anything about a person: the feed of changes keeps keys for ever.
//! Fleeting keys (with a `~`) are not in it: see rule S15 of [`Store`](namesake::store::Store).

use std::collections::BTreeSet;

use namesake::{
    AccountId, AvatarUrl, Bio, DisplayName, Scheme, Timestamp,
    store::{FLEETING, Key, KeyError},
};
use serde::{Deserialize, Serialize};

use crate::{Username, sealing::Sealed, secret::hash, upstream::UpstreamSource};

/// Everything of one person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Account {
    /// Our own key for it.
    pub(crate) account: AccountId,
    /// Which account of which upstream it mirrors, for good.
    pub(crate) foreign: ForeignKey,
    /// The name whose row says that this account holds it.
    pub(crate) handle: Option<Username>,
    /// When that began, or since when it has none.
    pub(crate) handle_since: Timestamp,
    /// When the upstream last gave the answer that is stored here; no older answer changes it.
    pub(crate) learnt_at: Timestamp,
    /// Names it held before, the newest last.
    pub(crate) former: Vec<FormerHandle>,
    /// Copied when it was linked, its own since.
    pub(crate) display_name: Option<DisplayName>,
    /// Copied when it was linked, its own since.
    pub(crate) bio: Option<Bio>,
    /// Always the upstream's.
    pub(crate) avatar: Option<AvatarUrl>,
    /// How it is polled; `None` when nothing is left to poll with.
    pub(crate) token: Option<StoredToken>,
    /// Whether its name cannot be confirmed until its owner signs in again.
    pub(crate) needs_login: bool,
    /// The one sign-in that is valid.
    pub(crate) session: Option<Session>,
    /// When it was first linked.
    pub(crate) linked_at: Timestamp,
}

/// A name an account held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerHandle {
    /// The name.
    pub handle: Username,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// A user of an upstream, unique among all of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ForeignKey {
    #[serde(flatten)]
    pub(crate) source: UpstreamSource,
    pub(crate) id: String,
}

/// An upstream's token, encrypted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct StoredToken {
    pub(crate) sealed: Sealed,
    /// From when on it should be refreshed.
    pub(crate) refresh_at: Option<Timestamp>,
    /// Whether it may be refreshed also when the upstream takes it no more.
    pub(crate) revivable: bool,
}

/// A sign-in: the hash of its token, and its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) hash: String,
    pub(crate) expires: Timestamp,
}

/// What is known of a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub(crate) enum Row {
    /// Somebody goes by it.
    Held { account: AccountId, confirmed: Confirmed },
    /// Somebody did.
    Released { by: AccountId, at: Timestamp },
}

/// When the upstream was asked whether an account goes by a name, and when it said so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Confirmed {
    pub(crate) asked: Timestamp,
    pub(crate) received: Timestamp,
}

/// The fingerprints of the keys under which something may be sealed: of all that a start needs.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Keyring {
    pub(crate) keys: BTreeSet<String>,
}

/// A data-deletion request that was carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deletion {
    pub(crate) at: Timestamp,
}

/// Makes the keys of one mirror.
#[derive(Debug, Clone)]
pub(crate) struct Keys(String);

impl Keys {
    pub(crate) fn new(scheme: &Scheme) -> Self {
        Self(format!("mirror/{scheme}/"))
    }

    pub(crate) fn accounts(&self) -> String {
        format!("{}account/", self.0)
    }

    /// The account whose record is at `key`.
    pub(crate) fn account_at(&self, key: &Key) -> Option<AccountId> {
        let account = key.as_bytes().strip_prefix(self.accounts().as_bytes())?;
        AccountId::parse(std::str::from_utf8(account).ok()?).ok()
    }

    pub(crate) fn account(&self, account: &AccountId) -> Result<Key, KeyError> {
        Key::new(format!("{}{account}", self.accounts()))
    }

    pub(crate) fn handles(&self) -> String {
        format!("{}handle/", self.0)
    }

    pub(crate) fn foreigners(&self) -> String {
        format!("{}foreign/", self.0)
    }

    pub(crate) fn name_key(&self) -> Result<Key, KeyError> {
        Key::new(format!("{}key", self.0))
    }

    pub(crate) fn keyring(&self) -> Result<Key, KeyError> {
        Key::new(format!("{}keyring", self.0))
    }

    /// What a sign-in under way is sealed for; the key of nothing.
    pub(crate) fn sign_in(&self) -> String {
        format!("{}sign-in", self.0)
    }

    pub(crate) fn session(&self, hash: &str) -> Result<Key, KeyError> {
        Key::new(format!("{FLEETING}{}session/{hash}", self.0))
    }

    pub(crate) fn used_states(&self) -> String {
        format!("{FLEETING}{}used/", self.0)
    }

    pub(crate) fn used_state(&self, state: &str) -> Result<Key, KeyError> {
        Key::new(format!("{}{}", self.used_states(), hash(state)))
    }

    pub(crate) fn deletions(&self) -> String {
        format!("{FLEETING}{}deletion/", self.0)
    }

    pub(crate) fn deletion(&self, code: &str) -> Result<Key, KeyError> {
        Key::new(format!("{}{}", self.deletions(), hash(code)))
    }
}
