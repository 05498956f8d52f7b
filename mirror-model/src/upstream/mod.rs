//! The port to the upstream: where a person signs in, and what their account is called there.
//!
//! An adapter does the I/O and classifies failures; it decides nothing and remembers nothing.

pub mod threads;
mod wire;

pub(crate) use wire::Id;

use std::{fmt::Debug, future::Future, pin::Pin, time::Duration};

use serde::{Deserialize, Serialize};
use url::Url;

use crate::Secret;

/// Somebody else's service, whose account names are mirrored.
pub trait Upstream: Debug + Send + Sync + 'static {
    /// Which upstream this is: part of every foreign key.
    fn source(&self) -> &UpstreamSource;

    /// Where a browser goes to sign in. It comes back to `redirect` with a code and this `state`.
    fn authorize_url(&self, state: &str, redirect: &Url) -> Url;

    /// Changes a code, which is good once, for a token that lasts.
    fn exchange<'a>(&'a self, code: &'a str, redirect: &'a Url) -> UpstreamFuture<'a, Token>;

    /// Changes a token that still works for one that lasts longer.
    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token>;

    /// Whose token this is, and what they are called now.
    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting>;
}

/// What the methods of [`Upstream`] return: boxed, so that the trait can be used as `dyn Upstream`.
pub type UpstreamFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send + 'a>>;

/// Within what an upstream's user id is unique. Meta's ids are scoped to the app, so the client id belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamSource {
    /// The adapter: `threads`, `instagram`, …
    pub kind: String,
    /// The origin of the API.
    pub origin: String,
    /// Our client id there, where ids are scoped to it.
    pub client: String,
}

/// A token and for how long it is good.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub secret: Secret,
    /// How long it works from now; `None` when the upstream does not say.
    pub lasts: Option<Duration>,
}

/// What the upstream said about one account, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// Whom it spoke of.
    pub person: UpstreamPerson,
    /// How much of our budget there is used up, if it says so.
    pub usage_percent: Option<u8>,
}

/// An account of the upstream. Nothing in it is cleaned or checked yet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UpstreamPerson {
    /// The id that never changes, and that its webhooks carry.
    pub id: String,
    /// What the account is called now.
    pub username: String,
    /// Its display name.
    pub name: Option<String>,
    /// Its biography.
    pub bio: Option<String>,
    /// Where its picture is.
    pub picture: Option<String>,
}

/// A call that got no usable answer. `Display` is one level and never holds a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct UpstreamError {
    /// What we can do about it.
    pub failure: UpstreamFailure,
    /// The reason, in words.
    pub message: String,
    /// How long it asks us to wait (`Retry-After` in seconds, RFC 9110 section 10.2.3), if it does.
    pub retry_after: Option<Duration>,
}

impl UpstreamError {
    pub(crate) fn new(failure: UpstreamFailure, message: impl Into<String>) -> Self {
        Self { failure, message: message.into(), retry_after: None }
    }
}

/// What can be done about a failed call. None of these is ever taken for a rename.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum UpstreamFailure {
    /// The token or code works no more: the person must sign in again.
    Dead,
    /// The account is gone or we may not see it; the upstream does not say which.
    Gone,
    /// We ask too often.
    Throttled,
    /// It says itself that trying again helps.
    Transient,
    /// Nobody answers, or it answers that it cannot.
    Down,
    /// No answer in time.
    Timeout,
    /// An answer nobody can use.
    Nonsense,
}

impl UpstreamFailure {
    /// Whether asking again later may succeed without anybody mending anything.
    #[must_use]
    pub const fn is_temporary(self) -> bool {
        matches!(self, Self::Throttled | Self::Transient | Self::Down | Self::Timeout)
    }

    /// The word used in metrics and logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dead => "dead",
            Self::Gone => "gone",
            Self::Throttled => "throttled",
            Self::Transient => "transient",
            Self::Down => "down",
            Self::Timeout => "timeout",
            Self::Nonsense => "nonsense",
        }
    }
}
