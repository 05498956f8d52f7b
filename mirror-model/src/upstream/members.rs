//! What an upstream answers in JSON: only the members that are used are read, and one that is wrong is named.

use namesake::clean_line;
use serde_json::{Map, Value};

use super::{UpstreamError, UpstreamFailure};

/// A JSON object that was given for something.
pub(super) struct Members {
    /// What was asked for.
    what: &'static str,
    members: Map<String, Value>,
}

impl Members {
    pub(super) fn parse(what: &'static str, json: &[u8]) -> Result<Self, UpstreamError> {
        match serde_json::from_slice(json) {
            Ok(Value::Object(members)) => Ok(Self { what, members }),
            _ => Err(nonsense(what, "the answer is no JSON object")),
        }
    }

    /// An object inside this one, or the first of a list of them.
    pub(super) fn inner(&self, name: &str) -> Option<Self> {
        let members = match self.members.get(name)? {
            Value::Object(members) => members,
            Value::Array(list) => list.first()?.as_object()?,
            _ => return None,
        };
        Some(Self { what: self.what, members: members.clone() })
    }

    /// A text, if there is one: null and an empty text are none.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, UpstreamError> {
        match self.members.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.as_str()).filter(|text| !text.is_empty())),
            Some(_) => Err(self.wrong(name, "is no text")),
        }
    }

    /// A text that must be there.
    pub(super) fn needed(&self, name: &str) -> Result<&str, UpstreamError> {
        self.text(name)?.ok_or_else(|| self.wrong(name, "is missing"))
    }

    /// Somebody's id, which must be there: a text, or a whole number, which never goes through a float.
    pub(super) fn id(&self, name: &str) -> Result<String, UpstreamError> {
        match self.members.get(name) {
            Some(Value::Number(number)) if number.is_u64() => Ok(number.to_string()),
            _ => self.needed(name).map(str::to_owned),
        }
    }

    /// A whole number, also as text; whatever else is there is nothing.
    pub(super) fn number(&self, name: &str) -> Option<i64> {
        match self.members.get(name)? {
            Value::String(text) => text.trim().parse().ok(),
            value => value.as_i64(),
        }
    }

    /// A text that only decorates: whatever else is there is nothing.
    pub(super) fn decoration(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// A number of seconds, also as text.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<u64>, UpstreamError> {
        let seconds = match self.members.get(name) {
            None | Some(Value::Null) => return Ok(None),
            Some(Value::String(text)) => match text.trim() {
                "" => return Ok(None),
                text => text.parse::<u64>().ok().or_else(|| whole(text.parse().ok()?)),
            },
            Some(value) => value.as_u64().or_else(|| whole(value.as_f64()?)),
        };
        seconds.map(Some).ok_or_else(|| self.wrong(name, "is no number of seconds"))
    }

    /// A list of texts, or a single one; anything else among them is passed over.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        match self.members.get(name) {
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(text)) => vec![text],
            _ => Vec::new(),
        }
    }

    /// A list of texts, or a single one, and nothing else among them.
    pub(super) fn only_texts(&self, name: &str) -> Result<Vec<&str>, UpstreamError> {
        let texts = self.texts(name);
        match self.members.get(name) {
            Some(Value::Array(list)) if list.len() != texts.len() => {
                Err(self.wrong(name, "is no list of texts"))
            }
            _ if texts.is_empty() => Err(self.wrong(name, "is missing")),
            _ => Ok(texts),
        }
    }

    /// Whether it says yes, also as text.
    pub(super) fn says(&self, name: &str) -> bool {
        match self.members.get(name) {
            Some(Value::String(text)) => text.eq_ignore_ascii_case("true"),
            value => value == Some(&Value::Bool(true)),
        }
    }

    /// Whether anything is said under that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.members.get(name).is_some_and(|value| !value.is_null())
    }

    /// A failure that names the member which is to blame.
    pub(super) fn wrong(&self, name: &str, why: &str) -> UpstreamError {
        nonsense(self.what, &format!("`{name}` {}", clean_line(why, 200)))
    }
}

fn nonsense(what: &str, why: &str) -> UpstreamError {
    UpstreamError::new(UpstreamFailure::Nonsense, format!("asked for {what}: {why}"))
}

/// A number of seconds that is written with a fraction.
fn whole(seconds: f64) -> Option<u64> {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within the bounds just checked"
    )]
    (0.0..=MOST_SECONDS).contains(&seconds).then_some(seconds as u64)
}

/// Some thirty thousand years; every number up to here is exact.
const MOST_SECONDS: f64 = 1e12;

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Members;

    fn members(value: &Value) -> Members {
        Members::parse("a token", value.to_string().as_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn seconds_come_as_numbers_and_as_text() {
        for (value, seconds) in [
            (json!(3600), Some(3600)),
            (json!("3600"), Some(3600)),
            (json!(" 3600 "), Some(3600)),
            (json!(3600.7), Some(3600)),
            (json!("3600.0"), Some(3600)),
            (json!(u64::MAX), Some(u64::MAX)),
            (json!(""), None),
            (Value::Null, None),
        ] {
            let given = members(&json!({ "expires_in": value }));
            assert_eq!(given.seconds("expires_in").unwrap(), seconds, "{value}");
        }
        for value in
            [json!(-1), json!("-1"), json!("soon"), json!(true), json!([3600]), json!("NaN"), json!(1e300)]
        {
            let error = members(&json!({ "expires_in": value })).seconds("expires_in").unwrap_err();
            assert!(error.message.contains("`expires_in`"), "{error}");
        }
    }

    #[test]
    fn a_member_that_is_wrong_is_named() {
        let given = members(&json!({ "sub": 7, "name": ["a"], "empty": "", "none": null }));
        assert!(given.text("sub").unwrap_err().message.contains("`sub` is no text"));
        for name in ["empty", "none", "absent"] {
            assert_eq!(given.text(name).unwrap(), None);
            assert!(given.needed(name).unwrap_err().message.contains(&format!("`{name}` is missing")));
        }
        assert_eq!(given.decoration("name"), None);
    }

    #[test]
    fn an_id_keeps_every_digit() {
        for (value, id) in
            [(json!("s-1"), "s-1"), (json!(17_841_400_000_000_000_123_u64), "17841400000000000123")]
        {
            assert_eq!(members(&json!({ "sub": value })).id("sub").unwrap(), id);
        }
        for value in [json!(1.5), json!(-1), json!(""), json!(["s-1"]), Value::Null] {
            assert!(members(&json!({ "sub": value })).id("sub").is_err(), "{value}");
        }
    }

    #[test]
    fn a_list_may_be_a_single_text() {
        let given = members(&json!({ "list": ["a", 7, "b"], "one": "a", "odd": {} }));
        assert_eq!(given.texts("list"), ["a", "b"]);
        assert_eq!(given.texts("one"), ["a"]);
        assert_eq!(given.texts("odd"), [""; 0]);
        assert_eq!(given.only_texts("one").unwrap(), ["a"]);
        for name in ["list", "odd", "absent"] {
            assert!(given.only_texts(name).is_err(), "{name}");
        }
    }

    #[test]
    fn an_object_inside_may_be_the_first_of_a_list() {
        let given = members(
            &json!({ "one": { "a": "1" }, "list": [{ "a": "2" }, { "a": "3" }], "empty": [], "odd": 7 }),
        );
        for (name, found) in
            [("one", Some("1")), ("list", Some("2")), ("empty", None), ("odd", None), ("none", None)]
        {
            let inner = given.inner(name);
            assert_eq!(inner.as_ref().and_then(|inner| inner.decoration("a")), found, "{name}");
        }
    }

    #[test]
    fn numbers_and_yes_may_be_text() {
        let given = members(&json!({ "code": "190", "minus": -1, "odd": "x", "yes": "true", "no": "no" }));
        assert_eq!(["code", "minus", "odd"].map(|name| given.number(name)), [Some(190), Some(-1), None]);
        assert_eq!(["yes", "no", "none"].map(|name| given.says(name)), [true, false, false]);
    }

    #[test]
    fn what_is_no_object_is_nothing() {
        for json in ["", "[]", "null", "\"a\"", "<html>", "{"] {
            assert!(Members::parse("a token", json.as_bytes()).is_err(), "{json}");
        }
    }
}
