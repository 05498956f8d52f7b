//! The grammar of a mirrored handle.

use std::fmt;

use namesake::{Handle, Namespace};
use serde::{Deserialize, Serialize};

/// A name as Threads and Instagram give them: 1 to 30 of `[a-z0-9._]`, no dot at either end, no two dots in a row.
///
/// Upper case is folded (ASCII), dots are significant: `a.b` and `ab` are two people.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Handle", into = "Handle")]
pub struct Username(Handle);

/// A text that is no username.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a username has 1 to 30 of a-z, 0-9, `_` and `.`, without a dot at either end or two in a row")]
pub struct InvalidUsername;

impl Username {
    /// The longest username, in bytes.
    pub const MAX_BYTES: usize = 30;

    /// Takes a name as an upstream writes it.
    ///
    /// # Errors
    /// [`InvalidUsername`] when the text is outside the grammar.
    pub fn parse(text: &str) -> Result<Self, InvalidUsername> {
        // Looked at before it is folded: Unicode has letters whose lower case is ASCII (the Kelvin sign).
        if text.is_ascii() {
            Handle::parse(text).map_err(|_| InvalidUsername)?.try_into()
        } else {
            Err(InvalidUsername)
        }
    }

    /// Whether a handle lies in this grammar; pure and quick, so that it decides the namespace.
    #[must_use]
    pub fn accepts(handle: &Handle) -> bool {
        let name = handle.as_str();
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        name.len() <= Self::MAX_BYTES
            && name.split('.').all(|part| !part.is_empty() && part.bytes().all(plain))
    }

    /// The namespace of a mirror: every handle that could be a username.
    #[must_use]
    pub fn namespace() -> Namespace {
        Namespace::new("usernames: 1 to 30 of a-z, 0-9, _ and single inner dots", Self::accepts)
    }

    /// The same as a handle.
    #[must_use]
    pub fn handle(&self) -> &Handle {
        &self.0
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

impl TryFrom<Handle> for Username {
    type Error = InvalidUsername;

    fn try_from(handle: Handle) -> Result<Self, Self::Error> {
        if Self::accepts(&handle) { Ok(Self(handle)) } else { Err(InvalidUsername) }
    }
}

impl From<Username> for Handle {
    fn from(username: Username) -> Self {
        username.0
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use namesake::Handle;

    use super::Username;

    #[test]
    fn grammar() {
        let longest = "a".repeat(30);
        for name in ["a", "1", "_", "__", "a.b", "jane.art", "a._.b", "nytimes.com", "0.0", &longest] {
            assert_eq!(Username::parse(name).unwrap().as_str(), name);
        }
        let too_long = "a".repeat(31);
        for name in
            ["", ".", ".a", "a.", "a..b", "a-b", "a b", "ä", "a@b", "a/b", "@a", "\u{212a}elvin", &too_long]
        {
            assert!(Username::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn case_is_folded_and_dots_are_kept() {
        assert_eq!(Username::parse("Jane.ART"), Username::parse("jane.art"));
        assert_ne!(Username::parse("a.b"), Username::parse("ab"));
    }

    #[test]
    fn the_namespace_is_the_grammar() {
        let namespace = Username::namespace();
        assert!(namespace.holds(&Handle::parse("jane.art").unwrap()));
        assert!(!namespace.holds(&Handle::parse("alice-b.example.com").unwrap()));
        assert!(!namespace.holds(&Handle::parse("bob@example.com").unwrap()));
    }
}
