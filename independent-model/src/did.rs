//! DIDs as atproto uses them (atproto DID specification; W3C DID core section 3.1).

use std::fmt;

use namesake::{AccountId, InvalidAccountId};

use crate::Hostname;

/// A decentralised identifier with good syntax, of any method. Case-sensitive; cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Did {
    text: AccountId,
    method: DidMethod,
}

/// The methods atproto blesses, and the rest.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum DidMethod {
    /// `did:plc`: the document is in the directory (did:plc specification 0.3.0).
    Plc,
    /// `did:web`: the document is on this host.
    Web(WebHost),
    /// Good syntax; nobody here can resolve it.
    Other,
}

/// Where a `did:web` document lives.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum WebHost {
    /// A host name that obeys the rules of handles, at the standard port.
    Name(Hostname),
    /// This machine, at this port: development only, and only where the settings allow it.
    Localhost(Option<u16>),
}

impl Did {
    /// The longest DID, in bytes (atproto DID specification).
    pub const MAX_BYTES: usize = AccountId::MAX_BYTES;

    /// Takes a DID as it is written, without white space around it.
    ///
    /// # Errors
    /// [`InvalidDid`] when the text is no DID, or breaks a rule of its own method.
    pub fn parse(text: &str) -> Result<Self, InvalidDid> {
        let rest = text.strip_prefix("did:").ok_or(InvalidDid::Syntax)?;
        let (method, id) = rest.split_once(':').ok_or(InvalidDid::Syntax)?;
        let good_id = |byte: u8| byte.is_ascii_alphanumeric() || b"._:%-".contains(&byte);
        if method.is_empty()
            || !method.bytes().all(|byte| byte.is_ascii_lowercase())
            || id.is_empty()
            || !id.bytes().all(good_id)
            || id.ends_with([':', '%'])
        {
            return Err(InvalidDid::Syntax);
        }
        let method = match method {
            "plc" if is_plc_id(id) => DidMethod::Plc,
            "plc" => return Err(InvalidDid::Plc),
            "web" => DidMethod::Web(WebHost::parse(id).ok_or(InvalidDid::Web)?),
            _ => DidMethod::Other,
        };
        let text = AccountId::parse(text).map_err(|InvalidAccountId| InvalidDid::Syntax)?;
        Ok(Self { text, method })
    }

    /// The DID as it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.as_str()
    }

    /// The DID as the contract's permanent key.
    #[must_use]
    pub fn account(&self) -> &AccountId {
        &self.text
    }

    /// How to resolve it.
    #[must_use]
    pub fn method(&self) -> &DidMethod {
        &self.method
    }
}

/// 24 characters of RFC 4648 base32 in lower case (did:plc specification 0.3.0, "DID Identifier Syntax").
fn is_plc_id(id: &str) -> bool {
    id.len() == 24 && id.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7'))
}

impl WebHost {
    /// atproto takes `did:web` of a host only: no path; a port (as `%3A`) only for `localhost`. Upper case is refused,
    /// because two spellings of one host would be two accounts.
    fn parse(id: &str) -> Option<Self> {
        if id == "localhost" {
            return Some(Self::Localhost(None));
        }
        if let Some(port) = id.strip_prefix("localhost%3A") {
            let number: u16 = port.parse().ok()?;
            return (number.to_string() == port).then_some(Self::Localhost(Some(number)));
        }
        let name = Hostname::parse(id).ok()?;
        (name.as_str() == id).then_some(Self::Name(name))
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is no DID. A DID of a method we do not speak is not among these: see [`DidMethod::Other`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidDid {
    /// Not `did:<method>:<id>` in at most 2048 permitted characters; or it has a fragment, a query or a path.
    #[error("a DID is `did:<method>:<id>` in at most 2048 characters, without fragment, query or path")]
    Syntax,
    /// A `did:plc` whose id is not 24 characters of base32.
    #[error("the id of a did:plc is 24 characters of a-z and 2-7")]
    Plc,
    /// A `did:web` of anything but a host.
    #[error("a did:web names a lower-case host and nothing else: no path, no port, no IP address")]
    Web,
}

#[cfg(test)]
mod tests {
    use super::{Did, DidMethod, InvalidDid, WebHost};
    use crate::Hostname;

    #[test]
    fn methods() {
        let method = |text| Did::parse(text).unwrap().method().clone();
        assert_eq!(method("did:plc:ewvi7nxzyoun6zhxrhs64oiz"), DidMethod::Plc);
        let host = Hostname::parse("example.com").unwrap();
        assert_eq!(method("did:web:example.com"), DidMethod::Web(WebHost::Name(host)));
        assert_eq!(method("did:web:localhost%3A3000"), DidMethod::Web(WebHost::Localhost(Some(3000))));
        assert_eq!(method("did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N"), DidMethod::Other);
        assert_eq!(method("did:method:val:two%BB"), DidMethod::Other);
    }

    #[test]
    fn no_spelling_of_an_address_is_the_host_of_a_did_web() {
        for id in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "0177.0.0.1",
            "017700000001",
            "10.0.0.1",
            "169.254.169.254",
            "127.0.0.1.",
            "example.com.",
            "%31%32%37.0.0.1",
            "%5B%3A%3A1%5D",
            "%5B%3A%3Affff%3A10.0.0.1%5D",
            "user%40example.com",
            "example.com%3A443",
            "example.com%3A6379",
            "localhost%3A0443",
            "localhost%3a443",
            "localhost.",
            "localhost%2Epath",
        ] {
            assert!(Did::parse(&format!("did:web:{id}")).is_err(), "{id}");
        }
    }

    /// Scenario 21 is among these: a path, a port, an IP address.
    #[test]
    fn what_is_no_did() {
        for text in [
            "",
            "did",
            "did:",
            "did:plc",
            "did::a",
            "did:PLC:a",
            "DID:plc:ewvi7nxzyoun6zhxrhs64oiz",
            "did:m:",
            "did:m:a:",
            "did:m:a%",
            "did:m:a#b",
            "did:m:a?b",
            "did:m:a/b",
            "did:m:a b",
            "did:m:é",
            "did:m1:a",
            " did:m:a",
            "did:m:a\n",
        ] {
            assert_eq!(Did::parse(text), Err(InvalidDid::Syntax), "{text:?}");
        }
        assert_eq!(Did::parse(&format!("did:m:{}", "a".repeat(2043))), Err(InvalidDid::Syntax));
        for id in ["ewvi7nxzyoun6zhxrhs64oi", "ewvi7nxzyoun6zhxrhs64oizz", "ewvi7nxzyoun6zhxrhs64oi1", "EWVI"]
        {
            assert_eq!(Did::parse(&format!("did:plc:{id}")), Err(InvalidDid::Plc), "{id}");
        }
        for id in [
            "example.com:path",
            "example.com%3A8080",
            "example.com%2Fpath",
            "127.0.0.1",
            "example",
            "Example.com",
            "localhost%3A",
            "localhost%3A99999",
            "localhost:3000",
            "localhost%3A080",
            "%5B%3A%3A1%5D.com",
        ] {
            assert_eq!(Did::parse(&format!("did:web:{id}")), Err(InvalidDid::Web), "{id}");
        }
    }
}
