//! Answers, with the headers every one of its kind carries.

use std::sync::LazyLock;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use maud::Markup;
use namesake::Timestamp;
use serde::Serialize;

use super::{body::Body, cors, seconds};
use crate::{
    api::Freshness,
    pages::{self, CONTENT_SECURITY_POLICY},
    prepared::{self, Kind, Prepared},
    problem::Refusal,
    quota::Left,
};

/// What goes out.
pub(crate) type Reply = Response<Body>;

pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");
const PROBLEM: HeaderValue = HeaderValue::from_static("application/problem+json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

const CHECKED_AT: HeaderName = HeaderName::from_static("namesake-checked-at");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const STALE: HeaderName = HeaderName::from_static("namesake-stale");
/// The id under which the request is in the log, should that tell of it.
const REQUEST_ID: HeaderName = HeaderName::from_static("namesake-request-id");

/// A body of a kind.
pub(crate) fn bytes(status: StatusCode, kind: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(Body::from(body.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.reserve(12);
    headers.insert(header::CONTENT_TYPE, kind);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    reply
}

/// An answer for one asker, in JSON: not to be kept.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let mut reply = bytes(status, JSON, write(value));
    reply.headers_mut().insert(header::CACHE_CONTROL, NO_STORE);
    reply
}

/// A page, under the policy that lets it load nothing but our stylesheet and pictures.
pub(crate) fn page(status: StatusCode, page: Markup) -> Reply {
    let mut reply = bytes(status, HTML, page.into_string());
    protect(&mut reply);
    reply.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    reply
}

/// What a page may load, who may frame it (nobody), and what it tells others of where its reader came from (nothing).
pub(crate) fn protect(page: &mut Reply) {
    let headers = page.headers_mut();
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(CONTENT_SECURITY_POLICY));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
}

/// A remembered answer, or 304 if the client has it; `today` is its body, if that is another one today than was prepared.
/// For public routes: any origin may read it.
pub(crate) fn prepared(
    prepared: &Prepared,
    today: Option<Bytes>,
    freshness: Freshness,
    if_none_match: Option<&HeaderValue>,
    negotiated: bool,
) -> Reply {
    let pieces = prepared.pieces();
    let mut reply = Reply::new(Body::from(today.unwrap_or_else(|| pieces.body())));
    *reply.status_mut() = prepared.status;
    let ready: &Ready = if negotiated { &NEGOTIATED } else { &REMEMBERED };
    let headers = reply.headers_mut();
    headers.clone_from(&ready.headers);
    for (value, differs) in headers.values_mut().zip(&ready.differs) {
        *value = match differs {
            None => continue,
            Some(Differs::Kind) => match prepared.kind {
                Kind::Json => JSON,
                Kind::Problem => PROBLEM,
                Kind::Html => HTML,
            },
            Some(Differs::Tag) => pieces.etag(),
            Some(Differs::CheckedAt) => pieces.checked_at(),
            Some(Differs::CacheControl) => cache_control(freshness),
            Some(Differs::Age) => seconds::number(freshness.age_seconds),
        };
    }
    if freshness.stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
    if prepared.status == StatusCode::OK
        && if_none_match.is_some_and(|known| prepared::matches(known, &pieces.etag()))
    {
        *reply.status_mut() = StatusCode::NOT_MODIFIED;
        *reply.body_mut() = Body::default();
        reply.headers_mut().remove(header::CONTENT_TYPE);
    }
    reply
}

/// The headers of remembered answers: to copy a map takes half of what it takes to make one.
struct Ready {
    headers: HeaderMap,
    /// Which of them are other ones in each answer, in the order in which the map and its copies give their values.
    differs: Vec<Option<Differs>>,
}

enum Differs {
    Kind,
    Tag,
    CheckedAt,
    CacheControl,
    Age,
}

static REMEMBERED: LazyLock<Ready> = LazyLock::new(|| Ready::new(false));

/// Where the client could have had another representation.
static NEGOTIATED: LazyLock<Ready> = LazyLock::new(|| Ready::new(true));

impl Ready {
    fn new(negotiated: bool) -> Self {
        let mut reply = bytes(StatusCode::OK, JSON, Bytes::new());
        let headers = reply.headers_mut();
        for name in [header::ETAG, CHECKED_AT, header::CACHE_CONTROL, header::AGE] {
            headers.insert(name, HeaderValue::from_static(""));
        }
        if negotiated {
            headers.insert(header::VARY, HeaderValue::from_static("accept"));
        }
        cors::allow_any_origin(reply.headers_mut());
        let (http::response::Parts { headers, .. }, _) = reply.into_parts();
        let differs = headers.keys().map(|name| match name {
            name if *name == header::CONTENT_TYPE => Some(Differs::Kind),
            name if *name == header::ETAG => Some(Differs::Tag),
            name if *name == CHECKED_AT => Some(Differs::CheckedAt),
            name if *name == header::CACHE_CONTROL => Some(Differs::CacheControl),
            name if *name == header::AGE => Some(Differs::Age),
            _ => None,
        });
        Self { differs: differs.collect(), headers }
    }
}

/// Says what the client has left of the quota it took from.
pub(crate) fn say_what_is_left(reply: &mut Reply, left: &Left) {
    let headers = reply.headers_mut();
    if let Ok(field) = HeaderValue::try_from(left.field()) {
        headers.insert(RATE_LIMIT, field);
    }
    headers.insert(RATE_LIMIT_POLICY, left.policy.clone());
}

/// A document that is known by its version: 304 to whoever has that one. A change is seen at once, so it is asked about
/// every time.
pub(crate) fn versioned(
    kind: HeaderValue,
    body: impl Into<Bytes>,
    version: &str,
    if_none_match: Option<&HeaderValue>,
) -> Reply {
    let mut reply = bytes(StatusCode::OK, kind, body);
    if let Ok(etag) = HeaderValue::try_from(format!("\"{version}\"")) {
        if if_none_match.is_some_and(|known| prepared::matches(known, &etag)) {
            reply = not_modified();
        }
        reply.headers_mut().insert(header::ETAG, etag);
    }
    reply.headers_mut().insert(header::CACHE_CONTROL, NO_CACHE);
    reply
}

/// Sends a client elsewhere, this time: where to may be another place at the next.
pub(crate) fn redirect(status: StatusCode, location: &str) -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    if let Ok(location) = HeaderValue::try_from(location) {
        headers.insert(header::LOCATION, location);
    }
    headers.insert(header::CACHE_CONTROL, NO_CACHE);
    reply
}

/// The client has it already.
pub(crate) fn not_modified() -> Reply {
    let mut reply = Reply::default();
    *reply.status_mut() = StatusCode::NOT_MODIFIED;
    reply
}

/// Says how old the answer is, and how long it may be kept.
pub(crate) fn say_age(reply: &mut Reply, freshness: Freshness) {
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, cache_control(freshness));
    headers.insert(header::AGE, seconds::number(freshness.age_seconds));
    if freshness.stale {
        headers.insert(STALE, HeaderValue::from_static("true"));
    }
}

/// How long an answer may be kept.
///
/// An answer from our own store is asked about every time (`no-cache`), so that a change is seen at once. `max-age` is
/// what is *left*: a client that knows nothing of `Age` never keeps an answer for too long, one that subtracts it
/// (RFC 9111 section 4.2.3) asks a little sooner.
fn cache_control(freshness: Freshness) -> HeaderValue {
    match freshness {
        Freshness { stale: false, ttl_seconds: Some(left), .. } => seconds::max_age(left),
        _ => NO_CACHE,
    }
}

/// A refusal: a problem document, or a page for people, with the path of the page they came from, if that is known.
pub(crate) fn problem(refusal: &Refusal, html: bool, back: Option<&str>) -> Reply {
    let problem = refusal.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut reply = match html {
        true => page(status, pages::problem(&problem, back)),
        false => bytes(status, PROBLEM, write(&problem)),
    };
    let headers = reply.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Some(seconds) = refusal.retry_after_seconds() {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}

/// Says under which id the log has it.
pub(crate) fn identify(reply: &mut Reply, request_id: u64) {
    if let Ok(id) = HeaderValue::try_from(format!("{request_id:016x}")) {
        reply.headers_mut().insert(REQUEST_ID, id);
    }
}

/// Our own shapes always serialise; should one not, an empty body says less than a panic.
pub(crate) fn write(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_else(|error| {
        tracing::error!(error.message = %error, "http.unserialisable");
        Vec::new()
    })
}

/// The bytes of a problem with the headers that only depend on it, for an answer that is remembered.
pub(crate) fn prepare_problem(refusal: &Refusal, checked_at: Timestamp) -> Prepared {
    let problem = refusal.problem();
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let body = write(&problem);
    Prepared::new(status, Kind::Problem, &body, &body, checked_at)
}
