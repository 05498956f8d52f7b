//! The server's side of the wire: what it is asked, and what its answers mean.

use http::{Method, StatusCode};
use namesake::{
    Timestamp,
    http::{Call, HttpClient, HttpError, Reply},
};
use namesake_independent::{
    Hostname,
    hosted::Rule,
    webvh::{CLOCK_TOLERANCE, Entry, Fault, Log, MAX_LOG_BYTES, verify},
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
    /// It is dated too far from the server's time, which is this.
    Mistimed(Timestamp),
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
            StatusCode::NOT_FOUND | StatusCode::NOT_IMPLEMENTED if problem_of(&reply).is_some() => {
                return Err(IdentityError::Refused(format!("{} has no accounts of its own", self.url)));
            }
            _ => return Err(self.no_answer(&reply)),
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
            // Whoever is in between and knows of no such page does not speak for the server.
            StatusCode::NOT_FOUND
                if problem_of(&reply).is_some_and(|problem| name(&problem) == "account-not-found") =>
            {
                return Ok(None);
            }
            _ => return Err(self.no_answer(&reply)),
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
        if let Some(problem) = problem_of(&reply) {
            let is_stale = name(&problem) == "stale-head";
            let is_mistimed = problem.rule.is_some_and(|rule| mistimed().contains(&rule.as_str()));
            match (reply.status, problem.now, problem.head) {
                (StatusCode::UNPROCESSABLE_ENTITY, Some(now), _) if is_mistimed => {
                    return Ok(Posted::Mistimed(now));
                }
                (StatusCode::CONFLICT, _, Some(head)) if is_stale => return Ok(Posted::Stale(head)),
                _ => {}
            }
        }
        match self.no_answer(&reply) {
            IdentityError::Refused(why) => Ok(Posted::Refused(why)),
            other => Err(other),
        }
    }

    fn at(&self, path: &str) -> Result<Url, IdentityError> {
        self.url.join(path).map_err(|_| IdentityError::Input(format!("{path} is no path")))
    }

    async fn send(&self, call: Call) -> Result<Reply, IdentityError> {
        let failed = |error: HttpError| {
            IdentityError::Temporary(format!("{} gives no answer: {}", self.url, error.in_full()))
        };
        self.http.send(call).await.map_err(failed)
    }

    /// What a reply says that is no answer: a definite no, or another time. Only a server of this kind says a definite no; a
    /// proxy in between, for instance, does not.
    fn no_answer(&self, reply: &Reply) -> IdentityError {
        let Some(Problem { title, detail, rule, .. }) = problem_of(reply) else { return self.unclear(reply) };
        match reply.status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT => {
                IdentityError::Temporary(format!("{} asks to wait: {title}: {detail}", self.url))
            }
            status if status.is_client_error() => {
                let rule = rule.map(|rule| format!(" ({rule})")).unwrap_or_default();
                IdentityError::Refused(format!("{title}: {detail}{rule}"))
            }
            status => IdentityError::Temporary(format!(
                "{} cannot answer at present: {status}: {title}: {detail}",
                self.url
            )),
        }
    }

    fn unclear(&self, reply: &Reply) -> IdentityError {
        let is_temporary = reply.status.is_server_error() || reply.status == StatusCode::TOO_MANY_REQUESTS;
        let words =
            if is_temporary { "cannot answer at present" } else { "gives no answer that can be understood" };
        IdentityError::Temporary(format!("{} {words}: {}", self.url, reply.status))
    }
}

fn problem_of(reply: &Reply) -> Option<Problem> {
    serde_json::from_slice(&reply.body).ok()
}

/// A kind of problem, as the last part of its address names it.
fn name(problem: &Problem) -> &str {
    problem.kind.rsplit('/').next().unwrap_or_default()
}

/// The rules about time: an entry that breaks one is good at another.
const fn mistimed() -> [&'static str; 3] {
    [Fault::Future.rule(), Fault::ProofTime.rule(), Rule::TooOld.name()]
}

/// A log that holds, or the entry at which it does not, and by which rule. Our clock may be behind: an entry that is a
/// little newer does not make a log invalid.
pub(super) fn read_log(bytes: &[u8], now: Timestamp) -> Result<Log, String> {
    let latest = now.saturating_add(CLOCK_TOLERANCE).unwrap_or(now);
    verify(bytes, latest).map_err(|invalid| {
        let why = format!("{invalid} ({})", invalid.fault.rule());
        match invalid.fault {
            Fault::Future => format!("{why}: is this machine's clock right? It says {now:.0}"),
            _ => why,
        }
    })
}
