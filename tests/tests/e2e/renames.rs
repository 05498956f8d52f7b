//! A rename at the upstream: seen at once by webhook, within the interval without one, and by no cache too late.

use std::time::Duration;

use namesake_tests::{POLL_INTERVAL, POLL_JITTER, Scene};
use serde_json::json;

#[tokio::test]
async fn a_rename_is_answered_once_its_webhook_was_delivered() {
    let scene = Scene::new().await;
    let alice = scene.who("alice").await;
    assert_eq!(scene.who("alice_ito").await, "404 handle-not-found");

    scene.rename("alice", "alice_ito").await;
    scene.heard().await;

    assert_eq!(scene.who("alice_ito").await, alice, "the account stays");
    assert_eq!(scene.who("alice").await, "404 handle-released");
    assert_eq!(scene.handle_of(&alice).await.as_deref(), Some("alice_ito"));
}

#[tokio::test]
async fn a_rename_without_a_webhook_is_answered_after_the_poll_and_never_before() {
    let scene = Scene::new().await;
    let alice = scene.who("alice").await;
    scene.control("POST", "faults", &json!({ "webhooks": false })).await;
    scene.rename("alice", "alice_ito").await;
    scene.heard().await;

    let earliest = POLL_INTERVAL - POLL_JITTER;
    for step in [Duration::ZERO, earliest / 2, earliest - earliest / 2] {
        scene.pass(step).await;
        assert_eq!(scene.who("alice_ito").await, "404 handle-not-found");
        assert_eq!(scene.who("alice").await, alice);
    }
    scene.pass(POLL_JITTER).await;
    assert_eq!(scene.who("alice_ito").await, alice);
    assert_eq!(scene.who("alice").await, "404 handle-released");
}

#[tokio::test]
async fn nothing_remembered_here_or_by_a_client_survives_a_rename() {
    let scene = Scene::new().await;
    let alice = scene.who("alice").await;
    let addresses = ["/@alice".to_owned(), "/@alice_ito".to_owned(), format!("/v1/accounts/{alice}")];
    let mut before = Vec::new();
    for address in &addresses {
        let answer = scene.get(address).await;
        // What comes from our own store is asked about every time, a definite no included.
        assert_eq!(answer.header("cache-control"), "no-cache", "{address}");
        let etag = answer.header("etag").to_owned();
        assert!(!etag.is_empty(), "{address}");
        before.push(etag);
    }
    let known = [("if-none-match", before[0].as_str())];
    assert_eq!(scene.send("GET", "/@alice", &known, "").await.status, 304);

    scene.rename("alice", "alice_ito").await;
    scene.heard().await;

    let expected = [(404, "alice"), (200, "alice_ito"), (200, "alice_ito")];
    for ((address, etag), (status, handle)) in addresses.iter().zip(&before).zip(expected) {
        let answer = scene.send("GET", address, &[("if-none-match", etag)], "").await;
        assert_eq!(answer.status, status, "{address}");
        assert_eq!(answer.json()["handle"], handle, "{address}");
        assert_ne!(answer.header("etag"), etag, "{address}");
    }
}

#[tokio::test]
async fn a_page_is_as_new_as_the_data_behind_it() {
    let scene = Scene::new().await;
    let html = [("accept", "text/html")];
    let page = scene.send("GET", "/@alice", &html, "").await;
    assert!(page.status == 200 && page.body.contains("Alice Ito"), "{page:?}");
    let etag = page.header("etag").to_owned();
    scene.rename("alice", "alice_ito").await;
    scene.heard().await;
    let page = scene.send("GET", "/@alice", &[html[0], ("if-none-match", &etag)], "").await;
    assert_eq!(page.status, 404);
    assert!(!page.body.contains("Alice Ito"), "{page:?}");
}

#[tokio::test]
async fn a_batch_and_webfinger_follow_too() {
    let scene = Scene::new().await;
    let alice = scene.who("alice").await;
    scene.rename("alice", "alice_ito").await;
    scene.heard().await;
    let batch = scene.send("POST", "/v1/resolve", &[], r#"{"handles":["alice","@alice_ito"]}"#).await.json();
    assert_eq!(batch["results"][0]["status"], 404);
    assert_eq!(batch["results"][1]["resolution"]["account"], alice);
    let host = scene.world.public_url.authority();
    let found = scene.get(&format!("/.well-known/webfinger?resource=acct:alice_ito@{host}")).await;
    assert_eq!((found.status, found.header("content-type")), (200, "application/jrd+json"));
    assert_eq!(scene.get(&format!("/.well-known/webfinger?resource=acct:alice@{host}")).await.status, 404);
}
