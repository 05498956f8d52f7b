//! What survives a rename: the account's own identifier, and the name of the scheme that keeps it.

use std::{fmt, str::FromStr, sync::Arc};

use data_encoding::{Encoding, Specification};
use serde::{Deserialize, Serialize};

use crate::Randomness;

/// The permanent key of an account: a DID, or `<scheme>:<128 random bits in base32>`.
///
/// Case-sensitive (a DID is), 3 to 2048 visible ASCII characters, at least one colon. It is never an upstream's
/// own id, so publishing it tells nothing about the upstream's account. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(Arc<str>);

impl AccountId {
    /// The longest identifier, in bytes (DID core leaves it open; atproto caps a DID at 2 KiB).
    pub const MAX_BYTES: usize = 2048;

    /// Takes an identifier as it is written.
    ///
    /// # Errors
    /// [`InvalidAccountId`] when the text cannot name an account under any scheme.
    pub fn parse(text: &str) -> Result<Self, InvalidAccountId> {
        let (scheme, rest) = text.split_once(':').ok_or(InvalidAccountId)?;
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let valid = if scheme == "did" { is_did(rest) } else { !scheme.is_empty() && !rest.is_empty() };
        if !valid || !visible || text.len() > Self::MAX_BYTES {
            return Err(InvalidAccountId);
        }
        Ok(Self(text.into()))
    }

    /// A new account of `scheme`: 128 random bits, so that ids neither collide nor can be guessed.
    #[must_use]
    pub fn mint(scheme: &Scheme, randomness: &dyn Randomness) -> Self {
        let mut bits = [0; 16];
        randomness.fill(&mut bits);
        Self(format!("{scheme}:{}", base32_lower().encode(&bits)).into())
    }

    /// The identifier as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a DID (W3C DID core section 3.1), rather than an id minted by a backend.
    #[must_use]
    pub fn is_did(&self) -> bool {
        self.0.starts_with("did:")
    }
}

/// Whether what follows `did:` makes a DID (DID core section 3.1; atproto's "DID Identifier Syntax"): a method in lower
/// case and an identifier, without the path, query or fragment of a DID URL.
fn is_did(rest: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte);
    rest.split_once(':').is_some_and(|(method, id)| {
        !method.is_empty()
            && method.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
            && !id.is_empty()
            && id.bytes().all(plain)
            && !id.ends_with([':', '%'])
    })
}

/// RFC 4648 base32 in lower case without padding: safe in a URL path, and read aloud without doubt.
fn base32_lower() -> Encoding {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    #[expect(clippy::expect_used, reason = "a constant alphabet of 32 distinct symbols is always valid")]
    specification.encoding().expect("valid alphabet")
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidAccountId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<AccountId> for String {
    fn from(account: AccountId) -> Self {
        account.0.as_ref().to_owned()
    }
}

/// A text that is no account identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account is a DID or `<scheme>:<id>`, in at most 2048 visible ASCII characters")]
pub struct InvalidAccountId;

/// The name of a backend, as configured: `independent`, `threads`, …
///
/// 1 to 32 of `[a-z0-9-]`, beginning with a letter, and not `did` (an id of that scheme would be read as a DID).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scheme(Arc<str>);

impl Scheme {
    /// Takes a configured name.
    ///
    /// # Errors
    /// The reason, in words, when the name cannot be a scheme's.
    pub fn parse(name: &str) -> Result<Self, InvalidScheme> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase());
        if begins_well && name.len() <= 32 && name.bytes().all(plain) && name != "did" {
            Ok(Self(name.into()))
        } else {
            Err(InvalidScheme(name.chars().take(64).collect()))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Scheme {
    type Error = InvalidScheme;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::parse(&name)
    }
}

impl From<Scheme> for String {
    fn from(scheme: Scheme) -> Self {
        scheme.0.as_ref().to_owned()
    }
}

/// A text that cannot name a backend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} cannot name a scheme: 1 to 32 of a-z, 0-9 and -, beginning with a letter, and not `did`")]
pub struct InvalidScheme(String);

#[cfg(test)]
mod tests {
    use super::{AccountId, Scheme};

    #[test]
    fn account_ids_are_visible_ascii_with_a_scheme() {
        assert!(AccountId::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap().is_did());
        assert!(!AccountId::parse("threads:abc").unwrap().is_did());
        for text in ["", "abc", ":abc", "threads:", "did:plc:a b", "did:plc:é", "did:plc:a\n"] {
            assert!(AccountId::parse(text).is_err(), "{text:?}");
        }
        assert!(AccountId::parse(&format!("did:plc:{}", "a".repeat(2040))).is_ok());
        assert!(AccountId::parse(&format!("did:plc:{}", "a".repeat(2041))).is_err());
    }

    #[test]
    fn what_begins_like_a_did_is_one() {
        for text in ["did:web:localhost%3A8080", "did:web:a.example:u", "did:x1:_-.", "did:plc:A"] {
            assert!(AccountId::parse(text).unwrap().is_did(), "{text}");
        }
        for text in [
            "did:",
            "did:plc",
            "did:plc:",
            "did:PLC:a",
            "did::a",
            "did:plc:a#b",
            "did:plc:a?b",
            "did:web:a:",
            "did:web:a%",
        ] {
            assert!(AccountId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn schemes_are_short_plain_words() {
        assert!(Scheme::parse("threads-eu").is_ok());
        for name in ["", "Threads", "did", "1st", "a b", &"a".repeat(33)] {
            assert!(Scheme::parse(name).is_err(), "{name:?}");
        }
    }
}
