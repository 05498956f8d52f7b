//! `[mirror.NAME]`: one upstream whose handles are mirrored.

use std::path::PathBuf;

use namesake::private_file;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::ConfigError;

/// The settings of one mirror.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mirror {
    /// Which upstream it is.
    pub kind: UpstreamKind,
    /// Where people consent (`threads`, `instagram`).
    pub authorize_url: Option<Url>,
    /// Where its API lives (`threads`, `instagram`).
    pub api_url: Option<Url>,
    /// What it calls itself, to the letter (`oidc`); everything else it says of itself.
    pub issuer: Option<String>,
    /// Other audiences that an id token may be for, beside us, where it was made for us (`oidc`).
    #[serde(default)]
    pub trusted_audiences: Vec<String>,
    /// Our name there.
    #[serde(deserialize_with = "text")]
    pub client_id: String,
    /// Our secret there; or `client_secret_file`.
    #[serde(default, deserialize_with = "optional_text")]
    pub client_secret: Option<String>,
    /// A file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// Older secrets that webhooks may still be signed with, while they are rotated.
    #[serde(default)]
    pub old_client_secrets: Vec<String>,
    /// What the upstream must repeat when it subscribes our webhook; or `verify_token_file`. Without it, no
    /// subscription is answered.
    #[serde(default, deserialize_with = "optional_text")]
    pub verify_token: Option<String>,
    /// A file that holds it.
    pub verify_token_file: Option<PathBuf>,
    /// The keys that people's tokens are sealed with, and the one that names are stored under: 32 random bytes in base64 a
    /// line. The first seals, all of them open. It belongs to the store: with another file, or none, a store that has
    /// anything sealed is refused; only for one without is a file made, readable by its owner only. To rotate: put a new
    /// line on top and start again; what is sealed is then sealed anew in the background, and when the log says
    /// `mirror.reseal.done` (and the metric `namesake_mirror_sealed_with_old_keys` is 0) the older lines may be removed.
    /// Default: `namesake-NAME.key`.
    pub token_key_file: Option<PathBuf>,
    /// How often an account is looked up at the upstream.
    #[serde(default = "defaults::poll_seconds")]
    pub poll_seconds: u64,
    /// How long a handle is answered without having been confirmed.
    #[serde(default = "defaults::max_unconfirmed_seconds")]
    pub max_unconfirmed_seconds: u64,
    /// Calls to the upstream in one minute, for all accounts together. Where that is too little to ask about each
    /// every `poll_seconds`, all of them are asked about less often; `/metrics` says how often.
    #[serde(default = "defaults::polls_per_minute")]
    pub polls_per_minute: u32,
    /// How long somebody stays signed in here.
    #[serde(default = "defaults::session_seconds")]
    pub session_seconds: u64,
    /// For how long after it was issued a request of the upstream to deauthorise or delete somebody is taken: whoever saw
    /// one can send it again.
    #[serde(default = "defaults::signed_request_seconds")]
    pub signed_request_seconds: u64,
    /// For how many days a deletion that the upstream asked for can be looked up by its code.
    #[serde(default = "defaults::deletion_record_days")]
    pub deletion_record_days: u32,
}

mod defaults {
    pub(super) fn poll_seconds() -> u64 {
        300
    }
    pub(super) fn max_unconfirmed_seconds() -> u64 {
        24 * 3600
    }
    pub(super) fn polls_per_minute() -> u32 {
        600
    }
    pub(super) fn session_seconds() -> u64 {
        30 * 24 * 3600
    }
    pub(super) fn signed_request_seconds() -> u64 {
        3600
    }
    pub(super) fn deletion_record_days() -> u32 {
        90
    }
}

/// The upstreams we speak to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UpstreamKind {
    /// The Threads API.
    Threads,
    /// The Instagram API with Instagram login.
    Instagram,
    /// Any OpenID provider.
    Oidc,
}

/// Where an upstream is, as its kind says it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpstreamAt<'a> {
    /// Meta's dialects of OAuth.
    Meta {
        /// Where people consent.
        authorize_url: &'a Url,
        /// Where its API lives.
        api_url: &'a Url,
    },
    /// An OpenID provider of this name.
    Issuer(&'a str),
}

impl Mirror {
    /// Where the upstream is.
    ///
    /// # Errors
    /// [`ConfigError`] when a key is missing that this kind needs, or there is one that only another has.
    pub fn upstream_at(&self, name: &str) -> Result<UpstreamAt<'_>, ConfigError> {
        let Self { authorize_url, api_url, issuer, .. } = self;
        let invalid = |why: &str| Err(ConfigError::invalid(format!("mirror.{name} {why}")));
        if self.kind != UpstreamKind::Oidc {
            if !self.trusted_audiences.is_empty() {
                return invalid("has trusted_audiences, which only kind = \"oidc\" has");
            }
            return match (authorize_url, api_url, issuer) {
                (Some(authorize_url), Some(api_url), None) => Ok(UpstreamAt::Meta { authorize_url, api_url }),
                (.., Some(_)) => invalid("has an issuer, which only kind = \"oidc\" has"),
                _ => invalid("needs authorize_url and api_url"),
            };
        }
        let Some(issuer) = issuer else { return invalid("needs issuer: what the provider calls itself") };
        if authorize_url.is_some() || api_url.is_some() {
            return invalid("needs no authorize_url and api_url: the provider says where they are");
        }
        let verify_token = self.verify_token.is_some() || self.verify_token_file.is_some();
        if verify_token || !self.old_client_secrets.is_empty() {
            return invalid(
                "needs no verify_token and old_client_secrets: no OpenID provider sends webhooks",
            );
        }
        Ok(UpstreamAt::Issuer(issuer))
    }

    /// Our secret at the upstream.
    ///
    /// # Errors
    /// [`ConfigError`] when it is missing, given twice, or its file cannot be read.
    pub fn client_secret(&self, name: &str) -> Result<String, ConfigError> {
        secret(name, "client_secret", self.client_secret.as_ref(), self.client_secret_file.as_ref())?
            .ok_or_else(|| {
                ConfigError::invalid(format!("mirror.{name} needs client_secret or client_secret_file"))
            })
    }

    /// What the upstream must repeat when it subscribes our webhook.
    ///
    /// # Errors
    /// [`ConfigError`] when it is given twice, or its file cannot be read.
    pub fn verify_token(&self, name: &str) -> Result<Option<String>, ConfigError> {
        secret(name, "verify_token", self.verify_token.as_ref(), self.verify_token_file.as_ref())
    }
}

impl std::fmt::Debug for Mirror {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mirror")
            .field("kind", &self.kind)
            .field("authorize_url", &self.authorize_url.as_ref().map(Url::as_str))
            .field("api_url", &self.api_url.as_ref().map(Url::as_str))
            .field("issuer", &self.issuer)
            .field("client_id", &self.client_id)
            .field("poll_seconds", &self.poll_seconds)
            .finish_non_exhaustive()
    }
}

/// A secret given as a value or as a file that is private, not both. A file's last line break is not part of it.
fn secret(
    mirror: &str,
    key: &str,
    value: Option<&String>,
    file: Option<&PathBuf>,
) -> Result<Option<String>, ConfigError> {
    match (value, file) {
        (Some(_), Some(_)) => {
            Err(ConfigError::invalid(format!("mirror.{mirror} has both {key} and {key}_file: keep one")))
        }
        (Some(value), None) => Ok(Some(value.clone())),
        (None, Some(file)) => private_file::read_secret(file)
            .map(|text| Some(text.trim_end_matches(['\r', '\n']).to_owned()))
            .map_err(|error| ConfigError::unreadable(file, &error)),
        (None, None) => Ok(None),
    }
}

/// A text that may look like a number when it comes from the environment.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum TextOrNumber {
        Text(String),
        Number(i64),
    }
    Ok(match TextOrNumber::deserialize(deserializer)? {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Number(number) => number.to_string(),
    })
}

fn optional_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    text(deserializer).map(Some)
}
