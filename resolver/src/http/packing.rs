//! How a page or a static body goes out: packed as the client likes it (RFC 9110 section 12.5.3), or not at all, if the
//! client has it already.
//!
//! Only what is public is packed. From the length of a packed body something can be learned of a secret in it by whoever has
//! a word in it too (BREACH); public pages repeat what was asked, and carry no secret, and the pages of an owner go out as
//! they are. What is answered from memory is small, and packed for nobody.

use http::{HeaderMap, HeaderValue, StatusCode, header};

use super::{
    assets::Asset,
    body::Body,
    coding::{Coding, Effort},
    reply::Reply,
    route::Kind,
};
use crate::prepared;

/// What is shorter fits into one packet or two, packed or not.
const LEAST_BYTES: usize = 1024;

/// What a request says about how it is answered.
#[derive(Debug)]
pub(super) struct Wishes {
    coding: Option<Coding>,
    known: Option<HeaderValue>,
}

impl Wishes {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self { coding: Coding::liked(headers), known: headers.get(header::IF_NONE_MATCH).cloned() }
    }

    /// Gives an answer its last form.
    pub(super) fn apply(self, kind: Kind, reply: &mut Reply) {
        if !is_packed(kind, reply) {
            return;
        }
        let Some(body) = reply.body().whole() else { return };
        let coding = self.coding.filter(|_| body.len() >= LEAST_BYTES);
        vary(reply.headers_mut());
        if reply.status() == StatusCode::OK {
            let tag =
                reply.headers().get(header::ETAG).cloned().unwrap_or_else(|| prepared::weak_etag(&body));
            let tag = coding.map_or(Some(tag.clone()), |coding| coding.tag(&tag)).unwrap_or(tag);
            let is_known = self.known.is_some_and(|known| prepared::matches(&known, &tag));
            reply.headers_mut().insert(header::ETAG, tag);
            if is_known {
                *reply.status_mut() = StatusCode::NOT_MODIFIED;
                *reply.body_mut() = Body::default();
                reply.headers_mut().remove(header::CONTENT_TYPE);
                return;
            }
        }
        let Some(coding) = coding else { return };
        let packed = match reply.extensions().get::<&'static Asset>() {
            Some(asset) => asset.packed(coding),
            None => coding.pack(&body, Effort::Once),
        };
        *reply.body_mut() = packed.into();
        reply.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
}

/// Pages that everybody may read, and what is the same for the life of the process.
fn is_packed(kind: Kind, reply: &Reply) -> bool {
    let is_page = || {
        let kind = reply.headers().get(header::CONTENT_TYPE);
        kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"))
    };
    let is_constant =
        matches!(kind, Kind::Stylesheet | Kind::Mark | Kind::Openapi | Kind::Policies | Kind::Report);
    kind.is_public() && (is_constant || is_page())
}

/// Says that another client may get another form of it.
fn vary(headers: &mut HeaderMap) {
    let also = match headers.get(header::VARY) {
        Some(_) => "accept, accept-encoding",
        None => "accept-encoding",
    };
    headers.insert(header::VARY, HeaderValue::from_static(also));
}
