//! Linking: who gets which account, and what is refused.

use std::{sync::Arc, time::Duration};

use namesake::{
    Why,
    store::{MemoryStore, Store as _, Version},
};

use super::world::World;
use crate::{CallbackQuery, LinkError, Remedy};

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
    let world = world(&["alice"]).await;
    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    for browser in [None, Some("another browser")] {
        let refused = world.model.callback(query.clone(), browser, None).await.unwrap_err();
        assert!(matches!(refused, LinkError::State), "{refused}");
    }
    assert!(world.model.callback(query.clone(), Some(&connect.browser), None).await.is_ok());
    let again = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(again, LinkError::State), "{again}");

    let connect = world.model.connect(None).await.unwrap();
    let query = world.consent(&connect.location, "alice").await;
    world.clock.advance(world.model.settings().state_ttl);
    let late = world.model.callback(query, Some(&connect.browser), None).await.unwrap_err();
    assert!(matches!(late, LinkError::State), "{late}");
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
    let rows = store.scan(b"mirror/", None, 100).await.unwrap();
    assert_eq!(rows.len(), 5, "account, name, foreign key, session, and the key of the mirror");
    for (key, entry) in &rows {
        let text = String::from_utf8(entry.value.to_vec()).unwrap();
        assert!(!text.contains(alice.token.expose()), "{key}: {text}");
    }
    world.model.delete(&alice.account, &alice.token).await.unwrap();
    let left = store.scan(b"mirror/", None, 100).await.unwrap();
    assert_eq!(left.iter().map(|(key, _)| key.to_string()).collect::<Vec<_>>(), ["mirror/threads/key"]);
    assert!(!store.changes(Version::ZERO, 100).await.unwrap().is_empty());
}

#[tokio::test]
async fn sign_ins_that_never_end_are_swept_away() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    world.settle().await;
    world.model.connect(None).await.unwrap();
    world.link("alice").await;
    for _ in 0..3 {
        world.after(Duration::from_secs(600)).await;
    }
    assert_eq!(store.scan(b"mirror/threads/state/", None, 100).await.unwrap(), vec![]);
}
