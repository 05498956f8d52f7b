//! What is in memory is answered the same on the hot path and past it.

use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
    time::Duration,
};

use namesake::{ErrorKind, Ttl, Why};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{Says, World};

const ROUTES: [&str; 3] = ["/@", "/profile/", "/v1/resolve?handle="];

fn world() -> World {
    let world = World::new();
    for (name, says) in [
        ("alice.example.com", Says::Found("did:plc:a", Ttl::Default)),
        ("here.example.com", Says::Found("did:plc:h", Ttl::UntilPurged)),
        ("long.example.com", Says::Found("did:plc:l", Ttl::For(Duration::from_secs(86_400)))),
        ("weak.example.com", Says::Provisional("did:plc:w")),
        ("nobody.example.com", Says::Absent(Why::Unknown, Ttl::Default)),
        ("gone.example.com", Says::Absent(Why::Deactivated, Ttl::Default)),
        ("down.example.com", Says::Fails(ErrorKind::Unavailable)),
    ] {
        world.independent.say(name, says);
    }
    world.mirror.say("bob", Says::Found("threads:b", Ttl::UntilPurged));
    world
}

#[tokio::test]
async fn every_answer_is_the_same_either_way() {
    let world = world();
    let server = world.serve().await;
    for seconds in [0, 7, 1500] {
        world.wait(seconds);
        for (name, status) in [
            ("alice.example.com", 200),
            ("here.example.com", 200),
            ("long.example.com", 200),
            ("weak.example.com", 200),
            ("nobody.example.com", 404),
            ("gone.example.com", 410),
            ("down.example.com", 503),
            ("bob", 200),
        ] {
            for route in ROUTES.iter().filter(|route| name != "bob" || **route != "/profile/") {
                let target = format!("{route}{name}");
                server.get(&target).await;
                let reply = server.either_way(&target, &[]).await;
                assert_eq!(reply.status, status, "{target}");
                for accept in ["*/*", "application/json", "text/html", "text/html, */*;q=0.1"] {
                    server.either_way(&target, &[("accept", accept)]).await;
                }
                let tag = [("if-none-match", reply.header("etag"))];
                let known = server.either_way(&target, &tag).await;
                assert_eq!(known.status == 304, status == 200, "{target}");
            }
        }
    }
}

#[tokio::test]
async fn every_answer_is_in_the_access_log_once_either_way() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(log.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::with(|builder| builder.access_log(true));
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    let server = world.serve().await;
    let mut ids = Vec::new();
    for target in [
        "/@alice.example.com",
        "/@alice.example.com",
        "/@%61lice.example.com",
        "/v1/resolve?handle=alice.example.com",
    ] {
        ids.push(server.get(target).await.header("namesake-request-id").to_owned());
    }
    let resolve_handle = "/xrpc/com.atproto.identity.resolveHandle?handle=alice.example.com";
    ids.push(server.get(resolve_handle).await.header("namesake-request-id").to_owned());
    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let lines: Vec<_> = text.lines().filter(|line| line.contains("http.request")).collect();
    assert_eq!(lines.len(), ids.len(), "{text}");
    for ((line, id), route) in
        lines.iter().zip(ids).zip(["handle", "handle", "handle", "resolve", "xrpc-resolve-handle"])
    {
        for part in [
            &format!("request.id={id}"),
            &format!("http.route=\"{route}\""),
            "http.status=",
            "request.took_ms=",
        ] {
            assert!(line.contains(part), "{part}: {line}");
        }
        assert!(!line.contains("alice"), "{line}");
    }
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn an_answer_that_went_stale_is_marked_either_way() {
    let world = world();
    let server = world.serve().await;
    let target = "/@alice.example.com";
    server.get(target).await;
    world.independent.say("alice.example.com", Says::Fails(ErrorKind::Unavailable));
    world.wait(3600);
    server.get(target).await;
    let reply = server.either_way(target, &[]).await;
    assert_eq!((reply.header("namesake-stale"), reply.header("cache-control")), ("true", "no-cache"));
    assert_eq!(reply.header("age"), "3600");
}

#[tokio::test]
async fn a_name_of_two_backends_is_the_first_ones_even_if_only_the_other_is_known() {
    let world = world();
    world.independent.say("jane.art", Says::Absent(Why::Unknown, Ttl::Default));
    world.mirror.say("jane.art", Says::Found("threads:j", Ttl::UntilPurged));
    let server = world.serve().await;
    assert_eq!(server.get("/@jane.art?scheme=mirror").await.status, 200);
    for _ in 0..3 {
        assert_eq!(server.either_way("/@jane.art", &[]).await.status, 404);
    }
}

#[tokio::test]
async fn other_methods_and_the_operators_door_are_not_taken_for_a_plain_question() {
    let world = world();
    let server = world.serve().await;
    let get = server.get("/@alice.example.com").await;
    let head = server.send("HEAD", "/@alice.example.com", &[], "").await;
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    let options = server.send("OPTIONS", "/@alice.example.com", &[], "").await;
    assert_eq!((options.status, options.header("allow")), (204, "GET, HEAD, OPTIONS"));
    assert_eq!(server.send("POST", "/@alice.example.com", &[], "").await.status, 405);
    assert_eq!(world.serve_at(true).await.get("/@alice.example.com").await.status, 404);
}
