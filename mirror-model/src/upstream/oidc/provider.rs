//! A provider as it describes itself: where it is asked, how, and with which keys it signs.

use namesake::Timestamp;
use openidconnect::{JsonWebKeySet, core::CoreJsonWebKey};
use url::Url;

use super::{
    super::members::Members,
    OidcSettings, UpstreamError,
    carrier::{Carrier, nonsense},
};

const DESCRIPTION: &str = "the provider's description";
const KEYS: &str = "the provider's keys";

/// A provider as it describes itself.
pub(super) struct Provider {
    /// Where a browser goes to sign in.
    pub(super) authorize: Url,
    /// Where a code is changed for a token.
    pub(super) token: Url,
    /// Where it says who somebody is.
    pub(super) profile: Url,
    pub(super) keys: Keys,
    /// Whether we show our secret in a header (`client_secret_basic`), and not in the form.
    pub(super) basic: bool,
    /// Whether it gives refresh tokens to whoever asks for `offline_access` (Core section 11).
    pub(super) offline_access: bool,
    /// Whether it says at the callback who it is (RFC 9207).
    pub(super) names_itself: bool,
    pub(super) described: Timestamp,
}

/// The keys of a provider; those of a kind that is not known are left out.
pub(super) type Keys = JsonWebKeySet<CoreJsonWebKey>;

impl Provider {
    /// Asks for the description and the keys. Whoever calls itself otherwise than we do is somebody else.
    pub(super) async fn discover(
        settings: &OidcSettings,
        carrier: &Carrier,
        described: Timestamp,
    ) -> Result<Self, UpstreamError> {
        let reply = carrier.get(DESCRIPTION, &description_url(&settings.issuer)).await?;
        let description = Members::parse(DESCRIPTION, &reply.body)?;
        if description.needed("issuer")? != settings.issuer_name {
            return Err(nonsense(DESCRIPTION, "described another `issuer`"));
        }
        let address = |name: &str| {
            let url = Url::parse(description.needed(name)?).ok().filter(|url| carrier.may_name(url));
            url.ok_or_else(|| description.wrong(name, "is no address that may be asked"))
        };
        let [authorize, token, profile, keys] =
            ["authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri"].map(address);
        let methods = description.texts("token_endpoint_auth_methods_supported");
        Ok(Self {
            authorize: authorize?,
            token: token?,
            profile: profile?,
            keys: fetch_keys(carrier, &keys?).await?,
            // Core section 9: `client_secret_basic` unless the provider says otherwise.
            basic: methods.is_empty() || methods.contains(&"client_secret_basic"),
            offline_access: description
                .texts("scopes_supported")
                .iter()
                .any(|scopes| scopes.split(' ').any(|scope| scope == "offline_access")),
            names_itself: description.says("authorization_response_iss_parameter_supported"),
            described,
        })
    }
}

/// Discovery section 4: below the issuer, whatever its path.
fn description_url(issuer: &Url) -> Url {
    let mut url = issuer.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend([".well-known", "openid-configuration"]);
    }
    url
}

async fn fetch_keys(carrier: &Carrier, url: &Url) -> Result<Keys, UpstreamError> {
    let reply = carrier.get(KEYS, url).await?;
    serde_json::from_slice(&reply.body).map_err(|_| nonsense(KEYS, "gave no list of `keys`"))
}

#[cfg(test)]
mod tests {
    use super::description_url;

    #[test]
    fn the_description_is_below_the_issuer() {
        for (issuer, url) in [
            ("https://id.example", "https://id.example/.well-known/openid-configuration"),
            ("https://id.example/", "https://id.example/.well-known/openid-configuration"),
            (
                "https://id.example/realms/staff",
                "https://id.example/realms/staff/.well-known/openid-configuration",
            ),
            ("https://id.example/a/", "https://id.example/a/.well-known/openid-configuration"),
        ] {
            assert_eq!(description_url(&issuer.parse().unwrap()).as_str(), url);
        }
    }
}
