//! `/v1/resolve`: one name in any form, or a batch.

use http::StatusCode;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{
    Site, lookup,
    reply::{self, Reply},
    request::{self, Asked},
    request_body::BATCH,
};
use crate::{
    api::{Problem, Resolution},
    asker::Asker,
    problem::Refusal,
    query::{self, InvalidQuery, Query, Selector, Subject},
    quota::Purpose,
};

/// `GET /v1/resolve?handle=&scheme=&fresh=`
pub(super) async fn one(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let text = parameters.one("handle")?.ok_or(InvalidQuery::Missing)?;
    let query = site.query(text, parameters.one("scheme")?)?;
    let answered = match parameters.flag("fresh")? {
        false => site.resolver.answer(&query).await?,
        true => {
            site.quotas.spend(Purpose::Fresh)?;
            site.resolver.answer_afresh(&query).await?
        }
    };
    Ok(lookup::document(site, asked, &query, &answered, false))
}

/// What `POST /v1/resolve` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Batch {
    handles: Vec<String>,
    #[serde(default)]
    scheme: Option<String>,
}

/// What it answers: one result a handle, in order.
#[derive(Debug, Serialize)]
struct Results {
    results: Vec<OneResult>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OneResult {
    /// As it was asked.
    handle: String,
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<Resolution>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// `POST /v1/resolve`: failures stand in place, with their status.
pub(super) async fn batch(site: &Site, asked: Asked) -> Result<Reply, Refusal> {
    let body = asked.body(site, BATCH).await?;
    let batch: Batch = request::object(&body)
        .map_err(|_| Refusal::Request(r#"the body is not {"handles": […]}"#.to_owned()))?;
    if batch.handles.len() > site.limits.batch {
        let most = site.limits.batch;
        return Err(Refusal::Request(format!("a batch has at most {most} handles")));
    }
    // Dropped with the request: the lookups go on, nobody waits for them.
    let mut waiting = JoinSet::new();
    let asker = Asker::current();
    let mut results: Vec<OneResult> = Vec::with_capacity(batch.handles.len());
    for (place, handle) in batch.handles.into_iter().enumerate() {
        match site.query(&handle, batch.scheme.as_deref()) {
            Ok(query) => {
                let resolver = std::sync::Arc::clone(&site.resolver);
                waiting.spawn(asker.clone().answers(async move {
                    let outcome = async { resolver.read(&query, &resolver.answer(&query).await?) };
                    (place, outcome.await)
                }));
                results.push(pending(handle));
            }
            Err(refusal) => results.push(settled(handle, Err(refusal))),
        }
    }
    while let Some(done) = waiting.join_next().await {
        match done {
            Ok((place, outcome)) => {
                if let Some(result) = results.get_mut(place) {
                    *result = settled(std::mem::take(&mut result.handle), outcome);
                }
            }
            Err(error) => tracing::error!(error.message = %error, "http.batch_panicked"),
        }
    }
    Ok(reply::json(StatusCode::OK, &Results { results }))
}

/// What stands for a handle whose lookup crashed.
fn pending(handle: String) -> OneResult {
    OneResult { handle, status: 500, resolution: None, problem: Some(crate::problem::internal()) }
}

fn settled(handle: String, outcome: Result<Resolution, Refusal>) -> OneResult {
    match outcome {
        Ok(resolution) => OneResult { handle, status: 200, resolution: Some(resolution), problem: None },
        Err(refusal) => {
            let problem = refusal.problem();
            OneResult { handle, status: problem.status, resolution: None, problem: Some(problem) }
        }
    }
}

/// Used by the command line and the front page too.
impl Site {
    /// Understands any input form, under the scheme named beside it.
    pub(crate) fn query(&self, text: &str, scheme: Option<&str>) -> Result<Query, Refusal> {
        let scheme = scheme.map(Selector::parse).transpose()?;
        let query = Query::parse(text, &self.addresses)?.under(scheme);
        Ok(self.or_below_our_domains(query, text))
    }

    /// Understands a bare name or account in a path, which may imply a scheme, under the scheme named beside it.
    pub(super) fn named(
        &self,
        name: &str,
        implied: Option<Selector>,
        scheme: Option<Selector>,
    ) -> Result<Query, Refusal> {
        let query = Query::addressed(name, implied, &self.addresses)?.under(scheme);
        Ok(self.or_below_our_domains(query, name))
    }

    /// `query`; or, where nobody takes what it asks about and `text` is an address at a domain of ours, the name below that.
    fn or_below_our_domains(&self, query: Query, text: &str) -> Query {
        let (directory, Some(hosted)) = (self.resolver.directory(), self.resolver.hosted()) else {
            return query;
        };
        let seat = |query: &Query| directory.route(&query.subject, query.selector.as_ref()).ok();
        if seat(&query).is_some() {
            return query;
        }
        let name = query::below(text, &hosted.settings().handle_domains, directory.public_url());
        let below =
            name.map(|name| Query { subject: Subject::Handle(name), selector: query.selector.clone() });
        let lives_here =
            |query: &Query| seat(query).is_some_and(|seat| directory.policy(seat).scheme == *hosted.scheme());
        below.filter(lives_here).unwrap_or(query)
    }

    /// Who `query` asks about, for one asker.
    pub(crate) async fn resolve(&self, query: &Query, fresh: bool) -> Result<Resolution, Refusal> {
        let answered = match fresh {
            true => self.resolver.answer_afresh(query).await?,
            false => self.resolver.answer(query).await?,
        };
        self.resolver.read(query, &answered)
    }
}
