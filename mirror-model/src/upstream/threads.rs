//! The adapter for Meta's Threads API, and for Instagram's login, which differs in a few names.
//!
//! Source: Meta for Developers, "Threads API: get access tokens", "long-lived tokens", "profiles", "error handling".
//! The token travels in the query because the documentation wants it there; no URL is ever logged or put in an error.

use std::{fmt, time::Duration};

use namesake::http::{Call, HttpClient, Reply};
use url::Url;

use super::{
    Sighting, SignIn, Token, Upstream, UpstreamError, UpstreamFailure, UpstreamFuture, UpstreamPerson,
    UpstreamSource, from_http, members::Members, wire::usage_percent,
};
use crate::Secret;

/// Which of Meta's two logins is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// `graph.threads.net`.
    Threads,
    /// `graph.instagram.com`.
    Instagram,
}

/// Where the API is, and who we are there.
#[derive(Debug, Clone)]
pub struct ThreadsSettings {
    /// Which login is spoken.
    pub dialect: Dialect,
    /// The authorize page.
    pub authorize_url: Url,
    /// The API; its origin is part of every foreign key.
    pub api_url: Url,
    /// Where a code is changed for a token, if not at `<api_url>/oauth/access_token`.
    pub token_url: Option<Url>,
    /// Our client id.
    pub client_id: String,
    /// Our client secret.
    pub client_secret: Secret,
}

impl ThreadsSettings {
    /// Settings for an API at `api_url` whose authorize page is at `authorize_url`.
    #[must_use]
    pub fn new(
        dialect: Dialect,
        authorize_url: Url,
        api_url: Url,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Self {
        Self { dialect, authorize_url, api_url, token_url: None, client_id: client_id.into(), client_secret }
    }
}

/// Speaks Meta's API.
pub struct ThreadsUpstream {
    settings: ThreadsSettings,
    source: UpstreamSource,
    http: HttpClient,
}

impl ThreadsUpstream {
    /// An adapter that calls through `http`, which must be one for configured hosts.
    #[must_use]
    pub fn new(settings: ThreadsSettings, http: HttpClient) -> Self {
        let source = UpstreamSource {
            kind: settings.dialect.as_str().to_owned(),
            origin: settings.api_url.origin().ascii_serialization(),
            client: settings.client_id.clone(),
        };
        Self { settings, source, http }
    }

    fn api(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.settings.api_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url.query_pairs_mut().clear().extend_pairs(query);
        url
    }

    async fn call(&self, what: &'static str, call: Call) -> Result<Reply, UpstreamError> {
        let reply = self.http.send(call).await.map_err(|error| from_http(what, &error))?;
        if reply.status.is_success() { Ok(reply) } else { Err(refused(what, &reply)) }
    }

    /// A token, which comes flat, or as the first of a list (Instagram).
    async fn token(&self, what: &'static str, call: Call) -> Result<Members, UpstreamError> {
        let issued = Members::parse(what, &self.call(what, call).await?.body)?;
        Ok(issued.inner("data").unwrap_or(issued))
    }

    async fn exchange_code(&self, code: &str, redirect: &Url) -> Result<Token, UpstreamError> {
        let ThreadsSettings { client_id, client_secret, token_url, dialect, .. } = &self.settings;
        let url = token_url.clone().unwrap_or_else(|| self.api(&["oauth", "access_token"], &[]));
        let form = Call::form(
            without_query(url),
            &[
                ("client_id", client_id),
                ("client_secret", client_secret.expose()),
                ("grant_type", "authorization_code"),
                ("redirect_uri", redirect.as_str()),
                ("code", code),
            ],
        );
        let issued = self.token("a token", form).await?;
        let short = Secret::new(issued.needed("access_token")?);
        let query = [
            ("grant_type", dialect.exchange_grant()),
            ("client_secret", client_secret.expose()),
            ("access_token", short.expose()),
        ];
        self.lasting("a lasting token", self.api(&["access_token"], &query)).await
    }

    async fn lasting(&self, what: &'static str, url: Url) -> Result<Token, UpstreamError> {
        let issued = self.token(what, Call::get(url)).await?;
        let refresh_in =
            issued.seconds("expires_in")?.and_then(|seconds| refresh_in(Duration::from_secs(seconds)));
        Ok(Token { secret: Secret::new(issued.needed("access_token")?), refresh_in, revivable: false })
    }

    async fn me(&self, token: &Secret) -> Result<Sighting, UpstreamError> {
        const WHAT: &str = "a profile";
        let dialect = self.settings.dialect;
        let query = [("fields", dialect.fields()), ("access_token", token.expose())];
        let reply = self.call(WHAT, Call::get(self.api(dialect.me(), &query))).await?;
        let me = Members::parse(WHAT, &reply.body)?;
        let shown = |name: &str| me.decoration(name).map(str::to_owned);
        let person = UpstreamPerson {
            id: me.id(dialect.id())?,
            username: me.needed("username")?.to_owned(),
            name: shown("name"),
            bio: shown("threads_biography").or_else(|| shown("biography")),
            picture: shown("threads_profile_picture_url").or_else(|| shown("profile_picture_url")),
        };
        Ok(Sighting { person, usage_percent: usage(&reply) })
    }
}

impl Upstream for ThreadsUpstream {
    fn source(&self) -> &UpstreamSource {
        &self.source
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        let mut url = self.settings.authorize_url.clone();
        // No PKCE: Meta knows none, and the client secret stands in.
        url.query_pairs_mut().extend_pairs([
            ("client_id", self.settings.client_id.as_str()),
            ("redirect_uri", sign_in.redirect.as_str()),
            ("scope", self.settings.dialect.scope()),
            ("response_type", "code"),
            ("state", &sign_in.state),
        ]);
        Box::pin(async { Ok(url) })
    }

    fn exchange<'a>(&'a self, code: &'a str, sign_in: &'a SignIn) -> UpstreamFuture<'a, Token> {
        Box::pin(self.exchange_code(code, &sign_in.redirect))
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        let query = [("grant_type", self.settings.dialect.refresh_grant()), ("access_token", token.expose())];
        Box::pin(self.lasting("a refreshed token", self.api(&["refresh_access_token"], &query)))
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        Box::pin(self.me(token))
    }
}

impl Dialect {
    /// The adapter's name in foreign keys and in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Threads => "threads",
            Self::Instagram => "instagram",
        }
    }

    const fn scope(self) -> &'static str {
        match self {
            Self::Threads => "threads_basic",
            Self::Instagram => "instagram_business_basic",
        }
    }

    const fn exchange_grant(self) -> &'static str {
        match self {
            Self::Threads => "th_exchange_token",
            Self::Instagram => "ig_exchange_token",
        }
    }

    const fn refresh_grant(self) -> &'static str {
        match self {
            Self::Threads => "th_refresh_token",
            Self::Instagram => "ig_refresh_token",
        }
    }

    const fn me(self) -> &'static [&'static str] {
        match self {
            Self::Threads => &["v1.0", "me"],
            Self::Instagram => &["me"],
        }
    }

    /// Where its id is. Instagram has two: webhooks carry this one, and the other is scoped to the app and would match none.
    const fn id(self) -> &'static str {
        match self {
            Self::Threads => "id",
            Self::Instagram => "user_id",
        }
    }

    const fn fields(self) -> &'static str {
        match self {
            Self::Threads => "id,username,name,threads_profile_picture_url,threads_biography",
            Self::Instagram => "user_id,username,name,profile_picture_url,biography",
        }
    }
}

/// When a token that lasts this long is worth refreshing: near its end, and not before Meta does it at all.
fn refresh_in(lasts: Duration) -> Option<Duration> {
    const AT_THE_EARLIEST: Duration = Duration::from_secs(24 * 3600);
    const LEFT: Duration = Duration::from_secs(30 * 24 * 3600);
    let wanted = lasts.saturating_sub(LEFT).max(AT_THE_EARLIEST);
    (wanted < lasts).then_some(wanted)
}

/// What an error answer means. Meta's code is more precise than its status, which is 400 for nearly everything.
fn refused(what: &'static str, reply: &Reply) -> UpstreamError {
    let status = reply.status.as_u16();
    let body = Members::parse(what, &reply.body).ok();
    let flat = || body.as_ref().and_then(|body| body.decoration("error_type"));
    let failure = match body.as_ref().and_then(|body| body.inner("error")) {
        Some(error) => classify(&GraphError::read(&error), status),
        // The endpoints for codes have another shape: it means that a code or token is worth nothing.
        None if flat() == Some("OAuthException") && status < 500 => UpstreamFailure::Dead,
        None => by_status(status),
    };
    let message = format!("asked for {what}, the upstream answered {status}");
    UpstreamError { retry_after: retry_after(reply), ..UpstreamError::new(failure, message) }
}

/// `Retry-After` in seconds; as a date, which Meta never sends, it is passed over.
fn retry_after(reply: &Reply) -> Option<Duration> {
    let seconds = reply.headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// What Meta says of a failure.
struct GraphError {
    code: i64,
    error_subcode: Option<i64>,
    is_transient: bool,
}

impl GraphError {
    fn read(error: &Members) -> Self {
        Self {
            code: error.number("code").unwrap_or_default(),
            error_subcode: error.number("error_subcode"),
            is_transient: error.says("is_transient"),
        }
    }
}

fn classify(error: &GraphError, status: u16) -> UpstreamFailure {
    match (error.code, error.error_subcode) {
        _ if error.is_transient => UpstreamFailure::Transient,
        // 463 expired, 460 password changed, 493 idle: all end in a new login.
        (190 | 102, _) => UpstreamFailure::Dead,
        (100, Some(33)) => UpstreamFailure::Gone,
        (4 | 17 | 32 | 613, _) => UpstreamFailure::Throttled,
        (1 | 2, _) => UpstreamFailure::Transient,
        _ => by_status(status),
    }
}

fn by_status(status: u16) -> UpstreamFailure {
    match status {
        429 => UpstreamFailure::Throttled,
        500..=599 => UpstreamFailure::Down,
        // A code that was used or made up; a token never gets here without code 190.
        401 => UpstreamFailure::Dead,
        _ => UpstreamFailure::Nonsense,
    }
}

fn usage(reply: &Reply) -> Option<u8> {
    usage_percent(reply.headers.get("x-app-usage")?.to_str().ok()?)
}

fn without_query(mut url: Url) -> Url {
    url.set_query(None);
    url
}

impl fmt::Debug for ThreadsUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ThreadsUpstream").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::http::Reply;

    use super::{GraphError, UpstreamFailure, classify, refresh_in, refused};

    #[test]
    fn a_token_is_refreshed_near_its_end_if_meta_lets_it() {
        let days = |days: u64| Duration::from_secs(days * 24 * 3600);
        assert_eq!(refresh_in(days(60)), Some(days(30)));
        assert_eq!(refresh_in(days(10)), Some(days(1)));
        assert_eq!(refresh_in(days(1)), None, "a short one is over before it may be refreshed");
    }

    #[test]
    fn a_refusal_carries_how_long_to_wait() {
        for (header, wait) in [
            (Some("120"), Some(120)),
            (Some(" 7 "), Some(7)),
            (Some("-1"), None),
            (Some("Wed, 21 Oct 2026 07:28:00 GMT"), None),
            (None, None),
        ] {
            let mut reply = Reply {
                status: http::StatusCode::TOO_MANY_REQUESTS,
                headers: http::HeaderMap::new(),
                body: "".into(),
                url: "https://graph.example/".parse().unwrap(),
            };
            if let Some(header) = header {
                reply.headers.insert(http::header::RETRY_AFTER, header.parse().unwrap());
            }
            let error = refused("a profile", &reply);
            assert_eq!(error.failure, UpstreamFailure::Throttled);
            assert_eq!(error.retry_after, wait.map(Duration::from_secs), "{header:?}");
        }
    }

    #[test]
    fn errors_are_sorted_by_what_we_can_do() {
        let error = |code, error_subcode, is_transient| GraphError { code, error_subcode, is_transient };
        for (error, status, failure) in [
            (error(190, Some(463), false), 400, UpstreamFailure::Dead),
            (error(190, None, false), 400, UpstreamFailure::Dead),
            (error(190, None, true), 400, UpstreamFailure::Transient),
            (error(100, Some(33), false), 400, UpstreamFailure::Gone),
            (error(100, None, false), 400, UpstreamFailure::Nonsense),
            (error(2, None, false), 500, UpstreamFailure::Transient),
            (error(4, None, false), 400, UpstreamFailure::Throttled),
            (error(0, None, false), 429, UpstreamFailure::Throttled),
            (error(0, None, false), 503, UpstreamFailure::Down),
        ] {
            let GraphError { code, error_subcode, is_transient } = error;
            assert_eq!(classify(&error, status), failure, "{code} {error_subcode:?} {is_transient} {status}");
        }
    }
}
