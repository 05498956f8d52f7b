//! The adapter for any OpenID provider, whose `preferred_username` is mirrored.
//!
//! Sources: OpenID Connect Core 1.0 and Discovery 1.0, RFC 6749, RFC 6750, RFC 7636. The crate `openidconnect` speaks the
//! protocol and checks id tokens; here is what a mirror makes of it.
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

mod carrier;
mod provider;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use namesake::{Clock, Timestamp, clean_line, http::HttpClient};
use openidconnect::{
    AccessToken, AuthorizationCode, ClaimsVerificationError, CsrfToken, IssuerUrl, Nonce,
    OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RefreshToken, Scope,
    SignatureVerificationError, SubjectIdentifier, TokenResponse as _, UserInfoError,
    core::{
        CoreAuthPrompt, CoreAuthenticationFlow, CoreErrorResponseType, CoreIdToken, CoreRequestTokenError,
        CoreTokenResponse, CoreUserInfoClaims,
    },
};
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use self::{
    carrier::{Carrier, answered, nonsense},
    provider::{DESCRIPTION, Provider},
};
use super::{
    Sighting, SignIn, Token, Upstream, UpstreamError, UpstreamFailure, UpstreamFuture, UpstreamPerson,
    UpstreamSource,
};
use crate::{Secret, budget::after};

/// What a provider says of itself, its keys included, is asked for again after this long …
const DESCRIBED_FOR: Duration = Duration::from_secs(3600);
/// … and at most this often, however many id tokens name a key that is not there.
const DESCRIBED_EVERY: Duration = Duration::from_secs(60);

const TOKEN: &str = "a token";
const PROFILE: &str = "a profile";

/// Which provider it is, and who we are there.
#[derive(Debug, Clone)]
pub struct OidcSettings {
    issuer: IssuerUrl,
    client_id: String,
    client_secret: Secret,
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
        let issuer = IssuerUrl::new(issuer.to_owned()).map_err(|_| InvalidIssuer)?;
        let url = issuer.url();
        let plain = url.username().is_empty() && url.password().is_none();
        let whole = url.query().is_none() && url.fragment().is_none();
        let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url));
        let (client_id, valid) = (client_id.into(), plain && whole && safe && url.has_host());
        if valid { Ok(Self { issuer, client_id, client_secret }) } else { Err(InvalidIssuer) }
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
    http: HttpClient,
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
    /// An adapter that calls through `http`, which must be one for configured hosts.
    #[must_use]
    pub fn new(settings: OidcSettings, http: HttpClient, clock: Arc<dyn Clock>) -> Self {
        let source = UpstreamSource {
            kind: "oidc".to_owned(),
            origin: settings.issuer.as_str().to_owned(),
            client: settings.client_id.clone(),
        };
        Self { settings, source, http, clock, known: Mutex::default() }
    }

    async fn begin(&self, sign_in: &SignIn) -> Result<Url, UpstreamError> {
        let provider = self.provider().await?;
        let (state, nonce) = (sign_in.state.clone(), sign_in.nonce());
        let mut request = provider
            .client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                || CsrfToken::new(state),
                || Nonce::new(nonce),
            )
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier(sign_in)))
            .set_redirect_uri(redirect(sign_in))
            .add_scope(Scope::new("profile".to_owned()));
        if provider.offline_access {
            // Core section 11: without consent the scope must be ignored.
            request = request
                .add_scope(Scope::new("offline_access".to_owned()))
                .add_prompt(CoreAuthPrompt::Consent);
        }
        Ok(request.url().0)
    }

    async fn exchange_code(&self, code: &str, sign_in: &SignIn) -> Result<Token, UpstreamError> {
        let provider = self.provider().await?;
        let response = provider
            .client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(verifier(sign_in))
            .set_redirect_uri(redirect(sign_in))
            .request_async(&self.carrier(TOKEN))
            .await
            .map_err(token_refused)?;
        let id_token = response.id_token().ok_or_else(|| nonsense(TOKEN, "gave no id token"))?;
        let subject = self.subject(&provider, id_token, &Nonce::new(sign_in.nonce())).await?;
        token(&response, subject, None)
    }

    async fn refresh_token(&self, token_now: &Secret) -> Result<Token, UpstreamError> {
        let Kept { subject, refresh, .. } = kept(token_now)?;
        let dead = || UpstreamError::new(UpstreamFailure::Dead, "there is no refresh token");
        let refresh = RefreshToken::new(refresh.ok_or_else(dead)?);
        let provider = self.provider().await?;
        let response = provider
            .client
            .exchange_refresh_token(&refresh)
            .request_async(&self.carrier(TOKEN))
            .await
            .map_err(token_refused)?;
        // An id token that comes along says nothing new: the next profile must be about the same subject anyway.
        token(&response, subject, Some(refresh))
    }

    async fn profile(&self, token: &Secret) -> Result<Sighting, UpstreamError> {
        let Kept { subject, access, .. } = kept(token)?;
        let provider = self.provider().await?;
        let expected = SubjectIdentifier::new(subject.clone());
        let claims: CoreUserInfoClaims = provider
            .client
            .user_info(AccessToken::new(access), Some(expected))
            .request_async(&self.carrier(PROFILE))
            .await
            .map_err(profile_refused)?;
        let person = UpstreamPerson {
            id: subject,
            username: claims.preferred_username().map(|name| name.to_string()).unwrap_or_default(),
            name: claims.name().and_then(|name| name.get(None)).map(|name| name.to_string()),
            bio: None,
            picture: claims.picture().and_then(|url| url.get(None)).map(|url| url.to_string()),
        };
        Ok(Sighting { person, usage_percent: None })
    }

    /// Whom an id token is about, if every check of Core section 3.1.3.7 holds. A key that is not known may be new.
    async fn subject(
        &self,
        provider: &Provider,
        id_token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<String, UpstreamError> {
        use ClaimsVerificationError::SignatureVerification;
        let mut subject = provider.subject(id_token, nonce, self.clock.now());
        if let Err(SignatureVerification(SignatureVerificationError::NoMatchingKey)) = subject
            && let Some(provider) = self.provider_with_new_keys().await?
        {
            subject = provider.subject(id_token, nonce, self.clock.now());
        }
        subject.map_err(|error| {
            let why = clean_line(&error.to_string(), 200);
            nonsense(TOKEN, &format!("gave an id token that does not hold: {why}"))
        })
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
        let provider = Provider::discover(&self.settings, &self.carrier(DESCRIPTION), now).await?;
        let provider = Arc::new(provider);
        self.known().provider = Some(Arc::clone(&provider));
        Ok(provider)
    }

    fn carrier(&self, what: &'static str) -> Carrier<'_> {
        Carrier { http: &self.http, https_only: self.settings.issuer.url().scheme() == "https", what }
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

fn redirect(sign_in: &SignIn) -> Cow<'static, RedirectUrl> {
    Cow::Owned(RedirectUrl::from_url(sign_in.redirect.clone()))
}

fn verifier(sign_in: &SignIn) -> PkceCodeVerifier {
    PkceCodeVerifier::new(sign_in.verifier().expose().to_owned())
}

/// A token as the provider gave it; where it gave no new refresh token, the old one goes on (RFC 6749 section 6).
fn token(
    response: &CoreTokenResponse,
    subject: String,
    refresh: Option<RefreshToken>,
) -> Result<Token, UpstreamError> {
    let access = response.access_token().secret();
    // RFC 6750 section 2.1; nothing else can be sent in a header, and the crate would panic at it.
    if access.is_empty() || !access.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(nonsense(TOKEN, "gave a token that cannot be sent"));
    }
    let refresh = response.refresh_token().cloned().or(refresh).map(RefreshToken::into_secret);
    // With a fifth of its time left, so that it is hardly ever found out by a poll.
    let refresh_in = response.expires_in().filter(|_| refresh.is_some()).map(|lasts| lasts - lasts / 5);
    let revivable = refresh.is_some();
    let kept = Kept { subject, access: access.clone(), refresh };
    let secret = serde_json::to_string(&kept).map_err(|_| nonsense(TOKEN, "gave one that cannot be kept"))?;
    Ok(Token { secret: Secret::new(secret), refresh_in, revivable })
}

/// A token that is none of ours is from another adapter, under whose name this one is configured now.
fn kept(token: &Secret) -> Result<Kept, UpstreamError> {
    serde_json::from_str(token.expose())
        .map_err(|_| UpstreamError::new(UpstreamFailure::Dead, "the stored token is not of this provider"))
}

/// RFC 6749 section 5.2. Only `invalid_grant` is about the person; the others are about us, or the provider.
fn token_refused(error: CoreRequestTokenError<UpstreamError>) -> UpstreamError {
    match error {
        CoreRequestTokenError::Request(error) => error,
        CoreRequestTokenError::ServerResponse(response) => {
            let code = clean_line(response.error().as_ref(), 60);
            let failure = match response.error() {
                CoreErrorResponseType::InvalidGrant => UpstreamFailure::Dead,
                _ if matches!(&*code, "temporarily_unavailable" | "server_error" | "slow_down") => {
                    UpstreamFailure::Transient
                }
                _ => UpstreamFailure::Nonsense,
            };
            answered(failure, TOKEN, &code)
        }
        _ => nonsense(TOKEN, "answered something else"),
    }
}

/// RFC 6750 section 3.1.
fn profile_refused(error: UserInfoError<UpstreamError>) -> UpstreamError {
    match error {
        UserInfoError::Request(error) => error,
        UserInfoError::Response(status, ..) => {
            let failure = match status.as_u16() {
                401 => UpstreamFailure::Dead,
                403 => UpstreamFailure::Gone,
                _ => UpstreamFailure::Nonsense,
            };
            answered(failure, PROFILE, status.as_str())
        }
        UserInfoError::ClaimsVerification(_) => nonsense(PROFILE, "answered about somebody else"),
        _ => nonsense(PROFILE, "answered something else"),
    }
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
            assert_eq!(settings.issuer.as_str(), issuer);
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
