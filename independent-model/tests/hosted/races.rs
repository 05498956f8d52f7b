//! Many at once: one wins.

use std::sync::Arc;

use namesake::Clock as _;
use namesake_independent::{
    hosted::{AtHost, Rejection},
    webvh::verify,
};
use tokio::task::JoinSet;

use crate::bench::{Bench, Person, host};

const NAME: &str = "wanted.people.example.com";
const RIVALS: u8 = 32;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_gets_a_name() {
    let bench = Arc::new(Bench::new());
    let mut tasks = JoinSet::new();
    for name in 0..RIVALS {
        let bench = bench.clone();
        tasks.spawn(async move {
            // Half of them register with it, half take it later.
            let mut person = Person::new(name + 1);
            let claimed = if name % 2 == 0 {
                bench.register(&mut person, Some(NAME)).await
            } else {
                bench.register(&mut person, None).await.unwrap();
                bench.rename(&mut person, Some(NAME)).await
            };
            match claimed {
                Ok(receipt) => Some(receipt.did),
                Err(Rejection::HandleTaken(_)) => None,
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    assert_eq!(bench.hosted.at_host(&host(NAME)).await.unwrap(), AtHost::Handle(winners[0].clone()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_children_follows_its_parent() {
    let bench = Arc::new(Bench::new());
    let alice = bench.person(1, None).await;
    let mut tasks = JoinSet::new();
    for number in 0..RIVALS {
        let (bench, mut alice) = (bench.clone(), alice.clone());
        tasks.spawn(async move {
            match bench.rename(&mut alice, Some(&format!("name{number}.people.example.com"))).await {
                Ok(receipt) => receipt.handle,
                Err(Rejection::StaleHead { .. }) => None,
                Err(other) => panic!("{other:?}"),
            }
        });
    }
    let winners: Vec<_> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(winners.len(), 1, "{winners:?}");
    let log = bench.hosted.log(&alice.account()).await.unwrap().unwrap();
    let log = verify(&log.text, bench.clock.now()).unwrap();
    assert_eq!((log.lines().len(), log.head().handle()), (2, Some(winners[0].clone())));
    let mut held = 0;
    for number in 0..RIVALS {
        let name = host(&format!("name{number}.people.example.com"));
        held += usize::from(bench.hosted.at_host(&name).await.unwrap() != AtHost::NoHandle);
    }
    assert_eq!(held, 1, "a name without an entry, or an entry without its name");
}

/// The same entry from many at once is one entry, and everybody is told that it was taken.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_same_entry_at_once_is_taken_once() {
    let bench = Arc::new(Bench::new());
    let alice = bench.person(1, None).await;
    let entry = Arc::new(alice.draft(Some(NAME), bench.tick()).sign(&alice));
    let mut tasks = JoinSet::new();
    for _ in 0..RIVALS {
        let (bench, mut alice, entry) = (bench.clone(), alice.clone(), entry.clone());
        tasks.spawn(async move { bench.post(&mut alice, &entry).await.unwrap().version.number });
    }
    assert!(tasks.join_all().await.into_iter().all(|number| number == 2));
    let log = bench.hosted.log(&alice.account()).await.unwrap().unwrap();
    assert_eq!(verify(&log.text, bench.clock.now()).unwrap().lines().len(), 2);
}
