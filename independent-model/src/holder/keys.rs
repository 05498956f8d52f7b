//! All keys of an account but one from 32 random bytes: the recovery key is drawn apart, and kept apart.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use namesake::Randomness;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::webvh::{Head, Multikey, SecretKey};

/// Keeps these keys apart from any others that somebody may derive from the same bytes.
const LABEL: &[u8] = b"namesake account key 1";

/// How many keys are tried when a log has gone on without us. A log that other verifiers read has a few hundred entries.
const MOST_KEYS: u32 = 1000;

/// What the keys of an account are derived from. Overwritten in memory when it is dropped; `Debug` shows nothing.
#[derive(Clone)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// A new seed.
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        randomness.fill(&mut *bytes);
        Self(bytes)
    }

    /// A seed that was kept.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The seed itself, to keep it; every call of this is a place to look at twice.
    #[must_use]
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key of this number, from 0: HMAC-SHA256 of a label and the number, under the seed. No key tells anything
    /// about another.
    #[must_use]
    pub fn key(&self, index: u32) -> SecretKey {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(&*self.0).expect("a key");
        mac.update(LABEL);
        mac.update(&index.to_be_bytes());
        let bytes: Zeroizing<[u8; 32]> = Zeroizing::new(mac.finalize().into_bytes().into());
        SecretKey::from_seed(&bytes)
    }

    /// The number of the key that may sign the entry after `head`: `expected`, if all is as it was left, or another, if
    /// a copy of this seed went on without us. `None` when it has none any more.
    #[must_use]
    pub fn next_index(&self, head: &Head, expected: u32) -> Option<u32> {
        let committed = |index: &u32| head.next_key_hashes.contains(&self.key(*index).multikey().hash());
        [expected].into_iter().chain(0..MOST_KEYS).find(committed)
    }

    /// The secret half of `key`, if it is one of this seed, and has a number near `expected`.
    #[must_use]
    pub fn key_of(&self, key: &Multikey, expected: u32) -> Option<SecretKey> {
        let keys = [expected].into_iter().chain(0..MOST_KEYS).map(|index| self.key(index));
        keys.into_iter().find(|own| own.multikey() == *key)
    }

    /// The key that signed the newest entry, and so signs records, if it is one of this seed: the one before `next`, if
    /// all is as it was left.
    #[must_use]
    pub fn current_key(&self, head: &Head, next: u32) -> Option<SecretKey> {
        let keys = next.checked_sub(1).into_iter().chain(0..MOST_KEYS).map(|index| self.key(index));
        keys.into_iter().find(|key| head.update_keys.contains(&key.multikey()))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed")
    }
}
