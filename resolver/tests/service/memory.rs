//! What is remembered, for how long, and what ends it.

use std::time::Duration;

use namesake::{AccountId, Change, ErrorKind, Handle, Scheme, Suspicion, Ttl, Why};

use crate::support::{Says, World};

const A: &str = "did:plc:aaa";
const B: &str = "did:plc:bbb";
const NAME: &str = "alice.example.com";

fn found(account: &'static str) -> Says {
    Says::Found(account, Ttl::Default)
}

fn change(account: &str, old: Option<&str>, new: Option<&str>) -> Change {
    let handle = |name: &str| Handle::parse(name).unwrap();
    Change { account: AccountId::parse(account).unwrap(), old: old.map(handle), new: new.map(handle) }
}

#[tokio::test]
async fn a_found_answer_is_asked_for_once_in_its_lifetime() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    assert_eq!(world.who(NAME).await, A);
    world.wait(599);
    assert_eq!(world.who("@Alice.Example.com").await, A);
    assert_eq!(world.independent.calls(), 1);
}

#[tokio::test]
async fn a_definite_no_is_remembered_for_less_long() {
    let world = World::new();
    world.independent.say(NAME, Says::Absent(Why::Unknown, Ttl::Default));
    assert_eq!((world.who(NAME).await, world.who(NAME).await), ("!404".into(), "!404".into()));
    assert_eq!(world.independent.calls(), 1);
    world.independent.say(NAME, found(A));
    world.wait(181);
    assert_eq!(world.who(NAME).await, A);
}

#[tokio::test]
async fn a_time_that_a_backend_says_counts_as_far_as_ours_goes() {
    let (long, short) = (Ttl::For(Duration::from_secs(24 * 3600)), Ttl::For(Duration::from_secs(60)));
    for (says, then, expected) in [
        (Says::Found(A, long), 781, B),
        (Says::Found(A, short), 121, B),
        (Says::Found(A, long), 599, A),
        (Says::Absent(Why::Unknown, long), 241, B),
    ] {
        let world = World::new();
        world.independent.say(NAME, says);
        world.who(NAME).await;
        world.independent.say(NAME, found(B));
        // Far enough past its time that nobody is answered while it is asked for again.
        world.wait(then);
        assert_eq!(world.who(NAME).await, expected, "{then}");
    }
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_moment_and_is_no_absence() {
    let world = World::new();
    world.independent.say(NAME, Says::Fails(ErrorKind::Unavailable));
    assert_eq!((world.who(NAME).await, world.who(NAME).await), ("!503".into(), "!503".into()));
    assert_eq!(world.independent.calls(), 1);
    world.independent.say(NAME, found(A));
    world.wait(10);
    assert_eq!(world.who(NAME).await, A);
}

#[tokio::test]
async fn just_past_its_time_an_answer_goes_out_and_is_fetched_behind() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, found(B));
    world.wait(630);
    world.independent.hold();
    assert_eq!(world.who(NAME).await, A, "at once, although the backend is slow");
    world.independent.asked(2).await;
    assert_eq!(world.who(NAME).await, A);
    assert_eq!(world.independent.calls(), 2, "one refresh, however many ask");
    world.independent.release();
    while world.who(NAME).await == A {
        tokio::task::yield_now().await;
    }
    assert_eq!((world.who(NAME).await, world.independent.calls()), (B.to_owned(), 2));
}

#[tokio::test]
async fn long_past_its_time_askers_wait() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, found(B));
    world.wait(661);
    assert_eq!(world.who(NAME).await, B);
}

#[tokio::test]
async fn an_outage_is_bridged_marked_and_bounded() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    world.wait(3600);
    assert_eq!(world.who(NAME).await, format!("~{A}"));
    assert_eq!(world.who(NAME).await, format!("~{A}"));
    assert_eq!(world.independent.calls(), 2, "the failure is remembered beside the answer");

    // In demand, nobody waits for the next attempt either.
    world.wait(20);
    world.independent.hold();
    assert_eq!(world.who(NAME).await, format!("~{A}"));
    world.independent.asked(3).await;
    world.independent.release();

    world.wait(24 * 3600);
    assert_eq!(world.who(NAME).await, "!504");
    world.independent.say(NAME, found(A));
    world.wait(10);
    assert_eq!(world.who(NAME).await, A, "it recovers by itself");
}

#[tokio::test]
async fn what_was_good_before_nonsense_does_not_go_out_again() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, Says::Fails(ErrorKind::BadAnswer));
    world.wait(3600);
    assert_eq!(world.who(NAME).await, "!502");
    world.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    for _ in 0..3 {
        world.wait(11);
        assert_eq!(world.who(NAME).await, "!504", "a later outage does not bring it back");
    }
    // It is remembered all the same: who can silence the DNS now does not choose the holder.
    world.independent.say(NAME, Says::Provisional(B));
    world.wait(11);
    assert_eq!(world.who(NAME).await, "!503");
    world.independent.say(NAME, found(B));
    world.wait(11);
    assert_eq!(world.who(NAME).await, B, "a proof ends the dispute");
}

#[tokio::test]
async fn nonsense_ends_an_answer_that_was_still_fresh() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, Says::Fails(ErrorKind::BadAnswer));
    assert_eq!((world.ask(NAME, true).await.as_str(), world.who(NAME).await.as_str()), ("!502", "!502"));
    world.independent.say(NAME, Says::Fails(ErrorKind::Unavailable));
    world.wait(11);
    assert_eq!(world.who(NAME).await, "!503");
}

#[tokio::test]
async fn an_answer_that_was_begun_before_nonsense_and_comes_after_it_is_not_kept() {
    let world = std::sync::Arc::new(World::new());
    world.independent.say(NAME, found(A));
    world.independent.hold();
    let early = std::sync::Arc::clone(&world);
    let early = tokio::spawn(async move { early.who(NAME).await });
    world.independent.asked(1).await;
    world.independent.say(NAME, Says::FailsAtOnce(ErrorKind::BadAnswer));
    assert_eq!(world.ask(NAME, true).await, "!502");
    world.independent.release();
    assert_eq!(early.await.unwrap(), A, "who asked before hears what was so before");
    assert_eq!(world.who(NAME).await, "!502");
}

#[tokio::test]
async fn silencing_the_stronger_source_does_not_choose_the_holder() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.wait(3600);
    world.independent.say(NAME, Says::Provisional(B));
    assert_eq!(world.who(NAME).await, format!("~{A}"));

    // Nor in two steps, through a provisional answer for the same account.
    world.wait(11);
    world.independent.say(NAME, Says::Provisional(A));
    world.who(NAME).await;
    while world.who(NAME).await != A {
        tokio::task::yield_now().await;
    }
    world.wait(31);
    world.independent.say(NAME, Says::Provisional(B));
    assert_eq!(world.who(NAME).await, format!("~{A}"));

    // A proof does.
    world.wait(100);
    world.independent.say(NAME, found(B));
    assert_eq!(world.who(NAME).await, B);
}

#[tokio::test]
async fn a_provisional_answer_lives_half_a_minute_at_most() {
    let world = World::new();
    world.independent.say(NAME, Says::Provisional(A));
    assert_eq!(world.who(NAME).await, A);
    // Asked once more behind the answer, for the late word of the stronger source; here it is none.
    world.independent.asked(2).await;
    world.wait(29);
    assert_eq!((world.who(NAME).await, world.independent.calls()), (A.to_owned(), 2));
    world.wait(1);
    assert_eq!(world.who(NAME).await, A);
    assert!(world.independent.calls() >= 3);
}

#[tokio::test]
async fn a_late_word_replaces_a_provisional_answer() {
    let world = World::new();
    world.independent.say(NAME, Says::Provisional(A));
    world.independent.hold();
    let (first, ()) = tokio::join!(world.who(NAME), async {
        world.independent.asked(1).await;
        // What the next lookup will read: the one behind the answer.
        world.independent.say(NAME, found(B));
        world.independent.release();
    });
    assert_eq!(first, A);
    while world.who(NAME).await == A {
        tokio::task::yield_now().await;
    }
    assert_eq!((world.who(NAME).await, world.independent.calls()), (B.to_owned(), 2));
}

#[tokio::test]
async fn what_our_store_says_is_good_until_it_is_purged() {
    let world = World::new();
    world.mirror.say("alice", Says::Found("threads:1", Ttl::UntilPurged));
    world.mirror.say("bob", Says::Absent(Why::Unknown, Ttl::UntilPurged));
    assert_eq!((world.who("alice").await.as_str(), world.who("bob").await.as_str()), ("threads:1", "!404"));
    assert_eq!(world.who("threads:1").await, "threads:1");
    world.wait(1_000_000);
    world.who("alice").await;
    world.who("bob").await;
    world.who("threads:1").await;
    assert_eq!(world.mirror.calls(), 3, "one for the account's proof");

    world.mirror.say("alice", Says::Absent(Why::Released, Ttl::UntilPurged));
    world.mirror.say("bob", Says::Found("threads:1", Ttl::UntilPurged));
    world.invalidator.tell(&change("threads:1", Some("alice"), Some("bob")));
    assert_eq!((world.who("alice").await.as_str(), world.who("bob").await.as_str()), ("!404", "threads:1"));
    let query = world.namesake.query("threads:1", None).unwrap();
    assert_eq!(world.namesake.resolve(&query, false).await.unwrap().handle.as_deref(), Some("bob"));
}

#[tokio::test]
async fn an_edit_purges_the_names_that_show_the_account() {
    let world = World::new();
    world.mirror.say("alice", Says::Found("threads:1", Ttl::UntilPurged));
    world.who("alice").await;
    world.invalidator.tell(&change("threads:1", None, None));
    world.who("alice").await;
    assert_eq!(world.mirror.calls(), 2);
}

#[tokio::test]
async fn what_a_mirror_tells_of_a_name_ends_no_answer_about_the_domain_of_that_name() {
    let world = World::new();
    world.independent.say("jane.art", found(A));
    world.mirror.say("jane.art", Says::Found("threads:1", Ttl::UntilPurged));
    let mirrored = world.namesake.query("jane.art", Some("threads")).unwrap();
    for calls in 1..=3 {
        assert_eq!(world.who("jane.art").await, A);
        assert_eq!(world.namesake.resolve(&mirrored, false).await.unwrap().account, "threads:1");
        assert_eq!((world.independent.calls(), world.mirror.calls()), (1, calls));
        world.invalidator.tell(&change("threads:1", Some("jane.art"), Some("jane.art")));
    }
}

#[tokio::test]
async fn a_result_begun_before_a_purge_is_never_kept() {
    let world = World::new();
    world.mirror.say("alice", Says::Found("threads:1", Ttl::UntilPurged));
    world.mirror.hold();
    let query = world.namesake.query("alice", None).unwrap();
    let early = tokio::spawn({
        let (namesake, query) = (world.namesake.clone(), query.clone());
        async move { namesake.resolve(&query, false).await.unwrap().account }
    });
    world.mirror.asked(1).await;

    world.mirror.say("alice", Says::Found("threads:2", Ttl::UntilPurged));
    world.invalidator.tell(&change("threads:2", None, Some("alice")));
    let late = tokio::spawn({
        let namesake = world.namesake.clone();
        async move { namesake.resolve(&query, false).await.unwrap().account }
    });
    world.mirror.asked(2).await;
    world.mirror.release();
    assert_eq!(early.await.unwrap(), "threads:1", "it asked before the change");
    assert_eq!(late.await.unwrap(), "threads:2", "it does not board the earlier flight");
    assert_eq!((world.who("alice").await.as_str(), world.mirror.calls()), ("threads:2", 2));
}

#[tokio::test]
async fn a_fresh_lookup_sees_what_is_so_now_and_loses_nothing_when_it_fails() {
    let world = World::new();
    world.independent.say(NAME, Says::Absent(Why::Unknown, Ttl::Default));
    assert_eq!(world.who(NAME).await, "!404");
    world.independent.say(NAME, found(A));
    assert_eq!((world.who(NAME).await.as_str(), world.ask(NAME, true).await.as_str()), ("!404", A));
    assert_eq!(world.who(NAME).await, A);
    world.independent.say(NAME, Says::Fails(ErrorKind::Timeout));
    assert_eq!((world.ask(NAME, true).await.as_str(), world.who(NAME).await.as_str()), ("!504", A));
}

#[tokio::test]
async fn one_backends_outage_touches_no_others_answers() {
    let world = World::new();
    world.independent.say("jane.art", Says::Fails(ErrorKind::Unavailable));
    world.mirror.say("jane.art", Says::Found("threads:1", Ttl::For(Duration::from_secs(60))));
    assert_eq!(world.who("jane.art").await, "!503", "never answered from somebody's user name");
    let query = world.namesake.query("jane.art", Some("mirror")).unwrap();
    let found = world.namesake.resolve(&query, false).await.unwrap();
    assert_eq!(found.profile.url, "https://names.example/@jane.art?scheme=threads");
}

fn suspicion(account: &str, handle: Option<&str>) -> Suspicion {
    let handle = handle.map(|name| Handle::parse(name).unwrap());
    Suspicion::Account { account: AccountId::parse(account).unwrap(), handle }
}

#[tokio::test]
async fn a_suspicion_makes_the_next_asker_look_again_and_wait() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.independent.say("other.example.com", found(B));
    assert_eq!((world.who(NAME).await, world.who("other.example.com").await), (A.into(), B.into()));
    world.independent.say(NAME, found(B));
    world.events.suspect(&suspicion(A, None));
    assert_eq!(world.who(NAME).await, B, "found by the account it was remembered with");
    assert_eq!(world.who("other.example.com").await, B);
    assert_eq!(world.independent.calls(), 3, "nobody else is asked about again");
}

#[tokio::test]
async fn a_false_suspicion_changes_nothing_and_costs_one_look() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.events.suspect(&suspicion(B, Some(NAME)));
    assert_eq!((world.who(NAME).await, world.who(NAME).await), (A.to_owned(), A.to_owned()));
    assert_eq!(world.independent.calls(), 2);
}

#[tokio::test]
async fn a_suspicion_reaches_a_remembered_absence_and_a_remembered_failure() {
    let world = World::new();
    for says in [Says::Absent(Why::Unknown, Ttl::Default), Says::Fails(ErrorKind::Timeout)] {
        world.independent.say(NAME, says);
        assert!(world.who(NAME).await.starts_with('!'));
        world.independent.say(NAME, found(A));
        world.events.suspect(&suspicion(A, Some(NAME)));
        assert_eq!(world.who(NAME).await, A);
        world.events.tell(&change(A, Some(NAME), None));
    }
}

#[tokio::test]
async fn a_suspicion_during_an_outage_is_no_absence() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, Says::Fails(ErrorKind::Unavailable));
    world.events.suspect(&suspicion(A, Some(NAME)));
    assert_eq!(world.who(NAME).await, format!("~{A}"));
    assert_eq!(world.who(NAME).await, format!("~{A}"));
    assert_eq!(world.independent.calls(), 2, "the failure is remembered");

    // Another event, and the sources are back: the failure of before it is no reason to be stale.
    world.independent.say(NAME, found(B));
    world.events.suspect(&suspicion(A, None));
    assert_eq!(world.who(NAME).await, B);
}

#[tokio::test]
async fn a_suspicion_and_a_silenced_source_do_not_choose_the_holder() {
    let world = World::new();
    world.independent.say(NAME, found(A));
    world.who(NAME).await;
    world.independent.say(NAME, Says::Provisional(B));
    world.events.suspect(&suspicion(B, Some(NAME)));
    assert_eq!(world.who(NAME).await, format!("~{A}"));
}

#[tokio::test]
async fn an_answer_that_was_on_its_way_is_suspected_too() {
    let world = std::sync::Arc::new(World::new());
    world.independent.say(NAME, found(A));
    world.independent.hold();
    let early = std::sync::Arc::clone(&world);
    let early = tokio::spawn(async move { early.who(NAME).await });
    world.independent.asked(1).await;
    world.independent.say(NAME, found(B));
    world.events.suspect(&suspicion(A, None));
    world.independent.release();
    assert_eq!(early.await.unwrap(), A, "who asked before hears what was so before");
    assert_eq!(world.who(NAME).await, B);
}

#[tokio::test]
async fn a_gap_makes_everything_of_one_backend_suspect() {
    let world = World::new();
    world.independent.say("*", found(A));
    world.mirror.say("*", Says::Found("threads:1", Ttl::UntilPurged));
    for name in [NAME, "second.example.com", "alice"] {
        world.who(name).await;
    }
    world.independent.say("*", Says::Found(B, Ttl::UntilPurged));
    world.events.suspect(&Suspicion::Everything { scheme: Scheme::parse("independent").unwrap() });
    assert_eq!(world.who(NAME).await, B);
    assert_eq!(world.who("second.example.com").await, B);
    world.who("alice").await;
    assert_eq!((world.independent.calls(), world.mirror.calls()), (4, 1));

    // Also what was remembered until it is purged.
    world.independent.say("*", Says::Fails(ErrorKind::Timeout));
    world.events.suspect(&Suspicion::Everything { scheme: Scheme::parse("independent").unwrap() });
    assert_eq!(world.who(NAME).await, format!("~{B}"));
}
