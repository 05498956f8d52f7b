//! `namesake resolve` and `namesake explain`: one question, asked of the sources or of a running service.

use http::{HeaderValue, StatusCode, header};
use namesake::http::{Call, HttpClient, HttpSettings};
use serde::{Serialize, de::DeserializeOwned};
use url::Url;

use super::{CommandError, Outcome, args::Ask, print, print_json, show};
use crate::{
    Namesake,
    api::Problem,
    compose::{self, ComposeError},
    config::Config,
    demo,
    query::trimmed,
};

/// The most that a service's answer may have: an explanation of many steps.
const MOST_BYTES: usize = 1 << 20;

pub(super) async fn resolve(config: &Config, asked: &Ask) -> Result<Outcome, CommandError> {
    let answer = match &asked.server {
        Some(server) => remote(server, "v1/resolve", asked).await?,
        None => {
            let namesake = here(config, asked).await?;
            match namesake.query(&asked.handle, asked.scheme.as_deref()) {
                Ok(query) => namesake.resolve(&query, false).await,
                Err(problem) => Err(problem),
            }
        }
    };
    match answer {
        Ok(found) => tell(asked, &found, show::resolution).map(|()| Outcome::Done),
        Err(problem) => tell(asked, &*problem, show::problem).map(|()| outcome_of(&problem)),
    }
}

pub(super) async fn explain(config: &Config, asked: &Ask) -> Result<Outcome, CommandError> {
    let answer = match &asked.server {
        Some(server) => remote(server, "v1/explain", asked).await?,
        None => {
            let namesake = here(config, asked).await?;
            match namesake.query(&asked.handle, asked.scheme.as_deref()) {
                Ok(query) => Ok(namesake.explain_to_operator(&query).await),
                Err(problem) => Err(problem),
            }
        }
    };
    match answer {
        Ok(explanation) => {
            tell(asked, &explanation, show::explanation)?;
            Ok(explanation.problem.as_ref().map_or(Outcome::Done, outcome_of))
        }
        Err(problem) => tell(asked, &*problem, show::problem).map(|()| outcome_of(&problem)),
    }
}

fn tell<T: Serialize>(asked: &Ask, value: &T, words: impl FnOnce(&T) -> String) -> Result<(), CommandError> {
    if asked.json { print_json(value) } else { print(&words(value)) }
}

/// The service in this process. Names below `demo.test` exist nowhere but in the demo's world, so they are answered
/// from a fresh copy of it, unless the configuration says that `.test` is a network of the operator's own.
async fn here(config: &Config, asked: &Ask) -> Result<Namesake, CommandError> {
    let name = trimmed(&asked.handle).trim_start_matches("at://").trim_start_matches('@');
    let name = trimmed(name).to_ascii_lowercase();
    if name.ends_with(".demo.test") && !config.atproto.allow_test_tld {
        return demo::copy_of_the_internet().map_err(CommandError::Demo);
    }
    Ok(compose::compose(config).await?.builder.build().map_err(ComposeError::from)?)
}

async fn remote<T: DeserializeOwned>(
    server: &Url,
    path: &str,
    asked: &Ask,
) -> Result<Result<T, Box<Problem>>, CommandError> {
    let failed =
        |error: &dyn std::fmt::Display| CommandError::Server(format!("{server} gives no answer: {error}"));
    let mut url = server.join(path).map_err(|error| failed(&error))?;
    url.query_pairs_mut()
        .append_pair("handle", &asked.handle)
        .extend_pairs(asked.scheme.as_deref().map(|scheme| ("scheme", scheme)));
    let http = HttpClient::configured(&HttpSettings::default()).map_err(|error| failed(&error))?;
    let json = HeaderValue::from_static("application/json");
    let call = Call::get(url).header(header::ACCEPT, json).cap(MOST_BYTES);
    let reply = http.send(call).await.map_err(|error| failed(&error.in_full()))?;
    if reply.status == StatusCode::OK {
        return serde_json::from_slice(&reply.body).map(Ok).map_err(|error| failed(&error));
    }
    let problem: Problem = serde_json::from_slice(&reply.body).map_err(|_| failed(&reply.status))?;
    Ok(Err(Box::new(problem)))
}

/// What a problem means for whoever called the program.
fn outcome_of(problem: &Problem) -> Outcome {
    match problem.status {
        404 | 410 => Outcome::NotFound,
        429 | 500..=599 => Outcome::Failed,
        _ => Outcome::BadInput,
    }
}
