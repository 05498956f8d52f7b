//! The parsers are total: whatever arrives, they answer, and what they accept they accept again.

use namesake_independent::{Did, DidDocument, Hostname};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Text that looks enough like the real thing to get past the first check.
fn nearly(alphabet: &'static str, length: usize) -> impl Strategy<Value = String> {
    let letters: Vec<char> = alphabet.chars().collect();
    prop::collection::vec(prop::sample::select(letters), 0..length)
        .prop_map(|chars| chars.into_iter().collect())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        nearly("at:/#.did-plcatroé\u{202e} ", 30).prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(
                prop::sample::select(vec!["id", "type", "serviceEndpoint", "publicKeyMultibase", "x"]),
                inner,
                0..4
            )
            .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    #[test]
    fn host_names(text in prop_oneof![any::<String>(), nearly("aZ09-.", 300), nearly("a.ü漢\u{301}\u{202e}。-", 60)]) {
        if let Ok(name) = Hostname::parse(&text) {
            let again = Hostname::parse(name.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&name));
            prop_assert!(name.as_str().len() <= Hostname::MAX_BYTES);
        }
        if let Ok(name) = Hostname::from_unicode(&text) {
            prop_assert!(name.as_str().is_ascii());
            let _ = (name.is_in_namespace(true), name.is_reserved(false), name.txt_name(), name.to_handle());
        }
    }

    #[test]
    fn dids(rest in prop_oneof![any::<String>(), nearly("plcweb:%.-_aA09#/?", 60)]) {
        let _ = Did::parse(&rest);
        if let Ok(did) = Did::parse(&format!("did:{rest}")) {
            let again = Did::parse(did.as_str());
            prop_assert_eq!(again.as_ref(), Ok(&did));
        }
        let _ = Did::parse(&format!("did:web:{rest}"));
    }

    #[test]
    fn documents(aliases in any_json(), methods in any_json(), services in any_json(), noise in any::<Vec<u8>>()) {
        let did = Did::parse("did:web:example.com").expect("a DID");
        let document = json!({
            "id": did.as_str(), "alsoKnownAs": aliases, "verificationMethod": methods, "service": services,
        });
        prop_assert!(DidDocument::parse(&did, document.to_string().as_bytes()).is_ok());
        prop_assert!(DidDocument::parse(&did, &noise).is_err());
    }
}
