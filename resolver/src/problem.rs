//! Why a request is not answered with what it asked for, and the document that says so (RFC 9457).

use http::StatusCode;
use namesake::{Handle, ResolveError, Scheme, Why};
use namesake_mirror::{LinkError, OwnError, Remedy, WebhookError};

use crate::{
    api::Problem,
    directory::NotServed,
    query::{InvalidQuery, Query, Subject},
    status,
};

/// Why a request is not answered with what it asked for. `status.rs` gives each its status.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    /// The text asks about nobody.
    Query(InvalidQuery),
    /// A parameter or body that cannot be read, in words.
    Request(String),
    /// No backend answers for the name.
    NotServed { handle: Option<Handle>, reason: NotServed },
    /// A definite no.
    Absent { handle: Option<Handle>, why: Why, others: Vec<Scheme> },
    /// The question could not be answered.
    Failed { handle: Option<Handle>, error: ResolveError },
    /// Nothing is served under this path.
    NoSuchPage,
    /// The path does not take this method.
    Method,
    /// The body is too long.
    TooLarge,
    /// The mirror will not, or cannot: what the caller can do, and why.
    Mirror { remedy: Remedy, message: String },
    /// Another site's page asks in the owner's name.
    Origin,
    /// The client asked too often past the cache.
    Quota { retry_after_seconds: u64 },
}

impl From<InvalidQuery> for Refusal {
    fn from(invalid: InvalidQuery) -> Self {
        Self::Query(invalid)
    }
}

impl From<LinkError> for Refusal {
    fn from(error: LinkError) -> Self {
        Self::mirror(error.remedy(), &error)
    }
}

impl From<OwnError> for Refusal {
    fn from(error: OwnError) -> Self {
        Self::mirror(error.remedy(), &error)
    }
}

impl From<WebhookError> for Refusal {
    fn from(error: WebhookError) -> Self {
        Self::mirror(error.remedy(), &error)
    }
}

impl Refusal {
    /// Logged here, once: what goes out says what the caller can do, not why it failed.
    fn mirror(remedy: Remedy, error: &(dyn std::error::Error + 'static)) -> Self {
        if matches!(remedy, Remedy::BlameUs | Remedy::BlameUpstream | Remedy::Retry) {
            tracing::error!(error, "mirror.failed");
        }
        Self::Mirror { remedy, message: error.to_string() }
    }

    pub(crate) fn failed(query: &Query, error: ResolveError) -> Self {
        Self::Failed { handle: handle_of(query), error }
    }

    pub(crate) fn not_served(query: &Query, reason: NotServed) -> Self {
        Self::NotServed { handle: handle_of(query), reason }
    }

    /// When to ask again, for a refusal that time may mend.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Quota { retry_after_seconds } => Some(*retry_after_seconds),
            Self::Failed { error, .. } if error.kind().is_temporary() => Some(10),
            Self::Mirror { remedy: Remedy::Retry, .. } => Some(10),
            _ => None,
        }
    }

    /// The document.
    pub(crate) fn problem(&self) -> Problem {
        let Some(kind) = status::kind_of(self) else { return internal() };
        // The body of a 500 says nothing about us; the log has the cause.
        if kind.status == StatusCode::INTERNAL_SERVER_ERROR.as_u16() {
            return internal();
        }
        let (handle, others): (_, &[Scheme]) = match self {
            Self::NotServed { handle, reason } => (handle.as_ref(), &reason.others),
            Self::Absent { handle, others, .. } => (handle.as_ref(), others),
            Self::Failed { handle, .. } => (handle.as_ref(), &[]),
            _ => (None, &[]),
        };
        Problem {
            kind: kind.path(),
            title: kind.title.to_owned(),
            status: kind.status,
            detail: self.detail(kind.cause),
            handle: handle.map(ToString::to_string),
            other_schemes: others.iter().map(ToString::to_string).collect(),
        }
    }

    fn detail(&self, cause: &str) -> String {
        match self {
            Self::Query(invalid) => sentence(&invalid.to_string()),
            Self::Request(reason) | Self::Mirror { message: reason, .. } => sentence(reason),
            Self::NotServed { reason, .. } => sentence(&reason.to_string()),
            Self::Failed { error, .. } => sentence(error.message()),
            _ => cause.to_owned(),
        }
    }
}

fn handle_of(query: &Query) -> Option<Handle> {
    match &query.subject {
        Subject::Handle(handle) => Some(handle.clone()),
        Subject::Account(_) => None,
    }
}

/// The constant body of a 500.
pub(crate) fn internal() -> Problem {
    Problem {
        kind: "/problems/internal".to_owned(),
        title: "Something broke here".to_owned(),
        status: 500,
        detail: "It is our fault. The operator finds it in the log under the request id of this answer."
            .to_owned(),
        handle: None,
        other_schemes: Vec::new(),
    }
}

fn sentence(message: &str) -> String {
    let mut characters = message.chars();
    let first = characters.next().map(char::to_uppercase).into_iter().flatten();
    let mut sentence: String = first.chain(characters).collect();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
