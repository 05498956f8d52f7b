//! Accounts that live here: what their holders sign and send, and the log that everybody may read.
//!
//! `GET /v1/independent` says below which domains. The rest:
//!
//! | path below `/v1/independent/accounts` | what happens |
//! |---|---|
//! | `POST` | a new account: the first entry of its log |
//! | `POST /{did}/log` | the next entry: another handle, other keys, the end |
//! | `GET /{did}/log` | the log, as JSON Lines |
//! | `PUT /{did}/profile` | a signed profile record |
//!
//! Nobody signs in: a signature says whose a request is, so that any origin may send one. Everything may be sent again:
//! what was taken before is answered as before, with 200 in place of 201.

use http::{HeaderValue, StatusCode, header};
use namesake::AccountId;
use namesake_independent::hosted::{Hosted, ProfileReceipt, Receipt, Rule};

use super::{
    Site,
    at_host::JSON_LINES,
    reply::{self, Reply},
    request::Asked,
    request_body::Received,
};
use crate::{
    api::{AccountReceipt, IndependentTerms, RecordReceipt},
    percent,
    problem::Refusal,
    query::InvalidQuery,
    quota::Purpose,
};

/// `GET /v1/independent`
pub(super) fn terms(site: &Site) -> Result<Reply, Refusal> {
    let hosted = site.hosted()?;
    let settings = hosted.settings();
    let terms = IndependentTerms {
        id_domain: settings.id_domain.to_string(),
        handle_domains: settings.handle_domains.iter().map(ToString::to_string).collect(),
        min_label: settings.min_label,
        now: hosted.now(),
    };
    let mut reply = reply::json(StatusCode::OK, &terms);
    // It tells the time.
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

/// `POST /v1/independent/accounts`. An account that is to be made counts once its entry is known to be good: nobody's quota
/// is spent by nonsense that others send from the same address.
pub(super) async fn register(site: &Site, asked: Asked) -> Result<Reply, Refusal> {
    let hosted = site.hosted()?;
    let entry = body(site, asked).await?;
    let taken = hosted.register_if(&entry, || site.quotas.take(Purpose::Register)).await;
    receipt(site, taken.map_err(|rejection| Refusal::rejected(rejection, hosted.now()))?)
}

/// `POST /v1/independent/accounts/{did}/log`
pub(super) async fn append(site: &Site, asked: Asked, part: &str) -> Result<Reply, Refusal> {
    let (hosted, account) = (site.hosted()?, account(part)?);
    let entry = body(site, asked).await?;
    let taken = hosted.append(&account, &entry).await;
    receipt(site, taken.map_err(|rejection| Refusal::rejected(rejection, hosted.now()))?)
}

/// `GET /v1/independent/accounts/{did}/log`
pub(super) async fn log(site: &Site, asked: &Asked, part: &str) -> Result<Reply, Refusal> {
    let log = site.hosted()?.log(&account(part)?).await.map_err(Refusal::store)?;
    let log = log.ok_or_else(Refusal::unknown_account)?;
    Ok(reply::versioned(JSON_LINES, log.text, &log.version.to_string(), asked.if_none_match()))
}

/// `PUT /v1/independent/accounts/{did}/profile`
pub(super) async fn put_profile(site: &Site, asked: Asked, part: &str) -> Result<Reply, Refusal> {
    let (hosted, account) = (site.hosted()?, account(part)?);
    let record = body(site, asked).await?;
    let taken = hosted.put_profile(&account, &record).await;
    let ProfileReceipt { did, rev, .. } =
        taken.map_err(|rejection| Refusal::rejected(rejection, hosted.now()))?;
    Ok(reply::json(StatusCode::OK, &RecordReceipt { account: did.to_string(), rev }))
}

fn receipt(site: &Site, receipt: Receipt) -> Result<Reply, Refusal> {
    let log = format!("/v1/independent/accounts/{}/log", percent::encode_segment(receipt.did.as_str()));
    let base = site.resolver.directory().public_url().as_str().trim_end_matches('/');
    let status = if receipt.repeated { StatusCode::OK } else { StatusCode::CREATED };
    let body = AccountReceipt {
        account: receipt.did.to_string(),
        did: receipt.webvh,
        handle: receipt.handle.as_ref().map(ToString::to_string),
        version_id: receipt.version.to_string(),
        version_time: receipt.version_time,
        log: format!("{base}{log}"),
    };
    let mut reply = reply::json(status, &body);
    if let Ok(log) = HeaderValue::try_from(log) {
        reply.headers_mut().insert(header::LOCATION, log);
    }
    Ok(reply)
}

/// An entry or a record. Whatever is too long to be read is too long to be one.
async fn body(site: &Site, asked: Asked) -> Result<Received, Refusal> {
    // Every attempt counts: it is the reading and the checking that costs.
    site.quotas.spend(Purpose::Write)?;
    asked.body(site, site.hosted()?.settings().largest_entry()).await.map_err(|refusal| match refusal {
        Refusal::TooLarge => Refusal::rule_of_size(Rule::EntrySize),
        other => other,
    })
}

fn account(part: &str) -> Result<AccountId, Refusal> {
    let id = percent::decode(part).ok_or(InvalidQuery::Encoding)?;
    Ok(AccountId::parse(&id).map_err(|_| InvalidQuery::Account)?)
}

impl Site {
    pub(super) fn hosted(&self) -> Result<&Hosted, Refusal> {
        self.resolver.hosted().ok_or(Refusal::NoSuchPage)
    }
}
