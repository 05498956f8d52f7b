//! A clock that is set, and a machine that sleeps: the age of an answer is what the clock says that says more.

use std::time::Duration;

use namesake::{Clock as _, ManualClock, Ttl, Why};

use crate::{
    net::{DID, NAME, Net},
    support::{Fake, Reply, Says, World},
};

const DAY: Duration = Duration::from_secs(24 * 3600);

fn set_back(clock: &ManualClock) {
    clock.set(clock.now() - DAY);
}

/// Every door whose answer is of the world, with how long it is believed.
fn doors() -> [(String, u64); 8] {
    let xrpc = |method: &str| format!("/xrpc/com.atproto.identity.{method}");
    [
        (format!("/v1/resolve?handle={NAME}"), 600),
        (format!("/@{NAME}"), 600),
        (format!("/v1/accounts/{DID}"), 600),
        ("/v1/resolve?handle=nobody.example.com".to_owned(), 120),
        (xrpc(&format!("resolveHandle?handle={NAME}")), 600),
        (xrpc(&format!("resolveIdentity?identifier={NAME}")), 600),
        (xrpc(&format!("resolveIdentity?identifier={DID}")), 600),
        (xrpc(&format!("resolveDid?did={DID}")), 600),
    ]
}

/// How old it says it is, and for how long it may be kept.
fn age(reply: &Reply) -> (u64, u64) {
    let kept = reply.header("cache-control").strip_prefix("max-age=").unwrap();
    (reply.header("age").parse().unwrap(), kept.parse().unwrap())
}

#[tokio::test]
async fn a_clock_that_is_set_back_makes_no_answer_younger_or_longer_lived() {
    for (door, ttl) in doors() {
        let net = Net::new().await.with_alice();
        net.get(&door).await;
        net.wait(50);
        set_back(&net.clock);
        assert_eq!(age(&net.get(&door).await), (50, ttl - 50), "{door}");
        let calls = net.internet.calls().total();
        net.wait(ttl - 51);
        assert_eq!(age(&net.get(&door).await), (ttl - 1, 1), "{door}");
        assert_eq!(net.internet.calls().total(), calls);
        net.wait(62);
        assert_eq!(age(&net.get(&door).await), (0, ttl), "{door}");
        assert!(net.internet.calls().total() > calls, "{door} is asked again in its time");
    }
}

#[tokio::test]
async fn time_that_the_machine_slept_counts() {
    for (door, ttl) in doors() {
        let net = Net::new().await.with_alice();
        net.get(&door).await;
        set_back(&net.clock);
        net.clock.set(net.clock.now() + DAY + Duration::from_secs(30));
        assert_eq!(age(&net.get(&door).await), (30, ttl - 30), "{door}");
    }
}

#[tokio::test]
async fn a_failure_is_forgotten_in_its_time_whatever_the_clock_is_set_to() {
    let world = World::new();
    world.independent.say(NAME, Says::Fails(namesake::ErrorKind::Timeout));
    assert_eq!(world.who(NAME).await, "!504");
    set_back(&world.clock);
    world.independent.say(NAME, Says::Found("did:plc:aaa", Ttl::Default));
    world.wait(9);
    assert_eq!(world.who(NAME).await, "!504");
    world.wait(1);
    assert_eq!(world.who(NAME).await, "did:plc:aaa");
}

#[tokio::test]
async fn nothing_is_believed_for_longer_than_is_configured() {
    let mirror = Fake::usernames("threads");
    mirror.say("alice", Says::Found("threads:1", Ttl::For(DAY)));
    mirror.say("nobody", Says::Absent(Why::Unknown, Ttl::For(DAY)));
    let net = Net::beside(mirror).await;
    assert_eq!(age(&net.get("/@alice").await), (0, 600));
    assert_eq!(age(&net.get("/@nobody").await), (0, 120));
}

#[tokio::test]
async fn what_outlives_the_process_is_as_old_as_the_wall_clock_says() {
    let world = World::new();
    world.independent.say(NAME, Says::Found("did:plc:aaa", Ttl::Default));
    world.who(NAME).await;
    world.wait(50);
    set_back(&world.clock);
    let folder = tempfile::tempdir().unwrap();
    let (path, basis) = (folder.path().join("answers"), "test".to_owned());
    let file = namesake_resolver::SnapshotFile { path, max_bytes: 1 << 20, basis };
    assert_eq!(world.namesake.save(&file).unwrap(), 1);
    world.wait(10);
    let after = world.restarted();
    assert_eq!(after.namesake.restore(&file).unwrap(), 1, "it does not come from the future");
    let query = after.namesake.query(NAME, None).unwrap();
    let freshness = after.namesake.resolve(&query, false).await.unwrap().freshness.unwrap();
    assert_eq!((freshness.age_seconds, freshness.stale), (60, true));
}
