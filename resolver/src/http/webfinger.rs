//! `GET /.well-known/webfinger?resource=acct:…&rel=…` (RFC 7033): where a name's profile is, for software that asks so.

use http::{HeaderValue, StatusCode, header};
use namesake::Handle;
use serde_json::json;

use super::{
    Site,
    reply::{self, Reply},
    request::Asked,
};
use crate::{
    api::Resolution,
    percent,
    problem::Refusal,
    query::{InvalidQuery, Query, Subject},
};

/// URI schemes of which we know what they say: what cannot be read in one of these is malformed.
const KNOWN: [&str; 5] = ["acct", "at", "did", "http", "https"];

pub(super) async fn webfinger(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let Some(resource) = parameters.one("resource")? else {
        return Err(Refusal::Request("say about whom: ?resource=acct:alice@…".to_owned()));
    };
    let wanted: Vec<&str> =
        parameters.iter().filter(|(name, _)| *name == "rel").map(|(_, rel)| rel).collect();
    let query = subject_of(site, resource)?;
    let answered = site.resolver.answer(&query).await?;
    let found = site.resolver.read(&query, &answered)?;
    let subject = canonical(site, &found);
    let mut aliases = vec![found.profile.url.clone()];
    if found.account.starts_with("did:") {
        aliases.push(found.account);
    }
    let links = [("http://webfinger.net/rel/profile-page", "text/html"), ("self", "application/json")];
    // Relation types are compared without regard to case (RFC 8288 section 2.1).
    let is_wanted =
        |rel: &str| wanted.is_empty() || wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case(rel));
    let links = links.iter().filter(|(rel, _)| is_wanted(rel));
    let links: Vec<_> =
        links.map(|(rel, kind)| json!({ "rel": rel, "type": kind, "href": found.profile.url })).collect();
    let document = json!({ "subject": subject, "aliases": aliases, "links": links });
    let mut reply = reply::json(StatusCode::OK, &document);
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jrd+json"));
    reply::say_age(&mut reply, answered.freshness);
    Ok(reply)
}

/// Whom a resource is about. One that is no URI is malformed (RFC 7033 section 4.2), one of somebody else's is unknown.
fn subject_of(site: &Site, resource: &str) -> Result<Query, Refusal> {
    let malformed = || Refusal::Request("`resource` is a URI, as acct:alice@example.com is".to_owned());
    let scheme = scheme_of(resource).ok_or_else(malformed)?.to_ascii_lowercase();
    match site.query(resource, None) {
        Err(Refusal::Query(InvalidQuery::ForeignUrl)) => Err(Refusal::unknown_account()),
        Err(Refusal::Query(_)) if !KNOWN.contains(&&*scheme) => Err(Refusal::unknown_account()),
        understood => understood,
    }
}

/// A URI's scheme (RFC 3986 section 3); letters of other scripts are let through behind it (RFC 3987).
fn scheme_of(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once(':')?;
    let named = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let never = |c: char| c.is_whitespace() || c.is_control() || "<>\"{}|\\^`".contains(c);
    (named && !rest.is_empty() && !rest.contains(never)).then_some(scheme)
}

/// One URI of whoever was found, whichever they were asked for by: `acct:` with their handle and our host, if that leads to
/// them; without a handle the DID; else the profile's address.
fn canonical(site: &Site, found: &Resolution) -> String {
    let directory = site.resolver.directory();
    let handle = found.handle.as_ref().and_then(|handle| Handle::parse(handle).ok());
    let Some(handle) = handle else {
        return if found.account.starts_with("did:") { &found.account } else { &found.profile.url }.clone();
    };
    let host = directory.public_url().host_str().unwrap_or_default();
    let escaped = |text: &str| percent::encode_segment(text).replace(':', "%3A");
    let acct = match handle.as_str().rsplit_once('@') {
        // It names a host already.
        Some((user, host)) => format!("acct:{}@{}", escaped(user), escaped(host)),
        None => format!("acct:{}@{host}", escaped(handle.as_str())),
    };
    match directory.route(&Subject::Handle(handle), None) {
        Ok(seat) if directory.policy(seat).scheme.as_str() == found.scheme => acct,
        _ => found.profile.url.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::scheme_of;

    #[test]
    fn a_uri_has_a_scheme_and_something_behind_it() {
        for text in
            ["acct:alice@example.com", "did:plc:abc", "https://a/b", "ACCT:a", "x-y.z+1:a", "acct:jané@a"]
        {
            assert!(scheme_of(text).is_some(), "{text}");
        }
        for text in [
            "alice",
            "@alice@a.b",
            "alice@a.b",
            "a b:c",
            "acct:",
            ":a",
            "1a:b",
            "acct:a b",
            "acct:<a>",
            "a@b:c",
            "",
        ] {
            assert!(scheme_of(text).is_none(), "{text}");
        }
    }
}
