//! Why a request is not answered with what it asked for, and the document that says so (RFC 9457).

use http::StatusCode;
use namesake::{ErrorKind, Handle, ResolveError, Scheme, Timestamp, Why, store::StoreError};
use namesake_independent::{
    hosted::{Rejection, Rule},
    webvh::Fault,
};
use namesake_mirror::{LinkError, OwnError, Remedy, WebhookError};

use crate::{
    api::Problem,
    directory::NotServed,
    pages,
    query::{InvalidQuery, Query, Subject},
    quota::whole_seconds,
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
    /// A definite no; of a name that is had by linking an account at `link`, if it is one.
    Absent { handle: Option<Handle>, why: Why, others: Vec<Scheme>, link: Option<Scheme> },
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
    /// A signed entry or record breaks a rule.
    Entry { rule: &'static str, message: String, now: Timestamp },
    /// An entry or a record is larger than is taken.
    EntrySize { rule: &'static str, message: String },
    /// The handle is somebody else's, or held back.
    Taken(Handle),
    /// The handle cannot be had by anybody.
    Reserved(Handle),
    /// An entry or a record does not follow the newest one.
    Stale { head: String },
    /// The client asked too often past the cache, or sent too much.
    Quota { retry_after_seconds: u64 },
    /// All clients together want more of us than we have.
    Busy { retry_after_seconds: u64 },
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

    /// Why an entry or a record was not taken, `now` by the clock that judged it.
    pub(crate) fn rejected(rejection: Rejection, now: Timestamp) -> Self {
        match rejection {
            Rejection::Invalid(fault @ Fault::TooLarge) => {
                Self::EntrySize { rule: fault.rule(), message: fault.to_string() }
            }
            Rejection::Invalid(fault) => Self::Entry { rule: fault.rule(), message: fault.to_string(), now },
            Rejection::Refused(rule @ Rule::EntrySize) => Self::rule_of_size(rule),
            Rejection::Refused(Rule::Closed) => {
                Self::Absent { handle: None, why: Why::Deactivated, others: Vec::new(), link: None }
            }
            Rejection::Refused(rule) => Self::Entry { rule: rule.name(), message: rule.to_string(), now },
            Rejection::HandleTaken(handle) => Self::Taken(handle),
            Rejection::Reserved(handle) => Self::Reserved(handle),
            Rejection::StaleHead { head } => Self::Stale { head },
            Rejection::UnknownAccount => Self::unknown_account(),
            Rejection::TooMany { retry_after } => {
                Self::Quota { retry_after_seconds: retry_after.as_secs().saturating_add(1) }
            }
            Rejection::Store(error) => Self::store(error),
            rejection => {
                tracing::error!(error = &rejection as &dyn std::error::Error, "hosted.failed");
                let error = ResolveError::new(ErrorKind::Internal, rejection.to_string());
                Self::Failed { handle: None, error }
            }
        }
    }

    pub(crate) fn rule_of_size(rule: Rule) -> Self {
        Self::EntrySize { rule: rule.name(), message: rule.to_string() }
    }

    /// No account lives here by the name that a path has.
    pub(crate) fn unknown_account() -> Self {
        Self::Absent { handle: None, why: Why::Unknown, others: Vec::new(), link: None }
    }

    /// The store of accounts failed. Logged here, once; that its disk is full, it says itself.
    pub(crate) fn store(error: StoreError) -> Self {
        if !matches!(error, StoreError::Full) {
            tracing::error!(error = &error as &dyn std::error::Error, "hosted.store_failed");
        }
        let error = ResolveError::caused(ErrorKind::Unavailable, "the store of accounts failed", error);
        Self::Failed { handle: None, error }
    }

    pub(crate) fn failed(query: &Query, error: ResolveError) -> Self {
        Self::Failed { handle: handle_of(query), error }
    }

    /// No backend takes the name: none that is here, or none that could ever be.
    pub(crate) fn not_served(query: &Query, reason: NotServed) -> Self {
        if let Subject::Handle(handle) = &query.subject
            && reason.others.is_empty()
            && let Some(invalid) = InvalidQuery::of_no_grammar(handle)
        {
            return Self::Query(invalid);
        }
        Self::NotServed { handle: handle_of(query), reason }
    }

    /// When to ask again, for a refusal that time may mend.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::Quota { retry_after_seconds } | Self::Busy { retry_after_seconds } => {
                Some(*retry_after_seconds)
            }
            Self::Failed { error, .. } if error.kind().is_temporary() => {
                Some(error.retry_after().map_or(10, whole_seconds))
            }
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
            Self::Taken(handle) | Self::Reserved(handle) => (Some(handle), &[]),
            _ => (None, &[]),
        };
        let link_at = match self {
            Self::Absent { link: Some(scheme), .. } => Some(pages::mirror_path(scheme.as_str())),
            _ => None,
        };
        let (rule, now, head) = match self {
            Self::Entry { rule, now, .. } => (Some(*rule), Some(*now), None),
            Self::EntrySize { rule, .. } => (Some(*rule), None, None),
            Self::Stale { head } => (None, None, Some(head.clone())),
            _ => (None, None, None),
        };
        Problem {
            kind: kind.path(),
            title: kind.title.to_owned(),
            status: kind.status,
            detail: self.detail(kind.cause),
            handle: handle.map(ToString::to_string),
            other_schemes: others.iter().map(ToString::to_string).collect(),
            link_at,
            rule: rule.map(str::to_owned),
            now,
            head,
        }
    }

    fn detail(&self, cause: &str) -> String {
        match self {
            Self::Query(invalid) => sentence(&invalid.to_string()),
            Self::Request(reason)
            | Self::Mirror { message: reason, .. }
            | Self::Entry { message: reason, .. }
            | Self::EntrySize { message: reason, .. } => sentence(reason),
            Self::NotServed { reason, .. } => sentence(&reason.to_string()),
            Self::Failed { error, .. } => sentence(error.message()),
            Self::Absent { why: Why::Unknown, link: Some(scheme), .. } => format!(
                "Nobody who is called so at {scheme} has linked that account here. A name there is answered here from the \
                 moment its owner links it, on the page {}.",
                pages::mirror_path(scheme.as_str())
            ),
            Self::Quota { retry_after_seconds } => {
                format!("{cause} The next is taken in {retry_after_seconds} s.")
            }
            Self::Origin => "This did not come from a page of this service, as far as the browser says, and only its own pages act \
                for the owner of an account. Open the page here, under the address this service is known by, and send it again."
                .to_owned(),
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
        link_at: None,
        rule: None,
        now: None,
        head: None,
    }
}

/// A message as a sentence. One that begins with a name, as of a host, keeps its letters.
fn sentence(message: &str) -> String {
    let begins_with_name = message.split(' ').next().is_some_and(|word| word.contains('.'));
    let mut characters = message.chars();
    let first = characters.next();
    let first: String = match begins_with_name {
        true => first.into_iter().collect(),
        false => first.map(char::to_uppercase).into_iter().flatten().collect(),
    };
    let mut sentence = first + characters.as_str();
    if !sentence.ends_with(['.', '!', '?']) {
        sentence.push('.');
    }
    sentence
}
