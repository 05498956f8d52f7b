//! The seed at rest: as it is, in a file for its owner alone, or sealed under a passphrase.
//!
//! Sealed: XChaCha20-Poly1305 under a key from Argon2id (RFC 9106), whose costs are written beside it, so that they can
//! be raised without losing what was sealed before.

use std::{fmt, io::Read as _, path::Path};

use argon2::{Algorithm, Argon2, Params, Version};
use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use data_encoding::BASE64;
use namesake::Randomness;
use namesake_independent::holder::Seed;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{IdentityError, folder};

/// The second choice of RFC 9106 section 4, for where 2 GiB are too much: 64 MiB, three passes, four lanes.
const COST: Cost = Cost { memory_kib: 64 * 1024, passes: 3, lanes: 4 };
/// The highest costs that are paid to open a seed: a file must not be able to take all memory.
const HIGHEST_COST: Cost = Cost { memory_kib: 1024 * 1024, passes: 32, lanes: 64 };
/// What a sealed seed is bound to.
const PURPOSE: &[u8] = b"namesake identity seed 1";
/// The longest secret that is read from a file.
const MOST_SECRET_BYTES: u64 = 4096;

/// A seed as it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum StoredSeed {
    Plain(Zeroizing<String>),
    Sealed(SealedSeed),
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SealedSeed {
    argon2id: Cost,
    salt: String,
    nonce: String,
    text: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

/// What unlocks a sealed seed.
pub(super) struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// The first line of a file, if one is named.
    pub(super) fn read(file: Option<&Path>) -> Result<Option<Self>, IdentityError> {
        let Some(file) = file else { return Ok(None) };
        let passphrase = read_secret(file)?;
        if passphrase.is_empty() {
            return Err(IdentityError::Input(format!("{} holds no passphrase", file.display())));
        }
        Ok(Some(Self(passphrase)))
    }
}

/// The first line of a file or, for `-`, of standard input.
pub(super) fn read_secret(file: &Path) -> Result<Zeroizing<String>, IdentityError> {
    let mut text = Zeroizing::new(String::new());
    let read = folder::input(file)?.take(MOST_SECRET_BYTES).read_to_string(&mut text);
    read.map_err(|error| IdentityError::file("read", file, error))?;
    Ok(Zeroizing::new(text.lines().next().unwrap_or_default().trim_end().to_owned()))
}

impl StoredSeed {
    pub(super) fn keep(
        seed: &Seed,
        passphrase: Option<&Passphrase>,
        randomness: &dyn Randomness,
    ) -> Result<Self, IdentityError> {
        let Some(passphrase) = passphrase else {
            return Ok(Self::Plain(Zeroizing::new(BASE64.encode(seed.expose()))));
        };
        let (mut salt, mut nonce) = ([0; 16], [0; 24]);
        randomness.fill(&mut salt);
        randomness.fill(&mut nonce);
        let key = COST.key(passphrase, &salt).ok_or_else(unusable)?;
        let payload = Payload { msg: seed.expose(), aad: PURPOSE };
        let text = XChaCha20Poly1305::new((&*key).into()).encrypt(&nonce.into(), payload);
        Ok(Self::Sealed(SealedSeed {
            argon2id: COST,
            salt: BASE64.encode(&salt),
            nonce: BASE64.encode(&nonce),
            text: BASE64.encode(&text.map_err(|_| unusable())?),
        }))
    }

    pub(super) fn is_sealed(&self) -> bool {
        matches!(self, Self::Sealed(_))
    }

    /// The seed again.
    pub(super) fn open(&self, passphrase: Option<&Passphrase>) -> Result<Seed, IdentityError> {
        let bytes = match self {
            Self::Plain(text) => decode(text).ok_or_else(unusable)?,
            Self::Sealed(sealed) => {
                let passphrase = passphrase.ok_or_else(|| {
                    IdentityError::Input("the keys are under a passphrase: --passphrase-file".to_owned())
                })?;
                sealed.open(passphrase)?
            }
        };
        let bytes: &[u8; 32] = bytes.as_slice().try_into().map_err(|_| unusable())?;
        Ok(Seed::from_bytes(bytes))
    }
}

impl SealedSeed {
    fn open(&self, passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, IdentityError> {
        let parts = || Some((decode(&self.salt)?, decode(&self.nonce)?, decode(&self.text)?));
        let (salt, nonce, text) = parts().ok_or_else(unusable)?;
        let nonce: &[u8; 24] = nonce.as_slice().try_into().map_err(|_| unusable())?;
        let key = self.argon2id.key(passphrase, &salt).ok_or_else(unusable)?;
        let payload = Payload { msg: &text, aad: PURPOSE };
        let seed = XChaCha20Poly1305::new((&*key).into()).decrypt(nonce.into(), payload);
        seed.map(Zeroizing::new)
            .map_err(|_| IdentityError::Input("the passphrase does not open the keys".to_owned()))
    }
}

impl Cost {
    fn key(self, passphrase: &Passphrase, salt: &[u8]) -> Option<Zeroizing<[u8; 32]>> {
        let most = HIGHEST_COST;
        if self.memory_kib > most.memory_kib || self.passes > most.passes || self.lanes > most.lanes {
            return None;
        }
        let parameters = Params::new(self.memory_kib, self.passes, self.lanes, Some(32)).ok()?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(passphrase.0.as_bytes(), salt, &mut *key)
            .ok()?;
        Some(key)
    }
}

fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    BASE64.decode(text.as_bytes()).ok().map(Zeroizing::new)
}

fn unusable() -> IdentityError {
    IdentityError::Input(
        "the keys of this folder cannot be read: its file was damaged or made by another version".to_owned(),
    )
}

impl fmt::Debug for StoredSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_sealed() { "Sealed" } else { "Plain" })
    }
}

#[cfg(test)]
mod tests {
    use namesake::SystemRandomness;
    use serde_json::json;

    use super::*;

    fn passphrase(text: &str) -> Passphrase {
        Passphrase(Zeroizing::new(text.to_owned()))
    }

    #[test]
    fn a_sealed_seed_opens_with_its_passphrase_alone() {
        let seed = Seed::from_bytes(&[7; 32]);
        let right = passphrase("correct horse");
        let stored = StoredSeed::keep(&seed, Some(&right), &SystemRandomness).unwrap();
        let written = serde_json::to_string(&stored).unwrap();
        assert!(!written.contains(&BASE64.encode(&[7; 32])), "{written}");
        let read: StoredSeed = serde_json::from_str(&written).unwrap();
        assert_eq!(read.open(Some(&right)).unwrap().expose(), seed.expose());
        assert!(matches!(read.open(Some(&passphrase("wrong"))), Err(IdentityError::Input(_))));
        assert!(matches!(read.open(None), Err(IdentityError::Input(_))));
        assert_eq!(format!("{read:?}"), "Sealed");
    }

    #[test]
    fn a_plain_seed_is_read_and_not_shown() {
        let seed = Seed::from_bytes(&[7; 32]);
        let stored = StoredSeed::keep(&seed, None, &SystemRandomness).unwrap();
        assert_eq!(stored.open(None).unwrap().expose(), seed.expose());
        assert_eq!(format!("{stored:?}"), "Plain");
    }

    /// A file that asks for all memory, or makes no sense, is refused before anything is computed.
    #[test]
    fn what_cannot_be_a_seed() {
        let sealed = |memory: u32| {
            json!({ "sealed": { "argon2id": { "memoryKib": memory, "passes": 1, "lanes": 1 },
                "salt": "AAAAAAAAAAAAAAAAAAAAAA==", "nonce": BASE64.encode(&[0; 24]), "text": "" } })
        };
        for stored in [sealed(u32::MAX), sealed(0), json!({ "plain": "AAAA" }), json!({ "plain": "?" })] {
            let stored: StoredSeed = serde_json::from_value(stored).unwrap();
            assert!(matches!(stored.open(Some(&passphrase("x"))), Err(IdentityError::Input(_))));
        }
    }
}
