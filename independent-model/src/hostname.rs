//! The grammar of an independent handle: a host name (atproto handle specification, "Handle Identifier Syntax").

use std::{fmt, sync::Arc};

use namesake::Handle;

/// Top-level names nobody can hold a handle under (atproto handle specification; RFC 6761, RFC 9476).
const RESERVED: [&str; 8] = ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion"];

/// A host name as handles use it: ASCII, lower-case, at least two labels, the last beginning with a letter.
///
/// Valid once, by construction. It may lie under a reserved name: those are good syntax that fails at once. Cloning
/// is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(Arc<str>);

impl Hostname {
    /// The longest host name, in bytes (RFC 1035 section 2.3.4).
    pub const MAX_BYTES: usize = 253;

    /// Takes a name as it is written, in any case.
    ///
    /// # Errors
    /// [`InvalidHostname`] says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidHostname> {
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidHostname::TooLong);
        }
        for label in text.split('.') {
            check_label(label)?;
        }
        let (_, last) = text.rsplit_once('.').ok_or(InvalidHostname::OneLabel)?;
        if !last.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(InvalidHostname::NumericEnd);
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// Takes a name that may be in Unicode and converts it to its ASCII form (UTS 46, non-transitional, STD3).
    ///
    /// For what people type. XRPC takes ASCII only, and only the ASCII form is ever stored or answered.
    ///
    /// # Errors
    /// [`InvalidHostname`], as for [`Hostname::parse`], or [`InvalidHostname::Unicode`].
    pub fn from_unicode(text: &str) -> Result<Self, InvalidHostname> {
        if text.is_ascii() {
            return Self::parse(text);
        }
        // Each character becomes at least one byte of ASCII or is folded away; far longer texts are not worth mapping.
        if text.len() > 4 * Self::MAX_BYTES {
            return Err(InvalidHostname::TooLong);
        }
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| InvalidHostname::Unicode)?;
        Self::parse(&ascii)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as a handle; `None` only for `handle.invalid`, which nobody holds.
    #[must_use]
    pub fn to_handle(&self) -> Option<Handle> {
        Handle::parse(&self.0).ok()
    }

    /// Whether the name lies under a top-level name that is reserved: it fails without anybody being asked. `test`
    /// is reserved too unless `allow_test_tld`.
    #[must_use]
    pub fn is_reserved(&self, allow_test_tld: bool) -> bool {
        let top = self.top();
        RESERVED.contains(&top) || (top == "test" && !allow_test_tld)
    }

    /// Whether a bare `@name` is read as this kind of handle: its ending is a known public suffix (compiled in, so
    /// without I/O), it is longer than the suffix, and it is not reserved.
    #[must_use]
    pub fn is_in_namespace(&self, allow_test_tld: bool) -> bool {
        if self.is_reserved(allow_test_tld) {
            return false;
        }
        // With at least two labels, any name under an allowed `test` is longer than its suffix.
        self.top() == "test"
            || psl::suffix(self.0.as_bytes())
                .is_some_and(|suffix| suffix.is_known() && suffix.as_bytes().len() < self.0.len())
    }

    /// The absolute name of the TXT record that proves this handle; `None` when it would pass 253 characters.
    #[must_use]
    pub fn txt_name(&self) -> Option<String> {
        let name = format!("_atproto.{}", self.0);
        (name.len() <= Self::MAX_BYTES).then(|| name + ".")
    }

    fn top(&self) -> &str {
        self.0.rsplit('.').next().unwrap_or_default()
    }
}

fn check_label(label: &str) -> Result<(), InvalidHostname> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    match label {
        "" => Err(InvalidHostname::EmptyLabel),
        _ if label.len() > 63 => Err(InvalidHostname::LongLabel),
        _ if !label.bytes().all(plain) => Err(InvalidHostname::Character),
        _ if label.starts_with('-') || label.ends_with('-') => Err(InvalidHostname::Hyphen),
        _ => Ok(()),
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a text is no host name that could be a handle.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidHostname {
    /// Longer than [`Hostname::MAX_BYTES`].
    #[error("a host name has at most 253 characters")]
    TooLong,
    /// Two dots in a row, or a dot at an end.
    #[error("a host name has no empty label: no dot at either end, no two in a row")]
    EmptyLabel,
    /// A label of more than 63 characters.
    #[error("each label of a host name has at most 63 characters")]
    LongLabel,
    /// Anything but letters, digits, hyphens and dots.
    #[error("a host name consists of a-z, 0-9, hyphens and dots")]
    Character,
    /// A label that begins or ends with a hyphen.
    #[error("no label of a host name begins or ends with a hyphen")]
    Hyphen,
    /// No dot at all.
    #[error("a host name that is a handle has at least two labels")]
    OneLabel,
    /// The last label begins with a digit, as in an IP address.
    #[error("the last label of a host name begins with a letter")]
    NumericEnd,
    /// Unicode that has no ASCII form.
    #[error("this is not a valid internationalised host name (UTS 46)")]
    Unicode,
}

#[cfg(test)]
mod tests {
    use super::{Hostname, InvalidHostname};

    #[test]
    fn grammar() {
        let label = "a".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
        for good in
            ["a.co", "8.cn", "XN--ls8h.test", "a-b.c-d.com", "1.2.3.4.com", "handle.invalid", &longest]
        {
            assert!(Hostname::parse(good).is_ok(), "{good}");
        }
        for (bad, why) in [
            ("", InvalidHostname::EmptyLabel),
            ("alice", InvalidHostname::OneLabel),
            ("alice.", InvalidHostname::EmptyLabel),
            (".alice.com", InvalidHostname::EmptyLabel),
            ("a..com", InvalidHostname::EmptyLabel),
            ("-a.com", InvalidHostname::Hyphen),
            ("a-.com", InvalidHostname::Hyphen),
            ("a.com-", InvalidHostname::Hyphen),
            ("a_b.com", InvalidHostname::Character),
            ("a b.com", InvalidHostname::Character),
            ("jo\u{301}.com", InvalidHostname::Character),
            ("a.com\n", InvalidHostname::Character),
            ("127.0.0.1", InvalidHostname::NumericEnd),
            ("a.1com", InvalidHostname::NumericEnd),
            (&format!("{label}a.com"), InvalidHostname::LongLabel),
            (&format!("{longest}a"), InvalidHostname::TooLong),
        ] {
            assert_eq!(Hostname::parse(bad), Err(why), "{bad:?}");
        }
        assert_eq!(Hostname::parse("ALICE.Example.COM").unwrap().as_str(), "alice.example.com");
    }

    #[test]
    fn reserved_names_are_good_syntax_outside_the_namespace() {
        let reserved = |name: &str, test| Hostname::parse(name).unwrap().is_reserved(test);
        for top in super::RESERVED {
            let name = Hostname::parse(&format!("alice.{top}")).unwrap();
            assert!(name.is_reserved(true), "{top}");
            assert!(!name.is_in_namespace(true), "{top}");
        }
        assert!(reserved("alice.test", false));
        assert!(!reserved("alice.test", true));
        assert!(!reserved("alice.example.com", false));
    }

    #[test]
    fn the_namespace_is_what_lies_below_a_public_suffix() {
        for (name, test, inside) in [
            ("nytimes.com", false, true),
            ("alice.bsky.social", false, true),
            ("alice.co.uk", false, true),
            ("co.uk", false, false),
            ("alice.github.io", false, true),
            ("github.io", false, false),
            ("jane.art", false, true),
            ("john.doe", false, false),
            ("alice.test", true, true),
            ("alice.test", false, false),
            ("alice.onion", false, false),
            ("alice.example", false, false),
        ] {
            assert_eq!(Hostname::parse(name).unwrap().is_in_namespace(test), inside, "{name}");
        }
    }

    #[test]
    fn unicode_input_becomes_ascii() {
        let ascii = |text| Hostname::from_unicode(text).map(|name| name.as_str().to_owned());
        assert_eq!(ascii("bücher.example.com").unwrap(), "xn--bcher-kva.example.com");
        assert_eq!(ascii("BÜCHER.Example.com").unwrap(), "xn--bcher-kva.example.com");
        assert_eq!(ascii("alice。example。com").unwrap(), "alice.example.com");
        assert!(ascii("a\u{202e}b.com").is_err());
        assert!(ascii(&"ü".repeat(4000)).is_err());
    }

    #[test]
    fn the_txt_name_is_absolute_and_not_too_long() {
        assert_eq!(Hostname::parse("a.com").unwrap().txt_name().unwrap(), "_atproto.a.com.");
        let label = "a".repeat(63);
        let name =
            |last: usize| Hostname::parse(&format!("{label}.{label}.{label}.{}", "a".repeat(last))).unwrap();
        assert!(name(52).txt_name().is_some());
        assert!(name(53).txt_name().is_none());
    }
}
