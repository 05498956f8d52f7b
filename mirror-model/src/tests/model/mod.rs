//! Any interleaving: many accounts, names that move, answers that come late, crashes; and after each step the rules.
//!
//! Nothing runs by itself here. The world holds the futures and polls the one that a step names, so that a case is
//! its steps and nothing else, and proptest can shorten it. `PROPTEST_CASES` asks for more of them,
//! `PROPTEST_RNG_SEED` for others; without it they are the same in every run.

mod checks;
mod plain;
mod store;
mod upstream;
mod world;

use std::time::Duration;

use proptest::{
    prelude::*,
    test_runner::{RngSeed, TestRunner},
};

use self::{upstream::Weather, world::World};
use crate::upstream::UpstreamFailure;

/// The names there are: fewer than would keep people out of each other's way.
const NAMES: [&str; 7] = ["a", "b", "c", "d", "e", "f", "g"];
const PEOPLE: usize = 5;
/// How many cases there are unless more are asked for, and how many proptest takes for that.
const CASES: u32 = 64;
const PROPTESTS_CASES: u32 = 256;
const SEED: u64 = 20_230_705;

/// One thing that happens. A number names one of what there is at that moment, whatever it is.
#[derive(Debug, Clone)]
enum Step {
    /// At the upstream.
    Rename(usize, usize),
    Swap(usize, usize),
    Cycle(usize, usize, usize),
    Ban(usize),
    Leave(usize),
    Revoke(usize),
    Weather(Weather),
    Latency {
        polls: u8,
        stale: bool,
    },
    /// Between it and the mirror: an event, several times, perhaps with a signature of somebody else's.
    Event {
        person: usize,
        copies: u8,
        forged: bool,
    },
    Deauthorize(usize),
    DeleteRequested(usize),
    /// At the mirror.
    Link(usize),
    LinkSignedIn {
        person: usize,
        as_person: usize,
    },
    /// One asks, the names move, the other asks and is answered first. Chance alone finds this order too seldom.
    Overtaken {
        slow: usize,
        quick: usize,
    },
    Edit(usize),
    Delete(usize),
    /// In the machine: a visit is begun, a future is polled, commits wait or end in doubt, the process dies.
    Visit,
    Poll(usize),
    Commits {
        wait: u8,
        doubtful: u8,
    },
    Crash,
    /// Time.
    Advance(Duration),
}

fn step() -> impl Strategy<Value = Step> {
    let person = 0..PEOPLE;
    let failure = prop_oneof![
        Just(UpstreamFailure::Down),
        Just(UpstreamFailure::Timeout),
        Just(UpstreamFailure::Transient),
        Just(UpstreamFailure::Throttled),
        Just(UpstreamFailure::Nonsense),
        Just(UpstreamFailure::Gone),
    ];
    let weather = prop_oneof![
        4 => Just(Weather::Fair),
        2 => failure.prop_map(Weather::Failing),
        1 => Just(Weather::Mixed),
        1 => Just(Weather::Garbled),
    ];
    let time = prop_oneof![
        6 => (0..4_u64).prop_map(Duration::from_secs),
        4 => (60..400_u64).prop_map(Duration::from_secs),
        2 => (1..14_u64).prop_map(|hours| Duration::from_secs(hours * 3600)),
    ];
    prop_oneof![
        8 => (person.clone(), 0..NAMES.len()).prop_map(|(who, name)| Step::Rename(who, name)),
        2 => (person.clone(), person.clone()).prop_map(|(one, other)| Step::Swap(one, other)),
        2 => (person.clone(), person.clone(), person.clone()).prop_map(|(a, b, c)| Step::Cycle(a, b, c)),
        1 => person.clone().prop_map(Step::Ban),
        1 => person.clone().prop_map(Step::Leave),
        1 => person.clone().prop_map(Step::Revoke),
        2 => weather.prop_map(Step::Weather),
        3 => (0..4_u8, any::<bool>()).prop_map(|(polls, stale)| Step::Latency { polls, stale }),
        4 => (person.clone(), 1..4_u8, prop::bool::weighted(0.2))
            .prop_map(|(person, copies, forged)| Step::Event { person, copies, forged }),
        1 => person.clone().prop_map(Step::Deauthorize),
        1 => person.clone().prop_map(Step::DeleteRequested),
        8 => person.clone().prop_map(Step::Link),
        1 => (person.clone(), person.clone())
            .prop_map(|(person, as_person)| Step::LinkSignedIn { person, as_person }),
        2 => (person.clone(), person.clone()).prop_map(|(slow, quick)| Step::Overtaken { slow, quick }),
        1 => person.clone().prop_map(Step::Edit),
        1 => person.prop_map(Step::Delete),
        14 => Just(Step::Visit),
        20 => (0..6_usize).prop_map(Step::Poll),
        2 => (0..3_u8, 0..3_u8).prop_map(|(wait, doubtful)| Step::Commits { wait, doubtful }),
        1 => Just(Step::Crash),
        12 => time.prop_map(Step::Advance),
    ]
}

#[test]
fn whatever_happens_nobody_has_anothers_name_and_in_the_end_everybody_has_their_own() {
    let mut config = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    if config.cases == PROPTESTS_CASES {
        config.cases = CASES;
    }
    TestRunner::new(config)
        .run(&prop::collection::vec(step(), 1..160), |steps| {
            let mut world = World::new();
            for step in &steps {
                world.take(step);
                world.check();
            }
            world.end();
            Ok(())
        })
        .unwrap();
}
