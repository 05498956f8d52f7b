//! The answers a backend can give. Failure is not among them: that is [`crate::ResolveError`].

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A question that was answered: *found*, *absent*, or *not mine*.
///
/// Exhaustive on purpose: whoever matches it must say what happens in each case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup<T> {
    /// Here it is.
    Found {
        /// The value.
        value: T,
        /// How long it may be believed.
        ttl: Ttl,
    },
    /// A definite no. Never used for a failure.
    Absent {
        /// The kind of no.
        why: Why,
        /// How long it may be believed.
        ttl: Ttl,
    },
    /// Outside this backend's namespace: ask somebody else. Decided without I/O.
    Pass,
}

impl<T> Lookup<T> {
    /// Here it is, to be believed as long as the operator configured.
    pub const fn known(value: T) -> Self {
        Self::Found { value, ttl: Ttl::Default }
    }

    /// Nobody holds this name, or there is no such account; to be believed as long as the operator configured.
    pub const fn unknown() -> Self {
        Self::Absent { why: Why::Unknown, ttl: Ttl::Default }
    }

    /// The same answer about another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Lookup<U> {
        match self {
            Self::Found { value, ttl } => Lookup::Found { value: change(value), ttl },
            Self::Absent { why, ttl } => Lookup::Absent { why, ttl },
            Self::Pass => Lookup::Pass,
        }
    }

    /// The value, if there is one.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found { value, .. } => Some(value),
            Self::Absent { .. } | Self::Pass => None,
        }
    }
}

/// The kind of a definite no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Nobody holds this name, or there is no such account.
    Unknown,
    /// There was an account, and it was closed for good.
    Deactivated,
    /// Somebody held this name and does not now.
    Released,
    /// Somebody claims this name, and the proof does not hold.
    Unproven,
}

impl Why {
    /// The word used in problem documents and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deactivated => "deactivated",
            Self::Released => "released",
            Self::Unproven => "unproven",
        }
    }
}

/// How long an answer may be believed without asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ttl {
    /// Until the backend says otherwise through its [`crate::Invalidator`]: the answer came from our own store.
    UntilPurged,
    /// For this long, or as long as the operator configured, whichever is shorter: the answer came from the world.
    For(Duration),
    /// As long as the operator configured for answers of this kind.
    Default,
}
