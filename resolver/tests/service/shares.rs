//! Nobody stands in anybody's way: quotas and queues by client, through a proxy that says who asks.

use std::time::Duration;

use namesake::{ErrorKind, Ttl, Why};
use namesake_resolver::{Limits, Proxies};
use tokio::task::JoinSet;

use crate::{
    hosted::refused,
    support::{Reply, Says, Server, World, send},
};

const FLOOD: &str = "203.0.113.1";
const OTHER: &str = "203.0.113.2";

/// A service behind a proxy on this machine.
fn world(change: impl FnOnce(&mut Limits)) -> World {
    let mut limits = Limits::default();
    change(&mut limits);
    let trusted = vec!["127.0.0.0/8".parse().unwrap()];
    let world =
        World::with(|builder| builder.limits(limits).proxies(Proxies { trusted, ..Proxies::default() }));
    world.independent.say("*", Says::Absent(Why::Unknown, Ttl::Default));
    world
}

async fn ask(server: &Server, client: &str, name: &str) -> Reply {
    server.send("GET", &format!("/v1/resolve?handle={name}"), &[("x-forwarded-for", client)], "").await
}

async fn batch(server: &Server, client: &str, names: &[String]) -> Reply {
    let body = serde_json::json!({ "handles": names }).to_string();
    server.send("POST", "/v1/resolve", &[("x-forwarded-for", client)], &body).await
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{prefix}{number}.example.com")).collect()
}

fn statuses(reply: &Reply) -> Vec<u64> {
    let results = reply.json();
    results["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_batch_spends_a_miss_for_each_handle_and_nobody_elses() {
    let world = world(|limits| limits.misses_per_minute = 10);
    let server = world.serve().await;
    let reply = batch(&server, FLOOD, &names("a", 12)).await;
    let mut seen = statuses(&reply);
    seen.sort_unstable();
    assert_eq!(seen, [vec![404; 10], vec![429; 2]].concat());
    assert_eq!(reply.header("ratelimit-policy"), "\"misses\";q=10;w=60");
    assert!(reply.header("ratelimit").starts_with("\"misses\";r=0;t="), "{}", reply.header("ratelimit"));
    let spent = ask(&server, FLOOD, "one-more.example.com").await;
    assert_eq!(refused(&spent), (429, "too-many-requests".to_owned()));
    let wait: u64 = spent.header("retry-after").parse().unwrap();
    assert!((1..=6).contains(&wait), "{wait}");
    assert_eq!(ask(&server, OTHER, "one-more.example.com").await.status, 404);
    // What is in memory costs nothing, and says nothing of quotas.
    let ready = ask(&server, FLOOD, "one-more.example.com").await;
    assert_eq!((ready.status, ready.header("ratelimit")), (404, ""));
}

#[tokio::test]
async fn who_floods_leaves_places_for_others() {
    let world = world(|limits| (limits.backend_concurrency, limits.backend_waiting) = (4, 1000));
    let server = std::sync::Arc::new(world.serve().await);
    world.independent.hold();
    let mut flood = JoinSet::new();
    for name in names("silent", 50) {
        let server = server.clone();
        flood.spawn(async move { ask(&server, FLOOD, &name).await.status });
    }
    // Half of the places at most are one client's.
    world.independent.asked(2).await;
    world.independent.say("quick.example.com", Says::FailsAtOnce(ErrorKind::Unavailable));
    assert_eq!(ask(&server, OTHER, "quick.example.com").await.status, 503);
    assert_eq!(world.independent.calls(), 3);
    world.independent.release();
    assert!(flood.join_all().await.into_iter().all(|status| status == 404));
}

#[tokio::test]
async fn nobody_waits_in_a_strangers_queue_for_the_same_name() {
    let world = world(|limits| (limits.backend_concurrency, limits.backend_waiting) = (4, 1000));
    let server = std::sync::Arc::new(world.serve().await);
    world.independent.hold();
    let mut flood = JoinSet::new();
    for name in names("silent", 20) {
        let server = server.clone();
        flood.spawn(async move { ask(&server, FLOOD, &name).await.status });
    }
    world.independent.asked(2).await;
    world.independent.say("wanted.example.com", Says::FailsAtOnce(ErrorKind::Unavailable));
    let waits = {
        let server = server.clone();
        tokio::spawn(async move { ask(&server, FLOOD, "wanted.example.com").await.status })
    };
    assert_eq!(ask(&server, OTHER, "wanted.example.com").await.status, 503);
    world.independent.release();
    waits.await.unwrap();
    flood.join_all().await;
}

#[tokio::test]
async fn a_refusal_is_nobody_elses_answer_and_is_not_remembered() {
    let world = world(|limits| {
        (limits.backend_concurrency, limits.backend_waiting, limits.client_share_percent) = (1, 1, 100);
    });
    let server = std::sync::Arc::new(world.serve().await);
    world.independent.hold();
    let mut flood = JoinSet::new();
    for name in names("silent", 5) {
        let server = server.clone();
        flood.spawn(async move { ask(&server, FLOOD, &name).await.status });
    }
    // One has the place, one waits for it; with the others gone the queue is full.
    for _ in 0..3 {
        assert_eq!(flood.join_next().await.unwrap().unwrap(), 429);
    }
    let spent = ask(&server, FLOOD, "wanted.example.com").await;
    assert_eq!(refused(&spent), (429, "too-many-requests".to_owned()));
    assert_ne!(spent.header("retry-after"), "");
    let busy = ask(&server, OTHER, "wanted.example.com").await;
    assert_eq!(refused(&busy), (503, "busy".to_owned()));
    assert_ne!(busy.header("retry-after"), "");
    world.independent.release();
    flood.join_all().await;
    assert_eq!(ask(&server, OTHER, "wanted.example.com").await.status, 404);
    assert_eq!(ask(&server, FLOOD, "wanted.example.com").await.status, 404);
}

#[tokio::test]
async fn who_is_refused_still_hears_what_is_known_marked_stale() {
    let world = world(|limits| limits.misses_per_minute = 1);
    let name = "alice.example.com";
    world.independent.say(name, Says::Found("did:plc:a", Ttl::For(Duration::from_secs(60))));
    let server = world.serve().await;
    assert_eq!(ask(&server, FLOOD, name).await.status, 200);
    world.wait(3600);
    let stale = ask(&server, FLOOD, name).await;
    assert_eq!((stale.status, stale.header("namesake-stale")), (200, "true"));
}

#[tokio::test]
async fn a_header_that_no_proxy_wrote_makes_nobody_a_new_client() {
    let world = World::limited(|limits| limits.misses_per_minute = 1);
    world.independent.say("*", Says::Absent(Why::Unknown, Ttl::Default));
    let server = world.serve().await;
    let ask = async |client| {
        let target = format!("/v1/resolve?handle=n{client}.example.com");
        let header = format!("203.0.113.{client}");
        send(server.address, "GET", &target, &[("x-forwarded-for", &header)], "").await.status
    };
    assert_eq!((ask(1).await, ask(2).await), (404, 429));
}
