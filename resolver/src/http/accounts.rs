//! `GET /v1/accounts/{id}`: the reverse lookup, from the permanent identifier to today's handle.

use namesake::AccountId;

use super::{Site, lookup, reply::Reply, request::Asked};
use crate::{
    percent,
    problem::Refusal,
    query::{self, InvalidQuery, Query, Subject},
};

pub(super) async fn account(site: &Site, asked: &Asked, part: &str) -> Result<Reply, Refusal> {
    let id = percent::decode(part).ok_or(InvalidQuery::Encoding)?;
    let account = AccountId::parse(query::trimmed(&id)).map_err(|_| InvalidQuery::Account)?;
    let query = Query { subject: Subject::Account(account), selector: None };
    let answered = site.resolver.answer(&query).await?;
    Ok(lookup::document(site, asked, &query, &answered, false))
}
