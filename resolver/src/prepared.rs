//! An answer's bytes, written once and served many times.

use std::sync::Arc;

use bytes::Bytes;
use data_encoding::BASE64URL_NOPAD;
use http::{HeaderValue, StatusCode};
use namesake::Timestamp;
use sha2::{Digest as _, Sha256};

/// A body with the headers that only depend on it. Very many of these are in memory: each is one piece of text, and what is
/// read of it for an answer lies together.
#[derive(Debug)]
pub(crate) struct Prepared {
    /// The validator, when its source was asked, and the body.
    text: Arc<[u8]>,
    body_at: u8,
    pub(crate) status: StatusCode,
    pub(crate) kind: Kind,
}

/// What a prepared body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Json,
    Problem,
    Html,
}

/// A prepared answer on its way out: pieces of its text.
pub(crate) struct Pieces {
    text: Bytes,
    body_at: usize,
}

impl Prepared {
    /// `meaning` is what the body says, whenever it was checked: the validator is made of it.
    pub(crate) fn new(
        status: StatusCode,
        kind: Kind,
        body: &[u8],
        meaning: &[u8],
        checked_at: Timestamp,
    ) -> Self {
        let mut head = validator(meaning) + &checked_at.to_string();
        // It has about fifty.
        head.truncate(u8::MAX.into());
        let body_at = u8::try_from(head.len()).unwrap_or(u8::MAX);
        Self { text: [head.as_bytes(), body].concat().into(), body_at, status, kind }
    }

    /// The body without its last brace: what is put in before that goes out with it.
    pub(crate) fn open_body(&self) -> Option<&[u8]> {
        self.text.get(self.body_at.into()..)?.strip_suffix(b"}")
    }

    pub(crate) fn pieces(&self) -> Pieces {
        Pieces { text: Bytes::from_owner(Arc::clone(&self.text)), body_at: self.body_at.into() }
    }
}

impl Pieces {
    pub(crate) fn body(&self) -> Bytes {
        self.text.slice(self.body_at..)
    }

    pub(crate) fn etag(&self) -> HeaderValue {
        value(self.text.slice(..VALIDATOR))
    }

    /// When its source was asked.
    pub(crate) fn checked_at(&self) -> HeaderValue {
        value(self.text.slice(VALIDATOR..self.body_at))
    }
}

/// Of text that we wrote: it has nothing that a header may not have.
fn value(text: Bytes) -> HeaderValue {
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""))
}

/// A *weak* validator (RFC 9110 section 8.8.1) of what a body means: the same for two answers that differ only in when
/// they were checked.
pub(crate) fn weak_etag(meaning: &[u8]) -> HeaderValue {
    value(validator(meaning).into())
}

/// Its length.
const VALIDATOR: usize = r#"W/"0123456789abcdef""#.len();

fn validator(meaning: &[u8]) -> String {
    let digest = Sha256::digest(meaning);
    format!("W/\"{}\"", BASE64URL_NOPAD.encode(&digest[..12]))
}

/// Whether an `If-None-Match` names this validator (weak comparison, RFC 9110 section 13.1.2).
pub(crate) fn matches(if_none_match: &HeaderValue, etag: &HeaderValue) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let (Ok(listed), Ok(etag)) = (if_none_match.to_str(), etag.to_str()) else { return false };
    listed.trim() == "*" || listed.split(',').any(|tag| opaque(tag) == opaque(etag))
}
