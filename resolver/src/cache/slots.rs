//! The map of what is remembered: its keys, and what each slot weighs.

use std::hash::{Hash, Hasher, RandomState};

use namesake::Handle;
use quick_cache::{
    Equivalent, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::entry::Kept;
use crate::{directory::Seat, query::Subject};

/// One question to one backend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) seat: Seat,
    pub(crate) subject: Subject,
}

impl Key {
    fn name(&self) -> &str {
        match &self.subject {
            Subject::Handle(handle) => handle.as_str(),
            Subject::Account(account) => account.as_str(),
        }
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.seat, self.name(), state);
    }
}

/// The [`Key`] of a question about a handle, without its own copy of the name.
pub(super) struct OfHandle<'a> {
    pub(super) seat: Seat,
    pub(super) handle: &'a str,
}

impl Hash for OfHandle<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.seat, self.handle, state);
    }
}

impl Equivalent<Key> for OfHandle<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        let same = |handle: &Handle| handle.as_str() == self.handle;
        self.seat == key.seat && matches!(&key.subject, Subject::Handle(handle) if same(handle))
    }
}

/// In two pieces, for which a hasher takes half as long as for the four that would be derived.
fn hash<H: Hasher>(seat: Seat, name: &str, state: &mut H) {
    state.write(name.as_bytes());
    state.write_usize(seat.index());
}

/// Sharded, each shard behind a lock of its own; those asked for least go first (S3-FIFO). The hasher has a secret: names
/// come from strangers.
pub(super) type Slots<V> = Cache<Key, Kept<V>, Weight, RandomState>;

/// With room for so much.
pub(super) fn empty<V>(capacity_bytes: u64) -> Slots<V> {
    /// A shard is for 32 of what is said to be the typical answer, at least. Said to be this large, a shard has room for
    /// the largest document, on a machine of however many cores.
    const TYPICAL_BYTES: u64 = 32 << 10;
    let answers = usize::try_from(capacity_bytes / TYPICAL_BYTES).unwrap_or(usize::MAX);
    Cache::with(answers.max(1), capacity_bytes, Weight, RandomState::new(), DefaultLifecycle::default())
}

/// About how many bytes a slot takes, with its key.
#[derive(Debug, Clone)]
pub(super) struct Weight;

impl<V> Weighter<Key, Kept<V>> for Weight {
    fn weight(&self, key: &Key, slot: &Kept<V>) -> u64 {
        /// Of the map itself, and the slot.
        const OVERHEAD: usize = 200;
        (OVERHEAD + key.name().len()) as u64 + slot.weight()
    }
}
