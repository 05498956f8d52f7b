//! Who a handle belongs to, and how that is known.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Serialize};

use crate::{AccountId, Handle, Scheme, Timestamp};

/// The answer to "who is `@handle`?".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The handle asked for (rule R1).
    pub handle: Handle,
    /// Who holds it.
    pub account: AccountId,
    /// The backend that says so.
    pub scheme: Scheme,
    /// How it knows.
    pub proof: Proof,
}

/// How a backend knows that a handle belongs to an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What was asked.
    pub method: Method,
    /// When the answer was received.
    pub checked_at: Timestamp,
    /// Whether a stronger source was silent, so that this answer is short-lived and replaces no better one.
    pub provisional: bool,
}

impl Proof {
    /// A proof by the strongest source there is.
    #[must_use]
    pub const fn new(method: Method, checked_at: Timestamp) -> Self {
        Self { method, checked_at, provisional: false }
    }
}

/// The kind of evidence, a word of kebab-case: one of the constants, or a third party's own.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// A TXT record at `_atproto.<handle>` (atproto handle specification).
    pub const DNS_TXT: Self = Self::new("dns-txt");
    /// `https://<handle>/.well-known/atproto-did` (atproto handle specification).
    pub const HTTPS_WELL_KNOWN: Self = Self::new("https-well-known");
    /// A register of our own says so, which gives each name once.
    pub const REGISTER: Self = Self::new("register");
    /// The upstream said so when its account was last read.
    pub const UPSTREAM: Self = Self::new("upstream");

    /// A third party's kind of evidence.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
