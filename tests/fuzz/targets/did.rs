//! DIDs and account ids: what is accepted is kept to the letter, and no account has two spellings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use namesake::{AccountId, Scheme};
use namesake_independent::{Did, DidMethod, WebHost};

fuzz_target!(|text: &str| {
    if let Ok(account) = AccountId::parse(text) {
        assert_eq!(account.as_str(), text);
        assert!((3..=AccountId::MAX_BYTES).contains(&text.len()));
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic()));
        assert_eq!(account.is_did(), text.starts_with("did:"));
        let json = serde_json::Value::from(text).to_string();
        assert_eq!(serde_json::from_str::<AccountId>(&json).ok(), Some(account));
    }
    if let Ok(did) = Did::parse(text) {
        check(&did, text);
    }
    if let Ok(scheme) = Scheme::parse(text) {
        assert!(AccountId::parse(&format!("{scheme}:a")).is_ok_and(|account| !account.is_did()));
    }
});

fn check(did: &Did, text: &str) {
    assert_eq!(did.as_str(), text);
    assert_eq!(AccountId::parse(text).as_ref(), Ok(did.account()));
    assert!(did.account().is_did());
    let canonical = match did.method() {
        DidMethod::Plc => {
            assert_eq!(text.len(), "did:plc:".len() + 24);
            text.to_ascii_lowercase()
        }
        DidMethod::Web(WebHost::Name(name)) => format!("did:web:{name}"),
        DidMethod::Web(WebHost::Localhost(None)) => "did:web:localhost".to_owned(),
        DidMethod::Web(WebHost::Localhost(Some(port))) => format!("did:web:localhost%3A{port}"),
        _ => return,
    };
    assert_eq!(text, canonical);
    for other in [
        text.to_ascii_uppercase(),
        format!("{text}/"),
        format!("{text}#a"),
        format!("{text}?a"),
        format!("{text}:"),
    ] {
        assert!(Did::parse(&other).is_err(), "{other}");
    }
}
