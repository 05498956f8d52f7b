//! `GET /compare`: the declared policies side by side, and what was seen when they were tried.

use http::StatusCode;

use super::{
    Site,
    reply::{self, Reply},
};
use crate::pages::{self, CompareView};

pub(super) fn compare(site: &Site) -> Reply {
    let policies: Vec<_> = site.resolver.directory().policies().iter().collect();
    let stories = site.options.stories.get().map(Vec::as_slice).unwrap_or_default();
    reply::page(StatusCode::OK, pages::compare(&CompareView { policies: &policies, stories }))
}
