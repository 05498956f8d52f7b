//! Names that move between people: a swap, a cycle, a stranger. Whenever the world is at rest, a handle is one
//! account's, and an account's handle is its own; in the end everything is as the upstream has it.

use namesake_tests::{Browser, Scene};
use serde_json::json;

const PEOPLE: [&str; 3] = ["alice", "bob", "carol"];

/// The upstream passes the names of `people` on, the last one's to the first, through a name nobody keeps.
async fn pass_on(scene: &Scene, people: &[&str]) {
    let last = people[people.len() - 1];
    scene.rename(last, "on_its_way").await;
    for pair in people.windows(2).rev() {
        scene.rename(pair[0], pair[1]).await;
    }
    scene.rename("on_its_way", people[0]).await;
}

async fn accounts(scene: &Scene) -> Vec<String> {
    let mut accounts = Vec::new();
    for name in PEOPLE {
        accounts.push(scene.who(name).await);
    }
    accounts
}

/// Each of `people` has the next one's name, within two intervals, with one account a handle all the way.
async fn settles(people: &[&str], webhooks: bool) {
    let scene = Scene::new().await;
    let before = accounts(&scene).await;
    let ids: Vec<&str> = before.iter().map(String::as_str).collect();
    scene.control("POST", "faults", &json!({ "webhooks": webhooks })).await;
    pass_on(&scene, people).await;
    scene.heard().await;
    for _ in 0..20 {
        scene.assert_one_each(&ids, &[PEOPLE.as_slice(), &["on_its_way"]].concat()).await;
        scene.pass_slowly(1).await;
    }
    for (place, name) in PEOPLE.iter().enumerate() {
        let place_in_chain = people.iter().position(|person| person == name);
        let now = place_in_chain.map_or(*name, |at| people[(at + 1) % people.len()]);
        assert_eq!(scene.handle_of(ids[place]).await.as_deref(), Some(now), "{name} became {now}");
        assert_eq!(scene.who(now).await, ids[place]);
    }
    assert_eq!(scene.who("on_its_way").await.get(..4), Some("404 "));
}

#[tokio::test]
async fn a_swap_settles_with_webhooks() {
    settles(&["alice", "bob"], true).await;
}

#[tokio::test]
async fn a_swap_settles_by_polling_alone() {
    settles(&["alice", "bob"], false).await;
}

#[tokio::test]
async fn a_cycle_of_three_settles_with_webhooks() {
    settles(&PEOPLE, true).await;
}

#[tokio::test]
async fn a_cycle_of_three_settles_by_polling_alone() {
    settles(&PEOPLE, false).await;
}

#[tokio::test]
async fn a_stranger_who_takes_a_freed_name_is_another_account() {
    let scene = Scene::new().await;
    let bob = scene.who("bob").await;
    scene.rename("bob", "bob_okafor").await;
    scene.heard().await;
    assert_eq!(scene.who("bob").await, "404 handle-released");

    let person = json!({ "username": "bob", "name": "Another Bob", "bio": "New here." });
    scene.control("POST", "people", &person).await;
    let stranger = Browser::new(&scene).link("bob").await;
    assert!(stranger.created && stranger.account != bob, "{stranger:?}");
    scene.assert_one_each(&[&bob, &stranger.account], &["bob", "bob_okafor"]).await;
    assert_eq!(scene.who("bob").await, stranger.account);
    assert_eq!(scene.who("bob_okafor").await, bob);
}

/// The stranger is linked before we have heard that the name is free: the fresh claim wins, the holder keeps its
/// account and is asked at once.
#[tokio::test]
async fn a_stranger_faster_than_the_news_displaces_the_old_holder() {
    let scene = Scene::new().await;
    let bob = scene.who("bob").await;
    scene.control("POST", "faults", &json!({ "webhooks": false })).await;
    scene.rename("bob", "bob_okafor").await;
    scene.control("POST", "people", &json!({ "username": "bob", "name": "Another Bob" })).await;
    scene.pass_slowly(1).await;
    assert_eq!(scene.who("bob").await, bob, "nobody has told us yet");

    let stranger = Browser::new(&scene).link("bob").await;
    scene.assert_one_each(&[&bob, &stranger.account], &["bob", "bob_okafor"]).await;
    assert_eq!(scene.who("bob").await, stranger.account);
    scene.pass_slowly(2).await;
    scene.assert_one_each(&[&bob, &stranger.account], &["bob", "bob_okafor"]).await;
    assert_eq!(scene.who("bob_okafor").await, bob);
}
