//! The one file that turns an outcome into a status: for our own routes through the kind of problem (whose page and
//! status are in `pages/kinds.rs`), for XRPC directly.

use http::StatusCode;
use namesake::{ErrorKind, Why};
use namesake_mirror::Remedy;

use crate::{pages::ProblemKind, problem::Refusal};

/// The kind of problem a refusal is.
pub(crate) fn kind_of(refusal: &Refusal) -> Option<&'static ProblemKind> {
    ProblemKind::named(name_of(refusal))
}

fn name_of(refusal: &Refusal) -> &'static str {
    match refusal {
        Refusal::Query(_) => "invalid-handle",
        Refusal::Request(_) => "invalid-request",
        Refusal::NotServed { .. } => "namespace-not-served",
        Refusal::NoSuchPage => "not-found",
        Refusal::Method => "method-not-allowed",
        Refusal::TooLarge | Refusal::EntrySize { .. } => "too-large",
        Refusal::Entry { .. } => "invalid-entry",
        Refusal::Taken(_) => "handle-taken",
        Refusal::Reserved(_) => "reserved-handle",
        Refusal::Stale { .. } => "stale-head",
        Refusal::Origin => "refused",
        Refusal::Mirror { remedy, .. } => match remedy {
            Remedy::Mend => "invalid-request",
            Remedy::Shorten => "text-too-long",
            Remedy::SignIn => "sign-in-required",
            Remedy::Accept => "refused",
            Remedy::RenameUpstream => "handle-is-mirrored",
            Remedy::LookElsewhere => "not-found",
            Remedy::Retry => "unavailable",
            Remedy::BlameUpstream => "bad-answer",
            Remedy::BlameUs => "internal",
        },
        Refusal::Quota { .. } => "too-many-requests",
        Refusal::Busy { .. } => "busy",
        Refusal::Absent { why: Why::Deactivated, .. } => "account-deactivated",
        Refusal::Absent { handle: None, .. } => "account-not-found",
        Refusal::Absent { why: Why::Unknown, .. } => "handle-not-found",
        Refusal::Absent { why: Why::Released, .. } => "handle-released",
        Refusal::Absent { why: Why::Unproven, .. } => "handle-unproven",
        Refusal::Failed { error, .. } => match error.kind() {
            // Somebody asked *us* to slow down: to our own client that is an outage, not a quota of theirs.
            ErrorKind::Throttled | ErrorKind::Unavailable => "unavailable",
            ErrorKind::ShareSpent => "too-many-requests",
            ErrorKind::Overloaded => "busy",
            ErrorKind::Timeout => "timeout",
            ErrorKind::BadAnswer => "bad-answer",
            ErrorKind::Unsupported => "unsupported",
            _ => "internal",
        },
    }
}

/// The status and error name of an XRPC failure (the lexicons `com.atproto.identity.*`).
///
/// A deactivated account has an error of its own; for a handle, every kind of absence is `HandleNotFound`, which
/// `as_invalid_request` turns into `InvalidRequest`: the official TypeScript client knows only that one.
pub(crate) fn xrpc_of(refusal: &Refusal, as_invalid_request: bool) -> (StatusCode, &'static str) {
    let not_found = if as_invalid_request { "InvalidRequest" } else { "HandleNotFound" };
    match refusal {
        Refusal::Query(_) | Refusal::Request(_) => (StatusCode::BAD_REQUEST, "InvalidRequest"),
        Refusal::NotServed { .. } => (StatusCode::BAD_REQUEST, not_found),
        // No XRPC method reaches a mirror, or writes.
        Refusal::Mirror { .. }
        | Refusal::Origin
        | Refusal::Entry { .. }
        | Refusal::EntrySize { .. }
        | Refusal::Taken(_)
        | Refusal::Reserved(_)
        | Refusal::Stale { .. } => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        Refusal::NoSuchPage => (StatusCode::NOT_IMPLEMENTED, "MethodNotImplemented"),
        Refusal::Method => (StatusCode::METHOD_NOT_ALLOWED, "InvalidRequest"),
        Refusal::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "PayloadTooLarge"),
        Refusal::Quota { .. } => (StatusCode::TOO_MANY_REQUESTS, "RateLimitExceeded"),
        Refusal::Busy { .. } => (StatusCode::SERVICE_UNAVAILABLE, "NotEnoughResources"),
        Refusal::Absent { handle: Some(_), .. } => (StatusCode::BAD_REQUEST, not_found),
        Refusal::Absent { handle: None, why: Why::Deactivated, .. } => {
            (StatusCode::BAD_REQUEST, "DidDeactivated")
        }
        Refusal::Absent { handle: None, .. } => (StatusCode::BAD_REQUEST, "DidNotFound"),
        Refusal::Failed { error, .. } => match error.kind() {
            ErrorKind::Timeout => (StatusCode::GATEWAY_TIMEOUT, "UpstreamTimeout"),
            ErrorKind::ShareSpent => (StatusCode::TOO_MANY_REQUESTS, "RateLimitExceeded"),
            ErrorKind::Overloaded => (StatusCode::SERVICE_UNAVAILABLE, "NotEnoughResources"),
            ErrorKind::Throttled | ErrorKind::Unavailable | ErrorKind::BadAnswer => {
                (StatusCode::BAD_GATEWAY, "UpstreamFailure")
            }
            ErrorKind::Unsupported => (StatusCode::BAD_REQUEST, "InvalidRequest"),
            _ => (StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError"),
        },
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::{Handle, ResolveError, Timestamp};
    use namesake_independent::{
        hosted::{Rejection, Rule},
        webvh::Fault,
    };

    use super::*;
    use crate::query::InvalidQuery;

    #[test]
    fn every_outcome_has_the_status_of_the_interface() {
        let absent = |why, handle: Option<&str>| Refusal::Absent {
            handle: handle.map(|name| Handle::parse(name).unwrap()),
            why,
            others: Vec::new(),
            link: None,
        };
        let rejected = |rejection| Refusal::rejected(rejection, Timestamp::UNIX_EPOCH);
        let alice = Handle::parse("alice.example.com").unwrap();
        let failed = |kind| Refusal::Failed { handle: None, error: ResolveError::new(kind, "x") };
        for (refusal, status, name, xrpc) in [
            (Refusal::Query(InvalidQuery::Missing), 400, "invalid-handle", 400),
            (Refusal::NoSuchPage, 404, "not-found", 501),
            (Refusal::Method, 405, "method-not-allowed", 405),
            (Refusal::TooLarge, 413, "too-large", 413),
            (rejected(Fault::NotJson.into()), 422, "invalid-entry", 500),
            (rejected(Fault::TooLarge.into()), 413, "too-large", 500),
            (rejected(Rejection::Refused(Rule::Label)), 422, "invalid-entry", 500),
            (rejected(Rejection::Refused(Rule::LogSize)), 422, "invalid-entry", 500),
            (rejected(Rejection::Refused(Rule::EntrySize)), 413, "too-large", 500),
            (rejected(Rejection::Refused(Rule::Closed)), 410, "account-deactivated", 400),
            (rejected(Rejection::HandleTaken(alice.clone())), 409, "handle-taken", 500),
            (rejected(Rejection::Reserved(alice)), 403, "reserved-handle", 500),
            (rejected(Rejection::StaleHead { head: "1-x".to_owned() }), 409, "stale-head", 500),
            (rejected(Rejection::UnknownAccount), 404, "account-not-found", 400),
            (rejected(Rejection::TooMany { retry_after: Duration::ZERO }), 429, "too-many-requests", 429),
            (Refusal::Quota { retry_after_seconds: 1 }, 429, "too-many-requests", 429),
            (Refusal::Busy { retry_after_seconds: 1 }, 503, "busy", 503),
            (absent(Why::Unknown, Some("a")), 404, "handle-not-found", 400),
            (absent(Why::Released, Some("a")), 404, "handle-released", 400),
            (absent(Why::Unproven, Some("a")), 404, "handle-unproven", 400),
            (absent(Why::Deactivated, Some("a")), 410, "account-deactivated", 400),
            (absent(Why::Unknown, None), 404, "account-not-found", 400),
            (failed(ErrorKind::Throttled), 503, "unavailable", 502),
            (failed(ErrorKind::Unavailable), 503, "unavailable", 502),
            (failed(ErrorKind::Timeout), 504, "timeout", 504),
            (failed(ErrorKind::BadAnswer), 502, "bad-answer", 502),
            (failed(ErrorKind::Unsupported), 501, "unsupported", 400),
            (failed(ErrorKind::ShareSpent), 429, "too-many-requests", 429),
            (failed(ErrorKind::Overloaded), 503, "busy", 503),
            (failed(ErrorKind::Internal), 500, "internal", 500),
        ] {
            let kind = kind_of(&refusal).unwrap();
            assert_eq!((kind.status, kind.name), (status, name));
            assert_eq!(xrpc_of(&refusal, false).0.as_u16(), xrpc, "{name}");
        }
        assert_eq!(xrpc_of(&absent(Why::Unknown, Some("a")), true).1, "InvalidRequest");
    }
}
