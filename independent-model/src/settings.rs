//! What an operator may choose.

use std::{path::PathBuf, time::Duration};

use namesake::{Scheme, http::HttpSettings};
use url::Url;

/// The choices of the model itself.
#[derive(Debug, Clone)]
pub struct IndependentSettings {
    /// The name of this backend.
    pub scheme: Scheme,
    /// Whether handles and `did:web` hosts under `test` are resolved (development).
    pub allow_test_tld: bool,
    /// Whether `did:web:localhost%3A<port>` is resolved (development).
    pub allow_localhost_did_web: bool,
    /// Whether the document of a `did:plc` comes from its audit log, checked, and not from the directory's word.
    pub verify_plc: bool,
    /// How long an HTTPS answer that came first waits for the DNS.
    pub grace: Duration,
    /// How long an answer is believed that was given while the DNS was silent or failing; at most 30 s.
    pub provisional_ttl: Duration,
    /// How long an answer of the DNS is believed at least, though its record may live shorter; [`Self::max_ttl`] goes before.
    pub min_ttl: Duration,
    /// How long it is believed at most, though its record may live longer.
    pub max_ttl: Duration,
    /// How long a PDS may take to show a profile.
    pub profile_timeout: Duration,
    /// How long the cache in front believes an answer, which the policy states as the bound of a change.
    pub visible_within: Duration,
    /// How long the cache in front serves an answer while its sources cannot be asked, for the policy.
    pub max_stale: Duration,
}

impl IndependentSettings {
    /// The longest a provisional answer is believed, whatever is configured.
    pub const MAX_PROVISIONAL_TTL: Duration = Duration::from_secs(30);

    /// The default settings under another name.
    #[must_use]
    pub fn named(scheme: Scheme) -> Self {
        Self {
            scheme,
            allow_test_tld: false,
            allow_localhost_did_web: false,
            verify_plc: false,
            grace: Duration::from_millis(300),
            provisional_ttl: Self::MAX_PROVISIONAL_TTL,
            min_ttl: Duration::from_secs(60),
            max_ttl: Duration::from_secs(600),
            profile_timeout: Duration::from_secs(1),
            visible_within: Duration::from_secs(600),
            max_stale: Duration::from_secs(24 * 3600),
        }
    }

    /// How long an answer of the DNS is believed whose record lives so long.
    pub(crate) fn believed(&self, lives: Duration) -> Duration {
        lives.max(self.min_ttl).min(self.max_ttl)
    }
}

impl Default for IndependentSettings {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that obeys the rules of scheme names")]
        Self::named(Scheme::parse("independent").expect("valid scheme"))
    }
}

/// How the world is reached.
#[derive(Debug, Clone)]
pub struct WorldSettings {
    /// Name servers: `192.0.2.1`, `192.0.2.1:5353`, `tls://192.0.2.1:853#name`, `https://192.0.2.1/path#name` (no
    /// path: `/dns-query`). Empty: the
    /// system's, without its search list.
    pub nameservers: Vec<String>,
    /// Where the system's name servers are named; looked at again when it changed.
    pub resolv_conf: PathBuf,
    /// How long one DNS lookup may take, retries and all. All name servers are asked in half of it, if need be.
    pub dns_timeout: Duration,
    /// Outgoing HTTP.
    pub http: HttpSettings,
    /// The directory of `did:plc`.
    pub plc_url: Url,
}

impl Default for WorldSettings {
    fn default() -> Self {
        #[expect(clippy::expect_used, reason = "a constant that is a URL")]
        let plc_url = Url::parse("https://plc.directory").expect("valid URL");
        Self {
            nameservers: Vec::new(),
            resolv_conf: "/etc/resolv.conf".into(),
            dns_timeout: Duration::from_secs(2),
            http: HttpSettings::default(),
            plc_url,
        }
    }
}
