//! Hostile, slow and leaving clients.

use std::time::Duration;

use namesake::{Randomness as _, SeededRandomness, Ttl, Why};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Reply, Says, World};

#[tokio::test]
async fn whatever_the_path_something_comes_back() {
    let world = World::new();
    for fake in [&world.independent, &world.mirror] {
        fake.say("*", Says::Absent(Why::Unknown, Ttl::Default));
    }
    let server = world.serve().await;
    let randomness = SeededRandomness::new(7);
    let pieces = [
        "/",
        "@",
        "%40",
        "%",
        "%2f",
        "%00",
        "%ff",
        "..",
        "profile",
        "v1",
        "resolve",
        "xrpc",
        "?",
        "&",
        "=",
        "handle",
        "did:",
        "+",
        "~",
        "\"",
        "<script>",
        "a",
        ".",
        "mirror",
        "accounts",
        "problems",
        "%e2%80%ae",
        "://",
        "[",
        "#",
    ];
    for _ in 0..400 {
        let mut bytes = [0; 12];
        randomness.fill(&mut bytes);
        let target: String = bytes.iter().map(|byte| pieces[usize::from(*byte) % pieces.len()]).collect();
        let reply = server.get(&format!("/{target}")).await;
        assert!((200..500).contains(&reply.status), "/{target} gave {}", reply.status);
    }
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let world = World::limited(|limits| limits.max_header_bytes = 8 << 10);
    let server = world.serve().await;
    let reply = server.send("GET", "/livez", &[("x", &"a".repeat(20_000))], "").await;
    assert_eq!(reply.status, 431);
    let reply = server.raw(&format!("GET /@{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000))).await;
    assert!(matches!(reply.status, 414 | 431), "{}", reply.status);
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_by_its_length_and_by_its_bytes() {
    let world = World::limited(|limits| limits.max_body_bytes = 64);
    let server = world.serve().await;
    assert_eq!(server.send("POST", "/v1/resolve", &[], &"x".repeat(65)).await.status, 413);
    let chunked = "POST /v1/resolve HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let endless = format!("{chunked}{}", "10\r\n0123456789abcdef\r\n".repeat(8));
    let mut stream = server.connect().await;
    stream.write_all(endless.as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let read = stream.read(&mut reply).await.unwrap();
    assert_eq!(Reply::parse(&reply[..read]).status, 413);
}

#[tokio::test]
async fn slow_clients_are_let_go() {
    let world = World::limited(|limits| {
        limits.header_timeout = Duration::from_millis(50);
        limits.body_timeout = Duration::from_millis(50);
    });
    let server = world.serve().await;
    let mut half_a_head = server.connect().await;
    half_a_head.write_all(b"GET /livez HTTP/1.1\r\nho").await.unwrap();
    let mut nothing_at_all = server.connect().await;
    let mut half_a_body = server.connect().await;
    let head = b"POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n{";
    half_a_body.write_all(head).await.unwrap();

    // Each ends by itself; a test that hangs here has found a client that holds its place for ever.
    let mut rest = Vec::new();
    let _ = half_a_head.read_to_end(&mut rest).await;
    let _ = nothing_at_all.read_to_end(&mut rest).await;
    rest.clear();
    let _ = half_a_body.read_to_end(&mut rest).await;
    assert_eq!(Reply::parse(&rest).status, 400);
    assert_eq!(server.get("/livez").await.status, 200);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let world = World::limited(|limits| limits.max_connections = 1);
    let server = world.serve().await;
    let mut holder = server.connect().await;
    holder.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut answer = [0; 12];
    holder.read_exact(&mut answer).await.unwrap();
    let mut waiting = std::pin::pin!(server.get("/livez"));
    for _ in 0..50 {
        tokio::select! { biased; _ = &mut waiting => panic!("no place was free"), () = tokio::task::yield_now() => () }
    }
    drop(holder);
    assert_eq!(waiting.await.status, 200);
}

#[tokio::test]
async fn a_client_that_leaves_does_not_take_the_lookup_with_it() {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    let server = world.serve().await;
    let mut first = server.connect().await;
    first.write_all(b"GET /@alice.example.com HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    world.independent.asked(1).await;
    drop(first);
    world.independent.release();
    assert_eq!(server.get("/@alice.example.com").await.status, 200);
    assert_eq!(world.independent.calls(), 1);
}

#[tokio::test]
async fn a_shutdown_lets_what_has_begun_come_to_its_end() {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    let server = world.serve().await;
    let mut client = server.connect().await;
    client.write_all(b"GET /@alice.example.com HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    world.independent.asked(1).await;
    let stopping = server.begin_stop();
    world.independent.release();
    let mut reply = Vec::new();
    client.read_to_end(&mut reply).await.unwrap();
    assert_eq!(Reply::parse(&reply).status, 200);
    stopping.await.unwrap().unwrap();
}
