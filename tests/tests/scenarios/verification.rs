//! Handle and account must name each other.

use namesake_tests::atproto::{ALICE, BOB, CAROL, Page, Reply, World, document};

const NAME: &str = "alice.example.com";

pub(crate) async fn s19_claims() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    let invalid = async |claims: &[&str]| {
        world.directory.say(BOB, Page::ok(document(BOB, claims).to_string()));
        world.wait(700);
        let answer = world.resolve_identity(BOB).await;
        assert_eq!(answer.did(), BOB);
        answer.text("handle") == "handle.invalid"
    };
    assert!(invalid(&[]).await, "no claim");
    assert!(invalid(&["at://alice.example.com"]).await, "another's");
    assert!(invalid(&["at://nobody.example.com"]).await, "one that does not resolve");
    for reserved in ["at://bob.internal", "at://handle.invalid", "at://bob.test", "at://bob.onion"] {
        let before = world.dns.questions();
        assert!(invalid(&[reserved]).await, "{reserved}");
        assert_eq!(world.dns.questions(), before, "{reserved}");
    }
    let ours = world.resolve(BOB).await;
    assert_eq!((ours.did(), ours.json["handle"].is_null()), (BOB, true));

    // By handle, a mismatch is a failure.
    world.dns.proof("bob.example.com", &[&format!("did={BOB}")]);
    assert_eq!(world.resolve_identity("bob.example.com").await.error(), (400, "HandleNotFound"));
    assert_eq!(world.resolve("bob.example.com").await.status, 404);
    // The forward half alone is all `resolveHandle` asks.
    assert_eq!(world.resolve_handle("bob.example.com").await.did(), BOB);
}

pub(crate) async fn s26_move() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), NAME);
    assert_eq!(world.resolve(ALICE).await.text("handle"), NAME);
    // ALICE's document still claims the name.
    world.person(BOB, NAME);
    let refreshed = world.refresh_identity(NAME).await;
    assert_eq!((refreshed.did(), refreshed.text("handle")), (BOB, NAME));
    // No time has passed: every other answer about either is asked for again.
    assert_eq!(world.resolve_handle(NAME).await.did(), BOB);
    assert_eq!(world.resolve(NAME).await.did(), BOB);
    assert_eq!(world.resolve_identity(BOB).await.text("handle"), NAME);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), "handle.invalid");
    assert!(world.resolve(ALICE).await.json["handle"].is_null());
}

pub(crate) async fn w_unchecked() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    world.directory.claim(CAROL, "carol.example.com");
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), NAME);
    world.dns.proof_says(NAME, Reply::servfail());
    world.dns.proof_says("carol.example.com", Reply::servfail());
    world.wait(700);
    let answer = world.resolve_identity(ALICE).await;
    assert_eq!((answer.text("handle"), answer.stale()), (NAME, true));
    // Of CAROL nothing is known, and nothing is concluded.
    assert_eq!(world.resolve_identity("carol.example.com").await.status, 502);
    assert_ne!(world.resolve_identity(CAROL).await.text("handle"), "carol.example.com");
    // The handle is gone for good: so it goes for the DID.
    world.dns.proof_says(NAME, Reply::no_domain());
    world.wait(700);
    let gone = world.until(async |world| world.resolve_identity(ALICE).await, |it| !it.stale()).await;
    assert_eq!(gone.text("handle"), "handle.invalid");
}
