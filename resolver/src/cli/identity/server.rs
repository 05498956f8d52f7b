//! The server's side of the wire: what it is asked, and what its answers mean.

use http::{Method, StatusCode};
use namesake::{
    Timestamp,
    http::{Call, HttpClient, HttpError, Reply},
};
use namesake_independent::{
    Hostname,
    webvh::{Entry, Log, MAX_LOG_BYTES, verify},
};
use serde_json::Value;
use url::Url;

use super::IdentityError;
use crate::{
    api::{IndependentTerms, Problem},
    compose,
    config::Config,
};

/// The longest answer but a log: receipts and problems.
const MOST_ANSWER_BYTES: usize = 64 * 1024;
/// How far our clock may be behind: an entry that is newer does not make a log invalid (did:webvh 1.0, "Read
/// (Resolve)").
const CLOCK_TOLERANCE_SECONDS: i64 = 300;

#[derive(Debug)]
pub(super) struct Server {
    url: Url,
    http: HttpClient,
}

/// What a server offers: `GET /v1/independent`.
#[derive(Debug)]
pub(super) struct Terms {
    pub id_domain: Hostname,
    pub handle_domains: Vec<Hostname>,
}

/// What became of something that was posted.
#[derive(Debug)]
pub(super) enum Posted {
    Taken,
    /// It is dated after the server's time, which is this.
    Future(Timestamp),
    /// It does not follow the head, or the revision, which is this.
    Stale(String),
    Refused(String),
}

impl Server {
    pub(super) fn new(config: &Config, url: &Url) -> Result<Self, IdentityError> {
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(IdentityError::Input(format!("{url} is not the address of a server")));
        }
        let http = HttpClient::configured(&compose::http_settings(config));
        let http = http.map_err(|error| IdentityError::Input(error.to_string()))?;
        Ok(Self { url: url.clone(), http })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The domains below which the server gives names.
    pub(super) async fn terms(&self) -> Result<Terms, IdentityError> {
        let reply = self.send(Call::get(self.at("v1/independent")?).cap(MOST_ANSWER_BYTES)).await?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED => {
                return Err(IdentityError::Refused(format!("{} has no accounts of its own", self.url)));
            }
            _ => return Err(self.unclear(&reply)),
        }
        let offered: IndependentTerms =
            serde_json::from_slice(&reply.body).map_err(|_| self.unclear(&reply))?;
        let names: Result<Vec<_>, _> =
            offered.handle_domains.iter().map(|name| Hostname::parse(name)).collect();
        match (Hostname::parse(&offered.id_domain), names) {
            (Ok(id_domain), Ok(handle_domains)) => Ok(Terms { id_domain, handle_domains }),
            _ => Err(self.unclear(&reply)),
        }
    }

    /// The log of an account, verified to be its log; `None` when the server knows no such account.
    pub(super) async fn log(&self, did: &str, now: Timestamp) -> Result<Option<Log>, IdentityError> {
        let path = format!("v1/independent/accounts/{did}/log");
        let reply = self.send(Call::get(self.at(&path)?).cap(MAX_LOG_BYTES)).await?;
        match reply.status {
            StatusCode::OK => {}
            StatusCode::NOT_FOUND => return Ok(None),
            _ => return Err(self.unclear(&reply)),
        }
        let log = read_log(&reply.body, now).map_err(|why| {
            IdentityError::Refused(format!("{} shows a log of {did} that does not hold: {why}", self.url))
        })?;
        let head = log.head();
        if did != head.did && did != super::folder::account_of(head) {
            return Err(IdentityError::Refused(format!(
                "{} shows the log of {} as that of {did}",
                self.url, head.did
            )));
        }
        Ok(Some(log))
    }

    /// Posts the first entry of an account (`did` is `None`), or the next one.
    pub(super) async fn post(&self, did: Option<&str>, entry: &Entry) -> Result<Posted, IdentityError> {
        let path = match did {
            None => "v1/independent/accounts".to_owned(),
            Some(did) => format!("v1/independent/accounts/{did}/log"),
        };
        self.put(Method::POST, &path, entry.line().into()).await
    }

    pub(super) async fn put_profile(&self, did: &str, record: &Value) -> Result<Posted, IdentityError> {
        let path = format!("v1/independent/accounts/{did}/profile");
        self.put(Method::PUT, &path, record.to_string().into()).await
    }

    async fn put(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Posted, IdentityError> {
        let reply = self.send(Call::json(method, self.at(path)?, body).cap(MOST_ANSWER_BYTES)).await?;
        if matches!(reply.status, StatusCode::OK | StatusCode::CREATED) {
            return Ok(Posted::Taken);
        }
        // Only a server of this kind says a definite no; a proxy in between, for instance, does not.
        let Ok(problem) = serde_json::from_slice::<Problem>(&reply.body) else {
            return Err(self.unclear(&reply));
        };
        let name = problem.kind.rsplit('/').next().unwrap_or_default();
        let rule = problem.rule.as_deref();
        match (reply.status, problem.now, problem.head) {
            (StatusCode::UNPROCESSABLE_ENTITY, Some(now), _) if rule == Some("future") => {
                Ok(Posted::Future(now))
            }
            (StatusCode::CONFLICT, _, Some(head)) if name == "stale-head" => Ok(Posted::Stale(head)),
            (StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT, ..) => {
                Err(IdentityError::Temporary(format!("{} asks to wait: {}", self.url, problem.detail)))
            }
            (status, ..) if status.is_client_error() => {
                let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
                Ok(Posted::Refused(format!("{}: {}{rule}", problem.title, problem.detail)))
            }
            _ => Err(self.unclear(&reply)),
        }
    }

    fn at(&self, path: &str) -> Result<Url, IdentityError> {
        self.url.join(path).map_err(|_| IdentityError::Input(format!("{path} is no path")))
    }

    async fn send(&self, call: Call) -> Result<Reply, IdentityError> {
        let failed =
            |error: HttpError| IdentityError::Temporary(format!("{} gives no answer: {error}", self.url));
        self.http.send(call).await.map_err(failed)
    }

    fn unclear(&self, reply: &Reply) -> IdentityError {
        IdentityError::Temporary(format!(
            "{} gives no answer that can be understood: {}",
            self.url, reply.status
        ))
    }
}

/// A log that holds, or the entry at which it does not, and by which rule.
pub(super) fn read_log(bytes: &[u8], now: Timestamp) -> Result<Log, String> {
    let now = Timestamp::from_second(now.as_second() + CLOCK_TOLERANCE_SECONDS).unwrap_or(now);
    verify(bytes, now).map_err(|invalid| format!("{invalid} ({})", invalid.fault.rule()))
}
