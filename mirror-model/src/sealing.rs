//! Upstream tokens at rest, sign-ins under way, and the key of [`crate::name_key`]: XChaCha20-Poly1305
//! (RFC 8439, with the 24-byte nonce of draft-irtf-cfrg-xchacha), bound to what they belong to.
//!
//! The key lives in a file: one 256-bit key a line, base64. The first seals, all of them open. So a key is rotated by
//! putting a new line on top; what is sealed is then sealed anew in the background (`reseal`), and the old line may go
//! when that is done. A sealed value names its key by a fingerprint.

use std::{fmt, io, path::Path};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use data_encoding::{BASE64, HEXLOWER};
use namesake::{Randomness, private_file};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Secret;

/// Encrypts secrets before they are stored. Made of a store's key file by [`TokenSealer::of_store`].
pub struct TokenSealer(Vec<SealingKey>);

struct SealingKey {
    id: String,
    cipher: XChaCha20Poly1305,
}

/// An encrypted secret, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sealed {
    key: String,
    nonce: String,
    text: String,
}

impl TokenSealer {
    /// The keys of a file; `None`: it does not hold 256-bit keys in base64, one a line.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Vec<_> = lines.map(SealingKey::parse).collect::<Option<_>>()?;
        (!keys.is_empty()).then_some(Self(keys))
    }

    /// Makes a key file with a fresh key, for its owner alone (0600).
    pub(crate) fn create(path: &Path, randomness: &dyn Randomness) -> io::Result<Self> {
        let bits = fresh(randomness);
        let text = Zeroizing::new(BASE64.encode(bits.as_ref()) + "\n");
        private_file::create(path, text.as_bytes())?;
        Ok(Self(vec![SealingKey::new(&bits)]))
    }

    /// A key that is gone with the process: for private worlds.
    #[must_use]
    pub fn ephemeral(randomness: &dyn Randomness) -> Self {
        Self(vec![SealingKey::new(&fresh(randomness))])
    }

    /// The fingerprints of the keys, the one that seals first.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| key.id.as_str())
    }

    /// The fingerprint of the key that seals.
    pub(crate) fn newest(&self) -> Option<&str> {
        self.keys().next()
    }

    /// Encrypts a secret of `owner` (an account, say); opened for another one it is worth nothing.
    pub(crate) fn seal(
        &self,
        owner: &str,
        secret: &Secret,
        randomness: &dyn Randomness,
    ) -> Result<Sealed, SealError> {
        let key = self.0.first().ok_or(SealError)?;
        let mut nonce = [0; 24];
        randomness.fill(&mut nonce);
        let payload = Payload { msg: secret.expose().as_bytes(), aad: owner.as_bytes() };
        let text = key.cipher.encrypt(&nonce.into(), payload).map_err(|_| SealError)?;
        Ok(Sealed { key: key.id.clone(), nonce: BASE64.encode(&nonce), text: BASE64.encode(&text) })
    }

    /// The secret of `owner` again.
    pub(crate) fn open(&self, owner: &str, sealed: &Sealed) -> Result<Secret, SealError> {
        let key = self.0.iter().find(|key| key.id == sealed.key).ok_or(SealError)?;
        let nonce = BASE64.decode(sealed.nonce.as_bytes()).map_err(|_| SealError)?;
        let nonce: [u8; 24] = nonce.try_into().map_err(|_| SealError)?;
        let text = BASE64.decode(sealed.text.as_bytes()).map_err(|_| SealError)?;
        let payload = Payload { msg: &text, aad: owner.as_bytes() };
        let secret = Zeroizing::new(key.cipher.decrypt(&nonce.into(), payload).map_err(|_| SealError)?);
        std::str::from_utf8(&secret).map(Secret::new).map_err(|_| SealError)
    }
}

impl Sealed {
    /// Whether `sealer` would use the same key today.
    pub(crate) fn is_current(&self, sealer: &TokenSealer) -> bool {
        sealer.newest() == Some(self.key.as_str())
    }

    /// The fingerprint of the key that opens it.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }
}

impl SealingKey {
    fn new(bits: &[u8; 32]) -> Self {
        let id = Sha256::new().chain_update("namesake sealing key").chain_update(bits).finalize();
        Self { id: HEXLOWER.encode(&id[..8]), cipher: XChaCha20Poly1305::new(bits.into()) }
    }

    fn parse(line: &str) -> Option<Self> {
        let bits = Zeroizing::new(BASE64.decode(line.as_bytes()).ok()?);
        bits.as_slice().try_into().ok().map(Self::new)
    }
}

fn fresh(randomness: &dyn Randomness) -> Zeroizing<[u8; 32]> {
    let mut bits = Zeroizing::new([0; 32]);
    randomness.fill(bits.as_mut());
    bits
}

impl fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys()).finish()
    }
}

/// A secret that cannot be sealed or opened: another key, another owner, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret cannot be opened with the keys at hand")]
pub(crate) struct SealError;

#[cfg(test)]
mod tests {
    use namesake::SeededRandomness;

    use super::{SealError, TokenSealer};
    use crate::Secret;

    #[test]
    fn a_sealed_token_opens_for_its_account_and_key_only() {
        let randomness = SeededRandomness::new(1);
        let sealer = TokenSealer::ephemeral(&randomness);
        let sealed = sealer.seal("t:alice", &Secret::new("THAA-token"), &randomness).unwrap();
        assert_eq!(sealer.open("t:alice", &sealed).unwrap().expose(), "THAA-token");
        assert_eq!(sealer.open("t:bob", &sealed).unwrap_err(), SealError);
        let other = TokenSealer::ephemeral(&randomness);
        assert_eq!(other.open("t:alice", &sealed).unwrap_err(), SealError);
        let again = sealer.seal("t:alice", &Secret::new("THAA-token"), &randomness).unwrap();
        assert_ne!(sealed, again, "a nonce is never used twice");
        assert!(!format!("{sealer:?} {sealed:?}").contains("THAA"));
    }

    #[test]
    fn a_key_file_has_a_key_a_line_and_the_first_seals() {
        let randomness = SeededRandomness::new(2);
        let line = |byte| data_encoding::BASE64.encode(&[byte; 32]);
        let old = TokenSealer::parse(&line(1)).unwrap();
        let sealed = old.seal("t:a", &Secret::new("token"), &randomness).unwrap();
        let rotated = TokenSealer::parse(&format!("{}\n\n {} \n", line(2), line(1))).unwrap();
        assert_eq!(rotated.open("t:a", &sealed).unwrap().expose(), "token");
        assert!(sealed.is_current(&old) && !sealed.is_current(&rotated));
        for nonsense in ["", "\n \n", "short", &line(1)[1..], &format!("{}\nshort", line(1))] {
            assert!(TokenSealer::parse(nonsense).is_none(), "{nonsense:?}");
        }
    }
}
