//! XRPC, as the lexicons `com.atproto.identity.*` have it: strict input, their shapes, their errors.
//!
//! `handle.invalid` is printed here and nowhere else: our own JSON says `"handle": null` with a reason.

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use namesake::{AccountId, Handle, ResolveError, Why};
use serde::Deserialize;
use serde_json::json;

use super::{
    Site,
    reply::{self, Reply},
    request::{self, Asked},
    request_body::FORM,
};
use crate::{
    atproto::{Atproto, Verified},
    cache::{Answered, Remembered, Said},
    prepared::{Kind, Prepared},
    problem::Refusal,
    query::{InvalidQuery, Subject},
    quota::Purpose,
    status,
};

/// `resolveHandle?handle=` ⇒ `{ did }`
pub(super) async fn resolve_handle(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let handle = strict_handle(required(parameters.one("handle")?, "handle")?)?;
    let about = Some(&handle);
    let answered = atproto(site)?.did_of(&handle).await.map_err(|error| failed(about, error))?;
    serve(asked, &answered, about, |found| json!({ "did": found.did }))
}

/// `resolveDid?did=` ⇒ `{ didDoc }`
pub(super) async fn resolve_did(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let did = strict_did(required(parameters.one("did")?, "did")?)?;
    let answered = atproto(site)?.document_of(&did).await.map_err(|error| failed(None, error))?;
    serve(asked, &answered, None, |found| json!({ "didDoc": found.0.json }))
}

/// `resolveIdentity?identifier=` ⇒ `{ did, handle, didDoc }`
pub(super) async fn resolve_identity(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let subject = strict_subject(required(parameters.one("identifier")?, "identifier")?)?;
    let answered = atproto(site)?.identity_of(&subject, false).await;
    identity(asked, &subject, answered)
}

/// `refreshIdentity { identifier }`: the same, past the memory. It makes us ask others, so it has a quota.
pub(super) async fn refresh_identity(site: &Site, asked: Asked) -> Result<Reply, Refusal> {
    #[derive(Deserialize)]
    struct Input {
        identifier: String,
    }
    site.quotas.spend(Purpose::Fresh)?;
    let body = asked.body(site, FORM).await?;
    let input: Input = request::object(&body)
        .map_err(|_| Refusal::Request(r#"the body must be {"identifier": "…"}"#.to_owned()))?;
    let subject = strict_subject(&input.identifier)?;
    let answered = atproto(site)?.identity_of(&subject, true).await;
    let answered = answered.map_err(|error| failed(handle_of(&subject), error))?;
    match &answered.entry.said {
        Said::Found(found) => Ok(reply::json(StatusCode::OK, &identity_body(found))),
        Said::Absent(why) => Err(absent(handle_of(&subject), *why)),
    }
}

/// `_health` ⇒ `{ version }`
pub(super) fn health() -> Reply {
    reply::json(StatusCode::OK, &json!({ "version": concat!("namesake ", env!("CARGO_PKG_VERSION")) }))
}

/// The shape of a failure: `{ error, message }` (XRPC specification, "Error Responses").
pub(super) fn failure(site: &Site, refusal: &Refusal) -> Reply {
    let (status, error) = status::xrpc_of(refusal, site.options.handle_not_found_as_invalid_request);
    let message = match (refusal, error) {
        (Refusal::Absent { handle: Some(_), .. } | Refusal::NotServed { .. }, _) => {
            "Unable to resolve handle".to_owned()
        }
        (Refusal::NoSuchPage, _) => "Method Not Implemented".to_owned(),
        (Refusal::Absent { why: Why::Deactivated, .. }, _) => "This DID is deactivated".to_owned(),
        (Refusal::Absent { .. }, _) => "This DID does not resolve".to_owned(),
        (_, "InternalServerError") => "Internal Server Error".to_owned(),
        _ => refusal.problem().detail,
    };
    let mut reply = reply::json(status, &json!({ "error": error, "message": message }));
    if let Some(seconds) = refusal.retry_after_seconds() {
        reply.headers_mut().insert(http::header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

fn identity(
    asked: &Asked,
    subject: &Subject,
    answered: Result<Answered<Verified>, ResolveError>,
) -> Result<Reply, Refusal> {
    let about = handle_of(subject);
    serve(asked, &answered.map_err(|error| failed(about, error))?, about, identity_body)
}

fn identity_body(found: &Verified) -> serde_json::Value {
    let handle = found.handle.as_ref().map_or("handle.invalid", Handle::as_str);
    json!({ "did": found.document.did, "handle": handle, "didDoc": found.document.json })
}

/// The prepared bytes of what was found; they are written by the first who needs them.
fn serve<V: Remembered>(
    asked: &Asked,
    answered: &Answered<V>,
    about: Option<&Handle>,
    body: impl FnOnce(&V) -> serde_json::Value,
) -> Result<Reply, Refusal> {
    let entry = &answered.entry;
    let found = match &entry.said {
        Said::Found(found) => found,
        Said::Absent(why) => return Err(absent(about, *why)),
    };
    let prepared = entry.prepared.get_or_init(|| {
        let body = reply::write(&body(found));
        Prepared::new(StatusCode::OK, Kind::Json, &body, &body, entry.checked_at())
    });
    Ok(reply::prepared(prepared, None, answered.freshness, asked.if_none_match(), false))
}

fn atproto(site: &Site) -> Result<&Arc<Atproto>, Refusal> {
    site.atproto.as_ref().ok_or(Refusal::NoSuchPage)
}

fn required<'a>(value: Option<&'a str>, name: &str) -> Result<&'a str, Refusal> {
    value.ok_or_else(|| Refusal::Request(format!("the parameter `{name}` is required")))
}

fn handle_of(subject: &Subject) -> Option<&Handle> {
    match subject {
        Subject::Handle(handle) => Some(handle),
        Subject::Account(_) => None,
    }
}

fn failed(handle: Option<&Handle>, error: ResolveError) -> Refusal {
    Refusal::Failed { handle: handle.cloned(), error }
}

fn absent(handle: Option<&Handle>, why: Why) -> Refusal {
    Refusal::Absent { handle: handle.cloned(), why, others: Vec::new(), link: None }
}

fn strict_subject(text: &str) -> Result<Subject, Refusal> {
    match text.starts_with("did:") {
        true => strict_did(text).map(Subject::Account),
        false => strict_handle(text).map(Subject::Handle),
    }
}

/// The handle syntax of atproto (handle specification, "Handle Identifier Syntax"): no decoration, no spaces, no
/// Unicode. Upper case is folded.
fn strict_handle(text: &str) -> Result<Handle, Refusal> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let begins_with_letter = last.starts_with(|first: char| first.is_ascii_alphabetic());
    let is_long = text.len() > Handle::MAX_BYTES;
    if is_long || !text.contains('.') || !begins_with_letter || !text.split('.').all(label) {
        return Err(Refusal::Request("the handle must be a valid handle".to_owned()));
    }
    Handle::parse(text).map_err(|invalid| Refusal::Query(InvalidQuery::Handle(invalid)))
}

/// The DID syntax of atproto (DID specification, "DID Identifier Syntax"): a method is letters, where DIDs that atproto
/// does not know may have digits as well.
fn strict_did(text: &str) -> Result<AccountId, Refusal> {
    let method = text.split(':').nth(1).unwrap_or_default();
    let letters = method.bytes().all(|byte| byte.is_ascii_lowercase());
    let did = AccountId::parse(text).ok().filter(|did| did.is_did() && letters);
    did.ok_or_else(|| Refusal::Request("the did must be a valid DID".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_is_strict() {
        assert_eq!(strict_handle("Alice.Example.COM").unwrap().as_str(), "alice.example.com");
        let long = format!("{}.example", "a".repeat(64));
        for text in [
            "@a.example",
            "a.example ",
            "at://a.example",
            "bücher.example",
            "a",
            "a..b",
            "-a.b",
            "a.1b",
            "a.b.",
            &long,
        ] {
            assert!(strict_handle(text).is_err(), "{text}");
        }
        assert!(strict_handle("handle.invalid").is_err());
        assert!(strict_did("did:plc:ewvi7nxzyoun6zhxrhs64oiz").is_ok());
        for text in [
            "did:",
            "did:plc",
            "did:plc:",
            "did:PLC:a",
            "did:plc:a#b",
            "did:plc:a?b",
            "did:web:a:",
            "did:m1:a",
            "a.b",
        ] {
            assert!(strict_did(text).is_err(), "{text}");
        }
    }
}
