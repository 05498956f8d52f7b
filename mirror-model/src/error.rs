//! What can go wrong, and what whoever called can do about it. One file of the resolver turns a [`Remedy`] into a status.

use namesake::{
    ErrorKind, ResolveError, TextTooLong,
    store::{KeyError, StoreError, StoreErrorKind},
};

use crate::{
    InvalidUsername,
    upstream::{UpstreamError, UpstreamFailure},
};

/// What the caller of a failed operation can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Remedy {
    /// Send something else: the request makes no sense.
    Mend,
    /// Shorten a text.
    Shorten,
    /// Sign in (again).
    SignIn,
    /// Nothing: it is against the rules, and the message says which and what to do instead.
    Accept,
    /// Nothing: a handle is only changed at the upstream (`handle-is-mirrored`).
    RenameUpstream,
    /// Nothing: there is no such thing.
    LookElsewhere,
    /// Try again later.
    Retry,
    /// Nothing: the upstream gives answers nobody can use.
    BlameUpstream,
    /// Nothing: it is our fault.
    BlameUs,
}

/// The register could not be read or written.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RegisterError {
    /// The store failed.
    #[error("the store did not do its work")]
    Store(#[from] StoreError),
    /// Something in it cannot be a key.
    #[error("no key can be made of it")]
    Key(#[from] KeyError),
    /// Others changed the same rows again and again.
    #[error("too many changes at the same place at once")]
    Contended,
    /// A token, or the key that names are stored under, cannot be sealed or opened.
    #[error(
        "what is stored sealed cannot be opened with the keys at hand: is it the key file of this store?"
    )]
    Sealing,
}

impl RegisterError {
    /// What the caller can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Contended => Remedy::Retry,
            Self::Store(error) if error.kind() == StoreErrorKind::Temporary => Remedy::Retry,
            Self::Store(_) | Self::Key(_) | Self::Sealing => Remedy::BlameUs,
        }
    }
}

impl From<RegisterError> for ResolveError {
    fn from(error: RegisterError) -> Self {
        let kind = match &error {
            RegisterError::Store(StoreError::Damaged(_)) => ErrorKind::BadAnswer,
            _ if error.remedy() == Remedy::Retry => ErrorKind::Unavailable,
            _ => ErrorKind::Internal,
        };
        Self::caused(kind, "the register of mirrored handles could not be read", error)
    }
}

/// Why an account was not linked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The callback carries neither a code nor an error, or no state.
    #[error("this is not how the upstream sends people back: start again from the beginning")]
    Malformed,
    /// The state is unknown, used, too old, or of another browser.
    #[error("this sign-in was not begun in this browser, was already used, or took too long: start again")]
    State,
    /// Not the upstream that was asked sent the browser back (RFC 9207).
    #[error("you were not sent back by the upstream that you were sent to: start again from the beginning")]
    Sender,
    /// The person said no, or the upstream did.
    #[error("the upstream did not let you sign in: {0}")]
    Denied(String),
    /// Signed in here as somebody whose link is to another upstream account.
    #[error(
        "you are signed in with an account that mirrors somebody else, and a link is for good: sign out first, on the page of this mirror, to link this one as an account of its own"
    )]
    LinkedToAnother,
    /// The upstream did not answer, or not usefully.
    #[error("the upstream could not be asked who you are")]
    Upstream(#[source] UpstreamError),
    /// The upstream calls the account something that is no username, or nothing at all.
    #[error("the upstream gives this account no name that can be a handle: {0}")]
    Username(InvalidUsername),
    /// The register could not be written.
    #[error("the link could not be stored")]
    Register(#[from] RegisterError),
}

impl LinkError {
    /// What the caller can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::Malformed => Remedy::Mend,
            Self::State | Self::Sender | Self::Denied(_) | Self::LinkedToAnother => Remedy::Accept,
            Self::Upstream(error) => match error.failure {
                UpstreamFailure::Dead => Remedy::SignIn,
                failure if failure.is_temporary() => Remedy::Retry,
                _ => Remedy::BlameUpstream,
            },
            Self::Username(_) => Remedy::BlameUpstream,
            Self::Register(error) => error.remedy(),
        }
    }
}

/// Why somebody could not see or change a profile.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OwnError {
    /// No valid sign-in for this account. Said whether or not the account exists.
    #[error("sign in with the upstream account behind this profile first")]
    SignIn,
    /// A handle was to be written.
    #[error(
        "this handle mirrors the name of the linked upstream account and cannot be set here: rename that account, and the new name shows here within {within_seconds} seconds"
    )]
    HandleIsMirrored {
        /// The interval of polling.
        within_seconds: u64,
    },
    /// A picture was to be written.
    #[error("the picture is always the one of the linked upstream account: change it there")]
    PictureIsMirrored,
    /// A text is longer than what is kept. None of the edit was done.
    #[error("nothing was saved, since the {what} is too long: {why}")]
    TooLong {
        /// Which text.
        what: &'static str,
        /// By how much.
        why: TextTooLong,
    },
    /// The edit makes no sense.
    #[error("{0}")]
    Malformed(String),
    /// The register could not be read or written.
    #[error("the profile could not be read or written")]
    Register(#[from] RegisterError),
}

impl OwnError {
    /// What the caller can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::SignIn => Remedy::SignIn,
            Self::HandleIsMirrored { .. } => Remedy::RenameUpstream,
            Self::PictureIsMirrored => Remedy::Accept,
            Self::TooLong { .. } => Remedy::Shorten,
            Self::Malformed(_) => Remedy::Mend,
            Self::Register(error) => error.remedy(),
        }
    }
}

/// Why something that claims to come from the upstream was not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// No subscription was asked for, or with another token.
    #[error("this is no subscription of ours")]
    NotSubscribed,
    /// Not signed, or not with a secret of ours.
    #[error("the signature is missing or wrong")]
    Signature,
    /// Signed, and issued too long ago: whoever saw it may be sending it again.
    #[error("this was issued too long ago, or by a clock that is ahead: it is not taken any more")]
    Outdated,
    /// Signed, and yet nothing that can be understood.
    #[error("the payload makes no sense")]
    Malformed,
    /// There is no such deletion request.
    #[error("there is no such request")]
    NoSuchRequest,
    /// The register could not be read or written. The upstream will try again.
    #[error("it could not be stored")]
    Register(#[from] RegisterError),
}

impl WebhookError {
    /// What the caller can do.
    #[must_use]
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::NotSubscribed | Self::Signature | Self::Outdated => Remedy::Accept,
            Self::Malformed => Remedy::Mend,
            Self::NoSuchRequest => Remedy::LookElsewhere,
            Self::Register(error) => error.remedy(),
        }
    }
}
