//! DID documents: what is read is in the document, the document is about the DID, and reading it again gives the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use namesake_independent::{Did, DidDocument, Hostname, UnusableDocument};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| {
    let json: Result<Value, _> = serde_json::from_slice(bytes);
    let id = json.as_ref().ok().and_then(|json| Did::parse(json.get("id")?.as_str()?).ok());
    let other = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").expect("a DID");
    let Some(id) = id else {
        assert!(DidDocument::parse(&other, bytes).is_err());
        return;
    };
    let document = DidDocument::parse(&id, bytes).expect("a document of the right id is never refused whole");
    if id != other {
        assert_eq!(DidDocument::parse(&other, bytes), Err(UnusableDocument::OtherId));
    }
    check(&document);

    let again = DidDocument::parse(&id, document.raw.to_string().as_bytes()).expect("the same document");
    assert_eq!((again.did, again.claim), (id, document.claim));
    assert_eq!((again.signing_key, again.pds), (document.signing_key, document.pds));
});

fn check(document: &DidDocument) {
    let claims = entries(&document.raw, "alsoKnownAs");
    let names =
        claims.iter().filter_map(|alias| Hostname::parse(alias.as_str()?.strip_prefix("at://")?).ok());
    assert_eq!(document.claim, names.into_iter().next(), "the first one, and no other");

    if let Some(key) = &document.signing_key {
        let own = |method: &Value| {
            method["publicKeyMultibase"] == *key.multibase && is_own(&method["id"], &document.did, "#atproto")
        };
        assert!(entries(&document.raw, "verificationMethod").iter().any(own));
    }
    if let Some(pds) = &document.pds {
        assert!(matches!(pds.scheme(), "https" | "http") && pds.has_host());
        // Whatever is put after it stays on that host.
        let call = pds.join("/xrpc/x").expect("a path");
        assert_eq!(call.as_str(), format!("{pds}xrpc/x"));
        assert_eq!(pds.origin().ascii_serialization() + "/", pds.as_str());
        let own = |service: &Value| is_own(&service["id"], &document.did, "#atproto_pds");
        assert!(entries(&document.raw, "service").iter().any(own));
    }
}

fn is_own(id: &Value, did: &Did, fragment: &str) -> bool {
    *id == *fragment || *id == *format!("{did}{fragment}")
}

fn entries<'a>(document: &'a Value, field: &str) -> &'a [Value] {
    document[field].as_array().map_or(&[], Vec::as_slice)
}
