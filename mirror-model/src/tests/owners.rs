//! One's own profile, and what the upstream asks for on somebody's behalf.

use std::sync::Arc;

use namesake::{ProfileState, Why, store::MemoryStore};

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
