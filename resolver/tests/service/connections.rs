//! How many connections one client has.

use std::net::SocketAddr;

use namesake_resolver::Proxies;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
};

use crate::support::{Reply, Server, World};

async fn connect_from(server: &Server, address: &str) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap();
    socket.connect(server.address).await.unwrap()
}

/// The answer on a new connection from `address`, which stays open.
async fn ask(server: &Server, address: &str) -> (TcpStream, Reply) {
    let mut stream = connect_from(server, address).await;
    // Whoever is turned away may be so before it has asked.
    let _ = stream.write_all(b"GET /livez HTTP/1.1\r\nhost: x\r\n\r\n").await;
    let mut reply = vec![0; 4096];
    let read = stream.read(&mut reply).await.unwrap();
    (stream, Reply::parse(&reply[..read]))
}

fn of_two() -> World {
    World::limited(|limits| limits.max_connections_per_client = Some(2))
}

#[tokio::test]
async fn a_client_with_too_many_is_turned_away_and_others_are_not() {
    let server = of_two().serve().await;
    let (first, reply) = ask(&server, "127.0.0.1").await;
    let (_second, another) = ask(&server, "127.0.0.1").await;
    assert_eq!((reply.status, another.status), (200, 200));
    let (mut refused, reply) = ask(&server, "127.0.0.1").await;
    assert_eq!((reply.status, reply.header("retry-after")), (429, "10"), "{reply:?}");
    assert_eq!(reply.json()["type"], "/problems/too-many-requests");
    let mut rest = Vec::new();
    // Closed, or reset where the request came after that.
    let _ = refused.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    assert_eq!(ask(&server, "127.0.0.2").await.1.status, 200);

    drop(first);
    while ask(&server, "127.0.0.1").await.1.status != 200 {}
}

#[tokio::test]
async fn those_who_are_turned_away_take_nobodys_place() {
    let server = World::limited(|limits| {
        limits.max_connections = 3;
        limits.max_connections_per_client = Some(2);
    })
    .serve()
    .await;
    let _held = (ask(&server, "127.0.0.1").await, ask(&server, "127.0.0.1").await);
    for _ in 0..50 {
        assert_eq!(ask(&server, "127.0.0.1").await.1.status, 429);
    }
    assert_eq!(ask(&server, "127.0.0.2").await.1.status, 200);
}

#[tokio::test]
async fn unless_something_else_is_said_no_client_has_more_than_a_quarter_of_the_places() {
    let server = World::limited(|limits| limits.max_connections = 8).serve().await;
    let held = [ask(&server, "127.0.0.1").await, ask(&server, "127.0.0.1").await];
    assert!(held.iter().all(|(_, reply)| reply.status == 200));
    assert_eq!(ask(&server, "127.0.0.1").await.1.status, 429);
}

#[tokio::test]
async fn a_proxy_that_is_trusted_brings_as_many_as_it_likes() {
    let limits = namesake_resolver::Limits { max_connections_per_client: Some(2), ..Default::default() };
    let trusted = vec!["127.0.0.1/32".parse().unwrap()];
    let proxies = Proxies { trusted, ..Proxies::default() };
    let server = World::with(|builder| builder.limits(limits).proxies(proxies)).serve().await;
    let mut held = Vec::new();
    for _ in 0..10 {
        let (stream, reply) = ask(&server, "127.0.0.1").await;
        assert_eq!(reply.status, 200);
        held.push(stream);
    }
}
