//! Events the upstream sends. They are signed, may come late, twice or in any order, and announce no rename: an event
//! is a hint to poll the accounts it names, never more. So a replay costs one poll.
//!
//! Source: Meta for Developers, "Webhooks: getting started" and "Threads API: webhooks".

use std::{collections::HashSet, fmt};

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::{
    MirrorModel, WebhookError,
    records::ForeignKey,
    signed_request::is_signed,
    upstream::{Id, object},
};

/// The most users of a batch that are asked about; Meta sends no more entries than this.
const MOST_USERS: usize = 1_000;

/// The question by which the upstream makes sure that an address wants its events. `Debug` does not tell the token.
#[derive(Clone, Default, Deserialize)]
pub struct ChallengeQuery {
    /// `subscribe`.
    #[serde(rename = "hub.mode")]
    pub mode: Option<String>,
    /// To be answered as text.
    #[serde(rename = "hub.challenge")]
    pub challenge: Option<String>,
    /// What was agreed on.
    #[serde(rename = "hub.verify_token")]
    pub verify_token: Option<String>,
}

impl fmt::Debug for ChallengeQuery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChallengeQuery").field("mode", &self.mode).finish_non_exhaustive()
    }
}

impl MirrorModel {
    /// The text to answer a subscription with (`text/plain`).
    ///
    /// # Errors
    /// [`WebhookError::NotSubscribed`] unless the agreed token comes with it.
    pub fn webhook_challenge(&self, query: ChallengeQuery) -> Result<String, WebhookError> {
        let agreed = match (&self.settings.verify_token, &query.verify_token) {
            (Some(agreed), Some(token)) => agreed.matches(token),
            _ => false,
        };
        match query.challenge {
            Some(challenge) if agreed && query.mode.as_deref() == Some("subscribe") => Ok(challenge),
            _ => Err(WebhookError::NotSubscribed),
        }
    }

    /// Takes a batch of events: `signature` is the header `X-Hub-Signature-256`, `body` the bytes as they came. Says
    /// how many accounts will be asked about.
    ///
    /// # Errors
    /// [`WebhookError`]; after [`WebhookError::Register`] the upstream should send it again.
    pub async fn webhook(&self, signature: Option<&str>, body: &[u8]) -> Result<usize, WebhookError> {
        let hex =
            signature.and_then(|header| header.strip_prefix("sha256=")).ok_or(WebhookError::Signature)?;
        let signature = HEXLOWER_PERMISSIVE.decode(hex.as_bytes()).map_err(|_| WebhookError::Signature)?;
        if !is_signed(body, &signature, &self.settings.webhook_secrets) {
            return Err(WebhookError::Signature);
        }
        let mut hinted = 0;
        for id in subjects(body)? {
            let foreign = ForeignKey { source: self.upstream.source().clone(), id };
            if let Some(account) = self.register.foreign(&foreign).await?.value() {
                self.schedule.hint(account, self.clock.now());
                hinted += 1;
            }
        }
        Ok(hinted)
    }
}

/// The users a payload is about, each once. Threads sends one event, Graph a list of entries. Nothing else in it is read.
fn subjects(body: &[u8]) -> Result<Vec<String>, WebhookError> {
    let payload: Map<String, Value> = object(body).ok_or(WebhookError::Malformed)?;
    let ids = match payload.get("entry").filter(|entries| !entries.is_null()) {
        Some(Value::Array(entries)) => {
            let ids = entries.iter().map(|entry| id(entry.get("id")).ok_or(WebhookError::Malformed));
            ids.collect::<Result<Vec<_>, _>>()?
        }
        Some(_) => return Err(WebhookError::Malformed),
        None => {
            let target = id(payload.get("target_id")).ok_or(WebhookError::Malformed)?;
            std::iter::once(target).chain(owners(payload.get("values"))).collect()
        }
    };
    // Each once, before any is left out.
    let mut seen = HashSet::new();
    Ok(ids.into_iter().filter(|id| seen.insert(id.clone())).take(MOST_USERS).collect())
}

/// An event about a post names its author beside the target. `values` is documented as an object, and also seen as a list.
fn owners(values: Option<&Value>) -> Vec<String> {
    let owner = |event: &Value| id(event.get("value")?.get("owner_id"));
    match values {
        Some(Value::Array(events)) => events.iter().filter_map(owner).collect(),
        Some(event) => owner(event).into_iter().collect(),
        None => Vec::new(),
    }
}

fn id(value: Option<&Value>) -> Option<String> {
    Id::deserialize(value?).ok().map(Id::into_string)
}

#[cfg(test)]
mod tests {
    use super::subjects;

    #[test]
    fn both_shapes_with_numbers_and_strings() {
        for (body, expected) in [
            (
                r#"{"app_id":"1","topic":"t","target_id":"17","time":1,"subscription_id":"2","has_uid_field":false,"values":{"value":{"username":"bob"},"field":"publish"}}"#,
                vec!["17"],
            ),
            (
                r#"{"target_id":17841400000000000123,"values":[{"value":{"owner_id":"5"},"field":"replies"},{"field":"x"}]}"#,
                vec!["17841400000000000123", "5"],
            ),
            (r#"{"target_id":"17"}"#, vec!["17"]),
            (
                r#"{"object":"instagram","entry":[{"id":"1","time":1,"changes":[{"field":"comments","value":{}}]},{"id":2,"time":1},{"id":"1"}]}"#,
                vec!["1", "2"],
            ),
            (r#"{"object":"instagram","entry":[]}"#, vec![]),
            (r#"{"object":7,"entry":[{"id":"1","time":"x","changes":"none"}]}"#, vec!["1"]),
            (r#"{"target_id":"17","values":"none","topic":7,"time":[]}"#, vec!["17"]),
            (
                r#"{"target_id":"17","values":[7,{"value":"x"},{"value":{"owner_id":1.5}},{"value":{"owner_id":5}}]}"#,
                vec!["17", "5"],
            ),
        ] {
            assert_eq!(subjects(body.as_bytes()).unwrap(), expected, "{body}");
        }
    }

    #[test]
    fn nonsense_is_refused_and_a_batch_is_bounded() {
        for body in [
            "",
            "[]",
            r#"["17"]"#,
            r#"[[{"id":"1"}]]"#,
            "{}",
            "null",
            r#"{"entry":[{}]}"#,
            r#"{"target_id":1.5}"#,
            r#"{"target_id":-1}"#,
        ] {
            assert!(subjects(body.as_bytes()).is_err(), "{body}");
        }
        let entries: Vec<String> = (0..2_000).map(|id| format!(r#"{{"id":{id}}}"#)).collect();
        let body = format!(r#"{{"entry":[{}]}}"#, entries.join(","));
        assert_eq!(subjects(body.as_bytes()).unwrap().len(), 1_000);
        // Who is named again and again keeps nobody out.
        let body = format!(r#"{{"entry":[{}{{"id":"2"}}]}}"#, r#"{"id":"1"},"#.repeat(2_000));
        assert_eq!(subjects(body.as_bytes()).unwrap(), ["1", "2"]);
    }
}
