//! `GET /v1/compare?row=`: the lab's report.

use http::{HeaderValue, StatusCode, header};
use namesake::{ErrorKind, ResolveError, lab::Report};

use super::{
    Site,
    reply::{self, Reply},
    request::Asked,
};
use crate::{lab::State, prepared, problem::Refusal};

/// The whole report, or one row of it. It is made in the background, at the latest for the first who asks.
pub(super) fn report(site: &Site, asked: &Asked) -> Result<Reply, Refusal> {
    let parameters = asked.parameters()?;
    let failed = |kind, message| Refusal::Failed { handle: None, error: ResolveError::new(kind, message) };
    site.comparison.begin();
    let made = match site.comparison.state() {
        State::Made(made) => made,
        State::UnderWay => {
            return Err(failed(
                ErrorKind::Unavailable,
                "the comparison is being made: ask again in a moment",
            ));
        }
        State::Failed => return Err(failed(ErrorKind::Internal, "the comparison could not be made")),
    };
    let (body, etag) = match parameters.one("row")? {
        None => (made.body.clone(), made.etag.clone()),
        Some(id) => {
            let of_row = made.report.only(id).ok_or_else(|| Refusal::Request(no_row(&made.report, id)))?;
            let body = reply::write(&of_row);
            let etag = prepared::weak_etag(&body);
            (body.into(), etag)
        }
    };
    let mut reply = reply::bytes(StatusCode::OK, reply::JSON, body);
    let headers = reply.headers_mut();
    headers.insert(header::ETAG, etag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    Ok(reply)
}

fn no_row(report: &Report, id: &str) -> String {
    let known: Vec<_> = report.rows.iter().map(|row| row.id.as_str()).collect();
    format!("no row is called {id:?}; there are {}", known.join(", "))
}
