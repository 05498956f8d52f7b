//! `/@{handle}` and `/profile/{handle-or-did}`: a page for people, prepared bytes for everybody else.

use std::sync::OnceLock;

use bytes::Bytes;
use http::{HeaderValue, StatusCode};
use namesake::{Model, Timestamp};

use super::{
    Site, moved,
    reply::{self, Reply},
    request::Asked,
    seconds,
};
use crate::{
    api::Freshness,
    cache::{Answered, Said},
    pages::{self, AnswerContext, SchemeView},
    percent,
    person::Person,
    prepared::{Kind, Prepared},
    problem::Refusal,
    query::{InvalidQuery, Query, Selector, Subject},
};

/// `GET /@{handle}?scheme=`
pub(super) async fn handle(site: &Site, asked: &Asked, part: &str) -> Result<Reply, Refusal> {
    either(site, asked, named(site, part, None, asked)?).await
}

/// `GET /profile/{handle-or-did}`: the independent scheme's own address.
pub(super) async fn profile(site: &Site, asked: &Asked, part: &str) -> Result<Reply, Refusal> {
    either(site, asked, named(site, part, Some(Selector::Model(Model::Independent)), asked)?).await
}

fn named(site: &Site, part: &str, implied: Option<Selector>, asked: &Asked) -> Result<Query, Refusal> {
    let name = percent::decode(part).ok_or(InvalidQuery::Encoding)?;
    let scheme = match asked.head.uri.query() {
        None => None,
        Some(_) => asked.parameters()?.one("scheme")?.map(Selector::parse).transpose()?,
    };
    site.named(&name, implied, scheme)
}

async fn either(site: &Site, asked: &Asked, query: Query) -> Result<Reply, Refusal> {
    let answered = site.resolver.answer(&query).await?;
    if let Some(elsewhere) = moved::from(site, &query, &answered).await? {
        return Ok(elsewhere);
    }
    match asked.prefers_html() {
        true => Box::pin(page(site, &query, &answered)).await,
        false => Ok(document(site, asked, &query, &answered, true)),
    }
}

/// An answer in JSON.
pub(super) fn document(
    site: &Site,
    asked: &Asked,
    query: &Query,
    answered: &Answered<Person>,
    negotiated: bool,
) -> Reply {
    represent(json(site, query, answered), answered.freshness, asked.if_none_match(), negotiated)
}

/// The prepared bytes, with the age put in before the last brace: nothing is serialised for it, and the `ETag` stays.
pub(super) fn represent(
    prepared: &Prepared,
    freshness: Freshness,
    if_none_match: Option<&HeaderValue>,
    negotiated: bool,
) -> Reply {
    let open = prepared.open_body().filter(|_| prepared.status == StatusCode::OK);
    let today = open.map(|open| with_freshness(open, freshness));
    reply::prepared(prepared, today, freshness, if_none_match, negotiated)
}

/// Closes an object that is still open.
fn with_freshness(open: &[u8], Freshness { age_seconds, ttl_seconds, stale }: Freshness) -> Bytes {
    let (age, ttl) = (seconds::text(age_seconds), ttl_seconds.map_or("null".into(), seconds::text));
    let parts = [
        open,
        br#","freshness":{"ageSeconds":"#,
        age.as_bytes(),
        br#","ttlSeconds":"#,
        ttl.as_bytes(),
        if stale { br#","stale":true}}"# } else { br#","stale":false}}"# },
    ];
    parts.concat().into()
}

/// The JSON bytes of an answer, written by the first who needs them.
fn json<'a>(site: &Site, query: &Query, answered: &'a Answered<Person>) -> &'a Prepared {
    let entry = &answered.entry;
    let prepared: &OnceLock<Prepared> = &entry.prepared;
    prepared.get_or_init(|| {
        let checked_at = entry.checked_at();
        match &entry.said {
            Said::Absent(why) => reply::prepare_problem(&site.resolver.absent(query, *why), checked_at),
            Said::Found(person) => {
                let mut resolution = person.resolution(site.resolver.directory(), None);
                let body = reply::write(&resolution);
                // Two answers that differ only in when they were checked mean the same.
                if let Some(proof) = &mut resolution.proof {
                    proof.checked_at = Timestamp::UNIX_EPOCH;
                }
                let meaning = reply::write(&resolution);
                Prepared::new(StatusCode::OK, Kind::Json, &body, &meaning, checked_at)
            }
        }
    })
}

/// A page is drawn for each asker: it shows its age, is read by people rather than machines, and would take several
/// times the memory of the answer it shows.
async fn page(site: &Site, query: &Query, answered: &Answered<Person>) -> Result<Reply, Refusal> {
    let resolution = site.resolver.read(query, answered)?;
    let seat = site.resolver.seat(query).ok_or(Refusal::NoSuchPage)?;
    let policy = site.resolver.directory().policy(seat);
    let scheme =
        SchemeView { follows: site.follows(policy.scheme.as_str()), ..SchemeView::new(policy, None) };
    let other_schemes: Vec<String> = match &query.subject {
        Subject::Handle(handle) => {
            let there = site.resolver.namesakes(handle, Some(seat), site.limits.other_schemes_timeout).await;
            there.iter().map(ToString::to_string).collect()
        }
        Subject::Account(_) => Vec::new(),
    };
    let freshness = Some(answered.freshness);
    let context = AnswerContext { scheme: &scheme, other_schemes: &other_schemes, freshness };
    let text = pages::answer(&resolution, context).into_string();
    let text = text.as_bytes();
    let page = Prepared::new(StatusCode::OK, Kind::Html, text, text, answered.entry.checked_at());
    // Whether the client has it already is for `packing` to say.
    let mut reply = reply::prepared(&page, None, answered.freshness, None, true);
    reply::protect(&mut reply);
    Ok(reply)
}
