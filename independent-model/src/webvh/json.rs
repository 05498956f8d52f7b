//! JSON that is signed: read so that it can mean one thing only, and written so that everybody writes the same bytes.

use std::{cell::Cell, fmt};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{Fault, MAX_DEPTH};

/// The largest whole number that every language reads alike (RFC 7493 section 2.2).
const MAX_NUMBER: u64 = (1 << 53) - 1;

/// Reads JSON, without the parts of it that languages read differently: two members of one name, floats, numbers
/// beyond 2^53 − 1, half surrogates, deep nesting (RFC 7493, I-JSON).
///
/// # Errors
/// The [`Fault`] it has.
pub fn read_strictly(bytes: &[u8]) -> Result<Value, Fault> {
    let fault = Cell::new(None);
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = Strict { depth: 0, fault: &fault }.deserialize(&mut reader);
    match value.and_then(|value| reader.end().map(|()| value)) {
        Ok(value) => Ok(value),
        Err(_) => Err(fault.get().unwrap_or(Fault::NotJson)),
    }
}

/// The canonical form of `value` (RFC 8785, JCS). `value` must come from [`read_strictly`], or have no floats.
///
/// Without floats, and with member names in ASCII, that is what `serde_json` prints: it keeps members sorted by their
/// bytes, and escapes what RFC 8785 escapes. Only other names need the sorting by UTF-16 code units.
#[must_use]
pub fn canonical(value: &Value) -> String {
    // Room for a document: growing to it step by step costs as much as writing it.
    let mut text = Vec::with_capacity(1024);
    let written = match has_plain_names(value) {
        true => serde_json::to_writer(&mut text, value),
        false => serde_json_canonicalizer::to_writer(value, &mut text),
    };
    // Writing to memory does not fail, and every member name is a string.
    written.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| value.to_string())
}

fn has_plain_names(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().all(has_plain_names),
        Value::Object(members) => {
            members.iter().all(|(name, value)| name.is_ascii() && has_plain_names(value))
        }
        _ => true,
    }
}

/// Reads one value at a depth, and notes which rule it broke: the error that serde carries out is text only.
#[derive(Clone, Copy)]
struct Strict<'a> {
    depth: usize,
    fault: &'a Cell<Option<Fault>>,
}

impl Strict<'_> {
    fn refuse<E: serde::de::Error>(self, fault: Fault) -> E {
        self.fault.set(Some(fault));
        E::custom(fault)
    }

    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        match self.depth < MAX_DEPTH {
            true => Ok(Self { depth: self.depth + 1, ..self }),
            false => Err(self.refuse(Fault::TooDeep)),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Value, E> {
        if value <= MAX_NUMBER { Ok(value.into()) } else { Err(self.refuse(Fault::BigNumber)) }
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Value, E> {
        let fits = value.unsigned_abs() <= MAX_NUMBER;
        if fits { Ok(value.into()) } else { Err(self.refuse(Fault::BigNumber)) }
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Value, E> {
        Err(self.refuse(Fault::Float))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom(self.refuse::<A::Error>(Fault::DuplicateMember)));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{Fault, MAX_DEPTH, canonical, read_strictly};

    #[test]
    fn what_can_be_read_in_two_ways_is_not_read() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        for (text, fault) in [
            ("", Fault::NotJson),
            ("{} {}", Fault::NotJson),
            ("{'a':1}", Fault::NotJson),
            (r#"{"a":1,"a":1}"#, Fault::DuplicateMember),
            (r#"{"b":[{"a":1,"\u0061":2}]}"#, Fault::DuplicateMember),
            ("1.0", Fault::Float),
            ("1e3", Fault::Float),
            ("-0.0", Fault::Float),
            ("9007199254740992", Fault::BigNumber),
            ("-9007199254740992", Fault::BigNumber),
            (r#""\ud800""#, Fault::NotJson),
            (r#""\udc00\ud800""#, Fault::NotJson),
            (&nested(MAX_DEPTH + 1), Fault::TooDeep),
            (&nested(100_000), Fault::TooDeep),
            ("NaN", Fault::NotJson),
        ] {
            assert_eq!(read_strictly(text.as_bytes()), Err(fault), "{}", &text[..text.len().min(40)]);
        }
        assert_eq!(read_strictly(b"\"\xff\""), Err(Fault::NotJson));
        for good in ["9007199254740991", "-9007199254740991", r#""\ud83d\ude00""#, &nested(MAX_DEPTH)] {
            assert!(read_strictly(good.as_bytes()).is_ok(), "{good}");
        }
    }

    /// RFC 8785 section 3.2.3: members are sorted by UTF-16 code units, in which U+10000 comes before U+E000.
    #[test]
    fn names_beyond_ascii_are_sorted_by_code_units() {
        let value = json!({ "\u{e000}": 1, "\u{10000}": 2, "a": 3 });
        assert_eq!(canonical(&value), "{\"a\":3,\"\u{10000}\":2,\"\u{e000}\":1}");
    }

    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (-(1_i64 << 53) + 1..1 << 53).prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map("[ -~]{0,8}|.{0,4}", inner, 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// The short way is the long way, and what is written is read again.
        #[test]
        fn the_canonical_form_is_that_of_rfc_8785(value in values()) {
            let text = canonical(&value);
            prop_assert_eq!(&text, &serde_json_canonicalizer::to_string(&value).unwrap());
            prop_assert_eq!(read_strictly(text.as_bytes()), Ok(value));
        }
    }
}
