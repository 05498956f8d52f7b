//! What people paste: whatever is understood names one subject, and everything we write about it names it again.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use namesake::{Handle, Scheme};
use namesake_resolver::{
    addresses::Addresses,
    query::{Query, Selector, Subject},
};
use url::Url;

static PUBLIC: LazyLock<Url> = LazyLock::new(|| Url::parse("https://names.example:8443").expect("a URL"));
static ADDRESSES: LazyLock<Addresses> = LazyLock::new(|| {
    let threads = Scheme::parse("threads").expect("a scheme");
    Addresses::new(PUBLIC.clone()).and(&threads, ["threads.net".to_owned()])
});

fuzz_target!(|text: &str| {
    let Ok(query) = Query::parse(text, &ADDRESSES) else { return };
    assert_eq!(Query::parse(&format!(" {text}\n"), &ADDRESSES).as_ref(), Ok(&query));
    match &query.subject {
        Subject::Handle(handle) => check_handle(&query, handle),
        Subject::Account(account) => {
            let name = account.as_str();
            assert_eq!(subject(name), query.subject);
            assert_eq!(subject_of_url(&format!("profile/{}", escaped(name))), query.subject);
        }
    }
    if let Some(Selector::Named(scheme)) = &query.selector {
        assert_eq!(Selector::parse(scheme.as_str()), Ok(Selector::Named(scheme.clone())));
    }
});

fn check_handle(query: &Query, handle: &Handle) {
    let name = handle.as_str();
    assert_eq!(Handle::parse(name).as_ref(), Ok(handle));
    assert!(!name.contains('.') || name.is_ascii() || name.contains('@'), "a host name in Unicode: {name:?}");
    assert_eq!(subject(name), query.subject);
    // An address may mean its user alone, where it is read as one.
    if name.contains('@') {
        return;
    }
    assert_eq!(subject_of_url(&format!("@{}", escaped(name))), query.subject);
    let acct = format!("acct:{}@names.example:8443", escaped(name));
    assert_eq!(
        Query::parse(&acct, &ADDRESSES).map(|query| query.subject).as_ref(),
        Ok(&query.subject),
        "{acct}"
    );
    if !name.contains('/') {
        let decorated = Query::parse(&format!("@{name}"), &ADDRESSES);
        assert_eq!(decorated.map(|query| query.subject).as_ref(), Ok(&query.subject));
    }
    if let Some(Selector::Host(at)) = &query.selector {
        let url = format!("https://{}/@{}", at.host, escaped(name));
        let again = Query::parse(&url, &ADDRESSES).unwrap_or_else(|error| panic!("{url}: {error}"));
        assert_eq!(again.subject, query.subject, "{url}");
        assert!(matches!(again.selector, Some(Selector::Host(_))), "{url}: {again:?}");
    }
}

fn subject(name: &str) -> Subject {
    Query::named(name, None).unwrap_or_else(|error| panic!("{name:?}: {error}")).subject
}

/// A page of ours.
fn subject_of_url(path: &str) -> Subject {
    let url = format!("{}{path}", *PUBLIC);
    Query::parse(&url, &ADDRESSES).unwrap_or_else(|error| panic!("{url}: {error}")).subject
}

fn escaped(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
