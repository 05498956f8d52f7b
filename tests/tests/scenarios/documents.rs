//! DIDs and their documents.

use std::time::Duration;

use namesake_tests::atproto::{ALICE, BOB, Body, CAROL, Page, World, document};
use serde_json::json;

const NAME: &str = "alice.example.com";

pub(crate) async fn s17_foreign_id() {
    let world = World::new().await;
    world.dns.proof(NAME, &[&format!("did={ALICE}")]);
    world.directory.say(ALICE, Page::ok(document(BOB, &[&format!("at://{NAME}")]).to_string()));
    assert_eq!(world.resolve_did(ALICE).await.error(), (502, "UpstreamFailure"));
    assert_eq!(world.resolve(NAME).await.status, 502);
    assert_eq!(world.resolve_identity(ALICE).await.status, 502);
    world.directory.say(CAROL, Page::ok("<html>"));
    assert_eq!(world.resolve_did(CAROL).await.error(), (502, "UpstreamFailure"));
}

pub(crate) async fn s18_first_valid_claim() {
    let world = World::new().await;
    let claims =
        ["https://alice.example.com", "at://not_valid", "at://ALICE.example.com", "at://bob.example.com"];
    world.directory.say(ALICE, Page::ok(document(ALICE, &claims).to_string()));
    world.dns.proof(NAME, &[&format!("did={ALICE}")]);
    world.dns.proof("bob.example.com", &[&format!("did={ALICE}")]);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), NAME);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
    // The other one names the DID, and the DID's first claim is another.
    let other = world.resolve("bob.example.com").await;
    assert_eq!((other.status, other.text("type")), (404, "/problems/handle-unproven"));
    assert_eq!(world.resolve_identity("bob.example.com").await.status, 400);
}

pub(crate) async fn s20_directory() {
    let world = World::new().await;
    let did = |letter: &str| format!("did:plc:{}", letter.repeat(24));
    let message = |text: &str| json!({ "message": format!("{text}: x") }).to_string();
    for (letter, page, expected) in [
        ("a", Page::new(410, ""), (400, "DidDeactivated")),
        ("b", Page::new(404, message("DID not available")), (400, "DidDeactivated")),
        ("c", Page::new(404, message("DID not registered")), (400, "DidNotFound")),
        ("d", Page::new(404, "<html>"), (400, "DidNotFound")),
        ("e", Page::new(429, ""), (502, "UpstreamFailure")),
        ("f", Page::new(503, ""), (502, "UpstreamFailure")),
        ("g", Page::ok(" ".repeat(65 * 1024)), (502, "UpstreamFailure")),
    ] {
        let did = did(letter);
        world.directory.say(&did, page);
        assert_eq!(world.resolve_did(&did).await.error(), expected, "{did}");
        assert_eq!(world.resolve_identity(&did).await.error(), expected, "{did}");
    }
    let closed = world.resolve(&did("a")).await;
    assert_eq!((closed.status, closed.text("type")), (410, "/problems/account-deactivated"));

    // What was known goes out stale while the failure is temporary, and not after the account was closed.
    let dora = did("h");
    world.person(&dora, "dora.example.com");
    let ask = async || {
        let answers = [
            world.resolve_did(&dora).await,
            world.resolve_identity(&dora).await,
            world.resolve("dora.example.com").await,
        ];
        answers.map(|answer| (answer.status, answer.stale()))
    };
    assert_eq!(ask().await, [(200, false); 3]);
    for failure in [429, 503] {
        world.directory.say(&dora, Page::new(failure, ""));
        world.wait(700);
        assert_eq!(ask().await, [(200, true); 3], "{failure}");
    }
    world.directory.say(&dora, Page::new(410, ""));
    world.wait(700);
    assert_eq!(ask().await, [(400, false), (400, false), (410, false)]);
}

pub(crate) async fn s21_odd_did_web() {
    let world = World::new().await;
    for did in [
        "did:web:example.com:alice",
        "did:web:example.com%3A8443",
        "did:web:example.com%2Falice",
        "did:web:127.0.0.1",
        "did:web:%5B%3A%3A1%5D",
        "did:web:localhost",
        "did:web:localhost%3A8080",
        "did:web:host.internal",
        "did:web:host.local",
        "did:web:host.test",
        "did:web:metadata",
    ] {
        assert_eq!(world.resolve_did(did).await.error(), (400, "DidNotFound"), "{did}");
        assert_eq!(world.resolve_identity(did).await.error(), (400, "DidNotFound"), "{did}");
    }
    // Neither is another's syntax, nor a method we do not speak.
    assert_eq!(world.resolve_did("did:web:").await.error(), (400, "InvalidRequest"));
    let unsupported = world.resolve_did("did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N").await;
    assert_eq!(unsupported.error(), (400, "InvalidRequest"));
    // Our own routes tell the two apart as well.
    for (did, status) in
        [("did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N", 501), ("did:plc:short", 404)]
    {
        assert_eq!(world.resolve(did).await.status, status, "{did}");
    }
    assert_eq!(world.touched(), 0);
}

pub(crate) async fn s22_did_web() {
    let world = World::with(|choices| choices.http_timeout = Duration::from_millis(1500)).await;
    let ask = async |name: &str, page: Page| {
        world.host(name);
        world.web.document(name, page);
        let answer = world.resolve_did(&format!("did:web:{name}")).await;
        (answer.status, answer.text("error").to_owned())
    };
    let is = |status, error: &str| (status, error.to_owned());
    let body = document("did:web:ok.example.com", &["at://ok.example.com"]).to_string();
    assert_eq!(ask("ok.example.com", Page::ok(body)).await, is(200, ""));
    assert_eq!(ask("a404.example.com", Page::new(404, "")).await, is(400, "DidNotFound"));
    assert_eq!(ask("a410.example.com", Page::new(410, "")).await, is(400, "DidNotFound"));
    assert_eq!(ask("a503.example.com", Page::new(503, "")).await, is(502, "UpstreamFailure"));
    let silent = Page::coming(Body::Silence);
    assert_eq!(ask("silent.example.com", silent).await, is(504, "UpstreamTimeout"));
    // No redirect, and no more than 64 KiB.
    let moved = Page::redirect("https://ok.example.com/.well-known/did.json");
    assert_eq!(ask("moved.example.com", moved).await, is(502, "UpstreamFailure"));
    let mut long = document("did:web:long.example.com", &[]).to_string();
    long += &" ".repeat(65 * 1024);
    assert_eq!(ask("long.example.com", Page::ok(long)).await, is(502, "UpstreamFailure"));
}
