//! The owner's session: one opaque token, in a cookie or as a bearer.

use http::{HeaderValue, header};
use namesake_mirror::{MirrorModel, SessionToken};

use super::{reply::Reply, request::Asked};

/// `__Host-`: only over a secure connection, for this host alone, for every path (RFC 6265bis section 4.1.3).
pub(super) const SESSION: &str = "__Host-namesake-session";
/// The sign-in under way in the browser that began it, sealed.
pub(super) const LINKING: &str = "__Host-namesake-linking";

/// The owner's token: a bearer if there is one, else the cookie. Two `Authorization` say nothing at all.
pub(super) fn session(mirror: &MirrorModel, asked: &Asked) -> Option<SessionToken> {
    let authorization = asked.header(&header::AUTHORIZATION);
    if authorization.is_none() && asked.head.headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let credentials = authorization.and_then(|value| value.split_once(' '));
    // The name of the scheme has no case (RFC 9110 section 11.1).
    let bearer =
        credentials.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token);
    bearer.map_or_else(|| browser_session(mirror, asked), SessionToken::parse)
}

/// The token of a browser, which cannot be asked for a bearer.
pub(super) fn browser_session(mirror: &MirrorModel, asked: &Asked) -> Option<SessionToken> {
    SessionToken::parse(asked.cookie(&cookie(SESSION, mirror))?)
}

pub(super) fn cookie(kind: &str, mirror: &MirrorModel) -> String {
    format!("{kind}-{}", mirror.settings().scheme)
}

/// `Lax`, so that it comes along when the upstream sends the browser back, and never with another site's form.
pub(super) fn set_cookie(reply: &mut Reply, name: &str, value: &str, max_age: u64) {
    let cookie = format!("{name}={value}; Path=/; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        reply.headers_mut().append(header::SET_COOKIE, cookie);
    }
}
