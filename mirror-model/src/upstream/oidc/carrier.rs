//! How a provider's addresses are called: its issuer is the operator's word, and whatever else it names is a stranger's.

use namesake::http::{Call, HttpClient, Reply};
use url::Url;

use super::super::{UpstreamError, UpstreamFailure, from_http};

/// The two ways to call.
pub(super) struct Carrier {
    /// For the issuer's own host.
    pub(super) configured: HttpClient,
    /// For hosts that its description names.
    pub(super) discovered: HttpClient,
    pub(super) issuer: Url,
}

impl Carrier {
    /// An answer that is about nobody in particular is a failure here already; any other is for the caller to judge.
    pub(super) async fn carry(
        &self,
        what: &'static str,
        url: &Url,
        call: impl FnOnce(Url) -> Call,
    ) -> Result<Reply, UpstreamError> {
        let http = if url.host() == self.issuer.host() { &self.configured } else { &self.discovered };
        let reply = http.send(call(url.clone())).await.map_err(|error| from_http(what, &error))?;
        match reply.status.as_u16() {
            429 => Err(answered(UpstreamFailure::Throttled, what, "429")),
            status @ 500..=599 => Err(answered(UpstreamFailure::Down, what, &status.to_string())),
            _ => Ok(reply),
        }
    }

    /// What was asked for, where nothing but a success is of use.
    pub(super) async fn get(&self, what: &'static str, url: &Url) -> Result<Reply, UpstreamError> {
        let reply = self.carry(what, url, Call::get).await?;
        match reply.status.is_success() {
            true => Ok(reply),
            false => Err(answered(UpstreamFailure::Nonsense, what, reply.status.as_str())),
        }
    }

    /// Whether a provider may name this address: one that is https names nothing else.
    pub(super) fn may_name(&self, url: &Url) -> bool {
        url.has_host()
            && (url.scheme() == "https" || (url.scheme() == "http" && self.issuer.scheme() == "http"))
    }
}

pub(super) fn answered(failure: UpstreamFailure, what: &str, answer: &str) -> UpstreamError {
    UpstreamError::new(failure, format!("asked for {what}, the provider answered {answer}"))
}

pub(super) fn nonsense(what: &str, did: &str) -> UpstreamError {
    UpstreamError::new(UpstreamFailure::Nonsense, format!("asked for {what}, the provider {did}"))
}
