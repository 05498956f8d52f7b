//! A provider as it describes itself, and the check of an id token against that.

use chrono::{DateTime, Utc};
use namesake::Timestamp;
use openidconnect::{
    AuthType, ClaimsVerificationError, ClientId, ClientSecret, DiscoveryError, EndpointNotSet, EndpointSet,
    Nonce,
    core::{CoreClient, CoreClientAuthMethod, CoreIdToken, CoreJwsSigningAlgorithm, CoreProviderMetadata},
};

use super::{
    OidcSettings, UpstreamError, UpstreamFailure,
    carrier::{Carrier, answered, nonsense},
};

pub(super) const DESCRIPTION: &str = "the provider's description";

/// How an id token may be signed. Not with the client secret, which is a password, and not at all.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 9] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// A provider as it describes itself.
pub(super) struct Provider {
    pub(super) client: Client,
    /// Whether it gives refresh tokens to whoever asks for `offline_access` (Core section 11).
    pub(super) offline_access: bool,
    pub(super) described: Timestamp,
}

pub(super) type Client =
    CoreClient<EndpointSet, EndpointNotSet, EndpointNotSet, EndpointNotSet, EndpointSet, EndpointSet>;

impl Provider {
    /// Asks for the description and the keys. Whoever calls itself otherwise than we do is somebody else.
    pub(super) async fn discover(
        settings: &OidcSettings,
        carrier: &Carrier<'_>,
        described: Timestamp,
    ) -> Result<Self, UpstreamError> {
        let OidcSettings { issuer, client_id, client_secret } = settings;
        let metadata =
            CoreProviderMetadata::discover_async(issuer.clone(), carrier).await.map_err(not_described)?;
        let lacks = |what: &str| nonsense(DESCRIPTION, &format!("named no {what}"));
        let token_url = metadata.token_endpoint().cloned().ok_or_else(|| lacks("token endpoint"))?;
        let profile_url = metadata.userinfo_endpoint().cloned().ok_or_else(|| lacks("userinfo endpoint"))?;
        let offline_access = metadata
            .scopes_supported()
            .is_some_and(|scopes| scopes.iter().any(|scope| scope.as_str() == "offline_access"));
        // Core section 9: `client_secret_basic` unless the provider says otherwise.
        let basic = metadata
            .token_endpoint_auth_methods_supported()
            .is_none_or(|methods| methods.contains(&CoreClientAuthMethod::ClientSecretBasic));
        let jwks = metadata.jwks().clone();
        let client = CoreClient::new(ClientId::new(client_id.clone()), issuer.clone(), jwks)
            .set_client_secret(ClientSecret::new(client_secret.expose().to_owned()))
            .set_auth_type(if basic { AuthType::BasicAuth } else { AuthType::RequestBody })
            .set_auth_uri(metadata.authorization_endpoint().clone())
            .set_token_uri(token_url)
            .set_user_info_url(profile_url);
        Ok(Self { client, offline_access, described })
    }

    /// Whom an id token is about, if every check of Core section 3.1.3.7 holds at `now`.
    pub(super) fn subject(
        &self,
        id_token: &CoreIdToken,
        nonce: &Nonce,
        now: Timestamp,
    ) -> Result<String, ClaimsVerificationError> {
        // A time that cannot be said is one at which everything has expired.
        let now = DateTime::from_timestamp(now.as_second(), 0).unwrap_or(DateTime::<Utc>::MAX_UTC);
        let verifier = self.client.id_token_verifier().set_allowed_algs(ALGORITHMS).set_time_fn(move || now);
        let claims = id_token.claims(&verifier, nonce)?;
        match claims.authorized_party() {
            Some(party) if party != self.client.client_id() => Err(ClaimsVerificationError::InvalidAudience(
                "it is authorized for another client".to_owned(),
            )),
            _ => Ok(claims.subject().to_string()),
        }
    }
}

fn not_described(error: DiscoveryError<UpstreamError>) -> UpstreamError {
    match error {
        DiscoveryError::Request(error) => error,
        DiscoveryError::Response(status, ..) => {
            answered(UpstreamFailure::Nonsense, DESCRIPTION, status.as_str())
        }
        DiscoveryError::Validation(_) => nonsense(DESCRIPTION, "described another issuer"),
        _ => nonsense(DESCRIPTION, "answered something else"),
    }
}
