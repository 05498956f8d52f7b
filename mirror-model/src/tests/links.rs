//! Linking: who gets which account, and what is refused.

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock as _, Why,
    store::{Commit, Key, MemoryStore, Store as _, Version},
};

use super::world::World;
use crate::{CallbackQuery, LinkError, Remedy, SessionToken, pending::Used};

async fn world(people: &[&str]) -> World {
    World::with(people, Arc::new(MemoryStore::new())).await
}

#[tokio::test]
async fn the_same_person_gets_the_same_account_and_a_new_session() {
    let world = world(&["alice"]).await;
    let first = world.link("alice").await;
    let second = world.link("alice").await;
    assert!(first.created && !second.created);
    assert_eq!(first.account, second.account);
    assert_eq!(second.handle.unwrap().as_str(), "alice");
    assert_eq!(world.model.signed_in(&first.token).await.unwrap(), None, "the old session has ended");
    assert_eq!(world.model.signed_in(&second.token).await.unwrap(), Some(first.account));
}

#[tokio::test]
async fn a_link_is_for_good() {
    let world = world(&["alice", "bob"]).await;
    let alice = world.link("alice").await;
    let refused = world.link_with("bob", Some(&alice.token)).await.unwrap_err();
    assert!(matches!(refused, LinkError::LinkedToAnother), "{refused}");
    assert_eq!(refused.remedy(), Remedy::Accept);
    assert_eq!(world.holder("bob").await, Err(Why::Unknown), "nothing was linked");
    let again = world.link_with("alice", Some(&alice.token)).await.unwrap();
    assert_eq!(again.account, alice.account);
    // Signed out, it is an account of its own.
    let bob = world.link("bob").await;
    assert!(bob.created && bob.account != alice.account);
}

#[tokio::test]
async fn whoever_was_signed_in_at_the_beginning_counts_at_the_end() {
    let world = world(&["alice", "bob"]).await;
    let alice = world.link("alice").await;
    let connect = world.model.connect(Some(&alice.token)).await.unwrap();
    let query = world.consent(&connect.location, "bob").await;
    let refused = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(refused, LinkError::LinkedToAnother), "{refused}");
}

#[tokio::test]
async fn a_state_is_for_one_browser_one_time_and_not_for_ever() {
    let world = world(&["alice", "bob"]).await;
    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    let others = world.model.connect(None).await.unwrap().browser;
    for browser in [None, Some(""), Some("another browser"), Some(others.as_str())] {
        let refused = world.model.callback(query.clone(), browser, None).await.unwrap_err();
        assert!(matches!(refused, LinkError::State), "{refused}");
    }
    assert!(world.model.callback(query.clone(), Some(&connect.browser), None).await.is_ok());
    let again = world.model.callback(query.clone(), Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(again, LinkError::State), "{again}");
    // With a fresh code, too: it is the state that was used.
    let code = world.consent(&connect.location, "bob").await.code;
    let again = CallbackQuery { code, ..query };
    let again = world.model.callback(again, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(again, LinkError::State), "{again}");
    assert_eq!(world.holder("bob").await, Err(Why::Unknown));

    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    world.clock.advance(world.model.settings().state_ttl);
    let late = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(late, LinkError::State), "{late}");
}

#[tokio::test]
async fn a_cookie_that_was_tampered_with_or_is_of_another_mirror_is_none() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    // On the same store, with the same key file.
    let other = World::called("staff", &["alice"], store).await;
    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    let elsewhere = other.model.callback(query.clone(), Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(elsewhere, LinkError::State), "{elsewhere}");
    for place in (0..connect.browser.len()).step_by(7) {
        let mut tampered = connect.browser.clone().into_bytes();
        tampered[place] = if tampered[place] == b'A' { b'B' } else { b'A' };
        let tampered = String::from_utf8(tampered).unwrap();
        let refused = world.model.callback(query.clone(), Some(&tampered), None).await.unwrap_err();
        assert!(matches!(refused, LinkError::State), "at {place}: {refused}");
    }
    for cut in [&connect.browser[1..], &connect.browser[..connect.browser.len() - 4]] {
        assert!(world.model.callback(query.clone(), Some(cut), None).await.is_err());
    }
    assert!(world.model.callback(query, Some(&connect.browser), None).await.is_ok(), "nobody spoilt it");
}

#[tokio::test]
async fn a_cookie_of_a_clock_that_was_ahead_is_good_for_no_longer_than_any() {
    let store = Arc::new(MemoryStore::new());
    let ahead = World::with(&["alice"], store.clone()).await;
    ahead.clock.advance(Duration::from_secs(3600));
    let connect = ahead.model.connect(None).await.unwrap();
    let query = ahead.consent(&connect.location, "alice").await;
    let world = World::with(&["alice"], store).await;
    let refused = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(refused, LinkError::State), "{refused}");
}

/// How many commits there were before this one: each has the next version.
async fn commits(store: &MemoryStore) -> u64 {
    let probe = Commit::new().put(Key::new("~probe").unwrap(), b"".as_slice());
    store.commit(probe).await.unwrap().sequence() - 1
}

#[tokio::test]
async fn who_only_asks_writes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    world.settle().await;
    let before = commits(&store).await;
    assert_eq!(world.holder("nobody").await, Err(Why::Unknown));
    let account = AccountId::parse("threads:nobody").unwrap();
    assert!(world.profile(&account).await.is_none());
    let connect = world.model.connect(None).await.unwrap();
    let state = world.consent(&connect.location, "alice").await.state;
    let asked = |code: Option<&str>, error: Option<&str>, state: Option<&str>| CallbackQuery {
        code: code.map(str::to_owned),
        state: state.map(str::to_owned),
        error: error.map(str::to_owned),
        error_description: None,
        iss: None,
    };
    let ours = state.as_deref();
    for (query, browser) in [
        (asked(None, None, None), None),
        (asked(Some("code"), None, Some("made up")), Some("made up")),
        (asked(Some("code"), None, ours), None),
        (asked(None, None, ours), Some(connect.browser.as_str())),
        (asked(None, Some("access_denied"), ours), Some(&connect.browser)),
        (asked(Some("made up"), None, ours), Some(&connect.browser)),
    ] {
        world.model.callback(query, browser, None).await.unwrap_err();
    }
    for form in [&b""[..], b"signed_request=x", b"signed_request=AAAA.eyJ1c2VyX2lkIjoiMCJ9"] {
        world.model.deauthorize(form).await.unwrap_err();
        world.model.delete_requested(form).await.unwrap_err();
        world.model.webhook(Some("sha256=00"), form).await.unwrap_err();
    }
    world.model.deletion_status("made up").await.unwrap_err();
    let token = SessionToken::parse(&"a".repeat(43)).unwrap();
    world.model.own(&account, &token).await.unwrap_err();
    world.model.delete(&account, &token).await.unwrap_err();
    // The one before was the count's own.
    assert_eq!(commits(&store).await, before + 1);
}

#[tokio::test]
async fn refusals_and_nonsense_link_nobody() {
    let world = world(&["alice"]).await;
    let connect = world.model.connect(None).await.unwrap();
    let state = world.consent(&connect.location, "alice").await.state;
    let denied = CallbackQuery {
        error: Some("access_denied".into()),
        error_description: Some("No.\u{202e}".into()),
        state,
        ..Default::default()
    };
    let error = world.model.callback(denied, Some(&connect.browser), None).await.unwrap_err();
    assert_eq!(error.to_string(), "the upstream did not let you sign in: No.");

    let connect = world.model.connect(None).await.unwrap();
    let mut made_up = world.consent(&connect.location, "alice").await;
    made_up.code = Some("made-up".into());
    let error = world.model.callback(made_up, Some(&connect.browser), None).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::SignIn, "{error}");
    let error = world.model.callback(CallbackQuery::default(), None, None).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Mend, "{error}");

    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    world.outage(true);
    let error = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert_eq!(error.remedy(), Remedy::Retry, "{error}");
    assert_eq!(world.holder("alice").await, Err(Why::Unknown));
}

#[tokio::test]
async fn deleting_and_linking_again_makes_a_new_account_under_the_name_of_that_day() {
    let world = world(&["alice"]).await;
    let first = world.link("alice").await;
    world.sandbox.rename("alice", "alicia").unwrap();
    world.settle().await;
    world.model.delete(&first.account, &first.token).await.unwrap();
    for name in ["alice", "alicia"] {
        assert_eq!(world.holder(name).await, Err(Why::Unknown), "nothing is left of {name}");
    }
    assert!(world.profile(&first.account).await.is_none());
    assert_eq!(world.model.signed_in(&first.token).await.unwrap(), None);

    let second = world.link("alicia").await;
    assert!(second.created && second.account != first.account);
    assert_eq!(world.holder("alicia").await, Ok(second.account));
}

#[tokio::test]
async fn nothing_secret_is_stored_and_nothing_is_left_after_a_deletion() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await;
    let rows = store.scan(b"", None, 100).await.unwrap();
    assert_eq!(
        rows.len(),
        6,
        "account, name, foreign key, the key of the mirror; session, mark of the state"
    );
    for (key, entry) in &rows {
        let text = String::from_utf8(entry.value.to_vec()).unwrap();
        assert!(!text.contains(alice.token.expose()), "{key}: {text}");
    }
    world.model.delete(&alice.account, &alice.token).await.unwrap();
    world.clock.advance(world.model.settings().state_ttl);
    world.model.sweep(world.clock.now()).await;
    let left = store.scan(b"", None, 100).await.unwrap();
    assert_eq!(left.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>(), ["mirror/threads/key"]);
    assert!(!store.changes(Version::ZERO, 100).await.unwrap().is_empty());
}

/// What comes and goes, or is one's own alone, as it is found.
async fn fleeting(store: &MemoryStore) -> usize {
    store.scan(b"~mirror/", None, 10_000).await.unwrap().len()
}

#[tokio::test]
async fn the_mark_of_a_sign_in_goes_when_it_could_not_come_back_any_more() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    world.settle().await;
    world.link("alice").await;
    assert_eq!(fleeting(&store).await, 2, "the session and the mark");
    let second = Duration::from_secs(1);
    world.after(world.model.settings().state_ttl - second).await;
    world.model.sweep(world.clock.now()).await;
    assert_eq!(fleeting(&store).await, 2);
    world.after(second).await;
    world.model.sweep(world.clock.now()).await;
    assert_eq!(fleeting(&store).await, 1);
    // Nothing of either is in the feed, which is for ever.
    let told = store.changes(Version::ZERO, 1000).await.unwrap();
    assert!(told.iter().all(|change| !change.key.is_fleeting()), "{told:?}");
}

#[tokio::test]
async fn housekeeping_goes_on_by_itself_and_many_rows_are_one_commit() {
    const MARKS: usize = 300;
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&[], store.clone()).await;
    let mark = serde_json::to_vec(&Used { expires: world.clock.now(), by: String::new() }).unwrap();
    for n in 0..MARKS {
        let key = world.model.register.keys.used_state(&n.to_string()).unwrap();
        store.commit(Commit::new().put(key, mark.clone())).await.unwrap();
    }
    let before = commits(&store).await;
    world.clock.advance(world.model.settings().state_ttl);
    let swept = async {
        while fleeting(&store).await > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), swept).await.expect("it sweeps");
    let swept = commits(&store).await - before - 1;
    assert!((2..10).contains(&swept), "{MARKS} rows in {swept} commits");
}
