//! `GET /v1/policies`: what each backend promises, in the order in which they are asked.

use http::{HeaderValue, StatusCode, header};

use super::{
    Site,
    reply::{self, Reply},
};
use crate::api::Policies;

pub(super) fn policies(site: &Site) -> Reply {
    let policies = site.resolver.directory().policies().iter().collect();
    let mut reply = reply::json(StatusCode::OK, &Policies { policies });
    // Constant for the life of the process.
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("max-age=300"));
    reply
}
