//! Text that must not be printed, logged or left in memory.

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use namesake::Randomness;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// A token, key or password. `Debug` tells nothing, and memory is wiped when it is dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The secret itself; every call of this is a place to look at twice.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether `text` is this secret, in a time that does not tell how much of it is right.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        Sha256::digest(self.0.as_bytes()).ct_eq(&Sha256::digest(text.as_bytes())).into()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// What a signed-in browser or client carries (cookie or bearer): 256 random bits. Only its hash is stored.
#[derive(Debug, Clone)]
pub struct SessionToken(Secret);

impl SessionToken {
    /// Takes what a client sent. `None` when it cannot be a token of ours, so that nothing long is ever hashed.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        (text.len() == RANDOM_TEXT_BYTES).then(|| Self(Secret::new(text)))
    }

    /// The token, to be handed to its owner once.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    pub(crate) fn mint(randomness: &dyn Randomness) -> Self {
        Self(Secret::new(random_text(randomness)))
    }

    pub(crate) fn hash(&self) -> String {
        hash(self.expose())
    }
}

const RANDOM_TEXT_BYTES: usize = 43;

/// 256 random bits as base64url (RFC 4648 section 5) without padding.
pub(crate) fn random_text(randomness: &dyn Randomness) -> String {
    let mut bits = Zeroizing::new([0; 32]);
    randomness.fill(bits.as_mut());
    BASE64URL_NOPAD.encode(bits.as_ref())
}

/// How something random and secret is stored: SHA-256, base64url. A slow hash has no use for 256 random bits.
pub(crate) fn hash(text: &str) -> String {
    BASE64URL_NOPAD.encode(&Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use namesake::SeededRandomness;

    use super::{Secret, SessionToken};

    #[test]
    fn nothing_secret_is_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2")), "Secret");
        let token = SessionToken::mint(&SeededRandomness::new(1));
        assert!(!format!("{token:?}").contains(token.expose()));
    }

    #[test]
    fn a_minted_token_can_be_parsed_and_nothing_else() {
        let token = SessionToken::mint(&SeededRandomness::new(1));
        assert_eq!(SessionToken::parse(token.expose()).unwrap().hash(), token.hash());
        assert!(SessionToken::parse("").is_none());
        assert!(SessionToken::parse(&"a".repeat(44)).is_none());
    }

    #[test]
    fn a_secret_matches_itself_only() {
        assert!(Secret::new("verify-me").matches("verify-me"));
        assert!(!Secret::new("verify-me").matches("verify-m"));
        assert!(!Secret::new("verify-me").matches(""));
    }
}
