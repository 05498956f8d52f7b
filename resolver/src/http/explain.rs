//! `GET /v1/explain?handle=&scheme=`: the whole way to an answer, for whoever must find out why it is what it is.

use http::StatusCode;
use namesake::Trace;

use super::{
    Site,
    reply::{self, Reply},
    request::Asked,
};
use crate::{pages, problem::Refusal, query::InvalidQuery, quota::Purpose};

pub(super) async fn explain(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let text = parameters.one("handle")?.ok_or(InvalidQuery::Missing)?;
    let query = site.query(text, parameters.one("scheme")?)?;
    site.quotas.spend(Purpose::Explain)?;
    let explanation = site.resolver.explain(&query, Trace::on()).await;
    // The explanation itself succeeded, whatever it explains.
    Ok(match asked.prefers_html() {
        true => {
            let follows = explanation.scheme.as_deref().and_then(|scheme| site.follows(scheme));
            reply::page(StatusCode::OK, pages::explain(&explanation, follows))
        }
        false => reply::json(StatusCode::OK, &explanation),
    })
}
