//! Linking as a person does it, and what its owner may do with the account.

use std::time::Duration;

use namesake_tests::{Answer, Browser, Scene, SignedIn};
use serde_json::json;

fn own(account: &str) -> String {
    format!("/v1/mirror/accounts/{account}")
}

async fn as_owner(scene: &Scene, method: &str, who: &SignedIn, body: &str) -> Answer {
    let bearer = format!("Bearer {}", who.token);
    scene.send(method, &own(&who.account), &[("authorization", &bearer)], body).await
}

#[tokio::test]
async fn a_sign_in_belongs_to_the_browser_that_began_it_and_is_good_once() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let back = browser.consent("alice").await;

    for mut other in [Browser::new(&scene), Browser::new(&scene)] {
        let stolen = other.send("GET", &back, &[], "").await;
        assert_eq!((stolen.status, stolen.kind().as_str()), (403, "refused"));
        assert!(other.cookies.is_empty(), "{:?}", other.cookies);
        // One that has begun a sign-in of its own brings the wrong cookie.
        other.consent("bob").await;
        assert_eq!(other.send("GET", &back, &[], "").await.status, 403);
    }
    let used = browser.cookies.clone();
    let linked = browser.send("GET", &back, &[], "").await;
    assert_eq!(linked.status, 200, "alice was linked before: {linked:?}");
    assert!(browser.cookies.keys().all(|name| !name.contains("linking")), "it is used up");

    browser.cookies = used;
    let again = browser.send("GET", &back, &[], "").await;
    assert_eq!((again.status, again.kind().as_str()), (403, "refused"));
}

#[tokio::test]
async fn a_sign_in_that_takes_too_long_is_over() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let back = browser.consent("alice").await;
    scene.pass(Duration::from_secs(601)).await;
    assert_eq!(browser.send("GET", &back, &[], "").await.status, 403);
}

#[tokio::test]
async fn a_person_in_a_browser_ends_at_their_page() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    for username in ["alice", "jane.art"] {
        browser.cookies.clear();
        let back = browser.consent(username).await;
        let linked = browser.send("GET", &back, &[("accept", "text/html")], "").await;
        assert!(linked.body.is_empty(), "no token in a page: {linked:?}");
        let page = linked.header("location").to_owned();
        assert!(linked.status == 303 && page.starts_with("/mirror/threads?done="), "{linked:?}");
        let page = browser.send("GET", &page, &[("accept", "text/html")], "").await;
        assert!(page.status == 200 && page.body.contains(&format!("@{username}")), "{page:?}");
    }
}

#[tokio::test]
async fn the_owner_is_known_by_token_or_cookie_and_nobody_else_is() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let alice = browser.link("alice").await;
    let bob = Browser::new(&scene).link("bob").await;

    let seen = as_owner(&scene, "GET", &alice, "").await;
    assert_eq!((seen.status, seen.header("cache-control")), (200, "no-store"));
    assert_eq!((&seen.json()["handle"], &seen.json()["display"]), (&"alice".into(), &"current".into()));
    assert_eq!(browser.send("GET", &own(&alice.account), &[], "").await.json(), seen.json());

    let made_up = "A".repeat(alice.token.len());
    let path = own(&alice.account);
    for token in [made_up.as_str(), &bob.token, &alice.token[1..], ""] {
        let bearer = format!("Bearer {token}");
        for (method, body) in [("GET", ""), ("PATCH", r#"{"displayName":"Mallory"}"#), ("DELETE", "")] {
            let refused = scene.send(method, &path, &[("authorization", &bearer)], body).await;
            assert_eq!((refused.status, refused.kind().as_str()), (401, "sign-in-required"), "{method}");
            let refused = scene.send(method, &path, &[], body).await;
            assert_eq!((refused.status, refused.kind().as_str()), (401, "sign-in-required"), "{method}");
        }
    }
    // An account that is not there looks no different.
    let nobody = SignedIn { account: "threads:nobody".to_owned(), ..alice.clone() };
    assert_eq!(as_owner(&scene, "GET", &nobody, "").await.status, 401);
    assert_eq!(as_owner(&scene, "GET", &alice, "").await.json(), seen.json());
}

#[tokio::test]
async fn a_handle_is_set_by_nobody_and_the_answer_says_what_to_do() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let alice = browser.link("alice").await;
    let path = format!("{}/handle", own(&alice.account));
    let bearer = format!("Bearer {}", alice.token);
    for headers in [&[][..], &[("authorization", bearer.as_str())], &[("authorization", "Bearer x")]] {
        let refused = scene.send("PUT", &path, headers, r#"{"handle":"queen"}"#).await;
        assert_eq!((refused.status, refused.kind().as_str()), (403, "handle-is-mirrored"));
        let detail = refused.json()["detail"].to_string();
        assert!(detail.contains("rename that account") && detail.contains("10 seconds"), "{detail}");
    }
    assert_eq!(browser.send("PUT", &path, &[], "{}").await.kind(), "handle-is-mirrored");
    let nobody = scene.send("PUT", "/v1/mirror/accounts/threads:nobody/handle", &[], "").await;
    assert_eq!(nobody.kind(), "handle-is-mirrored");

    let patched = as_owner(&scene, "PATCH", &alice, r#"{"displayName":"X","handle":"queen"}"#).await;
    assert_eq!((patched.status, patched.kind().as_str()), (403, "handle-is-mirrored"));
    for field in ["avatar", "picture"] {
        let body = json!({ "displayName": "X", field: "https://cdn.example/me.jpg" }).to_string();
        let patched = as_owner(&scene, "PATCH", &alice, &body).await;
        assert_eq!((patched.status, patched.kind().as_str()), (403, "refused"), "{field}");
    }
    let now = as_owner(&scene, "GET", &alice, "").await.json();
    assert_eq!((&now["displayName"], &now["avatar"]), (&"Alice Ito".into(), &json!(null)), "nothing of it");
}

#[tokio::test]
async fn another_sites_page_does_not_act_for_the_owner() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let alice = browser.link("alice").await;
    let path = own(&alice.account);
    let body = r#"{"displayName":"Mallory was here"}"#;
    for origin in ["https://mallory.example", "null", "http://127.0.0.1:1"] {
        for method in ["PATCH", "DELETE"] {
            let refused = browser.send(method, &path, &[("origin", origin)], body).await;
            assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"), "{origin}");
        }
        let asked = browser.send("OPTIONS", &path, &[("origin", origin)], "").await;
        assert_eq!(asked.header("access-control-allow-origin"), "", "{origin}");
    }
    assert_eq!(scene.get("/@alice").await.json()["profile"]["displayName"], "Alice Ito");

    let ours = scene.world.public_url.origin().ascii_serialization();
    let edited = browser.send("PATCH", &path, &[("origin", &ours)], r#"{"displayName":"Me"}"#).await;
    assert_eq!((edited.status, &edited.json()["displayName"]), (200, &"Me".into()));
}

#[tokio::test]
async fn texts_are_the_owners_and_the_picture_is_the_upstreams() {
    let scene = Scene::new().await;
    let alice = Browser::new(&scene).link("alice").await;
    let before = scene.get("/@alice").await.json();
    let edited = as_owner(&scene, "PATCH", &alice, r#"{"displayName":"Potter","description":null}"#).await;
    assert_eq!(edited.status, 200, "{edited:?}");
    let profile = &scene.get("/@alice").await.json()["profile"];
    assert_eq!((&profile["displayName"], &profile["description"]), (&"Potter".into(), &json!(null)));
    assert_ne!(profile, &before["profile"], "seen at once");

    let upstream = json!({ "name": "A. Ito", "bio": "New words.", "picture": "https://cdn.example/new.jpg" });
    scene.control("PATCH", "people/alice", &upstream).await;
    scene.heard().await;
    let profile = &scene.get("/@alice").await.json()["profile"];
    assert_eq!((&profile["displayName"], &profile["description"]), (&"Potter".into(), &json!(null)));
    assert_eq!(profile["avatar"], "https://cdn.example/new.jpg");
}

#[tokio::test]
async fn who_deletes_and_comes_back_is_somebody_new_under_todays_name() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let alice = browser.link("alice").await;
    as_owner(&scene, "PATCH", &alice, r#"{"displayName":"Potter"}"#).await;
    assert_eq!(scene.who("alice").await, alice.account);

    let deleted = browser.send("DELETE", &own(&alice.account), &[], "").await;
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""));
    assert!(browser.cookies.is_empty(), "{:?}", browser.cookies);
    assert_eq!(scene.who("alice").await, "404 handle-not-found");
    assert_eq!(scene.get(&format!("/v1/accounts/{}", alice.account)).await.kind(), "account-not-found");
    assert_eq!(as_owner(&scene, "GET", &alice, "").await.status, 401, "the sign-in went too");

    scene.rename("alice", "alice_ito").await;
    scene.heard().await;
    assert_eq!(scene.who("alice_ito").await, "404 handle-not-found", "nobody follows it any more");
    let back = browser.link("alice_ito").await;
    assert!(back.created && back.account != alice.account, "{back:?}");
    assert_eq!(back.handle, "alice_ito");
    assert_eq!(scene.who("alice_ito").await, back.account);
    assert_eq!(scene.get("/@alice_ito").await.json()["profile"]["displayName"], "Alice Ito", "copied anew");
    assert_eq!(scene.get(&format!("/v1/accounts/{}", alice.account)).await.status, 404);
}

#[tokio::test]
async fn linking_again_is_the_same_account_and_ends_the_old_sign_in() {
    let scene = Scene::new().await;
    let first = Browser::new(&scene).link("alice").await;
    let second = Browser::new(&scene).link("alice").await;
    assert_eq!((&second.account, second.created), (&first.account, false));
    assert_eq!(as_owner(&scene, "GET", &first, "").await.status, 401);
    assert_eq!(as_owner(&scene, "GET", &second, "").await.status, 200);
}

#[tokio::test]
async fn a_link_is_for_good() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let alice = browser.link("alice").await;
    let back = browser.consent("bob").await;
    let refused = browser.send("GET", &back, &[], "").await;
    assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"));
    assert_eq!(as_owner(&scene, "GET", &alice, "").await.json()["handle"], "alice");
}
