//! How the sandbox's answers are made.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_body_util::Full;
use serde_json::{Value, json};

/// An answer.
pub(crate) type Answer = Response<Full<Bytes>>;

pub(super) fn json(status: StatusCode, body: &Value) -> Answer {
    with_type(status, "application/json", body.to_string())
}

pub(super) fn html(status: StatusCode, body: String) -> Answer {
    let mut answer = with_type(status, "text/html; charset=utf-8", body);
    // No script, no frame; the form goes to the sandbox, and its answer redirects to the client.
    let policy = HeaderValue::from_static("default-src 'none'; base-uri 'none'; frame-ancestors 'none'");
    answer.headers_mut().insert(header::CONTENT_SECURITY_POLICY, policy);
    answer
}

pub(super) fn see_other(location: &str) -> Answer {
    let mut answer = with_type(StatusCode::FOUND, "text/plain", String::new());
    match HeaderValue::from_str(location) {
        Ok(location) => {
            answer.headers_mut().insert(header::LOCATION, location);
            answer
        }
        Err(_) => problem(StatusCode::BAD_REQUEST, "this is no address to go back to"),
    }
}

/// An answer of the controls that says what is wrong.
pub(super) fn problem(status: StatusCode, message: &str) -> Answer {
    json(status, &json!({ "error": message }))
}

/// An error in the shape of Meta's Graph API.
pub(super) fn graph_error(
    status: StatusCode,
    kind: &str,
    code: i64,
    subcode: Option<i64>,
    transient: bool,
) -> Answer {
    let mut error = json!({
        "message": "The sandbox says no.", "type": kind, "code": code, "is_transient": transient, "fbtrace_id": "sandbox"
    });
    if let Some(subcode) = subcode {
        error["error_subcode"] = subcode.into();
    }
    json(status, &json!({ "error": error }))
}

fn with_type(status: StatusCode, kind: &'static str, body: String) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}
