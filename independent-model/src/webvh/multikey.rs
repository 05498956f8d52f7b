//! Ed25519 keys as did:webvh writes them: public ones as multikeys, commitments as multihashes, secrets never.

use std::fmt;

use ed25519_dalek::{Signer as _, SigningKey, VerifyingKey};
use namesake::Randomness;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::Fault;
use crate::base58;

/// The prefix of an Ed25519 public key (Multicodec table, `ed25519-pub`).
const ED25519: [u8; 2] = [0xed, 0x01];
/// The prefix of an Ed25519 secret key (Multicodec table, `ed25519-priv`).
const ED25519_SECRET: [u8; 2] = [0x80, 0x26];
/// The prefix of a SHA-256 hash of 32 bytes (Multihash).
const SHA2_256: [u8; 2] = [0x12, 0x20];

/// A public Ed25519 key in Multikey form, `z6Mk…` (Controlled Identifiers 1.0, section 2.2.2).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Multikey(String);

/// The hash of a key that is shown later, `Qm…` (did:webvh 1.0, "Pre-Rotation Key Hash Generation").
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KeyHash(String);

/// A key that signs. Overwritten in memory when it is dropped; `Debug` shows the public half only.
pub struct SecretKey(Box<SigningKey>);

impl Multikey {
    /// Takes a key as it is written, if it is a good key to trust: on the curve, and not of small order.
    ///
    /// # Errors
    /// [`Fault::Key`].
    pub fn parse(text: &str) -> Result<Self, Fault> {
        Self::decode(text).map(|(key, _)| key)
    }

    /// The same, with the point that the key is: to find it costs a tenth of what checking a signature does.
    pub(super) fn decode(text: &str) -> Result<(Self, VerifyingKey), Fault> {
        let bytes: [u8; 34] = text.strip_prefix('z').and_then(base58::decode).ok_or(Fault::Key)?;
        let bytes = bytes.strip_prefix(&ED25519).and_then(|key| key.try_into().ok()).ok_or(Fault::Key)?;
        let point = VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).ok_or(Fault::Key)?;
        Ok((Self(text.to_owned()), point))
    }

    /// The key as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The commitment to this key: the hash of its text.
    #[must_use]
    pub fn hash(&self) -> KeyHash {
        KeyHash(multihash(Sha256::digest(self.0.as_bytes())))
    }

    /// The verification method that stands for the key in a proof (did:key method).
    #[must_use]
    pub fn verification_method(&self) -> String {
        format!("did:key:{0}#{0}", self.0)
    }
}

impl KeyHash {
    /// Takes a commitment as it is written.
    ///
    /// # Errors
    /// [`Fault::ParameterForm`] when it cannot be one: no key could ever meet it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        is_multihash(text).then(|| Self(text.to_owned())).ok_or(Fault::ParameterForm)
    }

    /// The hash as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretKey {
    /// A new key.
    #[must_use]
    pub fn random(randomness: &dyn Randomness) -> Self {
        let mut seed = Zeroizing::new([0; 32]);
        randomness.fill(&mut *seed);
        Self::from_seed(&seed)
    }

    /// The key of this seed (RFC 8032 section 5.1.5).
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(Box::new(SigningKey::from_bytes(seed)))
    }

    /// The seed, to keep the key somewhere.
    #[must_use]
    pub fn to_seed(&self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// Takes a key as [`SecretKey::to_multibase`] writes it.
    ///
    /// # Errors
    /// [`Fault::Key`].
    pub fn from_multibase(text: &str) -> Result<Self, Fault> {
        let mut bytes = Zeroizing::new([0; 34]);
        text.strip_prefix('z').and_then(|text| base58::decode_into(text, &mut bytes)).ok_or(Fault::Key)?;
        let seed = bytes.strip_prefix(&ED25519_SECRET).and_then(|seed| seed.try_into().ok());
        seed.map(Self::from_seed).ok_or(Fault::Key)
    }

    /// The key as text, `z3u2…`, to keep it on paper (Controlled Identifiers 1.0, section 2.2.2, `secretKeyMultibase`).
    #[must_use]
    pub fn to_multibase(&self) -> Zeroizing<String> {
        let bytes = Zeroizing::new([ED25519_SECRET.as_slice(), self.to_seed().as_slice()].concat());
        let text = Zeroizing::new(base58::encode(&bytes));
        Zeroizing::new(format!("z{}", *text))
    }

    /// The public half.
    #[must_use]
    pub fn multikey(&self) -> Multikey {
        let key = self.0.verifying_key();
        let bytes = [ED25519.as_slice(), key.as_bytes()].concat();
        Multikey(format!("z{}", base58::encode(&bytes)))
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.multikey().as_str())
    }
}

impl fmt::Display for Multikey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A SHA-256 hash as did:webvh writes it: a multihash in base58btc, without the prefix of a multibase.
pub(super) fn multihash(digest: impl AsRef<[u8]>) -> String {
    base58::encode(&[SHA2_256.as_slice(), digest.as_ref()].concat())
}

/// Whether a text has the form of [`multihash`]: `Qm` and 44 more characters of base58.
pub(super) fn is_multihash(text: &str) -> bool {
    base58::decode::<34>(text).is_some_and(|bytes| bytes.starts_with(&SHA2_256))
}

#[cfg(test)]
mod tests {
    use super::{KeyHash, Multikey, SecretKey, is_multihash, multihash};

    /// The keys of the reference log: seeds of one repeated byte.
    #[test]
    fn keys_are_written_as_everybody_writes_them() {
        let key = SecretKey::from_seed(&[1; 32]);
        assert_eq!(key.multikey().as_str(), "z6Mkon3Necd6NkkyfoGoHxid2znGc59LU3K7mubaRcFbLfLX");
        let next = SecretKey::from_seed(&[2; 32]).multikey();
        assert_eq!(next.hash().as_str(), "Qmf5LPQcHPPWj6jY5etCXum7zJsqT1crW2Ri1aA5zaaFEm");
        assert_eq!(format!("{key:?}"), format!("SecretKey({})", key.multikey()));
    }

    /// The public half as OpenSSL has it.
    #[test]
    fn a_secret_key_is_written_and_read() {
        let text = "z3u2en7t5LR2WtQH5PfFqMqwVHgeXouLzo6haApm8XHqvjxq";
        let key = SecretKey::from_multibase(text).unwrap();
        assert_eq!(key.multikey().as_str(), "z6MkiP7ZLtBLeYsu7ZyzcGdqoSjd2PDkjdQCVVqrQhYu8GgV");
        assert_eq!(key.to_multibase().as_str(), text);
        for bad in ["", "z", &text[1..], &text[..47], key.multikey().as_str(), &"z".repeat(100_000)] {
            assert!(SecretKey::from_multibase(bad).is_err(), "{}", &bad[..bad.len().min(60)]);
        }
    }

    #[test]
    fn every_multihash_has_the_same_form() {
        for digest in [[0; 32], [0xff; 32]] {
            let text = multihash(digest);
            assert!(text.starts_with("Qm") && text.len() == 46 && is_multihash(&text), "{text}");
        }
        // SHA-512; a byte less, a byte more.
        for bytes in [
            [vec![0x13, 0x20], vec![7; 32]],
            [vec![0x12, 0x20], vec![7; 31]],
            [vec![0x12, 0x20], vec![7; 33]],
        ] {
            assert!(!is_multihash(&bs58::encode(bytes.concat()).into_string()));
        }
    }

    #[test]
    fn what_is_no_key_to_trust() {
        let multikey =
            |bytes: &[u8]| format!("z{}", bs58::encode([&[0xed, 0x01], bytes].concat()).into_string());
        let mut small_order = [0; 32];
        small_order[0] = 1; // The neutral element: it verifies forged signatures of any message.
        let mut off_the_curve = [0; 32];
        off_the_curve[0] = 2;
        for text in [
            String::new(),
            "z".to_owned(),
            "z6Mk".to_owned(),
            multikey(&small_order),
            multikey(&off_the_curve),
            multikey(&[7; 31]),
            // X25519, and base64url instead of base58.
            "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc".to_owned(),
            "uAQID".to_owned(),
            "z".repeat(100_000),
        ] {
            assert!(Multikey::parse(&text).is_err(), "{}", &text[..text.len().min(60)]);
        }
        assert!(KeyHash::parse("Qmf5LPQcHPPWj6jY5etCXum7zJsqT1crW2Ri1aA5zaaFE").is_err());
    }
}
