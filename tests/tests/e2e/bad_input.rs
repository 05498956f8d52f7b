//! Whatever comes in is refused in words, and leaves everything as it was.

use namesake_tests::{Answer, Browser, Scene};

/// All that a client can see of the state.
async fn state(scene: &Scene) -> Vec<String> {
    let mut seen = vec![scene.get("/v1/policies").await.body];
    for name in
        ["alice", "bob", "carol", "jane.art", "jane.art?scheme=mirror", "alice.demo.test", "bob.demo.test"]
    {
        let answer = scene.get(&format!("/@{name}")).await;
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        seen.push(answer.body);
    }
    for name in ["broken.demo.test", "nobody"] {
        seen.push(scene.who(name).await);
    }
    seen
}

/// A refusal of a client's mistake, with a document that says so in the shape of its route. 501 is XRPC's word for a
/// method nobody has, and ours for a DID method nobody supports.
fn assert_refused(answer: &Answer, path: &str) {
    assert!((400..500).contains(&answer.status) || answer.status == 501, "{path}: {answer:?}");
    if !path.starts_with("/xrpc/") {
        assert!(!answer.kind().is_empty());
        return;
    }
    assert_eq!(answer.header("content-type"), "application/json", "{path}: {answer:?}");
    for field in ["error", "message"] {
        assert!(answer.json()[field].as_str().is_some_and(|text| !text.is_empty()), "{path}: {answer:?}");
    }
}

#[tokio::test]
async fn names_that_are_none_are_refused_on_every_route_that_takes_one() {
    let scene = Scene::new().await;
    let before = state(&scene).await;
    let long = "a".repeat(300);
    let labels = format!("{}.example.com", "a".repeat(64));
    let names = [
        "",
        "%20",
        "%zz",
        "%",
        "%2",
        "%ff",
        "%c0%af",
        "%00",
        "alice%00",
        "a%20b",
        "%E2%80%AEalice",
        "al%E2%80%8Bice",
        "a%0d%0ab",
        "did:",
        "did:plc",
        "did:plc:",
        "DID:plc:abc",
        "did:foo:bar",
        "did:web:localhost%25zz",
        "threads:",
        "threads:nobody",
        "nobody:1",
        "..",
        ".alice",
        "alice.",
        "a..b",
        "@@alice",
        "%40%40alice",
        "alice@",
        "@",
        "-",
        "a.-b.test",
        "xn--zzzzzz.com",
        "%F0%9F%92%A9",
        "handle.invalid",
        "acct:",
        "at://",
        "at://alice",
        "https%3A%2F%2Fevil.example%2F%40alice",
        "javascript:alert(1)",
        &long,
        &labels,
    ];
    for name in names {
        let xrpc = "/xrpc/com.atproto.identity";
        let own = format!("/v1/mirror/accounts/{name}");
        for path in [
            format!("/v1/resolve?handle={name}"),
            format!("/v1/resolve?handle={name}&fresh=true"),
            format!("/{xrpc}.resolveHandle?handle={name}").replacen("//", "/", 1),
            format!("{xrpc}.resolveDid?did={name}"),
            format!("{xrpc}.resolveIdentity?identifier={name}"),
            format!("/.well-known/webfinger?resource={name}"),
            format!("/v1/accounts/{name}"),
            own,
        ] {
            assert_refused(&scene.get(&path).await, &path);
        }
        // The URL type resolves dots; these go out as they are.
        for path in [format!("/@{name}"), format!("/profile/{name}")] {
            let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            let answer = scene.raw(request.as_bytes()).await.unwrap();
            // A name that is an account's id is none in `/@…` either.
            assert_refused(&answer, &path);
        }
    }
    assert_eq!(state(&scene).await, before);
}

#[tokio::test]
async fn what_begins_like_a_did_and_is_none_is_a_mistake_and_no_missing_account() {
    let scene = Scene::new().await;
    for did in ["did:plc", "did:plc:", "did:PLC:abc", "did:plc:a%23b", "did:web:a:"] {
        for path in [format!("/v1/accounts/{did}"), format!("/@{did}"), format!("/v1/resolve?handle={did}")] {
            let refused = scene.get(&path).await;
            assert_eq!((refused.status, refused.kind().as_str()), (400, "invalid-handle"), "{path}");
        }
    }
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_refused() {
    let scene = Scene::new().await;
    let before = state(&scene).await;
    let long = "x".repeat(5_000);
    for path in [
        "/v1/resolve",
        "/v1/resolve?handle=alice&handle=bob",
        "/v1/resolve?handle=alice&fresh=maybe",
        "/v1/resolve?handle=alice&fresh=true&fresh=false",
        "/v1/resolve?handle=alice&scheme=",
        "/v1/resolve?handle=alice&scheme=No%20Such",
        "/v1/resolve?handle=alice&scheme=did",
        "/v1/resolve?handle=alice&scheme=independent",
        "/v1/resolve?handle=alice&scheme=nobody",
        "/v1/resolve?handle=alice&%zz=1",
        "/@alice?scheme=%zz",
        "/@alice?scheme=a&scheme=b",
        "/profile/alice",
        "/v1/explain",
        "/v1/explain?handle=%zz",
        "/v1/explain?handle=a&handle=b",
        "/.well-known/webfinger",
        "/.well-known/webfinger?resource=acct:%25zz",
        "/problems/none",
        "/mirror/",
        "/mirror/none",
        "/mirror/threads/profile",
        "/mirror/threads/",
        "/mirror/threads/none",
        "/mirror/none/connect",
        "/mirror/threads/connect/",
        "/mirror/threads/callback",
        "/mirror/threads/callback?state=x",
        "/mirror/threads/callback?code=x",
        "/mirror/threads/callback?code=x&state=x",
        "/mirror/threads/callback?code=x&state=x&state=y",
        "/mirror/threads/callback?code=%zz&state=x",
        &format!("/mirror/threads/callback?code={long}&state={long}"),
        "/mirror/threads/webhook?hub.mode=subscribe&hub.challenge=1",
        "/mirror/threads/delete",
        "/mirror/threads/delete?code=x",
        "/mirror/threads/delete?code=",
        &format!("/mirror/threads/delete?code={long}"),
        "/mirror/threads/deauthorize",
        "/v1/mirror/accounts/threads:x",
        "/v1/mirror/accounts/threads:x/other",
        "/v1/mirror/accounts/threads:x/handle",
        "/v1/mirror/accounts/",
        "/v1/accounts/",
        "/v1",
        "/nowhere",
        "/xrpc/",
        "/xrpc/com.atproto.server.createSession",
        "/xrpc/com.atproto.identity.resolveHandle",
        "/xrpc/com.atproto.identity.resolveHandle?handle=a.test&handle=b.test",
        "/xrpc/com.atproto.identity.refreshIdentity",
    ] {
        assert_refused(&scene.get(path).await, path);
    }
    assert_eq!(state(&scene).await, before);
}

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused() {
    let scene = Scene::new().await;
    let alice = Browser::new(&scene).link("alice").await;
    let before = state(&scene).await;
    let own = format!("/v1/mirror/accounts/{}", alice.account);
    let bearer = format!("Bearer {}", alice.token);
    let deep = "[".repeat(20_000);
    let nested = format!(r#"{{"handles":{deep}"#);
    let huge = format!(r#"{{"handles":["{}"]}}"#, "a".repeat(70_000));
    let many = format!(r#"{{"handles":[{}"alice"]}}"#, r#""alice","#.repeat(100));
    let bodies = [
        "",
        " ",
        "{",
        "}",
        "null",
        "[]",
        "{}",
        "1",
        "\"alice\"",
        "\u{feff}{}",
        "handles=alice",
        r#"{"handles":null}"#,
        r#"{"handles":"alice"}"#,
        r#"{"handles":[1]}"#,
        r#"{"handles":[null]}"#,
        r#"{"handles":["alice"],"x":1}"#,
        r#"{"handles":["alice"],"handles":["bob"]}"#,
        r#"{"handles":["\ud800"]}"#,
        r#"{"handles":["alice"]} x"#,
        r#"{"identifier":1}"#,
        r#"{"identifier":""}"#,
        r#"{"identifier":"@alice.demo.test"}"#,
        r#"{"identifier":"did:plc:"}"#,
        r#"{"displayName":1}"#,
        r#"{"displayName":["x"]}"#,
        r#"{"nope":"x"}"#,
        r#"{"displayName":"x""#,
        r#"{"displayName":"x","handle":"y"}"#,
        r#"{"displayName":"x","avatar":null}"#,
        "signed_request=",
        "signed_request=.",
        "signed_request=a.b",
        "signed_request=%zz",
        "signed_request=x&signed_request=y",
        &deep,
        &nested,
        &huge,
        &many,
    ];
    let owner = [("authorization", bearer.as_str())];
    for body in bodies {
        for (method, path, headers) in [
            ("POST", "/v1/resolve", &[][..]),
            ("POST", "/xrpc/com.atproto.identity.refreshIdentity", &[]),
            ("POST", "/xrpc/com.example.unknown", &[]),
            ("POST", "/mirror/threads/webhook", &[]),
            ("POST", "/mirror/threads/webhook", &[("x-hub-signature-256", "sha256=00")]),
            ("POST", "/mirror/threads/deauthorize", &[]),
            ("POST", "/mirror/threads/delete", &[]),
            ("PUT", &format!("{own}/handle"), &owner),
            ("PUT", &own, &owner),
            ("PATCH", &own, &[]),
            ("PATCH", &own, &owner),
        ] {
            // An empty edit changes nothing, and is none the worse for it.
            if (method, body, headers.len()) == ("PATCH", "{}", 1) {
                continue;
            }
            let answer = scene.send(method, path, headers, body).await;
            let shown: String = body.chars().take(60).collect();
            assert_refused(&answer, path);
            assert!(answer.status != 404, "{method} {path} {shown}: {answer:?}");
        }
    }
    assert_eq!(state(&scene).await, before);
}

#[tokio::test]
async fn methods_that_a_route_does_not_take_are_refused_with_those_it_does() {
    let scene = Scene::new().await;
    let before = state(&scene).await;
    for (path, taken) in [
        ("/", "GET"),
        ("/@alice", "GET"),
        ("/profile/jane.art", "GET"),
        ("/v1/resolve", "GET POST"),
        ("/v1/explain", "GET"),
        ("/v1/accounts/threads:x", "GET"),
        ("/v1/policies", "GET"),
        ("/compare", "GET"),
        ("/problems/handle-not-found", "GET"),
        ("/.well-known/webfinger", "GET"),
        ("/livez", "GET"),
        ("/readyz", "GET"),
        ("/metrics", "GET"),
        ("/nowhere", "GET"),
        ("/mirror/threads", "GET"),
        ("/mirror/threads/profile", "POST"),
        ("/mirror/threads/leave", "POST"),
        ("/mirror/threads/connect", "GET"),
        ("/mirror/threads/callback", "GET"),
        ("/mirror/threads/webhook", "GET POST"),
        ("/mirror/threads/deauthorize", "POST"),
        ("/v1/mirror/accounts/threads:x", "GET PATCH DELETE"),
        ("/v1/mirror/accounts/threads:x/handle", "PUT"),
        ("/xrpc/com.atproto.identity.resolveHandle", "GET"),
        ("/xrpc/com.atproto.identity.refreshIdentity", "POST"),
        ("/xrpc/_health", "GET"),
    ] {
        for method in ["POST", "PUT", "PATCH", "DELETE", "TRACE", "BREW", "get", "PROPFIND"] {
            if taken.split(' ').any(|taken| taken == method) {
                continue;
            }
            let answer = scene.send(method, path, &[], "").await;
            assert_eq!(answer.status, 405, "{method} {path}: {answer:?}");
            assert_refused(&answer, path);
            assert!(answer.header("allow").contains("OPTIONS"), "{method} {path}: {answer:?}");
        }
    }
    assert_eq!(state(&scene).await, before);
}

/// What is no request gets an answer of HTTP alone, or a closed connection.
#[tokio::test]
async fn what_is_no_request_is_refused_or_cut_off() {
    let scene = Scene::new().await;
    let before = state(&scene).await;
    let huge = "a".repeat(70_000);
    let many: String = (0..500).map(|n| format!("x-{n}: y\r\n")).collect();
    for request in [
        "\r\n\r\n\r\n\r\n".to_owned(),
        "GET\r\n\r\n".to_owned(),
        "GET /@alice\r\n\r\n".to_owned(),
        "GET /@alice HTTP/9.9\r\nhost: x\r\n\r\n".to_owned(),
        "GET /@ali ce HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(),
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(),
        "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\u{fc}\u{3}\u{3}".to_owned(),
        "GET /@alice HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n".to_owned(),
        "GET /@alice HTTP/1.1\r\nhost: x\r\n: y\r\n\r\n".to_owned(),
        format!("GET /@alice HTTP/1.1\r\nhost: x\r\ncookie: {huge}\r\n\r\n"),
        format!("GET /@{huge} HTTP/1.1\r\nhost: x\r\n\r\n"),
        format!("GET /@alice HTTP/1.1\r\nhost: x\r\n{many}\r\n"),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n".to_owned(),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: 99999999999999999999999\r\n\r\n".to_owned(),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n{}".to_owned(),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: 1000000\r\n\r\n{".to_owned(),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n".to_owned(),
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n{}".to_owned(),
    ] {
        if let Some(answer) = scene.raw(request.as_bytes()).await {
            let shown: String = request.chars().take(80).collect();
            assert!((400..500).contains(&answer.status), "{shown:?}: {answer:?}");
        }
    }
    assert_eq!(state(&scene).await, before);
}
