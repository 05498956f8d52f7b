//! DAG-CBOR, as far as operations need it: text, lists, maps and null.
//!
//! Our own because it is this short: `serde_ipld_dagcbor` brings a dozen crates for integers, floats, links and a
//! decoder, none of which an operation has or may have.

use serde_json::Value;

const TEXT: u8 = 3 << 5;
const LIST: u8 = 4 << 5;
const MAP: u8 = 5 << 5;
const NULL: u8 = 0xf6;

/// The one canonical encoding of `value` (DAG-CBOR specification, "Strictness"); `None` when something in it is
/// neither text, list, map nor null.
pub(crate) fn encode(value: &Value) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(1024);
    write(&mut bytes, value)?;
    Some(bytes)
}

fn write(bytes: &mut Vec<u8>, value: &Value) -> Option<()> {
    match value {
        Value::Null => bytes.push(NULL),
        Value::String(text) => write_text(bytes, text),
        Value::Array(items) => {
            head(bytes, LIST, items.len());
            items.iter().try_for_each(|item| write(bytes, item))?;
        }
        Value::Object(fields) => {
            head(bytes, MAP, fields.len());
            let mut fields: Vec<_> = fields.iter().collect();
            fields.sort_unstable_by_key(|(key, _)| (key.len(), key.as_bytes()));
            for (key, value) in fields {
                write_text(bytes, key);
                write(bytes, value)?;
            }
        }
        Value::Bool(_) | Value::Number(_) => return None,
    }
    Some(())
}

fn write_text(bytes: &mut Vec<u8>, text: &str) {
    head(bytes, TEXT, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

/// A type and a length, in the shortest form (RFC 8949 section 3).
fn head(bytes: &mut Vec<u8>, kind: u8, length: usize) {
    if let Ok(short) = u8::try_from(length) {
        match short {
            0..24 => bytes.push(kind | short),
            _ => bytes.extend([kind | 24, short]),
        }
    } else if let Ok(length) = u16::try_from(length) {
        bytes.push(kind | 25);
        bytes.extend(length.to_be_bytes());
    } else if let Ok(length) = u32::try_from(length) {
        bytes.push(kind | 26);
        bytes.extend(length.to_be_bytes());
    } else {
        bytes.push(kind | 27);
        bytes.extend((length as u64).to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use serde_json::{Value, json};

    use super::encode;

    /// RFC 8949 appendix A, and the order of keys: the shorter first.
    #[test]
    fn the_canonical_form() {
        for (value, hex) in [
            (json!(null), "f6"),
            (json!(""), "60"),
            (json!("IETF"), "6449455446"),
            (json!("\u{6c34}"), "63e6b0b4"),
            (json!([]), "80"),
            (json!({}), "a0"),
            (json!(["a", { "b": "c" }]), "826161a161626163"),
            (json!({ "bb": "1", "c": "2", "aa": "3" }), "a3616361326261616133626262613 1"),
        ] {
            assert_eq!(HEXLOWER.encode(&encode(&value).unwrap()), hex.replace(' ', ""), "{value}");
        }
        for (length, head) in
            [(23, "77"), (24, "7818"), (255, "78ff"), (256, "790100"), (65536, "7a00010000")]
        {
            let bytes = encode(&Value::String("x".repeat(length))).unwrap();
            assert!(HEXLOWER.encode(&bytes).starts_with(head), "{length}");
        }
    }

    #[test]
    fn numbers_and_booleans_are_in_no_operation() {
        assert_eq!(encode(&json!({ "a": [1] })), None);
        assert_eq!(encode(&json!([true])), None);
    }
}
