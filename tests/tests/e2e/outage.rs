//! The upstream is down: the last truth stands, until it is too old to be called one.

use std::time::Duration;

use namesake_tests::{POLL_INTERVAL, Scene};
use serde_json::json;

const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test]
async fn the_last_truth_stands_until_it_is_too_old_and_comes_back() {
    let scene = Scene::new().await;
    let carol = scene.who("carol").await;
    scene.control("POST", "faults", &json!({ "outage": true })).await;
    for hour in 1..24 {
        scene.pass(HOUR).await;
        assert_eq!(scene.who("carol").await, carol, "after {hour} h");
    }
    let profile = scene.get(&format!("/v1/accounts/{carol}")).await.json();
    assert_eq!(profile["handle"], "carol");

    scene.pass(HOUR).await;
    assert_eq!(scene.who("carol").await, "404 handle-released", "max_unconfirmed is a day");
    let profile = scene.get(&format!("/v1/accounts/{carol}")).await.json();
    assert_eq!(profile["handle"], json!(null));
    assert_eq!(profile["profile"]["display"], "needs-login");
    assert_eq!(profile["profile"]["displayName"], "Carol Reyes", "the profile stays");

    scene.control("POST", "faults", &json!({ "outage": false })).await;
    scene.pass(POLL_INTERVAL).await;
    assert_eq!(scene.who("carol").await, carol);
    let profile = scene.get(&format!("/v1/accounts/{carol}")).await.json();
    assert_eq!((&profile["handle"], &profile["profile"]["display"]), (&"carol".into(), &"current".into()));
}

#[tokio::test]
async fn a_rename_during_an_outage_is_seen_after_it() {
    let scene = Scene::new().await;
    let carol = scene.who("carol").await;
    scene.control("POST", "faults", &json!({ "outage": true })).await;
    scene.rename("carol", "carol_reyes").await;
    scene.heard().await;
    scene.pass_slowly(30).await;
    assert_eq!(scene.who("carol").await, carol, "an outage is no rename");
    assert_eq!(scene.who("carol_reyes").await, "404 handle-not-found");
    scene.control("POST", "faults", &json!({ "outage": false })).await;
    scene.pass_slowly(10).await;
    assert_eq!(scene.who("carol_reyes").await, carol);
    assert_eq!(scene.who("carol").await, "404 handle-released");
}

#[tokio::test]
async fn nobody_links_during_an_outage_and_it_says_to_try_again() {
    let scene = Scene::new().await;
    let mut browser = namesake_tests::Browser::new(&scene);
    let back = browser.consent("alice").await;
    scene.control("POST", "faults", &json!({ "outage": true })).await;
    let failed = browser.send("GET", &back, &[], "").await;
    assert_eq!((failed.status, failed.kind().as_str()), (503, "unavailable"));
    assert!(!failed.header("retry-after").is_empty());
    assert!(browser.cookies.keys().all(|name| !name.contains("session")), "{:?}", browser.cookies);
}
