//! What the upstream sends: only what it signed is taken, and then it is a hint and no more.

use std::time::Duration;

use namesake_tests::{Answer, Scene};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

const WEBHOOK: &str = "/mirror/threads/webhook";
/// The sandbox's, by default.
const VERIFY_TOKEN: &str = "sandbox-verify";

#[tokio::test]
async fn a_subscription_is_confirmed_to_whoever_knows_the_token() {
    let scene = Scene::new().await;
    assert!(scene.world.sandbox.subscribe().await);
    let ask = async |mode: &str, token: &str, challenge: &str| {
        let query = format!("?hub.mode={mode}&hub.verify_token={token}{challenge}");
        scene.get(&format!("{WEBHOOK}{query}")).await
    };
    let confirmed = ask("subscribe", VERIFY_TOKEN, "&hub.challenge=%3Cb%3E1158").await;
    assert_eq!((confirmed.status, confirmed.body.as_str()), (200, "<b>1158"));
    assert_eq!(confirmed.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(confirmed.header("x-content-type-options"), "nosniff");
    for (mode, token, challenge) in [
        ("subscribe", "wrong", "&hub.challenge=1"),
        ("subscribe", "", "&hub.challenge=1"),
        ("subscribe", "sandbox-verifyy", "&hub.challenge=1"),
        ("unsubscribe", VERIFY_TOKEN, "&hub.challenge=1"),
        ("subscribe", VERIFY_TOKEN, ""),
    ] {
        let refused = ask(mode, token, challenge).await;
        assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"), "{mode} {token} {challenge}");
    }
    assert_eq!(scene.get(WEBHOOK).await.status, 403);
}

/// A real event about alice, signed by the sandbox and caught on its way.
async fn caught(scene: &Scene) -> (String, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    scene.world.sandbox.send_webhooks_to(format!("http://{address}/").parse().unwrap());
    scene.control("PATCH", "people/alice", &json!({ "bio": "An ordinary edit." })).await;
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let (head, body) = loop {
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert_ne!(read, 0, "it broke off");
        let text = String::from_utf8(bytes.clone()).unwrap().to_ascii_lowercase();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            let at = bytes.len() - body.len();
            break (head.to_owned(), String::from_utf8(bytes[at..].to_vec()).unwrap());
        }
    };
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    let signature = head.lines().find_map(|line| line.strip_prefix("x-hub-signature-256: ")).unwrap();
    scene.heard().await;
    (signature.to_owned(), body)
}

async fn deliver(scene: &Scene, signature: Option<&str>, body: &str) -> Answer {
    let signature = signature.map(|signature| ("x-hub-signature-256", signature));
    scene.send("POST", WEBHOOK, signature.as_slice(), body).await
}

#[tokio::test]
async fn what_the_upstream_did_not_sign_costs_no_poll() {
    let scene = Scene::new().await;
    let (signature, body) = caught(&scene).await;
    let served = scene.world.sandbox.profiles_served();

    let flipped = signature.replace(|c: char| c.is_ascii_digit(), "a");
    let wrong = format!("sha256={}", "0".repeat(64));
    let elsewhere = body.replace("target_id", "target-id");
    let cut = &body[..body.len() - 1];
    for (case, signature, body) in [
        ("unsigned", None, body.as_str()),
        ("signed by another", Some(wrong.as_str()), &body),
        ("signed almost", Some(&flipped), &body),
        ("cut signature", Some(&signature[..signature.len() - 2]), &body),
        ("without its kind", Some(&signature["sha256=".len()..]), &body),
        ("not hex", Some("sha256=zz"), &body),
        ("truncated", Some(&signature), cut),
        ("changed", Some(&signature), &elsewhere),
        ("grown", Some(&signature), &format!("{body} ")),
        ("empty", Some(&signature), ""),
    ] {
        let refused = deliver(&scene, signature, body).await;
        assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"), "{case}");
    }
    let twice = [("x-hub-signature-256", signature.as_str())];
    let broken = format!(
        "POST {WEBHOOK} HTTP/1.1\r\nhost: x\r\nx-hub-signature-256: {signature}\r\ncontent-length: {}\r\n\r\n{cut}",
        body.len()
    );
    if let Some(refused) = scene.raw(broken.as_bytes()).await {
        assert_eq!(refused.status, 400, "{refused:?}");
    }
    scene.world.mirror.settled().await;
    assert_eq!(scene.world.sandbox.profiles_served(), served);

    // The same event as it was sent is one poll, also when somebody replays it.
    for _ in 0..3 {
        let taken = scene.send("POST", WEBHOOK, &twice, &body).await;
        assert_eq!((taken.status, &taken.json()["hinted"]), (200, &1.into()));
    }
    scene.world.mirror.settled().await;
    assert_eq!(scene.world.sandbox.profiles_served(), served + 1);
    scene.pass(Duration::from_secs(1)).await;
    assert!(scene.world.sandbox.profiles_served() <= served + 2, "at most one a second");
}

#[tokio::test]
async fn what_is_too_long_is_not_read() {
    let scene = Scene::new().await;
    let served = scene.world.sandbox.profiles_served();
    let signed = [("x-hub-signature-256", "sha256=00")];
    for (path, headers, length) in [
        (WEBHOOK, &signed[..], (1 << 20) + 1),
        ("/mirror/threads/deauthorize", &[], 70_000),
        ("/mirror/threads/delete", &[], 70_000),
    ] {
        let refused = scene.send("POST", path, headers, &"x".repeat(length)).await;
        assert_eq!((refused.status, refused.kind().as_str()), (413, "too-large"), "{path}");
    }
    // Of what nobody signed not even the length counts.
    let refused = deliver(&scene, None, &"x".repeat(70_000)).await;
    assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"));
    scene.world.mirror.settled().await;
    assert_eq!(scene.world.sandbox.profiles_served(), served);
}

#[tokio::test]
async fn who_removes_the_app_loses_the_name_at_once_and_who_asks_for_deletion_everything() {
    let scene = Scene::new().await;
    let (alice, bob) = (scene.who("alice").await, scene.who("bob").await);
    let form = |username: &str| {
        String::from_utf8(scene.world.sandbox.signed_request_form(username).unwrap()).unwrap()
    };
    let (of_alice, of_bob) = (form("alice"), form("bob"));
    let forged = of_bob.replacen("signed_request=", "signed_request=A", 1);
    assert_eq!(scene.send("POST", "/mirror/threads/delete", &[], &forged).await.status, 403);
    assert_eq!(scene.who("bob").await, bob);

    assert_eq!(scene.send("POST", "/mirror/threads/deauthorize", &[], &of_alice).await.status, 200);
    assert_eq!(scene.who("alice").await, "404 handle-released");
    let profile = scene.get(&format!("/v1/accounts/{alice}")).await.json();
    assert_eq!((&profile["handle"], &profile["profile"]["display"]), (&json!(null), &"needs-login".into()));

    let receipt = scene.send("POST", "/mirror/threads/delete", &[], &of_bob).await.json();
    assert_eq!(scene.who("bob").await, "404 handle-not-found");
    assert_eq!(scene.get(&format!("/v1/accounts/{bob}")).await.kind(), "account-not-found");
    let status = scene.send_to(receipt["url"].as_str().unwrap().parse().unwrap(), "GET", &[], "").await;
    assert_eq!((status.status, &status.json()["status"]), (200, &"deleted".into()));
}

#[tokio::test]
async fn a_captured_request_is_refused_once_its_hour_is_over() {
    let scene = Scene::new().await;
    let alice = scene.who("alice").await;
    let form = String::from_utf8(scene.world.sandbox.signed_request_form("alice").unwrap()).unwrap();
    scene.pass(Duration::from_secs(3601)).await;
    for path in ["/mirror/threads/deauthorize", "/mirror/threads/delete"] {
        let refused = scene.send("POST", path, &[], &form).await;
        assert_eq!((refused.status, refused.kind().as_str()), (403, "refused"), "{path} {refused:?}");
    }
    assert_eq!(scene.who("alice").await, alice);
}
