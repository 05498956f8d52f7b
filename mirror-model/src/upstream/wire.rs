//! The JSON of Meta's Graph APIs, as it really comes.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// Reads a JSON object. By itself serde would take a list, too, as if members had an order.
pub(crate) fn object<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    serde_json::from_slice(json).ok().filter(|_| json.trim_ascii_start().starts_with(b"{"))
}

/// A user id: a string, or a JSON number above 2^53. It never goes through a float.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(untagged)]
pub(crate) enum Id {
    /// `"17841400000000000123"`
    Text(String),
    /// `17841400000000000123`
    Number(u64),
}

impl Id {
    pub(crate) fn into_string(self) -> String {
        match self {
            Self::Text(text) => text,
            Self::Number(number) => number.to_string(),
        }
    }
}

/// The answer to a code: flat, or the first of a list (Instagram).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Issued {
    Flat(IssuedToken),
    Listed { data: Vec<IssuedToken> },
}

#[derive(Deserialize)]
pub(super) struct IssuedToken {
    pub(super) access_token: String,
    #[serde(default)]
    pub(super) expires_in: Option<u64>,
}

impl Issued {
    pub(super) fn token(self) -> Option<IssuedToken> {
        match self {
            Self::Flat(token) => Some(token),
            Self::Listed { data } => data.into_iter().next(),
        }
    }
}

/// The answer to `/me`. Unset fields may be absent.
#[derive(Deserialize)]
pub(super) struct Me {
    #[serde(default)]
    pub(super) id: Option<Id>,
    /// Instagram's id for webhooks; its `id` is scoped to the app and would match no event.
    #[serde(default)]
    pub(super) user_id: Option<Id>,
    pub(super) username: String,
    #[serde(default)]
    pub(super) name: Option<String>,
    #[serde(default)]
    pub(super) threads_biography: Option<String>,
    #[serde(default)]
    pub(super) biography: Option<String>,
    #[serde(default)]
    pub(super) threads_profile_picture_url: Option<String>,
    #[serde(default)]
    pub(super) profile_picture_url: Option<String>,
}

/// An error answer.
#[derive(Deserialize)]
pub(super) struct Failed {
    pub(super) error: GraphError,
}

#[derive(Deserialize)]
pub(super) struct GraphError {
    #[serde(default)]
    pub(super) code: i64,
    #[serde(default)]
    pub(super) error_subcode: Option<i64>,
    #[serde(default)]
    pub(super) is_transient: bool,
}

/// The other shape of an error, which the endpoints for codes use: it means that a code or token is worth nothing.
#[derive(Deserialize)]
pub(super) struct FlatError {
    pub(super) error_type: String,
}

/// The header `X-App-Usage`: percents of the hour's budget, each of another resource.
#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct Usage {
    call_count: f32,
    total_time: f32,
    total_cputime: f32,
}

impl Usage {
    /// The percent of whatever is scarcest, at most 255.
    pub(super) fn percent(&self) -> u8 {
        let worst = self.call_count.max(self.total_time).max(self.total_cputime);
        (0..=u8::MAX).rev().find(|percent| f32::from(*percent) <= worst).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{Id, Issued, Usage};

    #[test]
    fn ids_keep_every_digit() {
        for (json, id) in [
            ("17841400000000000123", "17841400000000000123"),
            (r#""17841400000000000123""#, "17841400000000000123"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(serde_json::from_str::<Id>(json).unwrap().into_string(), id);
        }
        for json in ["1.5", "-1", "null", "1e3", "true"] {
            assert!(serde_json::from_str::<Id>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn tokens_come_flat_or_in_a_list() {
        for json in [
            r#"{"access_token":"t","user_id":17841400000000000123}"#,
            r#"{"access_token":"t","token_type":"bearer","expires_in":5183944}"#,
            r#"{"data":[{"access_token":"t","user_id":"1","permissions":"a,b"}]}"#,
        ] {
            let issued: Issued = serde_json::from_str(json).unwrap();
            assert_eq!(issued.token().unwrap().access_token, "t", "{json}");
        }
    }

    #[test]
    fn usage_is_what_is_scarcest() {
        let usage: Usage =
            serde_json::from_str(r#"{"call_count":28,"total_time":91.7,"total_cputime":3}"#).unwrap();
        assert_eq!(usage.percent(), 91);
        assert_eq!(serde_json::from_str::<Usage>("{}").unwrap().percent(), 0);
    }
}
