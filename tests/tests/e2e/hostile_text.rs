//! Text from outside that would rather be markup, or steer a terminal. For the command line see its own tests.

use namesake_independent::Did;
use namesake_tests::{Browser, Scene};
use serde_json::json;

const NAME: &str = "<script>alert(1)</script>\u{202e}\u{1b}[31mred\u{200b}\u{0}";
const BIO: &str = "\"><img src=x onerror=alert(1)>\n\u{2066}line two\u{1b}]0;title\u{7}</style>&amp;";
const HIDDEN: [char; 7] = ['\u{202e}', '\u{2066}', '\u{200b}', '\u{1b}', '\u{7}', '\u{0}', '\u{9b}'];

async fn assert_harmless(scene: &Scene, address: &str) {
    let data = scene.get(address).await;
    assert_eq!((data.status, data.header("content-type")), (200, "application/json"), "{data:?}");
    assert_eq!(data.header("x-content-type-options"), "nosniff");
    let profile = &data.json()["profile"];
    assert_eq!(profile["displayName"], "<script>alert(1)</script>[31mred");
    assert_eq!(profile["description"], "\"><img src=x onerror=alert(1)>\nline two]0;title</style>&amp;");
    assert_eq!(profile["avatar"], json!(null));
    assert!(!data.body.contains("\\u"), "nothing hidden, not even escaped: {data:?}");

    let handle = address.trim_start_matches("/@");
    for (path, shows_texts) in [
        (address.to_owned(), true),
        (format!("/?q={handle}"), true),
        (format!("/v1/explain?handle={handle}"), false),
    ] {
        let page = scene.send("GET", &path, &[("accept", "text/html")], "").await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{page:?}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{page:?}");
        for bad in ["<script", "<img src=x", "</style>", "javascript:"] {
            assert!(!page.body.contains(bad), "{bad} in {page:?}");
        }
        assert!(!page.body.contains(HIDDEN), "{page:?}");
        let escaped = page.body.contains("&lt;script&gt;alert(1)&lt;/script&gt;");
        assert_eq!(escaped, shows_texts, "{page:?}");
    }
}

#[tokio::test]
async fn an_upstreams_text_is_cleaned_and_escaped() {
    let scene = Scene::new().await;
    let person = json!({ "username": "mallory", "name": NAME, "bio": BIO, "picture": "javascript:alert(1)" });
    scene.control("POST", "people", &person).await;
    Browser::new(&scene).link("mallory").await;
    assert_harmless(&scene, "/@mallory").await;
}

#[tokio::test]
async fn an_owners_text_is_too() {
    let scene = Scene::new().await;
    let alice = Browser::new(&scene).link("alice").await;
    let edit = json!({ "displayName": NAME, "description": BIO }).to_string();
    let bearer = format!("Bearer {}", alice.token);
    let path = format!("/v1/mirror/accounts/{}", alice.account);
    let edited = scene.send("PATCH", &path, &[("authorization", &bearer)], &edit).await;
    assert_eq!(edited.json()["displayName"], "<script>alert(1)</script>[31mred");
    assert_harmless(&scene, "/@alice").await;
}

#[tokio::test]
async fn the_worlds_text_is_too() {
    let scene = Scene::new().await;
    let did = Did::parse("did:plc:mallory77777777777777777").unwrap();
    scene.world.internet.add_person(&did, "mallory.demo.test", NAME, BIO);
    assert_harmless(&scene, "/@mallory.demo.test").await;
}

#[tokio::test]
async fn what_was_asked_is_escaped_in_the_answer() {
    let scene = Scene::new().await;
    for asked in
        ["/?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E%E2%80%AE", "/@%3Cscript%3E%1b", "/problems/%3Cscript%3E"]
    {
        let page = scene.send("GET", asked, &[("accept", "text/html")], "").await;
        assert!(!page.body.contains("<script") && !page.body.contains(HIDDEN), "{asked}: {page:?}");
    }
    let back =
        "/mirror/threads/callback?state=x&error=access_denied&error_description=%3Cscript%3E%1b%E2%80%AE";
    let page = scene.send("GET", back, &[("accept", "text/html")], "").await;
    assert!(page.status == 403 && !page.body.contains("<script"), "{page:?}");
}

/// The reason in words comes from whoever made the link that led back: it is cleaned like every other text.
#[tokio::test]
async fn what_an_upstream_says_when_it_refuses_is_cleaned() {
    let scene = Scene::new().await;
    let mut browser = Browser::new(&scene);
    let back = browser.consent("alice").await;
    let state = back.split(['?', '&']).find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let words = "%3Cscript%3Ealert(1)%3C%2Fscript%3E%1b%5B31m%E2%80%AE";
    let refusal =
        format!("/mirror/threads/callback?state={state}&error=access_denied&error_description={words}");
    let page = browser.send("GET", &refusal, &[("accept", "text/html")], "").await;
    assert!(page.status == 403 && page.body.contains("&lt;script&gt;"), "{page:?}");
    assert!(!page.body.contains("<script") && !page.body.contains(HIDDEN), "{page:?}");
}
