//! The mirror's own routes: linking an account, the upstream's callbacks, and the owner's account.

use super::{Site, reply::Reply, request::Asked};
use crate::problem::Refusal;

/// `/mirror/{name}/…`
pub(super) fn linking(_site: &Site, _asked: &Asked, _part: &str) -> Result<Reply, Refusal> {
    Err(Refusal::NoSuchPage)
}

/// `/v1/mirror/accounts/{id}[/handle]`
pub(super) fn account(_site: &Site, _asked: &Asked, _part: &str) -> Result<Reply, Refusal> {
    Err(Refusal::NoSuchPage)
}
