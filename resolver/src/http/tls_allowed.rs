//! `GET /v1/tls-allowed?domain=`: whether a certificate may be had for a name, for a proxy that gets them on demand. The
//! status is the answer.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::{Site, our_hosts, reply::Reply, request::Asked};
use crate::problem::Refusal;

pub(super) async fn tls_allowed(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let hosted = site.hosted()?;
    let parameters = asked.parameters()?;
    let Some(domain) = parameters.one("domain")? else {
        return Err(Refusal::Request("say for which name: ?domain=alice.example.com".to_owned()));
    };
    let host = our_hosts::name_of(domain).ok_or(Refusal::NoSuchPage)?;
    if !hosted.may_have_certificate(&host).await.map_err(Refusal::store)? {
        return Err(Refusal::NoSuchPage);
    }
    let mut reply = Reply::new(Bytes::new().into());
    *reply.status_mut() = StatusCode::OK;
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}
