//! Where visitors of a name that was given up are sent, if its holder wants that: to the account, by whatever name it is
//! proved to have today.
//!
//! Never for good (307): the holder can change their mind, and the name may be given to somebody else.

use http::{HeaderValue, StatusCode, header};
use namesake::Why;
use namesake_independent::{Did, Hostname};

use super::{
    Site,
    reply::{self, Reply},
};
use crate::{
    cache::{Answered, Remembered as _, Said},
    person::Person,
    problem::Refusal,
    query::{Query, Subject},
};

/// The way on from a name that `answered` says was given up, if there is one.
pub(super) async fn from(
    site: &Site,
    query: &Query,
    answered: &Answered<Person>,
) -> Result<Option<Reply>, Refusal> {
    let (Subject::Handle(handle), Said::Absent(Why::Released)) = (&query.subject, &answered.entry.said)
    else {
        return Ok(None);
    };
    let (directory, Some(hosted)) = (site.resolver.directory(), site.resolver.hosted()) else {
        return Ok(None);
    };
    // The same name under another scheme is another one.
    let seat = directory.route(&query.subject, query.selector.as_ref()).ok();
    let ours = seat.is_some_and(|seat| directory.policy(seat).scheme == *hosted.scheme());
    let name = Hostname::parse(handle.as_str()).ok().filter(|name| ours && hosted.settings().serves(name));
    let Some(name) = name else { return Ok(None) };
    let Some(did) = hosted.moved(&name).await.map_err(Refusal::store)? else { return Ok(None) };
    let mut reply = to(site, &did).await?;
    reply.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    Ok(Some(reply))
}

/// The way to an account. By its handle only if that is proved and the proof holds now; the handle may be of the world, and
/// its claim alone would send visitors to somebody else.
pub(super) async fn to(site: &Site, did: &Did) -> Result<Reply, Refusal> {
    let query = Query { subject: Subject::Account(did.account().clone()), selector: None };
    let answered = site.resolver.answer(&query).await?;
    let person = match &answered.entry.said {
        Said::Found(person) => person,
        Said::Absent(why) => return Err(site.resolver.absent(&query, *why)),
    };
    let handle = person.handle().filter(|_| !answered.freshness.stale);
    let there = site.resolver.directory().profile_url(person.seat, person.account(), handle);
    Ok(reply::redirect(StatusCode::TEMPORARY_REDIRECT, &there))
}
