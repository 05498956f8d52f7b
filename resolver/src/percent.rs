//! Percent-encoding (RFC 3986 section 2.1), strictly: what cannot be decoded is refused, never passed on half-decoded.

use std::borrow::Cow;

/// Decodes one path segment or query value; `None` when an escape is cut short, or the bytes are not UTF-8.
pub(crate) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

/// Encodes a text as one path segment: everything but RFC 3986's unreserved characters and `:` is escaped.
pub(crate) fn encode_segment(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 15)]);
            encoded.extend(['%', digit(byte >> 4), digit(byte)]);
        }
        encoded
    })
}

#[cfg(test)]
mod tests {
    use super::{decode, encode_segment};

    #[test]
    fn decodes_strictly() {
        assert_eq!(decode("alice.example.com").unwrap(), "alice.example.com");
        assert_eq!(decode("did%3Aplc%3aabc").unwrap(), "did:plc:abc");
        assert_eq!(decode("m%C3%BCller").unwrap(), "müller");
        for bad in ["%", "%4", "%zz", "%+1", "%ff", "%c3", "a%"] {
            assert!(decode(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn what_is_encoded_comes_back() {
        for text in ["alice", "a/b?c#d", "bob@example.com", "müller", "did:plc:abc", "100%"] {
            assert_eq!(decode(&encode_segment(text)).unwrap(), text);
            assert!(!encode_segment(text).contains(['/', '?', '#', '@', ' ']));
        }
    }
}
