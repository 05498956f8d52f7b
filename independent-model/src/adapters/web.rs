//! Hosts that strangers name: `/.well-known/atproto-did` and `/.well-known/did.json`.

use http::StatusCode;
use namesake::{
    ErrorKind, ResolveError,
    http::{Call, HttpClient, HttpError, HttpFailure},
};
use url::Url;

use super::odd_status;
use crate::{DidWeb, DocumentAnswer, Hostname, PortFuture, WebHost, WellKnown, WellKnownReply, failure};

/// Most redirects a well-known fetch follows, all of them to `https` (atproto handle specification).
const MAX_REDIRECTS: u8 = 5;

/// Most bytes of a DID document that are read.
pub(super) const DOCUMENT_CAP: usize = 64 * 1024;

/// Asks web hosts, through the guarded connector.
#[derive(Debug, Clone)]
pub struct WebHosts {
    client: HttpClient,
}

impl WebHosts {
    /// Over a client of [`HttpClient::discovered`].
    #[must_use]
    pub fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl WellKnown for WebHosts {
    fn fetch<'a>(&'a self, host: &'a Hostname) -> PortFuture<'a, WellKnownReply, HttpError> {
        Box::pin(async move {
            // What cannot stand in a URL (`xn--` before what is no Punycode) no web host can answer for.
            let url = Url::parse(&format!("https://{host}/.well-known/atproto-did")).map_err(|error| {
                HttpError::new(HttpFailure::NoAddress, format!("{host} cannot stand in a URL")).because(error)
            })?;
            let call = Call::get(url).redirects(MAX_REDIRECTS).cap(WellKnownReply::CAP).skip_failure_bodies();
            match self.client.send(call).await {
                Ok(reply) => Ok(WellKnownReply { status: reply.status.as_u16(), body: Some(reply.body) }),
                // Bodies of failures are not read, so the status was a success.
                Err(error) if error.failure == HttpFailure::TooLarge => {
                    Ok(WellKnownReply { status: StatusCode::OK.as_u16(), body: None })
                }
                Err(error) => Err(error),
            }
        })
    }
}

impl DidWeb for WebHosts {
    fn document<'a>(&'a self, host: &'a WebHost) -> PortFuture<'a, DocumentAnswer, ResolveError> {
        Box::pin(async move {
            let url = document_url(host)?;
            let call = Call::get(url).cap(DOCUMENT_CAP).skip_failure_bodies();
            let reply = match self.client.send(call).await {
                Ok(reply) => reply,
                Err(error) => return Err(failure::at_stranger(error)),
            };
            match reply.status.as_u16() {
                200..=299 => Ok(DocumentAnswer::Found(reply.body)),
                404 | 410 => Ok(DocumentAnswer::NotFound),
                _ => Err(odd_status("the host of the did:web", reply.status)),
            }
        })
    }
}

/// Where the document of a `did:web` of a bare host is (did:web method specification, "Read"). `localhost` is spoken
/// to without TLS; the guard lets that through only where the operator allowed the network.
fn document_url(host: &WebHost) -> Result<Url, ResolveError> {
    let base = match host {
        WebHost::Name(name) => format!("https://{name}"),
        WebHost::Localhost(None) => "http://localhost".to_owned(),
        WebHost::Localhost(Some(port)) => format!("http://localhost:{port}"),
    };
    Url::parse(&format!("{base}/.well-known/did.json")).map_err(|error| {
        ResolveError::caused(ErrorKind::BadAnswer, "the host of the did:web cannot be asked", error)
    })
}

#[cfg(test)]
mod tests {
    use super::document_url;
    use crate::{Did, DidMethod};

    #[test]
    fn did_web_documents_are_at_the_well_known_address() {
        let url = |did: &str| match Did::parse(did).unwrap().method() {
            DidMethod::Web(host) => document_url(host).unwrap().to_string(),
            _ => panic!("not did:web"),
        };
        assert_eq!(url("did:web:example.com"), "https://example.com/.well-known/did.json");
        assert_eq!(url("did:web:localhost%3A3000"), "http://localhost:3000/.well-known/did.json");
    }
}
