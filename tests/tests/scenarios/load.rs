//! Many askers, slow hosts.

use namesake_tests::atproto::{ALICE, Body, Gate, Page, Reply, World};
use tokio::{io::AsyncReadExt as _, net::TcpStream};

const NAME: &str = "alice.example.com";
const TARGET: &str = "/xrpc/com.atproto.identity.resolveHandle?handle=alice.example.com";

async fn rest(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// How often the name was resolved: each time is one question over TCP, after the note that UDP has no room for the answer.
fn resolutions(world: &World) -> usize {
    world.dns.over_tcp("_atproto.alice.example.com").into_iter().filter(|tcp| *tcp).count()
}

pub(crate) async fn s24_fifty_askers() {
    let world = World::new().await;
    let gate = Gate::closed();
    world.dns.proof_says(NAME, Reply::texts(&[&format!("did={ALICE}")]).truncated().behind(&gate));
    let mut askers = Vec::new();
    for _ in 0..50 {
        askers.push(world.begin(TARGET).await);
    }
    world.dns.heard("_atproto.alice.example.com", 2).await;
    gate.open();
    for asker in askers {
        let answer = rest(asker).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(ALICE), "{answer}");
    }
    assert_eq!(resolutions(&world), 1);
}

pub(crate) async fn s25_first_asker_leaves() {
    let world = World::new().await;
    let gate = Gate::closed();
    world.dns.proof_says(NAME, Reply::texts(&[&format!("did={ALICE}")]).truncated().behind(&gate));
    let first = world.begin(TARGET).await;
    world.dns.heard("_atproto.alice.example.com", 2).await;
    let others = [world.begin(TARGET).await, world.begin(TARGET).await];
    drop(first);
    // A round trip through the service, so that it has seen the first one go.
    assert_eq!(world.get("/xrpc/_health").await.status, 200);
    gate.open();
    for other in others {
        let answer = rest(other).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(ALICE), "{answer}");
    }
    assert_eq!(resolutions(&world), 1);
}

pub(crate) async fn s28_dripping_host() {
    let world = World::new().await;
    world.proof_by_https("slow.example.com", Page::coming(Body::Drip(ALICE)));
    let slow: Vec<_> = [
        world.begin("/xrpc/com.atproto.identity.resolveHandle?handle=slow.example.com").await,
        world.begin("/v1/resolve?handle=slow.example.com").await,
    ]
    .into();
    world.web.heard("slow.example.com", 2).await;
    for number in 0..20 {
        let name = format!("quick{number}.example.com");
        world.proof_by_https(&name, Page::ok(ALICE));
        assert_eq!(world.resolve_handle(&name).await.did(), ALICE);
    }
    // All of them were answered while the slow ones still wait.
    for stream in slow {
        let nothing = stream.try_read(&mut [0]);
        assert!(nothing.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
}
