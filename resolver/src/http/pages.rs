//! The front page, and the pages of the kinds of problems.

use http::StatusCode;

use super::{
    Site,
    reply::{self, Reply},
    request::Asked,
};
use crate::{
    pages::{self, LandingView, OutcomeView, SchemeView},
    problem::Refusal,
    query::{self, Query},
};

/// `GET /?q=`: asks, and shows the answer below.
pub(super) async fn landing(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let query = parameters.one("q")?.map(query::trimmed).filter(|query| !query.is_empty());
    let scheme = parameters.one("scheme")?.filter(|scheme| !scheme.is_empty());
    let outcome = match query {
        Some(text) => Some(look_up(site, text, scheme).await),
        None => None,
    };
    let directory = site.resolver.directory();
    let mut examples = site.options.examples.iter();
    let view = LandingView {
        public_url: directory.public_url().as_str().trim_end_matches('/').to_owned(),
        query: query.map(|query| namesake::clean_line(query, 128)),
        schemes: directory
            .policies()
            .iter()
            .map(|policy| SchemeView {
                linkable: site.mirror(policy.scheme.as_str()).is_ok(),
                ..SchemeView::new(policy, examples.next().cloned())
            })
            .collect(),
        outcome,
    };
    Ok(reply::page(StatusCode::OK, pages::landing(&view)))
}

async fn look_up(site: &Site, text: &str, scheme: Option<&str>) -> OutcomeView {
    let found = async {
        let query = site.query(text, scheme)?;
        answer(site, &query).await
    };
    match found.await {
        Ok(view) => view,
        Err(refusal) => {
            let patience = site.limits.other_schemes_timeout;
            OutcomeView::Problem(site.resolver.for_people(refusal, patience).await.problem())
        }
    }
}

async fn answer(site: &Site, query: &Query) -> Result<OutcomeView, Refusal> {
    let answered = site.resolver.answer(query).await?;
    let resolution = Box::new(site.resolver.read(query, &answered)?);
    let seat = site.resolver.seat(query).ok_or(Refusal::NoSuchPage)?;
    let policy = site.resolver.directory().policy(seat);
    Ok(OutcomeView::Answer {
        resolution,
        scheme: SchemeView { follows: site.follows(policy.scheme.as_str()), ..SchemeView::new(policy, None) },
        freshness: Some(answered.freshness),
    })
}

/// `GET /problems/{type}`
pub(super) fn problem_kind(part: &str) -> Result<Reply, Refusal> {
    let page = pages::problem_kind(part).ok_or(Refusal::NoSuchPage)?;
    Ok(reply::page(StatusCode::OK, page))
}
