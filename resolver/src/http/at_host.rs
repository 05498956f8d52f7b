//! What is answered at the hosts of accounts that live here and of their handles: three well-known documents, and at a
//! handle's host the way to the profile. No body says anything that the request's `Host` said.
//!
//! At a host of the service's own the same well-knowns are not there.

use http::{HeaderValue, StatusCode, header};
use namesake::{Handle, Why};
use namesake_independent::hosted::{AtHost, Hosted};

use super::{
    Site, moved,
    reply::{self, Reply},
    request::Asked,
};
use crate::{percent, problem::Refusal};

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");
pub(super) const JSON_LINES: HeaderValue = HeaderValue::from_static("text/jsonl");

/// `GET /.well-known/atproto-did`: the account that goes by this handle (atproto handle specification, "HTTPS well-known
/// Method").
pub(super) async fn atproto_did(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    match who(site, asked).await?.1 {
        AtHost::Handle(did) => {
            let mut reply = reply::bytes(StatusCode::OK, TEXT, did.to_string());
            reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            Ok(reply)
        }
        _ => Err(Refusal::NoSuchPage),
    }
}

/// `GET /.well-known/did.json`: the account's document (did:web method, "Read (Resolve)").
pub(super) async fn document(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    match who(site, asked).await?.1 {
        AtHost::Account { document, version, .. } => {
            let body = reply::write(&document);
            Ok(reply::versioned(reply::JSON, body, &version.to_string(), asked.if_none_match()))
        }
        AtHost::Closed(_) => {
            Err(Refusal::Absent { handle: None, why: Why::Deactivated, others: Vec::new(), link: None })
        }
        _ => Err(Refusal::NoSuchPage),
    }
}

/// `GET /.well-known/did.jsonl`: the account's log (did:webvh 1.0, "The DID to HTTPS Transformation").
pub(super) async fn log(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let (hosted, at) = who(site, asked).await?;
    let (AtHost::Account { did, .. } | AtHost::Closed(did)) = at else { return Err(Refusal::NoSuchPage) };
    let log = hosted.log(did.account()).await.map_err(Refusal::store)?.ok_or(Refusal::NoSuchPage)?;
    Ok(reply::versioned(JSON_LINES, log.text, &log.version.to_string(), asked.if_none_match()))
}

/// Any other path: whoever typed a handle into a browser wants to see who that is.
pub(super) async fn elsewhere(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    match who(site, asked).await?.1 {
        AtHost::Handle(_) => {
            let handle = asked.host_name(site).and_then(|host| host.to_handle());
            handle.map(|handle| to_profile(site, &handle)).ok_or(Refusal::NoSuchPage)
        }
        AtHost::Moved(did) => moved::to(site, &did).await,
        _ => Err(Refusal::NoSuchPage),
    }
}

fn to_profile(site: &Site, handle: &Handle) -> Reply {
    let base = site.resolver.directory().public_url().as_str().trim_end_matches('/');
    reply::redirect(
        StatusCode::FOUND,
        &format!("{base}/profile/{}", percent::encode_segment(handle.as_str())),
    )
}

async fn who<'a>(site: &'a Site, asked: &Asked) -> Result<(&'a Hosted, AtHost), Refusal> {
    let (hosted, host) = (site.hosted()?, asked.host_name(site).ok_or(Refusal::NoSuchPage)?);
    Ok((hosted, hosted.at_host(&host).await.map_err(Refusal::store)?))
}
