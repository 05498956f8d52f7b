//! Names, in the three grammars there are: what is accepted is clean, within its limits, and accepted again unchanged.

#![no_main]

use libfuzzer_sys::fuzz_target;
use namesake::Handle;
use namesake_independent::Hostname;
use namesake_mirror::Username;

fuzz_target!(|text: &str| {
    if let Ok(handle) = Handle::parse(text) {
        check_handle(&handle);
    }
    if let Ok(name) = Hostname::parse(text) {
        check_hostname(&name);
        assert_eq!(name.as_str(), text.to_ascii_lowercase());
        assert_eq!(Hostname::parse(&text.to_ascii_uppercase()).as_ref(), Ok(&name));
        assert_eq!(name.to_handle(), Handle::parse(text).ok(), "one handle, whoever reads it");
    }
    if let Ok(name) = Hostname::from_unicode(text) {
        check_hostname(&name);
    }
    if let Ok(name) = Username::parse(text) {
        check_handle(name.handle());
        assert!(name.as_str().len() <= Username::MAX_BYTES && name.as_str().is_ascii());
        assert!(Username::accepts(name.handle()));
        assert_eq!(Username::parse(name.as_str()), Ok(name));
    }
});

fn check_handle(handle: &Handle) {
    let text = handle.as_str();
    assert_eq!(Handle::parse(text).as_ref(), Ok(handle));
    assert_eq!(text, text.to_lowercase());
    assert!((1..=Handle::MAX_BYTES).contains(&text.len()));
    assert!(!text.contains(|c: char| c.is_whitespace() || c.is_control()));
    assert!(!text.starts_with('@') && text != "handle.invalid");
    // A name that both models could hold must be the same name in both.
    if let (Ok(host), true) = (Hostname::parse(text), Username::accepts(handle)) {
        assert_eq!(host.as_str(), text);
    }
}

fn check_hostname(name: &Hostname) {
    let text = name.as_str();
    assert_eq!(Hostname::parse(text).as_ref(), Ok(name));
    assert_eq!(Hostname::from_unicode(text).as_ref(), Ok(name));
    assert!(
        text.len() <= Hostname::MAX_BYTES && text.is_ascii() && !text.contains(|c: char| c.is_uppercase())
    );
    assert!(text.split('.').count() >= 2 && text.split('.').all(|label| (1..=63).contains(&label.len())));
    match name.to_handle() {
        Some(handle) => assert_eq!(handle.as_str(), text),
        None => assert_eq!(text, "handle.invalid"),
    }
    for test in [false, true] {
        assert!(!(name.is_reserved(test) && name.is_in_namespace(test)));
    }
    assert!(!name.is_reserved(true) || name.is_reserved(false));
    if let Some(record) = name.txt_name() {
        assert_eq!(record, format!("_atproto.{text}."));
        assert!(record.len() <= Hostname::MAX_BYTES + 1);
    }
}
