//! A handle, as the contract sees it: a clean, lower-cased name whose grammar belongs to a backend.

use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::text;

/// A name somebody may go by: `alice`, `alice.example.com`, `bob@example.com`.
///
/// Valid once, by construction: trimmed, lower-cased, 1 to 253 bytes, without white space, controls or
/// bidirectional marks, and never `handle.invalid` (which is something XRPC prints, not a name). What else a
/// name must look like is decided by the backend whose namespace it falls in. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Handle(Arc<str>);

impl Handle {
    /// The longest handle, in bytes: the longest host name (RFC 1035 section 2.3.4).
    pub const MAX_BYTES: usize = 253;

    /// Makes a handle of what somebody typed, without its decoration (`@`, `at://`): see the resolver's `query`.
    ///
    /// # Errors
    /// [`InvalidHandle`] says what is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, InvalidHandle> {
        // Most are written as they are kept: in these there is nothing to fold, and nothing that could be hidden.
        let is_plain = Self::is_plain(text);
        let name: Cow<'_, str> = if is_plain { text.into() } else { text.trim().to_lowercase().into() };
        match &*name {
            "" => Err(InvalidHandle::Empty),
            "handle.invalid" => Err(InvalidHandle::Placeholder),
            _ if name.len() > Self::MAX_BYTES => Err(InvalidHandle::TooLong { bytes: name.len() }),
            name if is_plain => Ok(Self(name.into())),
            _ if name.starts_with('@') => Err(InvalidHandle::Decorated),
            _ => match name.chars().find(|&c| c.is_whitespace() || text::is_hidden(c)) {
                Some(character) => Err(InvalidHandle::Character { character }),
                None => Ok(Self(name.into())),
            },
        }
    }

    /// Whether a text has only lower-case letters and digits of ASCII, dots and hyphens: in it there is nothing to fold,
    /// nothing hidden, and nothing that means something else in a URL. It may still be empty or too long.
    #[must_use]
    pub fn is_plain(text: &str) -> bool {
        // All are looked at, with no way out at the first: that is quicker for text that is short and plain.
        let plain =
            |byte: u8| byte.is_ascii_lowercase() | byte.is_ascii_digit() | (byte == b'.') | (byte == b'-');
        text.bytes().fold(true, |so_far, byte| so_far & plain(byte))
    }

    /// The name, without decoration.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "@{}", &self.0)
    }
}

impl FromStr for Handle {
    type Err = InvalidHandle;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for Handle {
    type Error = InvalidHandle;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Handle> for String {
    fn from(handle: Handle) -> Self {
        handle.0.as_ref().to_owned()
    }
}

/// Why a text is no handle under any scheme.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHandle {
    /// Nothing but white space.
    #[error("a handle cannot be empty")]
    Empty,
    /// Longer than [`Handle::MAX_BYTES`].
    #[error("a handle has at most 253 bytes; this one has {bytes}")]
    TooLong {
        /// Length after trimming and lower-casing.
        bytes: usize,
    },
    /// White space, a control, or a mark that changes the direction of text or cannot be seen.
    #[error("a handle cannot contain the character {character:?}")]
    Character {
        /// The first such character.
        character: char,
    },
    /// The text still carries its `@`.
    #[error("the `@` is decoration, not part of the handle")]
    Decorated,
    /// `handle.invalid`, which answers and never asks.
    #[error("`handle.invalid` stands for a handle that could not be verified; nobody holds it")]
    Placeholder,
}

#[cfg(test)]
mod tests {
    use super::{Handle, InvalidHandle};

    #[test]
    fn is_lower_cased_and_trimmed_once() {
        assert_eq!(Handle::parse("  Alice.Example.COM \n").unwrap().as_str(), "alice.example.com");
    }

    #[test]
    fn takes_any_grammar_but_no_hidden_text() {
        assert!(Handle::parse("bob@example.com").is_ok());
        for text in ["a b", "a\u{202e}b", "a\u{0}b", "a\u{200b}b", "a\u{7f}"] {
            assert!(matches!(Handle::parse(text), Err(InvalidHandle::Character { .. })), "{text:?}");
        }
    }

    #[test]
    fn is_never_the_placeholder_empty_decorated_or_long() {
        assert_eq!(Handle::parse("Handle.Invalid"), Err(InvalidHandle::Placeholder));
        assert_eq!(Handle::parse(" "), Err(InvalidHandle::Empty));
        assert_eq!(Handle::parse("@bob"), Err(InvalidHandle::Decorated));
        assert!(Handle::parse(&"a".repeat(253)).is_ok());
        assert_eq!(Handle::parse(&"a".repeat(254)), Err(InvalidHandle::TooLong { bytes: 254 }));
    }
}
