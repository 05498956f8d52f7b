//! One lookup a name, however many ask, and whoever leaves.

use namesake::{ErrorKind, Ttl};
use tokio::{sync::watch, task::JoinSet};

use crate::support::{Says, World};

const NAME: &str = "alice.example.com";

/// Starts `askers`, and comes back when each waits for its answer. Needs the current-thread runtime, on which an asker
/// that has begun runs until it waits.
async fn ask(world: &World, askers: usize) -> JoinSet<bool> {
    let begun = watch::Sender::new(0);
    let query = world.namesake.query(NAME, None).unwrap();
    let mut tasks = JoinSet::new();
    for _ in 0..askers {
        let (namesake, query, begun) = (world.namesake.clone(), query.clone(), begun.clone());
        tasks.spawn(async move {
            begun.send_modify(|begun| *begun += 1);
            namesake.resolve(&query, false).await.is_ok()
        });
    }
    begun.subscribe().wait_for(|begun| *begun == askers).await.unwrap();
    tasks
}

#[tokio::test]
async fn ten_thousand_askers_are_one_lookup() {
    let world = World::new();
    world.independent.say(NAME, Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    let askers = ask(&world, 10_000).await;
    world.independent.asked(1).await;
    world.independent.release();
    assert_eq!(askers.join_all().await, vec![true; 10_000]);
    assert_eq!(world.independent.calls(), 1);
}

#[tokio::test]
async fn the_first_asker_may_leave() {
    let world = World::new();
    world.independent.say(NAME, Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    let mut first = ask(&world, 1).await;
    world.independent.asked(1).await;
    let others = ask(&world, 50).await;
    first.shutdown().await;
    world.independent.release();
    assert_eq!(others.join_all().await, vec![true; 50]);
    assert_eq!(world.independent.calls(), 1);
}

#[tokio::test]
async fn a_lookup_nobody_waits_for_is_remembered_all_the_same() {
    let world = World::new();
    world.independent.say(NAME, Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    let mut asker = ask(&world, 1).await;
    world.independent.asked(1).await;
    asker.shutdown().await;
    world.independent.release();
    assert_eq!((world.who(NAME).await.as_str(), world.independent.calls()), ("did:plc:a", 1));
}

#[tokio::test]
async fn everybody_hears_of_a_failure_and_it_is_asked_once() {
    let world = World::new();
    world.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    let askers = ask(&world, 50).await;
    assert_eq!(askers.join_all().await, vec![false; 50]);
    assert_eq!(world.independent.calls(), 1);
}

#[tokio::test]
async fn a_panic_closes_the_key() {
    let world = World::new();
    world.independent.say(NAME, Says::Panics);
    assert_eq!(world.who(NAME).await, "!500");
    world.independent.say(NAME, Says::Found("did:plc:a", Ttl::Default));
    assert_eq!(world.who(NAME).await, "did:plc:a");
}

#[tokio::test(start_paused = true)]
async fn a_backend_that_never_answers_is_given_up() {
    let world = World::new();
    world.independent.say(NAME, Says::Found("did:plc:a", Ttl::Default));
    world.independent.hold();
    assert_eq!(world.who(NAME).await, "!504");
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_does_not_move_is_given_up_too() {
    let world = World::limited(|limits| limits.backend_concurrency = 1);
    for name in [NAME, "bob.example.com"] {
        world.independent.say(name, Says::Found("did:plc:a", Ttl::Default));
    }
    world.independent.hold();
    let _first = ask(&world, 1).await;
    world.independent.asked(1).await;
    assert_eq!(world.who("bob.example.com").await, "!503");
}
