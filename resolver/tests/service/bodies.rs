//! What may be sent, and how much of it: a body is measured before it is read, and whoever has no right to send it is told so
//! before that.

use std::sync::Arc;

use futures_util::future::select_all;
use namesake::ManualClock;
use namesake_resolver::{Limits, demo};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{
    browser::{Browser, PAGE, SESSION, person},
    support::{Reply, World},
};

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const SIGNED: (&str, &str) = ("x-hub-signature-256", "sha256=00");

async fn world(limit: impl FnOnce(&mut Limits)) -> demo::World {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let mut options = demo::Options::private(clock, 7).await.unwrap();
    limit(&mut options.limits);
    let world = demo::World::start(options).await.unwrap();
    world.sandbox.add(person("dora")).unwrap();
    world
}

/// What comes back to a head alone, whose body would be so long.
async fn head_alone(
    world: &demo::World,
    (method, target): (&str, &str),
    headers: &[(&str, &str)],
    length: usize,
) -> u16 {
    let address = world.public_url.socket_addrs(|| None).unwrap()[0];
    let mut stream = TcpStream::connect(address).await.unwrap();
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("{method} {target} HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n{headers}");
    stream.write_all(format!("{head}content-length: {length}\r\n\r\n").as_bytes()).await.unwrap();
    let mut reply = vec![0; 4096];
    let read = stream.read(&mut reply).await.unwrap();
    Reply::parse(&reply[..read]).status
}

#[tokio::test]
async fn each_route_reads_as_much_as_it_can_need_and_says_so_before_it_reads() {
    let world = world(|limits| limits.registrations_per_hour = 1000).await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.link("dora").await.status, 303);
    let origin = world.public_url.origin().ascii_serialization();
    let cookie = format!("{SESSION}={}", browser.cookies[SESSION]);
    let (origin, cookie) = (("origin", origin.as_str()), ("cookie", cookie.as_str()));
    let account = browser.get("/@dora?scheme=threads").await;
    let account = browser.send("GET", "/@dora?scheme=threads", &[], "").await.json()["account"]
        .as_str()
        .unwrap_or_else(|| panic!("{account:?}"))
        .to_owned();
    let (own, did) =
        (format!("/v1/mirror/accounts/{account}"), "/v1/independent/accounts/did:web:a.id.people.test");
    for ((method, target), headers, most) in [
        (("POST", "/v1/resolve"), &[][..], 64 << 10),
        (("POST", "/xrpc/com.atproto.identity.refreshIdentity"), &[], 16 << 10),
        (("POST", "/mirror/threads/webhook"), &[SIGNED], 1 << 20),
        (("POST", "/mirror/threads/deauthorize"), &[], 16 << 10),
        (("POST", "/mirror/threads/delete"), &[], 16 << 10),
        (("POST", "/mirror/threads/profile"), &[FORM, origin, cookie], 16 << 10),
        (("POST", "/mirror/threads/leave"), &[FORM, origin, cookie], 16 << 10),
        (("PATCH", &own), &[cookie], 16 << 10),
        (("POST", "/v1/independent/accounts"), &[], 4096),
        (("POST", &format!("{did}/log")), &[], 4096),
        (("PUT", &format!("{did}/profile")), &[], 4096),
    ] {
        let told = [most, most + 1].map(|length| head_alone(&world, (method, target), headers, length));
        let [most, more] = told;
        assert_eq!((most.await, more.await), (100, 413), "{method} {target}");
    }
    world.stop().await;
}

#[tokio::test]
async fn the_limit_of_all_bodies_counts_on_every_route() {
    let world = world(|limits| limits.max_body_bytes = 1000).await;
    for (target, headers) in
        [("/v1/resolve", &[][..]), ("/mirror/threads/webhook", &[SIGNED]), ("/v1/independent/accounts", &[])]
    {
        assert_eq!(head_alone(&world, ("POST", target), headers, 1000).await, 100, "{target}");
        assert_eq!(head_alone(&world, ("POST", target), headers, 1001).await, 413, "{target}");
    }
    world.stop().await;
}

#[tokio::test]
async fn whoever_may_not_send_it_is_told_before_it_is_read() {
    let world = world(|limits| {
        limits.writes_per_minute = 0;
        limits.fresh_per_minute = 0;
    })
    .await;
    let mut browser = Browser::new(&world);
    assert_eq!(browser.link("dora").await.status, 303);
    let token = browser.cookies[SESSION].clone();
    let account = browser.send("GET", "/@dora?scheme=threads", &[], "").await.json()["account"].clone();
    let own = format!("/v1/mirror/accounts/{}", account.as_str().unwrap());
    // A token that was good until now.
    assert_eq!(browser.post("/mirror/threads/leave", "confirm=yes").await.status, 303);
    let bearer = format!("Bearer {token}");
    let origin = world.public_url.origin().ascii_serialization();
    let (bearer, origin) = (("authorization", bearer.as_str()), ("origin", origin.as_str()));
    for ((method, target), headers, status) in [
        (("PATCH", own.as_str()), &[][..], 401),
        (("PATCH", &own), &[bearer], 401),
        (("PATCH", &own), &[bearer, ("origin", "https://elsewhere.example")], 403),
        (("POST", "/mirror/threads/webhook"), &[], 403),
        (("POST", "/mirror/threads/webhook"), &[SIGNED, SIGNED], 403),
        (("POST", "/mirror/threads/profile"), &[FORM], 403),
        (("POST", "/mirror/threads/profile"), &[FORM, ("origin", "https://elsewhere.example")], 403),
        (("POST", "/mirror/threads/profile"), &[origin], 400),
        (("POST", "/xrpc/com.atproto.identity.refreshIdentity"), &[], 429),
        (("POST", "/v1/independent/accounts"), &[], 429),
        (("POST", "/mirror/none/webhook"), &[SIGNED], 404),
    ] {
        assert_eq!(
            head_alone(&world, (method, target), headers, 100).await,
            status,
            "{method} {target} {headers:?}"
        );
    }
    assert_eq!(browser.get(PAGE).await.status, 200);
    world.stop().await;
}

/// Sends all of a body but its last byte, and waits until that was read.
async fn begun(server: &crate::support::Server, body: &str) -> TcpStream {
    let mut stream = server.connect().await;
    let head = format!(
        "POST /v1/resolve HTTP/1.1\r\nhost: x\r\nconnection: close\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut word = vec![0; 25];
    stream.read_exact(&mut word).await.unwrap();
    assert!(word.starts_with(b"HTTP/1.1 100 "));
    stream.write_all(&body.as_bytes()[..body.len() - 1]).await.unwrap();
    stream
}

async fn finished(mut stream: TcpStream) -> Reply {
    // One that was refused already may be gone.
    let _ = stream.write_all(b"}").await;
    let mut reply = Vec::new();
    let _ = stream.read_to_end(&mut reply).await;
    Reply::parse(&reply)
}

#[tokio::test]
async fn bodies_under_way_have_a_limit_and_one_client_a_share_of_it() {
    let padded = format!("{{\"handles\":[]{}}}", " ".repeat(9_000));
    for (whole, share, status, kind) in
        [(1 << 20, 20_000, 429, "too-many-requests"), (20_000, 1 << 20, 503, "busy")]
    {
        let world = World::limited(|limits| {
            limits.max_body_bytes_under_way = whole;
            limits.max_body_bytes_under_way_per_client = share;
        });
        let server = world.serve().await;
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(begun(&server, &padded).await);
        }
        // Whichever was read last has no room. Its sender is told without having to end.
        let told = held.iter().map(|stream| Box::pin(async { stream.peek(&mut [0]).await.unwrap() }));
        let (_, refused, _) = select_all(told).await;
        let reply = finished(held.remove(refused)).await;
        assert_eq!(reply.status, status, "{reply:?}");
        assert!(!reply.header("retry-after").is_empty());
        assert_eq!(reply.json()["type"], format!("/problems/{kind}"));
        assert_eq!(finished(held.remove(0)).await.status, 200);
        // What was given back can be had again.
        assert_eq!(finished(begun(&server, &padded).await).await.status, 200);
        assert_eq!(finished(held.remove(0)).await.status, 200);
    }
}
