//! Upstream tokens at rest, sign-ins under way, and the key of [`crate::name_key`]: XChaCha20-Poly1305
//! (RFC 8439, with the 24-byte nonce of draft-irtf-cfrg-xchacha), bound to what they belong to.
//!
//! The key lives in a file: one 256-bit key a line, base64. The first seals, all of them open, so a key is rotated by
//! putting a new line on top. A sealed value names its key by a fingerprint.

use std::{
    fmt,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use chacha20poly1305::{
    KeyInit as _, XChaCha20Poly1305,
    aead::{Aead as _, Payload},
};
use data_encoding::{BASE64, HEXLOWER};
use namesake::Randomness;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::Secret;

/// Encrypts secrets before they are stored.
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
    /// Reads the keys of a file; makes the file with a fresh key, for its owner alone (0600), when there is none.
    ///
    /// # Errors
    /// [`SealerError`] when the file cannot be read, made, or understood.
    pub fn from_file(path: &Path, randomness: &dyn Randomness) -> Result<Self, SealerError> {
        let text = match fs::read_to_string(path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                create(path, randomness).map_err(|error| SealerError::File(path.to_owned(), error))?
            }
            Err(error) => return Err(SealerError::File(path.to_owned(), error)),
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let keys: Option<Vec<_>> = lines.map(SealingKey::parse).collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(Self(keys)),
            _ => Err(SealerError::Keys(path.to_owned())),
        }
    }

    /// A key that is gone with the process: for private worlds.
    #[must_use]
    pub fn ephemeral(randomness: &dyn Randomness) -> Self {
        let mut bits = Zeroizing::new([0; 32]);
        randomness.fill(bits.as_mut());
        Self(vec![SealingKey::new(&bits)])
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
        sealer.0.first().is_some_and(|key| key.id == self.key)
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

fn create(path: &Path, randomness: &dyn Randomness) -> io::Result<Zeroizing<String>> {
    let mut bits = Zeroizing::new([0; 32]);
    randomness.fill(bits.as_mut());
    let text = Zeroizing::new(BASE64.encode(bits.as_ref()) + "\n");
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(text)
}

impl fmt::Debug for TokenSealer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.id)).finish()
    }
}

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SealerError {
    /// It cannot be read or made.
    #[error("the key file {} cannot be read or made", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// It holds something else than keys.
    #[error("the key file {} does not hold 256-bit keys in base64, one a line", .0.display())]
    Keys(PathBuf),
}

/// A secret that cannot be sealed or opened: another key, another owner, or damage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a stored secret cannot be opened with the keys at hand")]
pub(crate) struct SealError;

#[cfg(test)]
mod tests {
    use namesake::SeededRandomness;

    use super::{SealError, SealerError, TokenSealer};
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
    fn a_key_file_is_made_once_read_again_and_rotated() {
        let folder = std::env::temp_dir().join(format!("namesake-sealing-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys");
        let _ = std::fs::remove_file(&path);
        let randomness = SeededRandomness::new(2);
        let sealer = TokenSealer::from_file(&path, &randomness).unwrap();
        let sealed = sealer.seal("t:a", &Secret::new("token"), &randomness).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        let old = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{}\n{old}", data_encoding::BASE64.encode(&[7; 32]))).unwrap();
        let rotated = TokenSealer::from_file(&path, &randomness).unwrap();
        assert_eq!(rotated.open("t:a", &sealed).unwrap().expose(), "token");
        std::fs::write(&path, "short").unwrap();
        assert!(matches!(TokenSealer::from_file(&path, &randomness), Err(SealerError::Keys(_))));
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
