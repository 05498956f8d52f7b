//! `GET /v1/changes`: which accounts changed here, in order: a page of it as JSON, or all of it, as it happens, as
//! Server-Sent Events.
//!
//! It has the identifiers of accounts and no names, so that it may be read by everybody: a mirrored account that is
//! deleted leaves nothing in it but an identifier that leads nowhere.

use std::time::Duration;

use http::{HeaderName, Method, StatusCode};

use super::{
    Site,
    event_stream::come_back,
    reply::{self, Reply},
    request::{Asked, Parameters},
};
use crate::{
    changes::{CursorError, Feed, Place},
    problem::Refusal,
    quota::Purpose,
};

/// The most changes in one answer.
const MOST: usize = 1000;
/// How many there are if nobody says.
const USUAL: usize = 100;
/// Where a client was when its stream ended (WHATWG HTML, section 9.2.4).
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

pub(super) async fn changes(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let feed = site.feed.as_ref().ok_or(Refusal::NoSuchPage)?;
    let (events, parameters) = (asked.prefers_events(), asked.parameters()?);
    let limit = limit(&parameters)?;
    match site.quotas.spend(Purpose::Changes) {
        Err(Refusal::Quota { retry_after_seconds }) if events => {
            return Ok(come_back(Duration::from_secs(retry_after_seconds)));
        }
        spent => spent?,
    }
    // A client that comes back has the address it began with: where it was by then counts for more.
    let last = if events { last_event_id(asked)? } else { None };
    let after = match last.map_or_else(|| parameters.one("after"), |last| Ok(Some(last)))? {
        Some(cursor) => place(feed, cursor).await?,
        None => Place::start(),
    };
    if events {
        return Ok(site.streams.open(feed, after, asked.client, asked.method() == Method::HEAD));
    }
    let (page, _) = feed.page(&after, limit).await.map_err(Refusal::store)?;
    Ok(reply::json(StatusCode::OK, &page))
}

fn limit(parameters: &Parameters<'_>) -> Result<usize, Refusal> {
    let Some(limit) = parameters.one("limit")? else { return Ok(USUAL) };
    let limit = limit.parse().ok().filter(|limit| (1..=MOST).contains(limit));
    limit.ok_or_else(|| Refusal::Request(format!("the parameter `limit` is a number from 1 to {MOST}")))
}

/// The header, if it says anything.
fn last_event_id(asked: &Asked) -> Result<Option<&str>, Refusal> {
    let there = asked.head.headers.contains_key(LAST_EVENT_ID);
    match asked.header(&LAST_EVENT_ID) {
        None if there => Err(Refusal::Request("the header `Last-Event-ID` cannot be read".to_owned())),
        id => Ok(id.filter(|id| !id.is_empty())),
    }
}

async fn place(feed: &Feed, cursor: &str) -> Result<Place, Refusal> {
    feed.place(cursor).await.map_err(|error| match error {
        CursorError::Foreign => Refusal::Request(error.to_string()),
        CursorError::Store(error) => Refusal::store(error),
    })
}
