//! Accounts that live here: each a signed log, a name if it wants one, and a profile.
//!
//! An account is created, renamed, given other keys and closed by **one signed log entry** each, which its holder makes
//! and posts; there is no session, no password, and no key of theirs ever comes here. What an entry may do, apart from
//! what did:webvh says (`webvh`), is in these files:
//!
//! ```text
//!   settings    the domains we serve, and every limit
//!   records     what is stored: keys and rows
//!   names       which names can be had below our domains, and by whom       pure
//!   international   what an xn-- label is, and could be taken for           pure
//!   admission   how often, how large, of which form, and who must sign      pure
//!   register    a new account; an entry; a profile: one atomic commit each
//!   published   what is read back: documents, logs, holders, by host
//!   tenants     whose accounts a store holds, for whoever starts on it
//! ```

mod admission;
mod international;
mod names;
mod published;
mod records;
mod register;
mod settings;
mod tenants;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use namesake::{
    AccountId, Clock, Handle, Invalidator, Scheme, Timestamp,
    store::{Slot, Store, StoreError},
};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

pub(crate) use published::Holder;
use records::{Account, Keys};
pub use settings::HostedSettings;
pub use tenants::Tenants;

use crate::{
    Did, Hostname,
    webvh::{Fault, Multikey, VersionId},
};

/// The register of accounts that live here.
#[derive(Debug)]
pub struct Hosted {
    settings: HostedSettings,
    keys: Keys,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    invalidator: Invalidator,
}

/// What became of an entry that was taken. It is durable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The account, as atproto clients see it: `did:web:<label>.<id_domain>`.
    pub did: Did,
    /// The same account by its verifiable name: `did:webvh:<SCID>:<label>.<id_domain>`.
    pub webvh: String,
    /// The handle it claims now.
    pub handle: Option<Handle>,
    /// The head of its log.
    pub version: VersionId,
    /// Its time.
    pub version_time: Timestamp,
    /// Whether exactly this entry had been taken before: nothing was changed by posting it again.
    pub repeated: bool,
}

/// What became of a profile record that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileReceipt {
    /// The account.
    pub did: Did,
    /// The record's revision.
    pub rev: u64,
    /// Whether exactly this record had been taken before.
    pub repeated: bool,
}

/// Why an entry or a record was not taken. Nothing was changed, unless it says otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Rejection {
    /// It breaks a rule of did:webvh, or of signed records.
    #[error("{0}")]
    Invalid(#[from] Fault),
    /// It breaks a rule of this service, beyond those.
    #[error("{0}")]
    Refused(Rule),
    /// The handle is somebody else's, or held back for whoever gave it up.
    #[error("the handle {0} is taken")]
    HandleTaken(Handle),
    /// The handle cannot be had by anybody.
    #[error("the handle {0} is reserved")]
    Reserved(Handle),
    /// It does not follow the newest entry (or revision): somebody was faster, or it is a replay.
    #[error("it does not follow the head of the log, which is {head}")]
    StaleHead {
        /// The head: a `versionId`, or a revision.
        head: String,
    },
    /// There is no such account.
    #[error("no such account lives here")]
    UnknownAccount,
    /// Too many entries in too short a time.
    #[error("too many entries: the next is taken in {} s", retry_after.as_secs())]
    TooMany {
        /// When the next would be taken.
        retry_after: Duration,
    },
    /// The store failed; whether anything was written is not known.
    #[error("the store failed")]
    Store(#[from] StoreError),
}

/// The rules of this service that an entry or a record can break, beyond those of did:webvh; named as [`Fault`]s are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Rule {
    /// Larger than [`HostedSettings::max_entry_bytes`].
    #[error("the entry is larger than this service takes")]
    EntrySize,
    /// did:webvh lets `versionTime` have a fraction of a second, and an offset of nothing in place of `Z`; much of the
    /// software that is to read the log does not.
    #[error("versionTime is whole seconds and `Z`, as in 2026-11-22T10:00:00Z")]
    TimeForm,
    /// The log would pass [`HostedSettings::max_log_bytes`].
    #[error("the log is full: other software does not read longer ones")]
    LogSize,
    /// The DID is not at `<label>.<id_domain>`, the label being `u` and 24 characters of the hash of the first key.
    #[error("the host of the DID is not the label of its first key below our domain of identifiers")]
    Label,
    /// A first entry by any other of its keys would let whoever knows somebody's public key take the label made of it.
    #[error("the first entry is signed by the first of its updateKeys, which its label is made of")]
    FirstKey,
    /// Whatever an author writes into `versionTime`, the history of names shows when an entry came; one that is older than
    /// [`HostedSettings::max_entry_age`] was made for another purpose.
    #[error("versionTime is longer ago than an entry may be under way")]
    TooOld,
    /// Without exactly one alias `did:web:<host>`, the two names of the account would not be tied together.
    #[error("alsoKnownAs names the parallel did:web, and names it once")]
    WebAlias,
    /// More than one handle, or an `at://` that is none.
    #[error("alsoKnownAs has at most one at:// alias, and that is a handle in lower case")]
    HandleAlias,
    /// A host under our domain of identifiers, or a name of ours with several labels, is nobody's handle.
    #[error("this name is not given as a handle")]
    NoHandle,
    /// A label below a served domain that is shorter than [`HostedSettings::min_label`].
    #[error("the name is shorter than names are given here")]
    ShortName,
    /// An `xn--` label where [`HostedSettings::allow_idn`] is off, or one that is not written as UTS 46 writes a name.
    #[error("no international name (xn--…) like this is given here")]
    International,
    /// An international name that is read as one in ASCII, which could be somebody else's.
    #[error("this international name could be taken for one in ASCII")]
    Confusable,
    /// An account of ours does not move away by an entry that we serve: its host would not be ours.
    #[error("the DID is at another host than the account")]
    Host,
    /// Dropping the recovery key's commitment, or turning pre-rotation off, takes the recovery key.
    #[error(
        "the last of nextKeyHashes is the recovery key's; an entry without it must be signed by that key"
    )]
    Recovery,
    /// A profile record is not of its form.
    #[error(
        "a profile record has did, rev, proof and, if wanted, displayName, description, avatar and redirect"
    )]
    Record,
    /// A profile record is another account's.
    #[error("the record is another account's")]
    RecordDid,
    /// The account was closed.
    #[error("the account was closed")]
    Closed,
}

impl Rule {
    /// The rule's name, in kebab-case.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::EntrySize => "entry-size",
            Self::TimeForm => "time-form",
            Self::LogSize => "log-size",
            Self::Label => "label",
            Self::FirstKey => "first-key",
            Self::TooOld => "too-old",
            Self::WebAlias => "web-alias",
            Self::HandleAlias => "handle-alias",
            Self::NoHandle => "no-handle",
            Self::ShortName => "short-name",
            Self::International => "international",
            Self::Confusable => "confusable",
            Self::Host => "host",
            Self::Recovery => "recovery",
            Self::Record => "record",
            Self::RecordDid => "record-did",
            Self::Closed => "closed",
        }
    }
}

/// A log as it is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedLog {
    /// JSON Lines, each entry canonical and ended by a line break.
    pub text: Bytes,
    /// Its head, which is its `ETag`.
    pub version: VersionId,
}

/// Who is at a host of ours.
#[derive(Debug, Clone, PartialEq)]
pub enum AtHost {
    /// It is below none of our domains.
    Elsewhere,
    /// It is below a domain of handles; nobody goes by it.
    NoHandle,
    /// It is a handle that this account goes by.
    Handle(Did),
    /// It was a handle of this account, which wants visitors to be sent to its present one.
    Moved(Did),
    /// It is below the domain of identifiers; no account is there.
    NoAccount,
    /// It is the host of an account that was closed; its log is still there.
    Closed(Did),
    /// It is the host of an account.
    Account {
        /// The account.
        did: Did,
        /// Its `did:web` document.
        document: Value,
        /// The head of its log.
        version: VersionId,
    },
}

impl Hosted {
    /// The register over `store`, with keys that begin with the backend's name.
    #[must_use]
    pub fn new(
        settings: HostedSettings,
        scheme: Scheme,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
        invalidator: Invalidator,
    ) -> Self {
        Self { settings, keys: Keys::new(scheme), store, clock, invalidator }
    }

    /// What an operator chose.
    #[must_use]
    pub fn settings(&self) -> &HostedSettings {
        &self.settings
    }

    /// The time here, by which entries are judged.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The scheme of the accounts.
    #[must_use]
    pub fn scheme(&self) -> &Scheme {
        self.keys.scheme()
    }

    /// The account that a changed key of the store is about, if it is one of ours: for a feed of changes. Of all keys
    /// that a commit writes here, one is its account's; the others give `None`.
    #[must_use]
    pub fn account_of_key(&self, key: &namesake::store::Key) -> Option<AccountId> {
        self.keys.account_at(key)
    }

    /// What the did:web and the host of an account of ours would be, of either of its DIDs; without I/O.
    fn web_did(&self, account: &AccountId) -> Option<(Did, Hostname)> {
        let text = account.as_str();
        let place = match text.strip_prefix("did:webvh:") {
            Some(rest) => rest.split_once(':')?.1,
            None => text.strip_prefix("did:web:")?,
        };
        let host = Hostname::parse(place).ok().filter(|host| host.as_str() == place)?;
        let ours = matches!(self.settings.place(&host), names::Place::Identifier(_));
        let did = Did::parse(&format!("did:web:{host}")).ok().filter(|_| ours)?;
        Some((did, host))
    }

    /// Whether nobody but us knows this account, be it that there is none; without I/O.
    pub(crate) fn is_ours(&self, account: &AccountId) -> bool {
        self.web_did(account).is_some()
    }

    async fn slot<D: DeserializeOwned>(&self, did: &AccountId) -> Result<Slot<Account<D>>, StoreError> {
        Slot::read(&*self.store, self.keys.account(did)?).await
    }
}

/// The label of the host of an account: `u`, and the first 24 characters of the SHA-256 of its first key, in base32.
///
/// A letter first, and no case that matters: some verifiers demand the one, and the DNS ignores the other. Anybody can
/// recompute it from the first entry, so that a second log cannot be put at the same name.
#[must_use]
pub fn label_of(first_key: &Multikey) -> String {
    let digest = data_encoding::BASE32_NOPAD.encode(&Sha256::digest(first_key.as_str()));
    let short: String = digest.chars().take(24).collect();
    format!("u{}", short.to_ascii_lowercase())
}
