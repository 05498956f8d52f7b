//! One name, two schemes: a bare name is always the same scheme's, and neither scheme's weather is the other's.

use std::time::Duration;

use namesake_independent::{Did, Faults};
use namesake_tests::Scene;
use serde_json::json;

const GALLERY: &str = "did:plc:jane777demo7777777777777";
const STRANGER: &str = "did:plc:stranger7777777777777777";

#[tokio::test]
async fn a_bare_name_with_a_dot_is_the_domains_and_the_scheme_reaches_the_other() {
    let scene = Scene::new().await;
    let domains = scene.get("/@jane.art").await.json();
    assert_eq!((&domains["account"], &domains["scheme"]), (&GALLERY.into(), &"independent".into()));
    let mirrored = scene.get("/@jane.art?scheme=mirror").await.json();
    assert_eq!(mirrored["scheme"], "threads");
    assert!(mirrored["account"].as_str().unwrap().starts_with("threads:"));
    // The canonical address of each leads back to it.
    for known in [&domains, &mirrored] {
        let url = known["profile"]["url"].as_str().unwrap();
        let again = scene.send_to(url.parse().unwrap(), "GET", &[], "").await.json();
        assert_eq!(again["account"], known["account"], "{url}");
    }
    let nobody = scene.get("/@nobody.art").await;
    assert_eq!((nobody.status, nobody.kind().as_str()), (404, "handle-not-found"));
    assert_eq!(nobody.json()["otherSchemes"], json!(["threads"]));
}

#[tokio::test]
async fn the_internets_outage_touches_no_mirrored_answer() {
    let scene = Scene::new().await;
    let gallery = scene.who("jane.art").await;
    scene.world.internet.set_faults(Faults::everything_down());
    assert!(scene.who("alice").await.starts_with("threads:"), "never asked before");
    assert!(scene.who("jane.art&scheme=mirror").await.starts_with("threads:"));
    scene.rename("alice", "alice_ito").await;
    scene.heard().await;
    assert!(scene.who("alice_ito").await.starts_with("threads:"));
    // A failure is no absence, and falls through to nobody: the mirror's jane.art is not the answer.
    assert!(scene.who("bob.demo.test").await.starts_with("50"), "{}", scene.who("bob.demo.test").await);
    scene.clock.advance(Duration::from_secs(3600));
    let stale = scene.get("/@jane.art").await;
    assert_eq!((stale.status, stale.header("namesake-stale")), (200, "true"));
    assert_eq!(stale.json()["account"].as_str(), Some(gallery.as_str()));
}

#[tokio::test]
async fn the_upstreams_outage_touches_no_answer_of_the_internet() {
    let scene = Scene::new().await;
    scene.control("POST", "faults", &json!({ "outage": true })).await;
    scene.pass(Duration::from_secs(25 * 3600)).await;
    assert_eq!(scene.who("alice").await, "404 handle-released");
    for name in ["alice.demo.test", "bob.demo.test", "jane.art"] {
        let found = scene.get(&format!("/@{name}")).await;
        assert_eq!((found.status, found.header("namesake-stale")), (200, ""), "{name}");
    }
}

#[tokio::test]
async fn what_happens_to_a_mirrored_name_ends_no_answer_about_the_domain() {
    let scene = Scene::new().await;
    assert_eq!(scene.who("jane.art").await, GALLERY);
    let asked = scene.world.internet.calls();
    scene.control("PATCH", "people/jane.art", &json!({ "picture": "https://cdn.example/j.jpg" })).await;
    scene.heard().await;
    let picture = &scene.get("/@jane.art?scheme=mirror").await.json()["profile"]["avatar"];
    assert_eq!(picture, "https://cdn.example/j.jpg", "the mirror did tell");
    scene.pass_slowly(2).await;
    scene.rename("jane.art", "jane.draws").await;
    scene.heard().await;
    assert_eq!(scene.who("jane.art&scheme=mirror").await, "404 handle-released");
    assert_eq!(scene.who("jane.art").await, GALLERY);
    assert_eq!(scene.world.internet.calls(), asked, "it was still remembered");
}

#[tokio::test]
async fn a_domain_that_changes_hands_is_the_new_holders_when_what_is_remembered_has_run_out() {
    let scene = Scene::new().await;
    assert_eq!(scene.who("jane.art").await, GALLERY);
    let stranger = Did::parse(STRANGER).unwrap();
    scene.world.internet.add_person(&stranger, "jane.art", "A Stranger", "I bought a domain.");
    let mirrored = scene.who("jane.art&scheme=mirror").await;
    for _ in 0..19 {
        scene.pass(Duration::from_secs(30)).await;
        assert_eq!(scene.who("jane.art").await, GALLERY);
    }
    scene.pass(Duration::from_secs(29)).await;
    assert_eq!(scene.who("jane.art").await, GALLERY, "600 s are not over");
    scene.pass(Duration::from_secs(62)).await;
    assert_eq!(scene.who("jane.art").await, STRANGER);
    let gallery = scene.get(&format!("/v1/accounts/{GALLERY}")).await.json();
    assert_eq!((&gallery["handle"], &gallery["reason"]), (&json!(null), &"unproven".into()));
    assert_eq!(gallery["profile"]["displayName"], "Jane Art Gallery", "it keeps its account");
    assert_eq!(scene.who("jane.art&scheme=mirror").await, mirrored);
    let fresh = scene.get("/v1/resolve?handle=jane.art&fresh=true").await.json();
    assert_eq!(fresh["account"], STRANGER);
}
