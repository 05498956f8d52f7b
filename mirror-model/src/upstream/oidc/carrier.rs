//! What the crate `openidconnect` asks for, carried by our own HTTP client, with its deadlines and caps.

use namesake::http::{Call, HttpClient};
use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use url::Url;

use super::super::{UpstreamError, UpstreamFailure, UpstreamFuture, from_http};

/// Carries the requests of one errand.
pub(super) struct Carrier<'a> {
    pub(super) http: &'a HttpClient,
    /// Whether plain `http` is refused: an issuer that is https names nothing else.
    pub(super) https_only: bool,
    /// What is asked for, in words.
    pub(super) what: &'static str,
}

impl Carrier<'_> {
    /// An answer that is about nobody in particular is a failure here already; any other is for the crate to judge.
    async fn carry(&self, request: HttpRequest) -> Result<HttpResponse, UpstreamError> {
        let what = self.what;
        let (head, body) = request.into_parts();
        let url: Url = head.uri.to_string().parse().map_err(|_| nonsense(what, "named no URL"))?;
        if self.https_only && url.scheme() != "https" {
            return Err(nonsense(what, "named an address that is not https"));
        }
        let mut call = Call::new(head.method, url, body.into());
        for (name, value) in &head.headers {
            call = call.header(name.clone(), value.clone());
        }
        let reply = self.http.send(call).await.map_err(|error| from_http(what, &error))?;
        match reply.status.as_u16() {
            429 => Err(answered(UpstreamFailure::Throttled, what, "429")),
            status @ 500..=599 => Err(answered(UpstreamFailure::Down, what, &status.to_string())),
            _ => {
                let mut response = HttpResponse::new(reply.body.to_vec());
                (*response.status_mut(), *response.headers_mut()) = (reply.status, reply.headers);
                Ok(response)
            }
        }
    }
}

impl<'c> AsyncHttpClient<'c> for Carrier<'_> {
    type Error = UpstreamError;
    type Future = UpstreamFuture<'c, HttpResponse>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.carry(request))
    }
}

pub(super) fn answered(failure: UpstreamFailure, what: &str, answer: &str) -> UpstreamError {
    UpstreamError::new(failure, format!("asked for {what}, the provider answered {answer}"))
}

pub(super) fn nonsense(what: &str, did: &str) -> UpstreamError {
    UpstreamError::new(UpstreamFailure::Nonsense, format!("asked for {what}, the provider {did}"))
}
