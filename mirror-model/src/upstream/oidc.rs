//! The adapter for any OpenID provider, whose `preferred_username` is mirrored.
//!
//! Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 6750, RFC 7636, RFC 9207. Of what a provider says only
//! the members that are used are read (`members`); the crate `openidconnect` knows its keys, and checks signatures.
//!
//! * A person is the pair of `iss` and `sub`, never their name. A provider may give each client other subjects
//!   (`pairwise`, Core section 8), and may begin to: so the client id is part of the foreign key always, and with another
//!   one everybody links anew.
//! * The profile comes from the userinfo endpoint, and each answer must be about the subject of the id token (Core section
//!   5.3.2). Another one is nonsense, and never a rename.
//! * Providers promise not that a `preferred_username` is unique (Core section 5.7). A mirror needs one that does: of two
//!   people with one name, each displaces the other.
//! * Nothing announces a rename: polling alone finds it. With a refresh token that goes on without the person, so
//!   `offline_access` is asked for wherever it is offered.
//! * The issuer is the operator's word. Other hosts that its description names are a stranger's: they are called as such.

mod carrier;
mod id_token;
mod provider;

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use data_encoding::BASE64;
use http::{HeaderValue, header};
use namesake::{
    Clock, Timestamp, clean_line,
    http::{Call, HttpClient, Reply},
};
use serde::{Deserialize, Serialize};
use url::{Host, Url, form_urlencoded};

use self::{
    carrier::{Carrier, answered, nonsense},
    id_token::{Expected, Fault},
    provider::Provider,
};
use super::{
    Sighting, SignIn, Token, Upstream, UpstreamError, UpstreamFailure, UpstreamFuture, UpstreamPerson,
    UpstreamSource, members::Members,
};
use crate::{Secret, budget::after, secret::hash};

/// What a provider says of itself, its keys included, is asked for again after this long …
const DESCRIBED_FOR: Duration = Duration::from_secs(3600);
/// … and at most this often, however many id tokens name a key that is not there.
const DESCRIBED_EVERY: Duration = Duration::from_secs(60);

const TOKEN: &str = "a token";
const PROFILE: &str = "a profile";

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Which provider it is, and who we are there.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    /// What it calls itself, to the letter.
    issuer_name: String,
    issuer: Url,
    client_id: String,
    client_secret: Secret,
    trusted_audiences: Vec<String>,
}

/// A text that is no issuer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an issuer is an https URL without user, query or fragment (http on loopback, to try it)")]
pub struct InvalidIssuer;

impl OidcSettings {
    /// Settings for the provider that calls itself `issuer`, exactly so.
    ///
    /// # Errors
    /// [`InvalidIssuer`] when no provider can be called that (Discovery section 3).
    pub fn new(
        issuer: &str,
        client_id: impl Into<String>,
        client_secret: Secret,
    ) -> Result<Self, InvalidIssuer> {
        let url = Url::parse(issuer).map_err(|_| InvalidIssuer)?;
        let plain = url.username().is_empty() && url.password().is_none();
        let whole = url.query().is_none() && url.fragment().is_none();
        let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
        if !(plain && whole && safe && url.has_host()) {
            return Err(InvalidIssuer);
        }
        let (issuer_name, client_id) = (issuer.to_owned(), client_id.into());
        Ok(Self { issuer_name, issuer: url, client_id, client_secret, trusted_audiences: Vec::new() })
    }

    /// Takes id tokens that are for these audiences too, as long as they were made for us (`azp`).
    #[must_use]
    pub fn trusting(self, trusted_audiences: Vec<String>) -> Self {
        Self { trusted_audiences, ..self }
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(domain)) => domain == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// Speaks OpenID Connect.
pub struct OidcUpstream {
    settings: OidcSettings,
    source: UpstreamSource,
    carrier: Carrier,
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
}

/// What is remembered of the provider.
#[derive(Default)]
struct Known {
    provider: Option<Arc<Provider>>,
    /// When it was last asked to describe itself.
    asked: Option<Timestamp>,
}

/// What a [`Token`] of this adapter holds, as JSON.
#[derive(Serialize, Deserialize)]
struct Kept {
    subject: String,
    access: String,
    refresh: Option<String>,
}

impl OidcUpstream {
    /// An adapter that calls the issuer's host through `configured`, and other hosts that its description names through
    /// `discovered`.
    #[must_use]
    pub fn new(
        settings: OidcSettings,
        configured: HttpClient,
        discovered: HttpClient,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let source = UpstreamSource {
            kind: "oidc".to_owned(),
            origin: settings.issuer_name.clone(),
            client: settings.client_id.clone(),
        };
        let carrier = Carrier { configured, discovered, issuer: settings.issuer.clone() };
        Self { settings, source, carrier, clock, known: Mutex::default() }
    }

    async fn begin(&self, sign_in: &SignIn) -> Result<Url, UpstreamError> {
        let provider = self.provider().await?;
        let mut url = provider.authorize.clone();
        url.query_pairs_mut().extend_pairs([
            ("response_type", "code"),
            ("client_id", &self.settings.client_id),
            ("redirect_uri", sign_in.redirect.as_str()),
            (
                "scope",
                if provider.offline_access { "openid profile offline_access" } else { "openid profile" },
            ),
            ("state", &sign_in.state),
            ("nonce", &sign_in.nonce()),
            ("code_challenge", &hash(sign_in.verifier().expose())),
            ("code_challenge_method", "S256"),
        ]);
        if provider.offline_access {
            // Core section 11: without consent the scope must be ignored.
            url.query_pairs_mut().append_pair("prompt", "consent");
        }
        Ok(url)
    }

    async fn exchange_code(&self, code: &str, sign_in: &SignIn) -> Result<Token, UpstreamError> {
        let provider = self.provider().await?;
        self.check_sender(&provider, sign_in)?;
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", sign_in.redirect.as_str()),
            ("code_verifier", sign_in.verifier().expose()),
        ];
        let given = self.ask_for_token(&provider, &fields).await?;
        let subject = self.subject(&provider, given.needed("id_token")?, &sign_in.nonce()).await?;
        token(&given, subject, None)
    }

    /// Whether this provider sent the browser back (RFC 9207 section 2.4): a code of another one is not shown to it.
    fn check_sender(&self, provider: &Provider, sign_in: &SignIn) -> Result<(), UpstreamError> {
        let sent = match &sign_in.sender {
            Some(sender) => *sender == self.settings.issuer_name,
            None => !provider.names_itself,
        };
        let foreign = || UpstreamError::new(UpstreamFailure::Foreign, "the callback has a wrong or no `iss`");
        sent.then_some(()).ok_or_else(foreign)
    }

    async fn refresh_token(&self, token_now: &Secret) -> Result<Token, UpstreamError> {
        let Kept { subject, refresh, .. } = kept(token_now)?;
        let dead = || UpstreamError::new(UpstreamFailure::Dead, "there is no refresh token");
        let refresh = refresh.ok_or_else(dead)?;
        let provider = self.provider().await?;
        let fields = [("grant_type", "refresh_token"), ("refresh_token", refresh.as_str())];
        // An id token that comes along says nothing new: the next profile must be about the same subject anyway.
        token(&self.ask_for_token(&provider, &fields).await?, subject, Some(refresh))
    }

    /// Asks the token endpoint, and shows who we are (RFC 6749 section 2.3.1).
    async fn ask_for_token(
        &self,
        provider: &Provider,
        fields: &[(&str, &str)],
    ) -> Result<Members, UpstreamError> {
        let OidcSettings { client_id, client_secret, .. } = &self.settings;
        let mut fields = fields.to_vec();
        if !provider.basic {
            fields.extend([("client_id", client_id.as_str()), ("client_secret", client_secret.expose())]);
        }
        let call = |url| {
            let call = Call::form(url, &fields).header(header::ACCEPT, JSON);
            match provider.basic {
                true => call.header(header::AUTHORIZATION, basic(client_id, client_secret)),
                false => call,
            }
        };
        let reply = self.carrier.carry(TOKEN, &provider.token, call).await?;
        given(&reply)
    }

    async fn profile(&self, token: &Secret) -> Result<Sighting, UpstreamError> {
        let Kept { subject, access, .. } = kept(token)?;
        let provider = self.provider().await?;
        let bearer = HeaderValue::try_from(format!("Bearer {access}"));
        let bearer = bearer.map_err(|_| nonsense(PROFILE, "once gave a token that cannot be sent"))?;
        let call = |url| Call::get(url).header(header::AUTHORIZATION, bearer).header(header::ACCEPT, JSON);
        let claims = shown(&self.carrier.carry(PROFILE, &provider.profile, call).await?)?;
        if claims.id("sub")? != subject {
            return Err(claims.wrong("sub", "is somebody else"));
        }
        let person = UpstreamPerson {
            id: subject,
            username: claims.text("preferred_username")?.unwrap_or_default().to_owned(),
            name: claims.decoration("name").map(str::to_owned),
            bio: None,
            picture: claims.decoration("picture").map(str::to_owned),
        };
        Ok(Sighting { person, usage_percent: None })
    }

    /// Whom an id token is about, if it holds. A key that is not known may be new.
    async fn subject(
        &self,
        provider: &Provider,
        id_token: &str,
        nonce: &str,
    ) -> Result<String, UpstreamError> {
        let OidcSettings { issuer_name, client_id, trusted_audiences, .. } = &self.settings;
        let now = self.clock.now();
        let expected = Expected { issuer: issuer_name, client_id, trusted_audiences, nonce, now };
        let mut subject = id_token::subject(id_token, &provider.keys, expected);
        if let Err(Fault::UnknownKey) = subject
            && let Some(provider) = self.provider_with_new_keys().await?
        {
            subject = id_token::subject(id_token, &provider.keys, expected);
        }
        Ok(subject?)
    }

    /// The provider as it described itself not long ago. While it does not, what it said last stands.
    async fn provider(&self) -> Result<Arc<Provider>, UpstreamError> {
        let now = self.clock.now();
        let last = self.known().provider.clone();
        match last {
            Some(provider) if now < after(provider.described, DESCRIBED_FOR) || !self.may_ask(now) => {
                Ok(provider)
            }
            Some(provider) => match self.described().await {
                Ok(newer) => Ok(newer),
                Err(error) => {
                    tracing::warn!(issuer = self.source.origin, reason = %error, "mirror.provider.not_described");
                    Ok(provider)
                }
            },
            None => self.described().await,
        }
    }

    /// The provider as it describes itself now, unless it was asked a moment ago.
    async fn provider_with_new_keys(&self) -> Result<Option<Arc<Provider>>, UpstreamError> {
        if self.may_ask(self.clock.now()) { self.described().await.map(Some) } else { Ok(None) }
    }

    fn may_ask(&self, now: Timestamp) -> bool {
        self.known().asked.is_none_or(|asked| after(asked, DESCRIBED_EVERY) <= now)
    }

    async fn described(&self) -> Result<Arc<Provider>, UpstreamError> {
        let now = self.clock.now();
        self.known().asked = Some(now);
        let provider = Provider::discover(&self.settings, &self.carrier, now).await?;
        let provider = Arc::new(provider);
        self.known().provider = Some(Arc::clone(&provider));
        Ok(provider)
    }

    /// Never held across an await.
    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream for OidcUpstream {
    fn source(&self) -> &UpstreamSource {
        &self.source
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        Box::pin(self.begin(sign_in))
    }

    fn exchange<'a>(&'a self, code: &'a str, sign_in: &'a SignIn) -> UpstreamFuture<'a, Token> {
        Box::pin(self.exchange_code(code, sign_in))
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        Box::pin(self.refresh_token(token))
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        Box::pin(self.profile(token))
    }
}

/// A token as the provider gave it; where it gave no new refresh token, the old one goes on (RFC 6749 section 6).
fn token(given: &Members, subject: String, refresh: Option<String>) -> Result<Token, UpstreamError> {
    let access = given.needed("access_token")?;
    // RFC 6750 section 2.1; nothing else can be sent in a header.
    if !access.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(given.wrong("access_token", "cannot be sent"));
    }
    if given.decoration("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(given.wrong("token_type", "is not Bearer"));
    }
    let refresh = given.text("refresh_token")?.map(str::to_owned).or(refresh);
    // With a fifth of its time left, so that it is hardly ever found out by a poll.
    let lasts = given.seconds("expires_in")?.filter(|_| refresh.is_some()).map(Duration::from_secs);
    let revivable = refresh.is_some();
    let kept = Kept { subject, access: access.to_owned(), refresh };
    let secret = serde_json::to_string(&kept).map_err(|_| nonsense(TOKEN, "gave one that cannot be kept"))?;
    Ok(Token { secret: Secret::new(secret), refresh_in: lasts.map(|lasts| lasts - lasts / 5), revivable })
}

/// A token that is none of ours is from another adapter, under whose name this one is configured now.
fn kept(token: &Secret) -> Result<Kept, UpstreamError> {
    serde_json::from_str(token.expose())
        .map_err(|_| UpstreamError::new(UpstreamFailure::Dead, "the stored token is not of this provider"))
}

/// Our client id and secret in a header (RFC 6749 section 2.3.1).
#[expect(clippy::expect_used, reason = "base64 can stand in a header")]
fn basic(client_id: &str, client_secret: &Secret) -> HeaderValue {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let credentials = format!("{}:{}", encoded(client_id), encoded(client_secret.expose()));
    HeaderValue::try_from(format!("Basic {}", BASE64.encode(credentials.as_bytes())))
        .expect("base64 in a header")
}

/// What the token endpoint gave, or why it did not (RFC 6749 section 5.2). Only `invalid_grant` is about the person; the
/// others are about us, or the provider.
fn given(reply: &Reply) -> Result<Members, UpstreamError> {
    let given = Members::parse(TOKEN, &reply.body);
    let code =
        given.as_ref().ok().and_then(|given| given.decoration("error")).filter(|code| !code.is_empty());
    match code.map(|code| clean_line(code, 60)) {
        Some(code) => {
            let failure = match &*code {
                "invalid_grant" => UpstreamFailure::Dead,
                "temporarily_unavailable" | "server_error" | "slow_down" => UpstreamFailure::Transient,
                _ => UpstreamFailure::Nonsense,
            };
            Err(answered(failure, TOKEN, &code))
        }
        None if reply.status.is_success() => given,
        None => Err(answered(UpstreamFailure::Nonsense, TOKEN, reply.status.as_str())),
    }
}

/// What the userinfo endpoint shows, or why it does not (RFC 6750 section 3.1).
fn shown(reply: &Reply) -> Result<Members, UpstreamError> {
    let failure = match reply.status.as_u16() {
        200..=299 => return Members::parse(PROFILE, &reply.body),
        401 => UpstreamFailure::Dead,
        403 => UpstreamFailure::Gone,
        _ => UpstreamFailure::Nonsense,
    };
    Err(answered(failure, PROFILE, reply.status.as_str()))
}

impl fmt::Debug for OidcUpstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OidcUpstream").field(&self.source).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::OidcSettings;
    use crate::Secret;

    #[test]
    fn an_issuer_is_taken_as_it_is_written_or_not_at_all() {
        for issuer in [
            "https://id.example",
            "https://id.example/",
            "https://id.example:8443/realms/staff",
            "http://127.0.0.1:9400",
            "http://[::1]:9400",
            "http://localhost/x",
        ] {
            let settings = OidcSettings::new(issuer, "client", Secret::new("secret")).unwrap();
            assert_eq!(settings.issuer_name, issuer);
        }
        for issuer in [
            "",
            "id.example",
            "http://id.example",
            "https://id.example?x",
            "https://id.example/#x",
            "https://user@id.example",
            "file:///id",
        ] {
            assert!(OidcSettings::new(issuer, "client", Secret::new("secret")).is_err(), "{issuer}");
        }
    }
}
