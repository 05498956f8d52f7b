//! What may be asked, and how refusals look.

use namesake_tests::atproto::{ALICE, World};

const NAME: &str = "alice.example.com";

pub(crate) async fn s16_handles() {
    let world = World::new().await;
    let long_label = format!("{}.example.com", "a".repeat(64));
    let long = format!("{}.com", ["a"; 125].join("."));
    let too_long = format!("aa.{long}x");
    for bad in [
        "",
        "alice",
        "alice.",
        ".alice.com",
        "a..com",
        "-a.com",
        "a-.com",
        "a_b.com",
        "a b.com",
        "a.com ",
        "a.com.",
        "a.1com",
        "127.0.0.1",
        "@alice.example.com",
        "at://alice.example.com",
        "bücher.example.com",
        "alice.example.com\n",
        "alice.example.com/x",
        "alice.example.com:443",
        "handle.invalid",
        &long_label,
        &too_long,
    ] {
        let answer = world.resolve_handle(bad).await;
        assert_eq!(answer.error(), (400, "InvalidRequest"), "{bad:?}");
    }
    for bad in ["", "a b.example.com", "a\u{202e}b.example.com", "at://", "@", "did:PLC:x", &too_long] {
        let answer = world.resolve(bad).await;
        assert_eq!(answer.status, 400, "{bad:?}: {answer:?}");
    }
    assert_eq!(world.touched(), 0);

    world.person(ALICE, NAME);
    assert_eq!(world.resolve_handle("ALICE.Example.COM").await.did(), ALICE);
    for form in
        ["ALICE.example.com", "@alice.example.com", "at://Alice.Example.com", "at://alice.example.com/x/y"]
    {
        let answer = world.resolve(form).await;
        assert_eq!((answer.did(), answer.text("handle")), (ALICE, NAME), "{form}");
    }
}

pub(crate) async fn l_reserved() {
    let world = World::new().await;
    for top in ["alt", "arpa", "example", "internal", "invalid", "local", "localhost", "onion", "test"] {
        let name = format!("alice.{top}");
        let answer = world.resolve_handle(&name).await;
        assert_eq!(answer.error(), (400, "HandleNotFound"), "{name}");
        assert_eq!(answer.text("message"), "Unable to resolve handle");
        assert_eq!(world.resolve_identity(&name).await.status, 400, "{name}");
        let ours = world.resolve(&name).await;
        assert_eq!((ours.status, ours.text("type")), (404, "/problems/namespace-not-served"), "{name}");
        assert_eq!(world.refresh_identity(&name).await.status, 400, "{name}");
    }
    assert_eq!(world.touched(), 0);
}

pub(crate) async fn m_test_names() {
    let world = World::with(|choices| choices.allow_test_tld = true).await;
    world.person(ALICE, "alice.test");
    assert_eq!(world.resolve_handle("alice.test").await.did(), ALICE);
    assert_eq!(world.resolve("alice.test").await.did(), ALICE);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), "alice.test");
}

pub(crate) async fn n_forms() {
    let world = World::new().await;
    let ascii = "xn--bcher-kva.example.com";
    world.person(ALICE, ascii);
    for form in [
        "bücher.example.com",
        "BÜCHER.Example.com",
        "bu\u{308}cher.example.com",
        "bücher。example。com",
        "@bücher.example.com",
        "at://bücher.example.com",
        "https://bsky.app/profile/xn--bcher-kva.example.com",
        " xn--bcher-kva.example.com ",
    ] {
        let answer = world.resolve(form).await;
        assert_eq!((answer.did(), answer.text("handle")), (ALICE, ascii), "{form}");
    }
    assert_eq!(world.dns.proof_asked(ascii), 1, "one name, one entry, however it is written");
    for form in [ALICE, &format!("at://{ALICE}/app.bsky.feed.post/1")] {
        assert_eq!(world.resolve(form).await.text("handle"), ascii, "{form}");
    }
}

pub(crate) async fn o_error_shapes() {
    let world = World::with(|choices| choices.not_found_is_invalid_request = true).await;
    let missing = world.resolve_handle(NAME).await;
    assert_eq!(missing.error(), (400, "InvalidRequest"));
    assert_eq!(missing.text("message"), "Unable to resolve handle");
    for (target, status, error) in [
        ("/xrpc/com.atproto.identity.resolveHandle", 400, "InvalidRequest"),
        ("/xrpc/com.atproto.identity.resolveDid?did=plc:x", 400, "InvalidRequest"),
        ("/xrpc/com.atproto.identity.resolveIdentity?identifier=alice", 400, "InvalidRequest"),
        ("/xrpc/com.atproto.identity.noSuchMethod", 501, "MethodNotImplemented"),
        ("/xrpc/com.atproto.identity.resolveDid?did=did:plc:zzzzzzzzzzzzzzzzzzzzzzzz", 400, "DidNotFound"),
    ] {
        let answer = world.get(target).await;
        assert_eq!(answer.error(), (status, error), "{target}");
        assert_eq!(answer.header("content-type"), "application/json", "{target}");
        let fields: Vec<_> = answer.json.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(fields, ["error", "message"], "{target}");
    }
    let problem = world.resolve(NAME).await;
    assert_eq!((problem.status, problem.text("type")), (404, "/problems/handle-not-found"));
    assert_eq!(problem.header("content-type"), "application/problem+json");
}
