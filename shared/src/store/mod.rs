//! The store: one small port, and the adapters behind it.
//!
//! A store is an ordered space of keys and values. It knows three things: **conditional, atomic, durable** commits,
//! reads (of one key, or of a prefix), and an ordered feed of changes. All domain logic is written once, above this
//! port; that two accounts never hold one handle is a single [`Expect::Absent`] in a single [`Commit`].
//!
//! | file | what it holds |
//! |---|---|
//! | here | the port: [`Store`], and the rules S1 to S15 that every adapter keeps |
//! | `key`, `version`, `commit`, `feed`, `error`, `limits` | the words of the port, valid by construction |
//! | `health` | [`StoreHealth`]: what a store can do at the moment |
//! | `slot` | [`Slot`]: a record as it was read, for whoever reads, decides and commits |
//! | `memory` | [`MemoryStore`]: everything in a map, gone with the process |
//! | `sled` (feature `sled`) | `SledStore`: one folder on one machine; survives kill and power cut |
//!
//! A new adapter runs `conformance::store::check_store` (feature `conformance`); its whole test is about 20 lines.

mod commit;
mod error;
mod feed;
mod health;
mod key;
mod limits;
mod memory;
#[cfg(feature = "sled")]
mod sled;
mod slot;
mod version;

use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

pub use self::commit::{Commit, Expect, Refusal, Write};
pub use self::error::{CommitError, StoreError, StoreErrorKind};
pub use self::feed::{Change, whole_commits};
pub use self::health::StoreHealth;
pub use self::key::{FLEETING, Key, KeyError};
pub use self::limits::{
    MAX_COMMIT_BYTES, MAX_COMMITS_PER_BATCH, MAX_KEY_BYTES, MAX_KEYS_PER_COMMIT, MAX_VALUE_BYTES,
};
pub use self::memory::MemoryStore;
#[cfg(feature = "sled")]
pub use self::sled::{OpenError, SledOptions, SledStore};
pub use self::slot::Slot;
pub use self::version::{ParseVersionError, Version};

/// What the methods of [`Store`] return: boxed, so that the trait can be used as `dyn Store`.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// An ordered key-value space with conditional, atomic, durable commits and an ordered feed of changes.
///
/// **Nothing leaves a store before it is durable.** No read, scan, feed page or conflict may tell of a commit that a
/// power cut could still undo: a log head that was served once and then lost would look like a rewritten history.
///
/// # The rules
///
/// The conformance suite checks them and panics with their number.
///
/// * **S1** A read begun after a commit was acknowledged sees that commit's value, with the version it returned.
/// * **S2** A key that was never written reads as `None`. Absence is an answer, not an error.
/// * **S3** [`Expect::Absent`] holds when the key has no live entry (never written, or deleted), and only then.
/// * **S4** [`Expect::At`] holds when the key has a live entry of exactly that version, and only then. A key may be
///   expected without being written.
/// * **S5** A commit with an expectation that does not hold fails with [`CommitError::Conflict`], naming a key whose
///   expectation failed, and leaves nothing: no entry, no change in the feed.
/// * **S6** A commit is all or nothing, and has one version for all its keys, greater than that of any commit that was
///   acknowledged before it began.
/// * **S7** A delete hides the entry and keeps its place: no version is ever used twice for a key, not by deleting and
///   writing it again either. Deleting a key that has no live entry is allowed, and is a change like any other.
/// * **S8** A scan returns live entries only, those whose key begins with the prefix, in ascending order of key bytes,
///   strictly after `after`, at most `limit` of them. It is no snapshot: each entry is as it was at some moment
///   during the call.
/// * **S9** The feed has every change exactly once, in order of versions, in pages of **whole commits**: a page ends
///   before the commit that would take it past `limit`, yet a page of `limit >= 1` holds at least one commit if there
///   is one (so it is at most the greater of `limit` and [`MAX_KEYS_PER_COMMIT`] long). Whoever asks again after the
///   last version of a page misses nothing. The feed is never trimmed.
/// * **S10** A malformed commit is [`CommitError::Refused`] (see [`Refusal`]) and leaves nothing; one that is exactly
///   at a limit is accepted.
/// * **S11** Of many concurrent commits that expect one key absent and write it, exactly one succeeds.
/// * **S12** Dropping the future of a commit at any await leaves all of the commit or nothing of it, and harms no other
///   call.
/// * **S13** A write without an expectation on its key is allowed: the last one wins.
/// * **S14** S9 holds while commits are under way: a reader that follows the feed misses no version that becomes
///   visible behind its back.
/// * **S15** A *fleeting* key (one that begins with [`FLEETING`]) is read, scanned and committed as any other, and the
///   feed never tells of it: what comes and goes in great numbers and is nobody's business leaves nothing behind. An
///   adapter keeps no place for one that is deleted.
pub trait Store: Debug + Send + Sync + 'static {
    /// The live entry of `key`; `None` when the key was never written or is deleted. Only durable versions are seen.
    ///
    /// # Errors
    /// [`StoreError`] when the answer is not known; never for absence.
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>>;

    /// Live entries whose key begins with `prefix`, in key order, after `after` (exclusive), at most `limit`.
    ///
    /// Fewer than `limit` entries mean that there were no more. To go on, pass the last key as `after`.
    ///
    /// # Errors
    /// [`StoreError`] when the answer is not known.
    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>>;

    /// Applies all of `commit` or nothing of it; `Ok` with its version, and only once it is durable.
    ///
    /// # Errors
    /// [`CommitError`], whose variants say whether anything may have been written.
    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>>;

    /// The ordered feed: changes after `after`, oldest first, about `limit` of them (whole commits, see S9); gap free,
    /// durable only. [`Version::ZERO`] is its start.
    ///
    /// # Errors
    /// [`StoreError`] when the answer is not known.
    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>>;
}

/// What a key holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The version of the commit that wrote it; what [`Expect::At`] compares.
    pub version: Version,
    /// The bytes written, at most [`MAX_VALUE_BYTES`]. Shared, so that a clone copies nothing.
    pub value: Arc<[u8]>,
}
