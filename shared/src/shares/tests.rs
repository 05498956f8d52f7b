//! What a queue promises, under time that stands still.

use std::{net::Ipv4Addr, time::Duration};

use tokio::{
    task::{JoinSet, yield_now},
    time::{Instant, advance, sleep},
};

use super::{Client, FairQueue, QueueLimits, Whose};

const PATIENCE: Duration = Duration::from_secs(10);

fn queue(places: usize, waiting: usize, per_second: Option<u32>) -> FairQueue {
    FairQueue::new(QueueLimits { places, per_second, waiting, share_percent: 50 })
}

fn client(number: u32) -> Client {
    Client::at(Ipv4Addr::from_bits(0xc000_0200 + number).into())
}

/// Lets `count` questions of `client` wait, each of which holds its place for `hold`.
async fn flood(queue: &FairQueue, client: Client, count: usize, hold: Duration) -> JoinSet<bool> {
    let mut flood = JoinSet::new();
    for _ in 0..count {
        let queue = queue.clone();
        flood.spawn(async move {
            let Ok(_turn) = queue.turn(client, PATIENCE).await else { return false };
            #[expect(clippy::disallowed_methods, reason = "time stands still in this test")]
            sleep(hold).await;
            true
        });
    }
    yield_now().await;
    flood
}

#[tokio::test(start_paused = true)]
async fn who_has_many_questions_leaves_room_for_who_has_one() {
    let queue = queue(10, 1000, None);
    let _flood = flood(&queue, client(1), 400, Duration::from_secs(2)).await;
    let begun = Instant::now();
    drop(queue.turn(client(2), PATIENCE).await.unwrap());
    assert_eq!(begun.elapsed(), Duration::ZERO, "one client has half of the places at most");
}

#[tokio::test(start_paused = true)]
async fn clients_have_their_turns_in_a_ring() {
    let queue = queue(10, 10_000, None);
    let mut floods = Vec::new();
    for number in 1..=3 {
        floods.push(flood(&queue, client(number), 300, Duration::from_secs(1)).await);
    }
    let begun = Instant::now();
    drop(queue.turn(client(9), PATIENCE).await.unwrap());
    assert!(begun.elapsed() <= Duration::from_secs(1), "{:?}: the next round is its own", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn turns_are_begun_at_the_rate_that_is_set() {
    let queue = queue(1000, 10_000, Some(10));
    let begun = Instant::now();
    let flood = flood(&queue, Client::Ours, 40, Duration::ZERO).await;
    assert!(flood.join_all().await.into_iter().all(|served| served));
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(3000) && took < Duration::from_millis(3100), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn at_a_rate_too_clients_have_their_turns_in_a_ring() {
    let queue = queue(1000, 10_000, Some(10));
    let _flood = flood(&queue, client(1), 90, Duration::ZERO).await;
    let begun = Instant::now();
    drop(queue.turn(client(2), PATIENCE).await.unwrap());
    assert!(begun.elapsed() <= Duration::from_millis(200), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_served_in_time_is_refused_at_once() {
    let queue = queue(2, 1000, None);
    // One place of two is its share, and each question holds it for four seconds.
    let _flood = flood(&queue, client(1), 3, Duration::from_secs(4)).await;
    advance(Duration::from_secs(4)).await;
    yield_now().await;
    let waiting = flood(&queue, client(1), 1, Duration::from_secs(4)).await;
    let begun = Instant::now();
    let refused = queue.turn(client(1), PATIENCE).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::ZERO, "three before it take twelve seconds");
    assert_eq!(refused.whose, Whose::Own);
    assert_eq!(refused.retry_after, Duration::from_secs(2));
    assert!(waiting.join_all().await.into_iter().all(|served| served));
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_is_full_for_all_says_so() {
    let queue = queue(2, 4, None);
    let mut floods = Vec::new();
    for number in 1..=6 {
        floods.push(flood(&queue, client(number), 1, Duration::from_secs(60)).await);
    }
    let refused = queue.turn(client(7), PATIENCE).await.unwrap_err();
    assert_eq!(refused.whose, Whose::All);
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_vain_is_told_when_patience_ends() {
    let queue = queue(1, 10, None);
    let held = queue.turn(client(1), PATIENCE).await.unwrap();
    let begun = Instant::now();
    assert!(queue.turn(client(2), PATIENCE).await.is_err());
    assert_eq!(begun.elapsed(), PATIENCE);
    drop(held);
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn who_leaves_gives_everything_back() {
    let queue = queue(1, 10, None);
    let held = queue.turn(client(1), PATIENCE).await.unwrap();
    let mut leaves = flood(&queue, client(2), 2, Duration::from_secs(60)).await;
    let stays = flood(&queue, client(3), 1, Duration::ZERO).await;
    leaves.shutdown().await;
    drop(held);
    assert!(stays.join_all().await.into_iter().all(|served| served));
    assert!(queue.is_idle());
}

#[tokio::test(start_paused = true)]
async fn at_a_rate_who_is_next_and_leaves_hands_the_clock_on() {
    let queue = queue(10, 100, Some(1));
    drop(queue.turn(client(1), PATIENCE).await.unwrap());
    let begun = Instant::now();
    let mut next = flood(&queue, client(2), 1, Duration::ZERO).await;
    let after = flood(&queue, client(3), 1, Duration::ZERO).await;
    next.shutdown().await;
    assert!(after.join_all().await.into_iter().all(|served| served));
    assert_eq!(begun.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_clients_is_bounded_by_those_who_wait() {
    let queue = queue(10, 100, None);
    let mut floods = Vec::new();
    for number in 0..10_000 {
        floods.push(flood(&queue, client(number), 1, Duration::from_secs(1)).await);
    }
    assert!(queue.known_clients() <= 110, "{}", queue.known_clients());
    for flood in floods {
        flood.join_all().await;
    }
    assert_eq!(queue.known_clients(), 0);
}
