//! Bodies that are compiled in: the stylesheet, the mark, the contract.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};

use super::{
    coding::{Coding, Effort},
    openapi,
    reply::{self, Reply},
};
use crate::{pages, prepared};

/// The path carries the content's hash.
const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
/// The path stays when the content changes, and a change is to be seen soon.
const SOON_ANOTHER: HeaderValue = HeaderValue::from_static("public, max-age=300");

static STYLESHEET: Asset = Asset::new("text/css; charset=utf-8", pages::STYLESHEET, FOR_EVER);
static MARK: Asset = Asset::new("image/svg+xml", pages::MARK, SOON_ANOTHER);
static CONTRACT: Asset = Asset::new("application/json", openapi::DOCUMENT, SOON_ANOTHER);

pub(super) fn stylesheet() -> Reply {
    STYLESHEET.reply()
}

pub(super) fn mark() -> Reply {
    MARK.reply()
}

pub(super) fn contract() -> Reply {
    CONTRACT.reply()
}

/// A body that is the same for the life of the process. It is packed once in each coding, by the first who likes it.
#[derive(Debug)]
pub(super) struct Asset {
    kind: HeaderValue,
    text: &'static str,
    cache_control: HeaderValue,
    tag: OnceLock<HeaderValue>,
    packed: [OnceLock<Bytes>; Coding::ALL.len()],
}

impl Asset {
    const fn new(kind: &'static str, text: &'static str, cache_control: HeaderValue) -> Self {
        let packed = [const { OnceLock::new() }; Coding::ALL.len()];
        Self { kind: HeaderValue::from_static(kind), text, cache_control, tag: OnceLock::new(), packed }
    }

    fn reply(&'static self) -> Reply {
        let body = Bytes::from_static(self.text.as_bytes());
        let mut reply = reply::bytes(StatusCode::OK, self.kind.clone(), body);
        reply.headers_mut().insert(header::CACHE_CONTROL, self.cache_control.clone());
        let tag = self.tag.get_or_init(|| prepared::weak_etag(self.text.as_bytes()));
        reply.headers_mut().insert(header::ETAG, tag.clone());
        reply.extensions_mut().insert(self);
        reply
    }

    /// Its body in a coding.
    pub(super) fn packed(&self, coding: Coding) -> Bytes {
        let packed = &self.packed[coding as usize];
        packed.get_or_init(|| coding.pack(self.text.as_bytes(), Effort::ForAll)).clone()
    }
}
