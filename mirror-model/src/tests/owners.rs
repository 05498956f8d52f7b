//! One's own profile, and what the upstream asks for on somebody's behalf.

use std::{sync::Arc, time::Duration};

use namesake::{
    ProfileState, Why,
    store::{MemoryStore, Store as _, Version},
};
use serde_json::json;

use super::world::World;
use crate::{Edit, OwnError, Remedy, SessionToken, WebhookError, sandbox::PersonEdit};

async fn world(people: &[&str]) -> World {
    World::with(people, Arc::new(MemoryStore::new())).await
}

#[tokio::test]
async fn texts_are_ones_own_and_the_picture_is_the_upstreams() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await;
    let profile = world.profile(&alice.account).await.unwrap();
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "alice upstream");
    assert_eq!(profile.bio.as_ref().unwrap().as_str(), "Hello.");

    let edit = Edit::from_json(br#"{"displayName":"Alice A.","description":null}"#, &world.model).unwrap();
    let own = world.model.edit(&alice.account, &alice.token, edit).await.unwrap();
    assert_eq!(own.profile.display_name.unwrap().as_str(), "Alice A.");
    assert_eq!(own.profile.bio, None);

    let upstream = PersonEdit {
        name: Some("Other".into()),
        bio: Some("Other".into()),
        picture: Some("https://pictures.example/new.jpg".into()),
        ..PersonEdit::default()
    };
    world.sandbox.edit("alice", upstream).unwrap();
    world.settle().await;
    let profile = world.profile(&alice.account).await.unwrap();
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Alice A.");
    assert_eq!(profile.bio, None);
    assert_eq!(profile.avatar.as_ref().unwrap().as_str(), "https://pictures.example/new.jpg");
    world.link("alice").await;
    assert_eq!(world.profile(&alice.account).await.unwrap().bio, None, "linking again copies nothing");
}

#[tokio::test]
async fn what_is_mirrored_cannot_be_written() {
    let world = world(&[]).await;
    let read = |json: &str| Edit::from_json(json.as_bytes(), &world.model);
    let error = read(r#"{"handle":"root"}"#).unwrap_err();
    assert_eq!(error.remedy(), Remedy::RenameUpstream);
    assert!(error.to_string().contains("within 300 seconds"), "{error}");
    assert!(matches!(read(r#"{"avatar":"https://x.example/"}"#), Err(OwnError::PictureIsMirrored)));
    let form =
        |fields: &[(&'static str, &'static str)]| Edit::from_form(fields.iter().copied(), &world.model);
    let own = Edit { display_name: Some("A".into()), bio: Some(String::new()) };
    assert_eq!(form(&[("displayName", "A"), ("description", "")]).unwrap(), own);
    assert_eq!(
        form(&[("displayName", "A"), ("handle", "root")]).unwrap_err().remedy(),
        Remedy::RenameUpstream
    );
    assert!(matches!(form(&[("picture", "")]), Err(OwnError::PictureIsMirrored)));
    for fields in [&[("displayName", "A"), ("displayName", "B")], &[("displayName", "A"), ("account", "x")]] {
        assert_eq!(form(fields).unwrap_err().remedy(), Remedy::Mend);
    }
    for json in ["", "[]", r#"{"displayName":1}"#, r#"{"account":"x"}"#] {
        assert_eq!(read(json).unwrap_err().remedy(), Remedy::Mend, "{json}");
    }
}

#[tokio::test]
async fn strangers_learn_nothing() {
    let world = world(&["alice", "bob"]).await;
    let (alice, bob) = (world.link("alice").await, world.link("bob").await);
    let nobody = namesake::AccountId::parse("threads:nobody").unwrap();
    let made_up = SessionToken::parse(&"a".repeat(43)).unwrap();
    for (account, token) in [(&alice.account, &bob.token), (&nobody, &bob.token), (&alice.account, &made_up)]
    {
        assert!(matches!(world.model.own(account, token).await, Err(OwnError::SignIn)));
        assert!(matches!(world.model.edit(account, token, Edit::default()).await, Err(OwnError::SignIn)));
        assert!(matches!(world.model.delete(account, token).await, Err(OwnError::SignIn)));
    }
    world.clock.advance(world.model.settings().session_ttl);
    assert!(
        matches!(world.model.own(&alice.account, &alice.token).await, Err(OwnError::SignIn)),
        "it has ended"
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_and_nothing_else() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice", "bob"], store.clone()).await;
    let alice = world.link("alice").await;
    let told = store.changes(Version::ZERO, 100).await.unwrap().len();
    for _ in 0..2 {
        world.model.sign_out(&alice.token).await.unwrap();
        assert_eq!(world.model.signed_in(&alice.token).await.unwrap(), None);
    }
    assert!(matches!(world.model.own(&alice.account, &alice.token).await, Err(OwnError::SignIn)));
    assert_eq!(store.changes(Version::ZERO, 100).await.unwrap().len(), told, "nobody is told");
    assert_eq!(world.holder("alice").await, Ok(alice.account.clone()));
    // The same browser may now link somebody else, and alice comes back to what is hers.
    let bob = world.link_with("bob", Some(&alice.token)).await.unwrap();
    assert!(bob.created && bob.account != alice.account);
    let back = world.link("alice").await;
    assert_eq!(back.account, alice.account);
    world.model.delete(&back.account, &back.token).await.unwrap();
}

#[tokio::test]
async fn a_text_that_is_too_long_is_refused_whole() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await;
    let before = world.model.own(&alice.account, &alice.token).await.unwrap();
    for (json, what) in [
        (json!({ "displayName": "n".repeat(65) }), "display name"),
        (json!({ "displayName": "New", "description": "b".repeat(257) }), "bio"),
        (json!({ "bio": format!("e{}", "\u{301}".repeat(9000)) }), "bio"),
    ] {
        let edit = Edit::from_json(json.to_string().as_bytes(), &world.model).unwrap();
        let refused = world.model.edit(&alice.account, &alice.token, edit).await.unwrap_err();
        assert_eq!(refused.remedy(), Remedy::Shorten);
        assert!(refused.to_string().contains(what), "{refused}");
    }
    assert_eq!(world.model.own(&alice.account, &alice.token).await.unwrap(), before, "not a word of it");
    let most = json!({ "displayName": "n".repeat(64), "description": format!(" {} ", "b".repeat(256)) });
    let edit = Edit::from_json(most.to_string().as_bytes(), &world.model).unwrap();
    let own = world.model.edit(&alice.account, &alice.token, edit).await.unwrap();
    assert_eq!(own.profile.bio.unwrap().as_str(), "b".repeat(256));
}

#[tokio::test]
async fn one_sees_ones_former_names() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await;
    world.sandbox.rename("alice", "alicia").unwrap();
    world.settle().await;
    let own = world.model.own(&alice.account, &alice.token).await.unwrap();
    assert_eq!(own.profile.handle.unwrap().as_str(), "alicia");
    assert_eq!(own.former_handles.iter().map(|it| it.handle.as_str()).collect::<Vec<_>>(), ["alice"]);
}

#[tokio::test]
async fn removing_the_app_releases_the_name_at_once() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await;
    let form = world.sandbox.signed_request_form("alice").unwrap();
    world.model.deauthorize(&form).await.unwrap();
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert_eq!(world.profile(&alice.account).await.unwrap().state, ProfileState::NeedsLogin);
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert_eq!(world.link("alice").await.account, alice.account);
}

#[tokio::test]
async fn a_deletion_that_the_upstream_asks_for_is_done_and_can_be_looked_up() {
    let world = world(&["alice", "bob"]).await;
    let alice = world.link("alice").await;
    for name in ["alice", "bob"] {
        let form = world.sandbox.signed_request_form(name).unwrap();
        let receipt = world.model.delete_requested(&form).await.unwrap();
        assert!(
            receipt
                .url
                .as_str()
                .ends_with(&format!("/mirror/threads/delete?code={}", receipt.confirmation_code))
        );
        assert!(world.model.deletion_status(&receipt.confirmation_code).await.is_ok());
    }
    assert!(world.profile(&alice.account).await.is_none());
    assert!(matches!(world.model.deletion_status("made up").await, Err(WebhookError::NoSuchRequest)));
    let forged = b"signed_request=AAAA.eyJ1c2VyX2lkIjoiMCJ9";
    assert!(matches!(world.model.delete_requested(forged).await, Err(WebhookError::Signature)));
    assert!(matches!(world.model.deauthorize(b"").await, Err(WebhookError::Malformed)));
}

#[tokio::test]
async fn a_request_that_was_seen_is_of_no_use_an_hour_later() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await;
    let form = world.sandbox.signed_request_form("alice").unwrap();
    world.clock.advance(world.model.settings().signed_request_ttl + Duration::from_secs(1));
    let refused = world.model.deauthorize(&form).await.unwrap_err();
    assert!(matches!(refused, WebhookError::Outdated) && refused.remedy() == Remedy::Accept, "{refused}");
    let refused = world.model.delete_requested(&form).await.unwrap_err();
    assert!(matches!(refused, WebhookError::Outdated), "{refused}");
    assert_eq!(world.holder("alice").await, Ok(alice.account));
}

#[tokio::test]
async fn a_deletion_that_comes_again_deletes_nobody_who_came_back() {
    let world = world(&["alice"]).await;
    world.link("alice").await;
    let form = world.sandbox.signed_request_form("alice").unwrap();
    let first = world.model.delete_requested(&form).await.unwrap();
    let back = world.link("alice").await;
    let again = world.model.delete_requested(&form).await.unwrap();
    assert_eq!(again, first, "it is the same request");
    assert_eq!(world.holder("alice").await, Ok(back.account));
    // Another one is another.
    world.clock.advance(Duration::from_secs(1));
    let other = world.sandbox.signed_request_form("alice").unwrap();
    let other = world.model.delete_requested(&other).await.unwrap();
    assert_ne!(other.confirmation_code, first.confirmation_code);
    assert_eq!(world.holder("alice").await, Err(Why::Unknown));
}

#[tokio::test]
async fn only_signed_events_and_agreed_subscriptions_are_taken() {
    let world = world(&["alice"]).await;
    world.link("alice").await;
    assert!(world.sandbox.subscribe().await);
    let body = br#"{"target_id":"17841400000000001"}"#;
    let sign = |secret: &str| {
        let signature = crate::signed_request::sign(body, &crate::Secret::new(secret));
        format!("sha256={}", data_encoding::HEXLOWER.encode(&signature))
    };
    assert_eq!(world.model.webhook(Some(&sign("sandbox-secret")), body).await.unwrap(), 1);
    let other = [&body[..], b" "].concat();
    for (signature, body) in [
        (None, &body[..]),
        (Some(""), body),
        (Some("sha256="), body),
        (Some("sha256=zz"), body),
        (Some(sign("other").as_str()), body),
        (Some(sign("").as_str()), body),
        (Some(sign("sandbox-secret").as_str()), &other),
    ] {
        let refused = world.model.webhook(signature, body).await;
        assert!(matches!(refused, Err(WebhookError::Signature)), "{signature:?}");
    }
    let challenge = |token: Option<&str>, mode: &str| {
        world.model.webhook_challenge(crate::ChallengeQuery {
            mode: Some(mode.into()),
            challenge: Some("42".into()),
            verify_token: token.map(str::to_owned),
        })
    };
    assert_eq!(challenge(Some("sandbox-verify"), "subscribe").unwrap(), "42");
    for (token, mode) in
        [(None, "subscribe"), (Some("x"), "subscribe"), (Some("sandbox-verify"), "unsubscribe")]
    {
        assert!(matches!(challenge(token, mode), Err(WebhookError::NotSubscribed)), "{token:?} {mode}");
    }
}
