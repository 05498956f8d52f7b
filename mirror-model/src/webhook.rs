//! Events the upstream sends. They are signed, may come late, twice or in any order, and announce no rename: an event
//! is a hint to poll the accounts it names, never more. So a replay costs one poll.
//!
//! Source: Meta for Developers, "Webhooks: getting started" and "Threads API: webhooks".

use std::fmt;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::Deserialize;

use crate::{
    MirrorModel, WebhookError,
    records::ForeignKey,
    signed_request::is_signed,
    upstream::{Id, object},
};

/// The most entries of a batch that are looked at; Meta sends no more than this.
const MOST_ENTRIES: usize = 1_000;

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

/// The users a payload is about, each once. Threads sends one event, Graph a list of entries.
fn subjects(body: &[u8]) -> Result<Vec<String>, WebhookError> {
    let payload: Payload = object(body).ok_or(WebhookError::Malformed)?;
    let ids = match payload {
        Payload::Graph { entry } => entry.into_iter().take(MOST_ENTRIES).map(|entry| entry.id).collect(),
        Payload::Threads { target_id, values } => {
            let mut ids = vec![target_id];
            ids.extend(values.into_vec().into_iter().take(MOST_ENTRIES).filter_map(Values::owner));
            ids
        }
    };
    let mut ids: Vec<String> = ids.into_iter().map(Id::into_string).collect();
    ids.sort();
    ids.dedup();
    Ok(ids)
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Payload {
    Graph {
        entry: Vec<GraphEntry>,
    },
    Threads {
        target_id: Id,
        #[serde(default)]
        values: OneOrMany<Values>,
    },
}

#[derive(Deserialize)]
struct GraphEntry {
    id: Id,
}

/// `values`: documented as an object, also seen as a list.
#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany<T> {
    Many(Vec<T>),
    One(T),
}

impl<T> Default for OneOrMany<T> {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl<T> OneOrMany<T> {
    fn into_vec(self) -> Vec<T> {
        match self {
            Self::Many(many) => many,
            Self::One(one) => vec![one],
        }
    }
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    value: Option<EventValue>,
}

/// An event about a post names its author beside the target. Every other field is passed over unread.
#[derive(Deserialize)]
struct EventValue {
    #[serde(default)]
    owner_id: Option<Id>,
}

impl Values {
    fn owner(self) -> Option<Id> {
        self.value?.owner_id
    }
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
    }
}
