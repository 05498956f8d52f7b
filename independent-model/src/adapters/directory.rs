//! The configured directory of `did:plc` (did:plc specification 0.3.0, "DID Resolution").

use bytes::Bytes;
use http::StatusCode;
use namesake::{
    ResolveError,
    http::{Call, HttpClient, Reply},
};
use serde_json::Value;
use url::Url;

use super::{WorldSetupError, odd_status, web::DOCUMENT_CAP};
use crate::{Did, Directory, DocumentAnswer, PortFuture, failure, plc::MAX_LOG_BYTES};

/// What strangers know it as.
const WHO: &str = "the directory";

/// Asks one directory by HTTP.
#[derive(Debug, Clone)]
pub struct PlcDirectory {
    client: HttpClient,
    base: Url,
}

impl PlcDirectory {
    /// Over a client of [`HttpClient::configured`]; DIDs are appended to the path of `base`.
    ///
    /// # Errors
    /// [`WorldSetupError::Directory`] when nothing can be appended to `base`.
    pub fn new(client: HttpClient, base: Url) -> Result<Self, WorldSetupError> {
        if matches!(base.scheme(), "http" | "https") && base.query().is_none() {
            Ok(Self { client, base })
        } else {
            Err(WorldSetupError::Directory)
        }
    }
}

impl Directory for PlcDirectory {
    fn document<'a>(&'a self, did: &'a Did) -> PortFuture<'a, DocumentAnswer, ResolveError> {
        Box::pin(async move {
            match self.client.send(Call::get(document_url(&self.base, did)).cap(DOCUMENT_CAP)).await {
                Ok(reply) => judge(&reply),
                Err(error) => Err(failure::at_ours(WHO, error)),
            }
        })
    }

    fn log<'a>(&'a self, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError> {
        Box::pin(async move {
            let call = Call::get(log_url(&self.base, did)).cap(MAX_LOG_BYTES).skip_failure_bodies();
            match self.client.send(call).await {
                Ok(reply) => judge_log(&reply),
                Err(error) => Err(failure::at_ours(WHO, error)),
            }
        })
    }
}

fn document_url(base: &Url, did: &Did) -> Url {
    below(base, &[did.as_str()])
}

fn log_url(base: &Url, did: &Did) -> Url {
    below(base, &[did.as_str(), "log", "audit"])
}

fn below(base: &Url, segments: &[&str]) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

fn judge_log(reply: &Reply) -> Result<Option<Bytes>, ResolveError> {
    match reply.status {
        status if status.is_success() => Ok(Some(reply.body.clone())),
        StatusCode::NOT_FOUND => Ok(None),
        status => Err(odd_status(WHO, status)),
    }
}

/// A tombstone is 410, or a 404 that says so; any other 404 is a DID nobody made.
fn judge(reply: &Reply) -> Result<DocumentAnswer, ResolveError> {
    match reply.status {
        status if status.is_success() => Ok(DocumentAnswer::Found(reply.body.clone())),
        StatusCode::GONE => Ok(DocumentAnswer::Deactivated),
        StatusCode::NOT_FOUND if says_not_available(&reply.body) => Ok(DocumentAnswer::Deactivated),
        StatusCode::NOT_FOUND => Ok(DocumentAnswer::NotFound),
        status => Err(odd_status(WHO, status)),
    }
}

fn says_not_available(body: &[u8]) -> bool {
    let message = |body: &Value| body.get("message").and_then(Value::as_str).map(str::to_ascii_lowercase);
    let message = serde_json::from_slice::<Value>(body).ok().as_ref().and_then(message);
    message.is_some_and(|message| message.contains("did not available"))
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use namesake::{ErrorKind, http::Reply};
    use url::Url;

    use super::{document_url, judge, judge_log, log_url};
    use crate::{Did, DocumentAnswer};

    fn reply(status: u16, body: &'static str) -> Reply {
        Reply {
            status: StatusCode::from_u16(status).unwrap(),
            headers: HeaderMap::new(),
            body: body.into(),
            url: Url::parse("https://directory.example.com").unwrap(),
        }
    }

    /// Scenario 20.
    #[test]
    fn statuses() {
        assert_eq!(judge(&reply(200, "{}")).unwrap(), DocumentAnswer::Found("{}".into()));
        assert_eq!(judge(&reply(410, "")).unwrap(), DocumentAnswer::Deactivated);
        let gone = r#"{"message":"DID not available: did:plc:ewvi7nxzyoun6zhxrhs64oiz"}"#;
        assert_eq!(judge(&reply(404, gone)).unwrap(), DocumentAnswer::Deactivated);
        let unknown = r#"{"message":"DID not registered: did:plc:ewvi7nxzyoun6zhxrhs64oiz"}"#;
        assert_eq!(judge(&reply(404, unknown)).unwrap(), DocumentAnswer::NotFound);
        assert_eq!(judge(&reply(404, "<html>")).unwrap(), DocumentAnswer::NotFound);
        for (status, kind) in [
            (429, ErrorKind::Throttled),
            (500, ErrorKind::Unavailable),
            (503, ErrorKind::Unavailable),
            (302, ErrorKind::BadAnswer),
            (403, ErrorKind::Unavailable),
        ] {
            assert_eq!(judge(&reply(status, "{}")).unwrap_err().kind(), kind, "{status}");
        }
    }

    #[test]
    fn a_log_is_there_or_not_and_failures_are_neither() {
        assert_eq!(judge_log(&reply(200, "[]")).unwrap(), Some("[]".into()));
        assert_eq!(judge_log(&reply(404, "")).unwrap(), None);
        assert_eq!(judge_log(&reply(429, "")).unwrap_err().kind(), ErrorKind::Throttled);
        assert_eq!(judge_log(&reply(410, "")).unwrap_err().kind(), ErrorKind::Unavailable);
    }

    #[test]
    fn dids_are_appended_to_the_configured_path() {
        let did = Did::parse("did:plc:ewvi7nxzyoun6zhxrhs64oiz").unwrap();
        for (base, url) in [
            ("https://plc.example.com", "https://plc.example.com/did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
            ("http://127.0.0.1:2582/plc/", "http://127.0.0.1:2582/plc/did:plc:ewvi7nxzyoun6zhxrhs64oiz"),
        ] {
            let base = Url::parse(base).unwrap();
            assert_eq!(document_url(&base, &did).as_str(), url);
            assert_eq!(log_url(&base, &did).as_str(), format!("{url}/log/audit"));
        }
    }
}
