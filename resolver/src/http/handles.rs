//! `GET /v1/accounts/{id}/handles`: who went by which handle when.
//!
//! Of a DID, what its signed log says, to everybody: that log is public by nature. Of a mirrored account, what we saw,
//! to its owner alone. The answer to an owner carries a CORS header like any other here, but no page of another origin gets
//! at one through a visitor's browser: that does not send the cookie along (`SameSite`), and shows nobody what it sent one
//! for (`cors`). Whoever has the owner's bearer needs no browser.

use http::StatusCode;
use namesake::{AccountId, ErrorKind, Lookup, ResolveError};

use super::{
    Site, mirror,
    reply::{self, Reply},
    request::Asked,
};
use crate::{
    api::{HandleHistory, HandlePeriod},
    cache::Said,
    history::{Claim, Claims, Record},
    percent,
    problem::Refusal,
    query::{self, InvalidQuery, Subject},
    quota::Purpose,
};

const FROM_THE_PLC_LOG: &str = "Claims recorded in the DID's signed audit log, by the time the directory took each. A claim \
    is not a proof: nobody recorded whether the name's owner agreed at the time. Operations that were nullified are \
    left out.";
const FROM_OUR_LOG: &str = "Claims recorded in the account's signed log, by the time at which this service took each entry (of \
    entries that it took before it kept such times, by the time in the entry, which is its author's word). A name below a domain \
    of this service was the account's alone for as long as it claimed it; whether the owner of any other name agreed, \
    nobody recorded at the time.";
const FROM_THE_MIRROR: &str = "Names under which we saw this account at its upstream.";

pub(super) async fn handles(site: &Site, asked: &Asked, part: &str) -> Result<Reply, Refusal> {
    let id = percent::decode(part).ok_or(InvalidQuery::Encoding)?;
    let account = AccountId::parse(query::trimmed(&id)).map_err(|_| InvalidQuery::Account)?;
    let history = match account.as_str().starts_with("did:") {
        true => recorded(site, &account).await?,
        false => own(site, asked, &account).await?,
    };
    Ok(reply::json(StatusCode::OK, &history))
}

async fn recorded(site: &Site, account: &AccountId) -> Result<HandleHistory, Refusal> {
    let failed = |error| Refusal::Failed { handle: None, error };
    let unsupported = || ResolveError::new(ErrorKind::Unsupported, "no record of this DID's handles is kept");
    let history = site.history.as_ref().ok_or_else(|| failed(unsupported()))?;
    site.quotas.spend(Purpose::Explain)?;
    let account = &site.resolver.canonical(account).await?;
    let Claims { record, deactivated, claims } = match history.claims_of(account).await.map_err(failed)? {
        Lookup::Found { value, .. } => value,
        Lookup::Absent { why, .. } => {
            return Err(Refusal::Absent { handle: None, why, others: Vec::new(), link: None });
        }
        Lookup::Pass => return Err(failed(unsupported())),
    };
    let mut handles = Vec::with_capacity(claims.len());
    for claim in claims {
        handles.push(HandlePeriod {
            verified: verified(site, account, &claim).await,
            handle: claim.handle.to_string(),
            from: claim.from,
            until: claim.until,
        });
    }
    let (source, note) = match record {
        Record::PlcLog => ("plc-audit-log", FROM_THE_PLC_LOG),
        Record::WebvhLog => ("webvh-log", FROM_OUR_LOG),
    };
    Ok(HandleHistory {
        account: account.to_string(),
        source: source.to_owned(),
        note: note.to_owned(),
        deactivated: Some(deactivated),
        handles,
    })
}

/// Whether today's claim is confirmed today; `None` for one of the past, and while that cannot be found out.
async fn verified(site: &Site, account: &AccountId, claim: &Claim) -> Option<bool> {
    let atproto = site.atproto.as_ref().filter(|_| claim.until.is_none())?;
    let identity = atproto.identity_of(&Subject::Account(account.clone()), false).await.ok()?;
    match &identity.entry.said {
        Said::Found(verified) => Some(verified.handle.as_ref() == Some(&claim.handle)),
        Said::Absent(_) => None,
    }
}

async fn own(site: &Site, asked: &Asked, account: &AccountId) -> Result<HandleHistory, Refusal> {
    let own = mirror::own_profile(site, asked, account).await?;
    let period = |handle: String, from, until| HandlePeriod { handle, from, until, verified: None };
    let former = own.former_handles.into_iter();
    let today = own.profile.handle.map(|handle| period(handle.to_string(), own.handle_since, None));
    let former = former.map(|former| period(former.handle.to_string(), former.from, Some(former.until)));
    Ok(HandleHistory {
        account: account.to_string(),
        source: "mirror".to_owned(),
        note: FROM_THE_MIRROR.to_owned(),
        deactivated: None,
        handles: former.chain(today).collect(),
    })
}
