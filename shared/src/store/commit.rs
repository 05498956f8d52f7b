//! A commit: what must hold, and what is written if it does. No I/O; every adapter decides with the code here.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Key, MAX_COMMIT_BYTES, MAX_KEYS_PER_COMMIT, MAX_VALUE_BYTES, Version};

/// Expectations and writes that take effect together or not at all. Built step by step:
///
/// ```
/// # use namesake::store::{Commit, Key, KeyError};
/// # fn main() -> Result<(), KeyError> {
/// let handle = Key::new("h/alice")?;
/// let claim = Commit::new().expect_absent(handle.clone()).put(handle, b"did:web:1.example.com".as_slice());
/// # assert_eq!(claim.writes().len(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[must_use = "a commit does nothing until it is given to a store"]
pub struct Commit {
    expect: Vec<(Key, Expect)>,
    writes: Vec<(Key, Write)>,
}

/// What must hold for a key when the commit takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expect {
    /// The key has no live entry: it was never written, or it is deleted.
    Absent,
    /// The key has a live entry of exactly this version.
    At(Version),
}

/// What becomes of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// It holds this value, at most [`MAX_VALUE_BYTES`] long.
    Put(Arc<[u8]>),
    /// It has no live entry.
    Delete,
}

impl Commit {
    /// Nothing expected, nothing written.
    pub fn new() -> Self {
        Self::default()
    }

    /// Expects that `key` has no live entry.
    pub fn expect_absent(mut self, key: Key) -> Self {
        self.expect.push((key, Expect::Absent));
        self
    }

    /// Expects that `key` has a live entry of `version`.
    pub fn expect_version(mut self, key: Key, version: Version) -> Self {
        self.expect.push((key, Expect::At(version)));
        self
    }

    /// Writes `value` at `key`. Without an expectation on `key` the last write wins.
    pub fn put(mut self, key: Key, value: impl Into<Arc<[u8]>>) -> Self {
        self.writes.push((key, Write::Put(value.into())));
        self
    }

    /// Deletes the entry of `key`, if there is one.
    pub fn delete(mut self, key: Key) -> Self {
        self.writes.push((key, Write::Delete));
        self
    }

    /// The expectations, in the order they were added.
    #[must_use]
    pub fn expectations(&self) -> &[(Key, Expect)] {
        &self.expect
    }

    /// The writes, in the order they were added; the feed keeps that order.
    #[must_use]
    pub fn writes(&self) -> &[(Key, Write)] {
        &self.writes
    }

    /// How many bytes are written, keys and values together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.writes.iter().map(|(key, write)| key.as_bytes().len() + write.bytes()).sum()
    }

    /// For adapters: checks the form, which depends on nothing stored. Every adapter calls this first.
    ///
    /// # Errors
    /// The first [`Refusal`] that applies.
    pub fn validate(&self) -> Result<(), Refusal> {
        if self.writes.is_empty() {
            return Err(Refusal::NoWrites);
        }
        let expected = distinct(self.expect.iter().map(|(key, _)| key))?;
        let written = distinct(self.writes.iter().map(|(key, _)| key))?;
        if expected.union(&written).count() > MAX_KEYS_PER_COMMIT {
            return Err(Refusal::TooManyKeys);
        }
        if let Some((key, _)) = self.writes.iter().find(|(_, write)| write.bytes() > MAX_VALUE_BYTES) {
            return Err(Refusal::ValueTooLarge(key.clone()));
        }
        if self.bytes() > MAX_COMMIT_BYTES {
            return Err(Refusal::TooLarge);
        }
        Ok(())
    }

    /// For adapters: the first key whose expectation does not hold. `live` gives the version of a key's live entry.
    ///
    /// # Errors
    /// Those of `live`.
    pub fn conflict<E>(
        &self,
        mut live: impl FnMut(&Key) -> Result<Option<Version>, E>,
    ) -> Result<Option<Key>, E> {
        for (key, expect) in &self.expect {
            if !expect.holds(live(key)?) {
                return Ok(Some(key.clone()));
            }
        }
        Ok(None)
    }
}

impl Expect {
    fn holds(self, live: Option<Version>) -> bool {
        match self {
            Self::Absent => live.is_none(),
            Self::At(version) => live == Some(version),
        }
    }
}

impl Write {
    fn bytes(&self) -> usize {
        match self {
            Self::Put(value) => value.len(),
            Self::Delete => 0,
        }
    }
}

fn distinct<'a>(keys: impl Iterator<Item = &'a Key>) -> Result<HashSet<&'a Key>, Refusal> {
    let mut seen = HashSet::new();
    for key in keys {
        if !seen.insert(key) {
            return Err(Refusal::DuplicateKey(key.clone()));
        }
    }
    Ok(seen)
}

/// Why a commit is refused whatever the store holds.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It writes nothing, so there is nothing to make durable: read instead.
    #[error("it writes nothing")]
    NoWrites,
    /// This key is expected twice or written twice; which one counts would be a guess. Expecting *and* writing a key is
    /// of course allowed.
    #[error("{0} is expected twice or written twice")]
    DuplicateKey(Key),
    /// More than [`MAX_KEYS_PER_COMMIT`] distinct keys.
    #[error("it has more than {MAX_KEYS_PER_COMMIT} keys")]
    TooManyKeys,
    /// The value of this key is longer than [`MAX_VALUE_BYTES`].
    #[error("the value of {0} is longer than {MAX_VALUE_BYTES} bytes")]
    ValueTooLarge(Key),
    /// It writes more than [`MAX_COMMIT_BYTES`].
    #[error("it writes more than {MAX_COMMIT_BYTES} bytes")]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key::new(format!("{n:05}")).unwrap()
    }

    #[test]
    fn what_is_at_a_limit_passes_and_what_is_past_it_does_not() {
        let keys = |n: usize| (0..n).fold(Commit::new(), |commit, n| commit.delete(key(n)));
        assert_eq!(keys(0).validate(), Err(Refusal::NoWrites));
        assert_eq!(Commit::new().expect_absent(key(0)).validate(), Err(Refusal::NoWrites));
        assert_eq!(keys(MAX_KEYS_PER_COMMIT).validate(), Ok(()));
        assert_eq!(keys(MAX_KEYS_PER_COMMIT + 1).validate(), Err(Refusal::TooManyKeys));
        // A key that is both expected and written counts once; one that is only expected counts as well.
        assert_eq!(keys(MAX_KEYS_PER_COMMIT).expect_absent(key(0)).validate(), Ok(()));
        assert_eq!(keys(MAX_KEYS_PER_COMMIT).expect_absent(key(99)).validate(), Err(Refusal::TooManyKeys));

        let value = |n: usize| Commit::new().put(key(0), vec![0; n]);
        assert_eq!(value(MAX_VALUE_BYTES).validate(), Ok(()));
        assert_eq!(value(MAX_VALUE_BYTES + 1).validate(), Err(Refusal::ValueTooLarge(key(0))));

        // Seven full values, and an eighth that fills up the rest; every key is five bytes.
        let full = (1..8).fold(Commit::new(), |commit, n| commit.put(key(n), vec![0; MAX_VALUE_BYTES]));
        let rest = MAX_COMMIT_BYTES - full.bytes() - 5;
        assert_eq!(full.clone().put(key(8), vec![0; rest]).validate(), Ok(()));
        assert_eq!(full.put(key(8), vec![0; rest + 1]).validate(), Err(Refusal::TooLarge));
    }

    #[test]
    fn a_key_twice_is_refused() {
        let twice = Err(Refusal::DuplicateKey(key(1)));
        assert_eq!(Commit::new().delete(key(1)).put(key(1), vec![]).validate(), twice);
        let commit = Commit::new().expect_absent(key(1)).expect_version(key(1), Version::ZERO).delete(key(2));
        assert_eq!(commit.validate(), twice);
    }

    #[test]
    fn expectations() {
        let seven = Version::from_sequence(7);
        for (expect, live, holds) in [
            (Expect::Absent, None, true),
            (Expect::Absent, Some(seven), false),
            (Expect::At(seven), Some(seven), true),
            (Expect::At(seven), Some(seven.next()), false),
            (Expect::At(seven), None, false),
        ] {
            assert_eq!(expect.holds(live), holds, "{expect:?} {live:?}");
        }
    }
}
