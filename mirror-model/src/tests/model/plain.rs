//! What the interleavings found, each as a case of its own.

use std::time::Duration;

use namesake::ProfileState;

use super::{
    Step::{Advance, Commits, Deauthorize, Event, Latency, Link, Overtaken, Poll, Rename, Swap, Visit},
    world::World,
};
use crate::{LinkError, upstream::UpstreamFailure};

const INTERVAL: Duration = Duration::from_secs(300);

fn after(steps: &[super::Step]) -> World {
    let mut world = World::new();
    for step in steps {
        world.take(step);
        world.check();
    }
    world
}

#[test]
fn a_late_answer_is_as_old_as_its_question() {
    // What is true when the mirror asks is no longer when it hears, a second or a day later.
    for late in [Duration::from_secs(1), Duration::from_secs(23 * 3600), Duration::from_secs(25 * 3600)] {
        let mut world = after(&[Latency { polls: 2, stale: true }, Link(1), Poll(0), Swap(1, 2)]);
        world.take(&Advance(late));
        for _ in 0..2 {
            world.take(&Poll(0));
            world.check();
        }
        assert_eq!(world.sessions.len(), 1, "the link is made");
        world.take(&Advance(Duration::from_secs(3600)));
        world.check();
        world.end();
    }
}

#[test]
fn an_answer_that_comes_after_the_link_was_cut_gives_no_name_back() {
    let mut world = after(&[
        Link(0),
        Poll(0),
        Rename(0, 6),
        Advance(INTERVAL),
        Latency { polls: 1, stale: true },
        Visit,
        Poll(0),
        Deauthorize(0),
        Poll(0),
    ]);
    let (account, _) = world.sessions[&0].clone();
    assert_eq!(world.shown(&account), None);
    world.end();
    assert_eq!(world.shown(&account), None, "until its owner links again");
    for step in [Link(0), Poll(0)] {
        world.take(&step);
    }
    assert_eq!(world.shown(&account).as_deref(), Some("g"), "the same account");
}

#[test]
fn a_name_that_was_left_is_not_taken_by_whoever_asked_before_its_last_holder_came() {
    // 4 asks while it is called "e", which 3 then takes, and leaves again; only then is 4 answered.
    let mut world = after(&[
        Overtaken { slow: 4, quick: 3 },
        Rename(3, 6),
        Advance(Duration::from_secs(1)),
        Event { person: 3, copies: 1, forged: false },
        Visit,
        Poll(1),
        Poll(0),
        Poll(0),
    ]);
    assert_eq!(world.sessions.len(), 2, "both are linked");
    let (account, _) = world.sessions[&4].clone();
    assert_eq!(world.shown(&account), None, "until it was asked about again");
    world.end();
    assert_eq!(world.shown(&account).as_deref(), Some("d"));
}

#[test]
fn a_displaced_account_knows_when_it_was_last_heard_of() {
    let mut world = after(&[
        Link(2),
        Poll(0),
        // It asks while it is called "f", is called "c" again, and that is confirmed.
        Rename(2, 5),
        Latency { polls: 2, stale: true },
        Link(2),
        Poll(0),
        Latency { polls: 0, stale: false },
        Rename(2, 2),
        Link(2),
        Poll(1),
        // Another takes the name.
        Rename(2, 6),
        Rename(3, 2),
        Link(3),
        Poll(1),
        // Only now comes the answer that it is called "f".
        Poll(0),
        Poll(0),
    ]);
    let (account, _) = world.sessions[&2].clone();
    assert_eq!(world.shown(&account), None);
    world.end();
    assert_eq!(world.shown(&account).as_deref(), Some("g"));
}

#[test]
fn a_token_that_cannot_be_refreshed_works_until_its_end() {
    let mut world = after(&[Link(0), Poll(0)]);
    let (account, _) = world.sessions[&0].clone();
    world.upstream.truth().refreshes_fail = Some(UpstreamFailure::Dead);
    for _ in 0..5 {
        world.take(&Advance(Duration::from_secs(12 * 3600)));
        world.work_off();
        world.check();
        assert_eq!(world.state(&account), ProfileState::Current, "a refresh that fails is no dead token");
    }
    // Two days and a half old, with half a day left.
    world.upstream.truth().refreshes_fail = None;
    for _ in 0..5 {
        world.take(&Advance(Duration::from_secs(11 * 3600)));
        world.work_off();
        assert_eq!(world.state(&account), ProfileState::Current, "it was refreshed before its end");
    }
}

#[test]
fn a_sign_in_that_comes_back_twice_at_once_is_used_once() {
    // Each commit waits, so that both have read before either has written; or the first ends in doubt.
    for (wait, doubtful) in [(0, 0), (2, 0), (0, 1), (2, 1), (2, 2)] {
        let mut world = World::new();
        world.take(&Commits { wait, doubtful });
        let [first, second] = world.link_twice(1);
        let linked = [&first, &second].into_iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(linked, 1, "{first:?} {second:?}");
        let refused = if first.is_err() { first } else { second };
        assert!(matches!(refused, Err(LinkError::State)), "{refused:?}");
        world.end();
    }
}
