//! The JSON of Meta's Graph APIs, as it really comes.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

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

/// The header `X-App-Usage`: of each resource the percent of the hour's budget that is used up. That of the scarcest, at
/// most 255; what is no number there says nothing.
pub(super) fn usage_percent(header: &str) -> Option<u8> {
    let usage = serde_json::from_str::<Map<String, Value>>(header).ok()?;
    let used = ["call_count", "total_time", "total_cputime"]
        .into_iter()
        .filter_map(|name| usage.get(name)?.as_f64());
    let worst = used.fold(0.0, f64::max);
    (0..=u8::MAX).rev().find(|percent| f64::from(*percent) <= worst)
}

#[cfg(test)]
mod tests {
    use super::{Id, usage_percent};

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
    fn usage_is_what_is_scarcest() {
        for (header, percent) in [
            (r#"{"call_count":28,"total_time":91.7,"total_cputime":3}"#, Some(91)),
            (r#"{"call_count":null,"total_time":"x","total_cputime":3,"type":"app"}"#, Some(3)),
            (r#"{"call_count":1000}"#, Some(255)),
            ("{}", Some(0)),
            ("[]", None),
        ] {
            assert_eq!(usage_percent(header), percent, "{header}");
        }
    }
}
