//! What an operator can set, with the limits that hold otherwise.

use std::time::Duration;

use namesake::Scheme;
use url::Url;

use crate::Secret;

/// Settings of one mirror.
#[derive(Debug, Clone)]
pub struct MirrorSettings {
    /// The backend's name; also the prefix of its rows and of its account ids.
    pub scheme: Scheme,
    /// Where this service is reached: the upstream redirects to `<public_url>/mirror/<scheme>/callback`.
    pub public_url: Url,
    /// An account is asked for again within this long: the bound on how old a handle can be without webhooks.
    pub poll_interval: Duration,
    /// A handle that nobody confirmed for this long stops resolving.
    pub max_unconfirmed: Duration,
    /// The most polls of this upstream in a minute, hints included. Linking is not counted. With more accounts than
    /// this pays for in one interval, the interval grows for all of them alike; those that were renamed or looked up
    /// lately come first. The metric `namesake_mirror_poll_interval_seconds` says to what.
    pub polls_per_minute: u32,
    /// The most polls under way at once.
    pub concurrent_polls: usize,
    /// How long one sign-in lasts.
    pub session_ttl: Duration,
    /// How long a person may take at the upstream's authorize page.
    pub state_ttl: Duration,
    /// For how long after it was issued a request to deauthorise or delete somebody is taken.
    pub signed_request_ttl: Duration,
    /// How long a deletion that the upstream asked for can be looked up by its code.
    pub deletion_record_ttl: Duration,
    /// Any of these may sign webhooks, deauthorisations and deletion requests; several while one is being rotated.
    pub webhook_secrets: Vec<Secret>,
    /// What the upstream repeats when a webhook is subscribed. `None`: no subscription is confirmed.
    pub verify_token: Option<Secret>,
}

impl MirrorSettings {
    /// Settings with every limit at its default: a poll every five minutes, a handle for a day without confirmation,
    /// 600 polls a minute, sessions of 30 days, ten minutes to sign in, an hour for a signed request, 90 days to look up a deletion; no
    /// webhooks.
    #[must_use]
    pub fn new(scheme: Scheme, public_url: Url) -> Self {
        Self {
            scheme,
            public_url,
            poll_interval: Duration::from_secs(300),
            max_unconfirmed: Duration::from_secs(24 * 3600),
            polls_per_minute: 600,
            concurrent_polls: 8,
            session_ttl: Duration::from_secs(30 * 24 * 3600),
            state_ttl: Duration::from_secs(600),
            signed_request_ttl: Duration::from_secs(3600),
            deletion_record_ttl: Duration::from_secs(90 * 24 * 3600),
            webhook_secrets: Vec::new(),
            verify_token: None,
        }
    }

    /// A path of this mirror on the service, as the outside reaches it.
    pub(crate) fn public(&self, path: &str) -> Url {
        let mut url = self.public_url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["mirror", self.scheme.as_str(), path]);
        }
        url.set_query(None);
        url
    }
}

#[cfg(test)]
mod tests {
    use namesake::Scheme;

    use super::MirrorSettings;

    #[test]
    fn public_urls_keep_the_path_the_service_lives_under() {
        for (base, callback) in [
            ("https://n.example", "https://n.example/mirror/threads/callback"),
            ("https://n.example/ids/", "https://n.example/ids/mirror/threads/callback"),
        ] {
            let settings = MirrorSettings::new(Scheme::parse("threads").unwrap(), base.parse().unwrap());
            assert_eq!(settings.public("callback").as_str(), callback);
        }
    }
}
