//! The port to the upstream: where a person signs in, and what their account is called there.
//!
//! An adapter does the I/O and classifies failures; it decides nothing, and remembers nothing about people.
//!
//! # Writing an adapter
//!
//! One file beside `threads` and `oidc`, or a few, in this order:
//!
//! 1. **The source.** Say within what a user id is unique ([`UpstreamSource`]); when in doubt put the client id in, since a
//!    foreign key that is too narrow gives one person two accounts, and one that is too wide gives two people one. It is for good.
//! 2. **Signing in.** [`Upstream::authorize_url`] and [`Upstream::exchange`] get the same [`SignIn`]: send the PKCE challenge
//!    and the nonce where the upstream knows them. Everything needed to ask again goes into [`Token::secret`], which is
//!    sealed, stored, and handed back as it was; more than one string is JSON in it.
//! 3. **Asking.** [`Upstream::who`] says whose token it is and what they are called, as the upstream writes it: names and
//!    texts are checked and cleaned here, not there. Whatever is no clear answer about *that* account is a failure.
//! 4. **Failing.** Every failure is one [`UpstreamFailure`]. Only `Dead` makes a person sign in again, so say it only where
//!    the upstream says that the token or code is worth nothing; trouble with our own client is `Nonsense`, which an
//!    operator sees in the log. A message never holds a token, code, body or URL. [`from_http`] sorts what HTTP can do.
//! 5. **Trying it.** `tests/adapters.rs` is a table of what a server can do to an adapter, over real HTTP: give it a script
//!    with a good answer, and it checks the class of every bad one. Then a kind in the configuration and in the resolver's
//!    `compose.rs`, and a section in the README.

mod members;
pub mod oidc;
pub mod threads;
mod wire;

pub(crate) use wire::{Id, object};

use std::{
    fmt::{self, Debug},
    future::Future,
    pin::Pin,
    time::Duration,
};

use namesake::{
    Randomness,
    http::{HttpError, HttpFailure},
};
use serde::{Deserialize, Serialize};
use url::Url;

use crate::{
    Secret,
    secret::{hash, random_text},
};

/// Somebody else's service, whose account names are mirrored.
pub trait Upstream: Debug + Send + Sync + 'static {
    /// Which upstream this is: part of every foreign key.
    fn source(&self) -> &UpstreamSource;

    /// Where a browser goes to sign in.
    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url>;

    /// Changes a code, which is good once, for a token that lasts.
    fn exchange<'a>(&'a self, code: &'a str, sign_in: &'a SignIn) -> UpstreamFuture<'a, Token>;

    /// Changes a token for one that lasts longer.
    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token>;

    /// Whose token this is, and what they are called now.
    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting>;
}

/// What the methods of [`Upstream`] return: boxed, so that the trait can be used as `dyn Upstream`.
pub type UpstreamFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, UpstreamError>> + Send + 'a>>;

/// One sign-in, from the authorize page to the token. `Debug` tells neither the state nor the verifier.
#[derive(Clone)]
pub struct SignIn {
    /// Where the browser comes back to, with a code.
    pub redirect: Url,
    /// What it brings back with it (RFC 6749 section 10.12).
    pub state: String,
    /// Who says that they sent it back (`iss`, RFC 9207); nobody before it is back.
    pub sender: Option<String>,
    /// Never leaves us before the code does.
    verifier: Secret,
}

impl SignIn {
    pub(crate) fn begin(redirect: Url, randomness: &dyn Randomness) -> Self {
        Self::resume(redirect, random_text(randomness), Secret::new(random_text(randomness)))
    }

    pub(crate) fn resume(redirect: Url, state: String, verifier: Secret) -> Self {
        Self { redirect, state, sender: None, verifier }
    }

    /// The PKCE code verifier (RFC 7636 section 4.1): 256 random bits.
    #[must_use]
    pub fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// What an id token must repeat: made of the verifier, so that one secret has to be kept and neither tells the other
    /// (`OpenID` Connect Core section 15.5.2).
    #[must_use]
    pub fn nonce(&self) -> String {
        hash(&format!("nonce {}", self.verifier.expose()))
    }
}

impl Debug for SignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignIn").field("redirect", &self.redirect.as_str()).finish_non_exhaustive()
    }
}

/// Within what an upstream's user id is unique. Meta's ids are scoped to the app, so the client id belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpstreamSource {
    /// The adapter: `threads`, `instagram`, `oidc`, …
    pub kind: String,
    /// The origin of the API, or the issuer.
    pub origin: String,
    /// Our client id there, where ids are scoped to it.
    pub client: String,
}

impl UpstreamSource {
    /// The hosts at which people address its names (`alice@threads.net`), with the port where it is not that of HTTPS.
    #[must_use]
    pub fn hosts(&self) -> Vec<String> {
        let named = |hosts: &[&str]| hosts.iter().map(|host| (*host).to_owned()).collect();
        match self.kind.as_str() {
            "threads" => named(&["threads.net", "threads.com"]),
            "instagram" => named(&["instagram.com"]),
            _ => Url::parse(&self.origin)
                .ok()
                .filter(Url::has_host)
                .map(|url| url.authority().to_owned())
                .into_iter()
                .collect(),
        }
    }
}

/// What an account is asked about with, and how that is kept good.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token, in whatever form the adapter wants it back.
    pub secret: Secret,
    /// In how long it should be refreshed; `None` when there is no need to, or no way.
    pub refresh_in: Option<Duration>,
    /// Whether it may be refreshed also when the upstream takes it no more (there is a refresh token).
    pub revivable: bool,
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
    /// What the account is called now; empty when it has no name. What is no [`Username`](crate::Username) is refused at
    /// linking; later it says nothing, so that the name the account has lapses unless it is confirmed in time.
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

/// What it means that a call of ours got no HTTP answer. The text is for the log; it never holds a URL, which may carry a
/// token.
#[must_use]
pub fn from_http(what: &str, error: &HttpError) -> UpstreamError {
    let failure = match error.failure {
        HttpFailure::Timeout => UpstreamFailure::Timeout,
        HttpFailure::TooLarge | HttpFailure::Protocol | HttpFailure::Redirect | HttpFailure::Refused => {
            UpstreamFailure::Nonsense
        }
        _ => UpstreamFailure::Down,
    };
    UpstreamError::new(failure, format!("asked for {what}: {}", error.in_full()))
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
    /// The browser was sent back by somebody else.
    Foreign,
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
            Self::Foreign => "foreign",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::UpstreamSource;

    #[test]
    fn the_names_of_an_upstream_are_at_its_hosts() {
        for (kind, origin, hosts) in [
            ("threads", "http://127.0.0.1:9000", &["threads.net", "threads.com"][..]),
            ("instagram", "https://graph.instagram.com", &["instagram.com"]),
            ("oidc", "https://login.example.com/realms/staff", &["login.example.com"]),
            ("oidc", "http://127.0.0.1:9000", &["127.0.0.1:9000"]),
            ("other", "no URL", &[]),
        ] {
            let source = UpstreamSource { kind: kind.into(), origin: origin.into(), client: String::new() };
            assert_eq!(source.hosts(), hosts, "{kind} {origin}");
        }
    }
}
