//! What a mirror's rules are, as its page tells them.

use std::time::Duration;

use super::super::{links, words};

/// A mirror and its upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorTerms {
    /// The mirror's name here, part of its paths.
    pub name: String,
    /// The upstream as people call it.
    pub provider: String,
    /// Where it is asked: the origin of its API, or the issuer.
    pub origin: String,
    /// Whether a bio comes along when an account is linked.
    pub copies_bio: bool,
    /// Whether the upstream tells us of people who cut the link, or want to be deleted.
    pub passes_departures_on: bool,
    /// In how long a rename shows at the latest, in seconds.
    pub visible_within_seconds: u64,
    /// For how long an unconfirmed handle is answered, in seconds.
    pub unconfirmed_seconds: u64,
}

impl MirrorTerms {
    /// The terms of the mirror `name`, whose upstream is of a `kind` and is asked at `origin`.
    #[must_use]
    pub fn new(
        name: &str,
        kind: &str,
        origin: &str,
        visible_within: Duration,
        unconfirmed_for: Duration,
    ) -> Self {
        let of_meta = matches!(kind, "threads" | "instagram");
        let provider = match kind {
            "threads" => "Threads".to_owned(),
            "instagram" => "Instagram".to_owned(),
            _ => links::host_of(origin).unwrap_or_else(|| origin.to_owned()),
        };
        Self {
            name: name.to_owned(),
            provider,
            origin: origin.to_owned(),
            // OpenID Connect has no claim for one (Core section 5.1).
            copies_bio: of_meta,
            passes_departures_on: of_meta,
            visible_within_seconds: visible_within.as_secs(),
            unconfirmed_seconds: unconfirmed_for.as_secs(),
        }
    }

    pub(super) fn visible_within(&self) -> String {
        words::span(self.visible_within_seconds)
    }

    pub(super) fn unconfirmed_for(&self) -> String {
        words::span(self.unconfirmed_seconds)
    }

    /// Where linking and signing in begin. A link, never a form: a browser holds the redirect that answers a form to
    /// `form-action 'self'`, and this one leads elsewhere.
    pub(super) fn connect(&self) -> String {
        format!("{}/connect", links::mirror_path(&self.name))
    }

    /// Where a form of the page goes.
    pub(super) fn action(&self, what: &str) -> String {
        format!("{}/{what}", links::mirror_path(&self.name))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::MirrorTerms;

    #[test]
    fn an_upstream_is_called_what_people_call_it() {
        for (kind, origin, provider, meta) in [
            ("threads", "https://graph.threads.net", "Threads", true),
            ("instagram", "https://graph.instagram.com", "Instagram", true),
            ("oidc", "https://login.example.com/realm/", "login.example.com", false),
            ("other", "somewhere", "somewhere", false),
        ] {
            let terms =
                MirrorTerms::new("m", kind, origin, Duration::from_secs(300), Duration::from_secs(86_400));
            assert_eq!(terms.provider, provider);
            assert_eq!(terms.copies_bio, meta, "{kind}");
        }
    }
}
