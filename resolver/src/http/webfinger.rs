//! `GET /.well-known/webfinger?resource=acct:…` (RFC 7033): where a name's profile is, for software that asks so.

use http::{HeaderValue, StatusCode, header};
use serde_json::json;

use super::{
    Site,
    reply::{self, Reply},
    request::Asked,
};
use crate::problem::Refusal;

pub(super) async fn webfinger(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let Some(resource) = parameters.one("resource")? else {
        return Err(Refusal::Request("say about whom: ?resource=acct:alice@…".to_owned()));
    };
    let query = site.query(resource, None)?;
    let answered = site.resolver.answer(&query).await?;
    let found = site.resolver.read(&query, &answered)?;
    let mut aliases = vec![found.profile.url.clone()];
    if found.account.starts_with("did:") {
        aliases.push(found.account);
    }
    let document = json!({
        "subject": resource,
        "aliases": aliases,
        "links": [
            { "rel": "http://webfinger.net/rel/profile-page", "type": "text/html", "href": found.profile.url },
            { "rel": "self", "type": "application/json", "href": found.profile.url },
        ],
    });
    let mut reply = reply::json(StatusCode::OK, &document);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jrd+json"));
    reply::say_age(&mut reply, answered.freshness);
    Ok(reply)
}
