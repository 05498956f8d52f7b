//! Who holds which name, when, and what happens when the upstream's names move.

use std::{sync::Arc, time::Duration};

use namesake::{
    Clock as _, Handle, HandleResolver as _, ProfileState, Trace, Why,
    store::{MemoryStore, Store as _, Version},
};

use super::world::World;

async fn world(people: &[&str]) -> World {
    World::with(people, Arc::new(MemoryStore::new())).await
}

const SECOND: Duration = Duration::from_secs(1);
const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_rename_is_seen_at_once_when_a_hint_comes() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    assert_eq!(world.holder("alice").await, Ok(alice.clone()));
    assert_eq!(world.holder("nobody").await, Err(Why::Unknown));
    world.told.lock().unwrap().clear();

    world.sandbox.rename("alice", "alicia").unwrap();
    world.settle().await;
    assert_eq!(world.holder("alicia").await, Ok(alice.clone()));
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert_eq!(world.name(&alice).await.as_deref(), Some("alicia"));
    let told = world.told.lock().unwrap().clone();
    let names = |change: &namesake::Change| {
        (change.old.clone().map(String::from), change.new.clone().map(String::from))
    };
    assert_eq!(told.iter().map(names).collect::<Vec<_>>(), [(Some("alice".into()), Some("alicia".into()))]);
}

#[tokio::test]
async fn without_hints_it_is_seen_by_the_next_poll_and_not_before() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    world.without_webhooks();
    world.sandbox.rename("alice", "alicia").unwrap();
    let interval = world.model.settings().poll_interval;
    world.after(interval * 8 / 10).await;
    assert_eq!(world.holder("alice").await, Ok(alice.clone()));
    assert_eq!(world.holder("alicia").await, Err(Why::Unknown));
    world.after(interval * 2 / 10).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert_eq!(world.holder("alicia").await, Ok(alice));
}

#[tokio::test]
async fn many_hints_are_few_polls() {
    let world = world(&["alice"]).await;
    world.link("alice").await;
    let served = world.sandbox.profiles_served();
    for _ in 0..20 {
        world.sandbox.edit("alice", Default::default()).unwrap();
    }
    world.settle().await;
    world.after(SECOND).await;
    let polls = world.sandbox.profiles_served() - served;
    assert!((1..=2).contains(&polls), "one at once, and at most one a second later: {polls}");
}

#[tokio::test]
async fn two_people_swap_names() {
    let world = world(&["alice", "bob"]).await;
    let (alice, bob) = (world.link("alice").await.account, world.link("bob").await.account);
    world.without_webhooks();
    for (from, to) in [("alice", "tmp"), ("bob", "alice"), ("tmp", "bob")] {
        world.sandbox.rename(from, to).unwrap();
    }
    world.after_a_poll().await;
    assert_eq!(
        (world.holder("alice").await, world.holder("bob").await),
        (Ok(bob.clone()), Ok(alice.clone()))
    );
    assert_eq!(world.name(&alice).await.as_deref(), Some("bob"));
    assert_eq!(world.name(&bob).await.as_deref(), Some("alice"));
}

#[tokio::test]
async fn a_cycle_of_three_settles_with_hints_too() {
    let world = world(&["a", "b", "c"]).await;
    let (a, b, c) =
        (world.link("a").await.account, world.link("b").await.account, world.link("c").await.account);
    for (from, to) in [("a", "tmp"), ("c", "a"), ("b", "c"), ("tmp", "b")] {
        world.sandbox.rename(from, to).unwrap();
    }
    world.settle().await;
    for _ in 0..3 {
        world.after(SECOND).await;
    }
    assert_eq!(
        (world.holder("b").await, world.holder("c").await, world.holder("a").await),
        (Ok(a), Ok(b), Ok(c))
    );
}

#[tokio::test]
async fn a_stranger_takes_a_freed_name() {
    let world = world(&["alice", "mallory"]).await;
    let alice = world.link("alice").await.account;
    world.without_webhooks();
    world.sandbox.rename("alice", "alicia").unwrap();
    world.sandbox.rename("mallory", "alice").unwrap();
    world.clock.advance(SECOND);
    let stranger = world.link("alice").await;
    assert_eq!(world.holder("alice").await, Ok(stranger.account.clone()));
    assert_ne!(stranger.account, alice);
    // The displaced account keeps its profile, and is asked about at once.
    world.settle().await;
    assert_eq!(world.name(&alice).await.as_deref(), Some("alicia"));
    assert_eq!(world.holder("alicia").await, Ok(alice.clone()));
    assert_eq!(world.holder("alice").await, Ok(stranger.account));
}

#[tokio::test]
async fn a_claim_that_is_not_certainly_newer_waits_until_both_were_asked_again() {
    let world = world(&["alice", "mallory"]).await;
    let alice = world.link("alice").await.account;
    world.without_webhooks();
    world.sandbox.rename("alice", "alicia").unwrap();
    world.sandbox.rename("mallory", "alice").unwrap();
    // At the very moment at which alice was confirmed.
    let stranger = world.link("alice").await;
    assert_eq!(stranger.handle, None);
    world.after(SECOND).await;
    world.after(SECOND).await;
    assert_eq!(world.holder("alicia").await, Ok(alice));
    assert_eq!(world.holder("alice").await, Ok(stranger.account));
}

#[tokio::test]
async fn an_outage_keeps_the_last_truth_for_a_day() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    world.sandbox.rename("alice", "alicia").unwrap();
    world.settle().await;
    world.outage(true);
    world.without_webhooks();
    world.sandbox.rename("alicia", "alina").unwrap();
    world.after(DAY - SECOND).await;
    assert_eq!(world.holder("alicia").await, Ok(alice.clone()));
    assert_eq!(world.holder("alina").await, Err(Why::Unknown));

    world.told.lock().unwrap().clear();
    world.after(SECOND).await;
    assert_eq!(world.holder("alicia").await, Err(Why::Released));
    let profile = world.profile(&alice).await.unwrap();
    assert_eq!((&profile.handle, profile.state), (&None, ProfileState::NeedsLogin));
    assert!(!world.told.lock().unwrap().is_empty(), "the cache is told at the deadline");

    world.outage(false);
    world.after_a_poll().await;
    assert_eq!(world.holder("alina").await, Ok(alice.clone()));
    assert_eq!(world.profile(&alice).await.unwrap().state, ProfileState::Current);
}

#[tokio::test]
async fn a_dead_token_needs_a_login_which_brings_the_same_account_back() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    world.sandbox.revoke_tokens("alice").unwrap();
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(alice.clone()), "until the deadline");
    assert_eq!(world.profile(&alice).await.unwrap().state, ProfileState::NeedsLogin);
    world.after(DAY).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert_eq!(world.name(&alice).await, None);

    let again = world.link("alice").await;
    assert_eq!((again.account, again.created), (alice.clone(), false));
    assert_eq!(world.holder("alice").await, Ok(alice.clone()));
    assert_eq!(world.profile(&alice).await.unwrap().state, ProfileState::Current);
    world.after(DAY + DAY).await;
    assert_eq!(world.holder("alice").await, Ok(alice), "it is polled again");
}

#[tokio::test]
async fn a_person_who_is_gone_is_no_rename() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    world.sandbox.remove("alice").unwrap();
    world.after_a_poll().await;
    assert_eq!(world.holder("alice").await, Ok(alice));
    world.after(DAY).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
}

#[tokio::test]
async fn tokens_are_refreshed_and_outlive_their_term() {
    let world = world(&["alice"]).await;
    let alice = world.link("alice").await.account;
    for _ in 0..9 {
        world.after(DAY * 10).await;
    }
    assert_eq!(world.holder("alice").await, Ok(alice), "after 90 days with tokens of 60");
}

#[tokio::test]
async fn a_restart_takes_up_where_it_was() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    drop(world);
    // Another upstream by its address, so that nothing can be confirmed any more: the deadline is kept all the same.
    let world = World::with(&[], store).await;
    assert_eq!(world.holder("alice").await, Ok(alice));
    world.after(DAY).await;
    assert_eq!(world.holder("alice").await, Err(Why::Released));
    assert!(!world.told.lock().unwrap().is_empty());
}

#[tokio::test]
async fn polls_that_only_confirm_are_seldom_written() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    let written = store.changes(Version::ZERO, 1_000).await.unwrap().len();
    for _ in 0..36 {
        world.after(SECOND * 300).await;
    }
    let rows = store.changes(Version::ZERO, 1_000).await.unwrap().len() - written;
    assert!((2..=3).contains(&rows), "one an hour: {rows}");
    let answer =
        world.model.resolve(&Handle::parse("alice").unwrap(), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!((answer.account, answer.proof.checked_at), (alice, world.clock.now()));
}

#[tokio::test]
async fn somebody_who_is_renamed_for_ever_does_not_grow_for_ever() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["n0"], store.clone()).await;
    let linked = world.link("n0").await;
    for n in 0..100 {
        world.sandbox.rename(&format!("n{n}"), &format!("n{}", n + 1)).unwrap();
        world.settle().await;
        world.after(SECOND).await;
    }
    assert_eq!(world.name(&linked.account).await.as_deref(), Some("n100"));
    assert!(store.scan(b"mirror/threads/handle/", None, 200).await.unwrap().len() < 40);
    world.model.delete(&linked.account, &linked.token).await.unwrap();
    assert_eq!(store.scan(b"mirror/threads/handle/", None, 200).await.unwrap(), vec![]);
}

#[tokio::test]
async fn a_clock_that_is_set_holds_up_no_poll() {
    const HOUR: i32 = 3600;
    for (off, right_again) in [(-30, false), (-24 * HOUR, false), (-HOUR, true), (2 * HOUR, true)] {
        let world = world(&["alice", "bob"]).await;
        let alice = world.link("alice").await.account;
        let bob = world.link("bob").await.account;
        world.without_webhooks();
        let right = world.clock.now();
        let seconds = SECOND * u32::try_from(off.abs()).unwrap();
        world.clock.set(if off < 0 { right - seconds } else { right + seconds });
        world.settle().await;
        if right_again {
            world.clock.set(right);
        }
        // The names swap, so that whoever asks must not hear of the holder before.
        world.sandbox.rename("alice", "passing").unwrap();
        world.sandbox.rename("bob", "alice").unwrap();
        for _ in 0..2 {
            world.after_a_poll().await;
        }
        assert_eq!(world.holder("alice").await, Ok(bob), "{off} {right_again}");
        assert_eq!(world.holder("passing").await, Ok(alice), "{off} {right_again}");
    }
}

#[tokio::test]
async fn a_start_by_a_clock_that_was_set_back_polls_within_its_interval() {
    let store = Arc::new(MemoryStore::new());
    let world = World::with(&["alice"], store.clone()).await;
    let alice = world.link("alice").await.account;
    world.without_webhooks();
    world.clock.set(world.clock.now() - DAY);
    world.sandbox.rename("alice", "alicia").unwrap();
    let world = world.restarted(store).await;
    world.settle().await;
    for _ in 0..2 {
        world.after_a_poll().await;
    }
    assert_eq!(world.holder("alicia").await, Ok(alice));
    assert_eq!(world.holder("alice").await, Err(Why::Released));
}
