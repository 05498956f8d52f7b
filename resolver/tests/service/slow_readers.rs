//! Clients that do not take their answers: they lose their place, however they go about it.
//!
//! Each holds the only place there is. Whoever comes after it is answered when it was let go, and a test that hangs here has
//! found a client that holds its place for ever.

use std::{future::pending, sync::Arc, time::Duration};

use namesake::store::{Commit, Key, MemoryStore, Store as _};
use namesake_resolver::Limits;
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpSocket, tcp::OwnedReadHalf},
    task::JoinHandle,
};

use crate::{
    hosted::Place,
    support::{Server, World},
};

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3600);

/// One place, and no time for those who take nothing; all the time for everything else.
fn limit(limits: &mut Limits) {
    limits.max_connections = 1;
    limits.write_timeout = Duration::from_millis(50);
    limits.header_timeout = LONG;
    limits.change_stall = LONG;
    limits.change_heartbeat = LONG;
}

/// A client with little room of its own, that sends `requests` and reads nothing, until the test ends.
async fn mute(server: &Server, requests: String) -> (OwnedReadHalf, JoinHandle<()>) {
    // Connections from before the server runs have what the system gives them.
    assert_eq!(server.get("/livez").await.status, 200);
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(2048).unwrap();
    let (reads, mut writes) = socket.connect(server.address).await.unwrap().into_split();
    let client = tokio::spawn(async move {
        // Which may end early: a server that cannot answer does not listen either.
        let _ = writes.write_all(requests.as_bytes()).await;
        pending::<()>().await;
    });
    // It has a place, and the first answer has begun.
    reads.as_ref().peek(&mut [0]).await.unwrap();
    (reads, client)
}

#[tokio::test]
async fn a_client_that_takes_no_answers_is_let_go() {
    let openapi = "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n";
    let small = "GET /v1/policies HTTP/1.1\r\nhost: x\r\n\r\n";
    let page = "GET / HTTP/1.1\r\nhost: x\r\naccept: text/html\r\n\r\n";
    for (request, times) in [(openapi, 20), (small, 5_000), (page, 500)] {
        let server = World::limited(limit).serve().await;
        let holder = mute(&server, request.repeat(times)).await;
        assert_eq!(server.get("/livez").await.status, 200, "{request:?}");
        assert!(!holder.1.is_finished());
    }
}

#[tokio::test]
async fn so_is_one_that_asks_once_for_a_lot() {
    let world = World::limited(limit);
    for fake in [&world.independent, &world.mirror] {
        fake.say("*", crate::support::Says::Absent(namesake::Why::Unknown, namesake::Ttl::Default));
    }
    let server = world.serve().await;
    // Each comes back as it was asked, with a problem that names it.
    let names: Vec<_> = (0..100).map(|n| format!("\"{}{n}.example.com\"", "a.".repeat(100))).collect();
    let body = format!(r#"{{"handles":[{}]}}"#, names.join(","));
    let head = format!("POST /v1/resolve HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", body.len());
    let holder = mute(&server, (head + &body).repeat(10)).await;
    assert_eq!(server.get("/livez").await.status, 200);
    assert!(!holder.1.is_finished());
}

#[tokio::test]
async fn so_is_one_that_takes_nothing_of_a_stream() {
    let store = Arc::new(MemoryStore::default());
    let place = Place::over(store.clone(), |_, limits| limit(limits)).await;
    let stream = "GET /v1/changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n";
    let holder = mute(&place.server, stream.to_owned()).await;
    for number in 0..5_000 {
        let key = Key::new(format!("independent/account/did:web:{number}.id.people.test")).unwrap();
        store.commit(Commit::new().put(key, *b"{}")).await.unwrap();
    }
    assert_eq!(place.server.get("/livez").await.status, 200);
    assert!(!holder.1.is_finished());
}

#[tokio::test]
async fn so_is_one_that_takes_nothing_of_the_last_answer_before_a_shutdown() {
    let world = World::limited(|limits| {
        limit(limits);
        limits.drain_timeout = LONG;
    });
    let server = world.serve().await;
    let holder = mute(&server, "GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n".repeat(20)).await;
    server.begin_stop().await.unwrap().unwrap();
    assert!(!holder.1.is_finished());
}
