//! Profile records of personal data servers (lexicon `com.atproto.repo.getRecord`).

use bytes::Bytes;
use namesake::{
    ErrorKind, ResolveError,
    http::{Call, HttpClient, Reply},
};
use serde_json::Value;
use url::Url;

use super::odd_status;
use crate::{
    Did, Pds, PortFuture, failure,
    profile::{COLLECTION, RECORD_KEY},
};

/// Most bytes of a record that are read.
const RECORD_CAP: usize = 64 * 1024;

/// Asks whatever PDS a document names, through the guarded connector. How long that may take is the model's business.
#[derive(Debug, Clone)]
pub struct PdsHttp {
    client: HttpClient,
}

impl PdsHttp {
    /// Over a client of [`HttpClient::discovered`].
    #[must_use]
    pub fn new(client: HttpClient) -> Self {
        Self { client }
    }
}

impl Pds for PdsHttp {
    fn profile<'a>(&'a self, pds: &'a Url, did: &'a Did) -> PortFuture<'a, Option<Bytes>, ResolveError> {
        Box::pin(async move {
            let url = record_url(pds, did)?;
            match self.client.send(Call::get(url).cap(RECORD_CAP)).await {
                Ok(reply) => judge(&reply),
                Err(error) => Err(failure::at_stranger(error)),
            }
        })
    }
}

fn record_url(pds: &Url, did: &Did) -> Result<Url, ResolveError> {
    let mut url = pds.join("/xrpc/com.atproto.repo.getRecord").map_err(|error| {
        ResolveError::caused(ErrorKind::BadAnswer, "the address of the PDS cannot be used", error)
    })?;
    url.query_pairs_mut()
        .append_pair("repo", did.as_str())
        .append_pair("collection", COLLECTION)
        .append_pair("rkey", RECORD_KEY);
    Ok(url)
}

fn judge(reply: &Reply) -> Result<Option<Bytes>, ResolveError> {
    if reply.status.is_success() {
        return Ok(Some(reply.body.clone()));
    }
    let body = serde_json::from_slice::<Value>(&reply.body).ok();
    match body.as_ref().and_then(|body| body.get("error")).and_then(Value::as_str) {
        // Also definite: what its server has taken down is not to be shown from anybody's memory.
        Some("RecordNotFound" | "RepoNotFound" | "RepoTakendown" | "RepoSuspended" | "RepoDeactivated") => {
            Ok(None)
        }
        _ => Err(odd_status("the PDS", reply.status)),
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};
    use namesake::http::Reply;
    use url::Url;

    use super::{judge, record_url};
    use crate::Did;

    #[test]
    fn a_missing_record_is_not_a_failure() {
        let reply = |status, body: &'static str| Reply {
            status,
            headers: HeaderMap::new(),
            body: body.into(),
            url: Url::parse("https://pds.example.com").unwrap(),
        };
        assert_eq!(judge(&reply(StatusCode::OK, "{}")).unwrap(), Some("{}".into()));
        let missing = r#"{"error":"RecordNotFound","message":"Could not locate record"}"#;
        assert_eq!(judge(&reply(StatusCode::BAD_REQUEST, missing)).unwrap(), None);
        assert_eq!(judge(&reply(StatusCode::BAD_REQUEST, r#"{"error":"RepoTakendown"}"#)).unwrap(), None);
        assert!(judge(&reply(StatusCode::BAD_REQUEST, r#"{"error":"InvalidRequest"}"#)).is_err());
        assert!(judge(&reply(StatusCode::BAD_GATEWAY, "<html>")).is_err());
    }

    #[test]
    fn the_record_is_asked_for_by_did() {
        let did = Did::parse("did:web:example.com").unwrap();
        let url = record_url(&Url::parse("https://pds.example.com/").unwrap(), &did).unwrap();
        assert_eq!(
            url.as_str(),
            "https://pds.example.com/xrpc/com.atproto.repo.getRecord\
             ?repo=did%3Aweb%3Aexample.com&collection=app.bsky.actor.profile&rkey=self"
        );
    }
}
