//! Keys: short byte strings in byte order.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use super::MAX_KEY_BYTES;

/// What a fleeting key begins with.
pub const FLEETING: &str = "~";

/// A key: 1 to [`MAX_KEY_BYTES`] bytes, ordered byte by byte. Cloning copies nothing.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<[u8]>);

impl Key {
    /// Makes a key of these bytes.
    ///
    /// # Errors
    /// [`KeyError`] when there are none, or more than [`MAX_KEY_BYTES`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, KeyError> {
        let bytes = bytes.into();
        match bytes.len() {
            1..=MAX_KEY_BYTES => Ok(Self(bytes.into())),
            bytes => Err(KeyError { bytes }),
        }
    }

    /// Whether it is a *fleeting* key: one that begins with [`FLEETING`]. See rule S15 of [`Store`](super::Store).
    #[must_use]
    pub fn is_fleeting(&self) -> bool {
        self.0.starts_with(FLEETING.as_bytes())
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Lets ordered maps of keys be searched by prefix. Sound because a key is ordered and hashed as its bytes are.
impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key(\"{}\")", self.0.escape_ascii())
    }
}

/// Prints escaped text: keys hold strangers' input, and logs are read in terminals.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

/// The bytes are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a key has 1 to {MAX_KEY_BYTES} bytes, not {bytes}")]
pub struct KeyError {
    /// How many bytes there were.
    pub bytes: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_is_checked_once() {
        assert_eq!(Key::new("").unwrap_err().bytes, 0);
        assert_eq!(Key::new(vec![b'k'; MAX_KEY_BYTES]).unwrap().as_bytes().len(), 512);
        assert_eq!(Key::new(vec![b'k'; MAX_KEY_BYTES + 1]).unwrap_err().bytes, 513);
    }

    #[test]
    fn a_fleeting_key_says_so_first() {
        assert!(Key::new("~session/1").unwrap().is_fleeting());
        assert!(!Key::new("session/~1").unwrap().is_fleeting());
    }

    #[test]
    fn debug_is_escaped() {
        assert_eq!(
            format!("{:?}", Key::new("h/al\x1b[31m\u{e9}").unwrap()),
            r#"Key("h/al\x1b[31m\xc3\xa9")"#
        );
    }
}
