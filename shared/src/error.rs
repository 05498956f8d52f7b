//! Why a question could not be answered, in terms of what the caller can do.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use crate::{AccountId, Handle};

/// A failure to answer. Absence is not one: that is [`crate::Lookup::Absent`].
///
/// `Display` prints one level; the causes are in [`Error::source`]. Cloning is cheap, because one failure answers
/// everybody who waited for it.
#[derive(Clone)]
pub struct ResolveError(Arc<Inner>, Option<Arc<SoFar>>);

/// What a lookup had found out before it failed.
enum SoFar {
    Names(AccountId),
    Claims(Handle),
}

struct Inner {
    kind: ErrorKind,
    message: String,
    source: Option<Box<dyn Error + Send + Sync>>,
    retry_after: Option<Duration>,
}

/// What the caller of a failed lookup can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Somebody on the way asked us to slow down: try later.
    Throttled,
    /// No answer in time: try again.
    Timeout,
    /// Unreachable, or it said that it cannot answer now: try again.
    Unavailable,
    /// The sources answered, and what they said is contradictory or nonsense: their owner must mend it.
    BadAnswer,
    /// We do not speak this method or kind.
    Unsupported,
    /// The one who asks has used up their share of us; nobody was asked, and nothing is known: try later.
    ShareSpent,
    /// More is asked of us than we can answer in time; nobody was asked, and nothing is known: try later.
    Overloaded,
    /// Our own fault.
    Internal,
}

impl ErrorKind {
    /// Whether asking again later may succeed without anybody mending anything.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Throttled | Self::Timeout | Self::Unavailable) || self.is_refusal()
    }

    /// Whether it is about the one who asked and not about the question: nobody else is to hear it.
    #[must_use]
    pub const fn is_refusal(self) -> bool {
        matches!(self, Self::ShareSpent | Self::Overloaded)
    }

    /// The word used in metrics and traces.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "throttled",
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::BadAnswer => "bad-answer",
            Self::Unsupported => "unsupported",
            Self::ShareSpent => "share-spent",
            Self::Overloaded => "overloaded",
            Self::Internal => "internal",
        }
    }
}

impl ResolveError {
    /// A failure with its reason in words fit for the person who asked.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Arc::new(Inner { kind, message: message.into(), source: None, retry_after: None }), None)
    }

    /// The same, keeping the cause for the log.
    pub fn caused(
        kind: ErrorKind,
        message: impl Into<String>,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self(
            Arc::new(Inner { kind, message: message.into(), source: Some(source.into()), retry_after: None }),
            None,
        )
    }

    /// A refusal, with when to ask again.
    pub fn refused(kind: ErrorKind, message: impl Into<String>, retry_after: Duration) -> Self {
        Self(
            Arc::new(Inner { kind, message: message.into(), source: None, retry_after: Some(retry_after) }),
            None,
        )
    }

    /// The same, of a lookup that knew for certain whom the handle names before it failed: a remembered answer that names
    /// another account must not go out in its place.
    #[must_use]
    pub fn naming(self, account: AccountId) -> Self {
        Self(self.0, Some(Arc::new(SoFar::Names(account))))
    }

    /// The same, of a lookup that knew which handle the account claims before it failed: a remembered answer that shows
    /// another handle must not go out in its place.
    #[must_use]
    pub fn claiming(self, handle: Handle) -> Self {
        Self(self.0, Some(Arc::new(SoFar::Claims(handle))))
    }

    /// Whether what the lookup had found out speaks against an answer that names this account and shows this handle.
    #[must_use]
    pub fn speaks_against(&self, account: &AccountId, handle: Option<&Handle>) -> bool {
        match self.1.as_deref() {
            None => false,
            Some(SoFar::Names(names)) => names != account,
            Some(SoFar::Claims(claims)) => Some(claims) != handle,
        }
    }

    /// When to ask again, where that is known.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// What the caller can do.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The reason, in words.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Its causes, one after another, for the log and the operator: they may hold addresses, and a library's words.
    #[must_use]
    pub fn causes(&self) -> Option<String> {
        let mut cause = self.source()?;
        let mut all = cause.to_string();
        while let Some(next) = cause.source() {
            all += &format!(": {next}");
            cause = next;
        }
        Some(all)
    }
}

impl fmt::Display for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for ResolveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ResolveError");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl Error for ResolveError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}
