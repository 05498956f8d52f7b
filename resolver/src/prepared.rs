//! An answer's bytes, written once and served many times.

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

/// A body with the headers that only depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
    pub(crate) checked_at: HeaderValue,
}

impl Prepared {
    /// The three that differ from one answer to the next lie in one piece of memory, with one counter of their readers.
    pub(crate) fn new(
        status: StatusCode,
        content_type: HeaderValue,
        body: &[u8],
        etag: &HeaderValue,
        checked_at: &HeaderValue,
    ) -> Self {
        let mut rest = Bytes::from([body, etag.as_bytes(), checked_at.as_bytes()].concat());
        let (body, tag) = (rest.split_to(body.len()), rest.split_to(etag.len()));
        let value = |bytes, whole: &HeaderValue| {
            HeaderValue::from_maybe_shared::<Bytes>(bytes).unwrap_or_else(|_| whole.clone())
        };
        Self { status, content_type, body, etag: value(tag, etag), checked_at: value(rest, checked_at) }
    }
}

/// A *weak* validator (RFC 9110 section 8.8.1) of what a body means: the same for two answers that differ only in when
/// they were checked.
pub(crate) fn weak_etag(meaning: &[u8]) -> HeaderValue {
    let digest = Sha256::digest(meaning);
    let tag = format!("W/\"{}\"", BASE64URL_NOPAD.encode(&digest[..12]));
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"-\""))
}

/// Whether an `If-None-Match` names this validator (weak comparison, RFC 9110 section 13.1.2).
pub(crate) fn matches(if_none_match: &HeaderValue, etag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(listed), Ok(etag)) = (if_none_match.to_str(), etag.to_str()) else { return false };
    listed.trim() == "*" || listed.split(',').any(|tag| opaque(tag) == opaque(etag))
}
