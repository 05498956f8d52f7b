//! The files the pages need, compiled in.

use std::sync::LazyLock;

use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The one stylesheet (`text/css`), served at [`stylesheet_path`].
pub const STYLESHEET: &str = include_str!("style.css");

/// The mark, also the favicon (`image/svg+xml`), served at [`MARK_PATH`].
pub const MARK: &str = include_str!("mark.svg");

/// Where [`MARK`] is served.
pub const MARK_PATH: &str = "/assets/mark.svg";

/// What a page may load (`Content-Security-Policy`): our own stylesheet and mark, and pictures of profiles over https.
///
/// No script at all; forms go nowhere else; nobody frames us.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' https:; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Where [`STYLESHEET`] is served: its content's hash is part of the path, so it may be cached for ever.
#[must_use]
pub fn stylesheet_path() -> &'static str {
    static PATH: LazyLock<String> = LazyLock::new(|| {
        let hash = HEXLOWER.encode(&Sha256::digest(STYLESHEET.as_bytes()));
        format!("/assets/{}.css", &hash[..16])
    });
    &PATH
}
