//! HTTPS answers while the DNS is silent or failing.

use std::time::Duration;

use namesake_tests::atproto::{ALICE, BOB, Choices, Gate, Page, Reply, World};

const NAME: &str = "alice.example.com";

fn short_grace(choices: &mut Choices) {
    choices.grace = Duration::from_millis(150);
}

/// A record that says so, once the gate is open.
fn record(did: &str, gate: &Gate) -> Reply {
    Reply::texts(&[&format!("did={did}")]).behind(gate)
}

pub(crate) async fn s09_within_the_grace() {
    let world = World::with(|choices| choices.grace = Duration::from_millis(300)).await;
    world.dns.proof_says(NAME, Reply::silence());
    world.proof_by_https(NAME, Page::ok(ALICE).after(Duration::from_millis(50)));
    world.directory.claim(ALICE, NAME);
    let begun = tokio::time::Instant::now();
    let answer = world.resolve(NAME).await;
    // The DNS would have had twenty seconds.
    assert!(begun.elapsed() < Duration::from_secs(10));
    assert_eq!((answer.did(), answer.method().as_str()), (ALICE, "https-well-known?"));
    assert!(answer.max_age().unwrap() <= 30, "{answer:?}");
    let answer = world.resolve_handle(NAME).await;
    assert_eq!(answer.did(), ALICE);
    assert!(answer.max_age().unwrap() <= 30, "{answer:?}");
}

pub(crate) async fn g_proof_stays() {
    let world = World::with(short_grace).await;
    world.person(ALICE, NAME);
    world.directory.claim(BOB, NAME);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    // The attacker silences the DNS, and owns the web host.
    world.dns.proof_says(NAME, Reply::servfail());
    world.proof_by_https(NAME, Page::ok(BOB));
    world.wait(700);
    for _ in 0..5 {
        let answers = [world.resolve(NAME).await, world.resolve_handle(NAME).await];
        for answer in answers {
            assert_eq!((answer.did(), answer.stale()), (ALICE, true));
        }
        world.wait(3600);
    }
    // The same account may be confirmed provisionally.
    world.web.proof(NAME, Page::ok(ALICE));
    world.wait(3600);
    let answer =
        world.until(async |world| world.resolve(NAME).await, |answer| answer.method().ends_with('?')).await;
    assert_eq!((answer.did(), answer.stale()), (ALICE, false));
}

/// "The flight keeps waiting for DNS": nobody asks again for the late word to count.
pub(crate) async fn h_late_word() {
    let world = World::with(short_grace).await;
    let gate = Gate::closed();
    world.dns.proof_says(NAME, record(ALICE, &gate));
    world.proof_by_https(NAME, Page::ok(BOB));
    world.directory.claim(ALICE, NAME);
    world.directory.claim(BOB, NAME);
    let early = world.resolve(NAME).await;
    assert_eq!((early.did(), early.method().as_str()), (BOB, "https-well-known?"));
    assert_eq!(world.resolve_handle(NAME).await.did(), BOB);
    gate.open();
    // The service's clock stands still: the provisional answer has not expired.
    let late = world.until(async |world| world.resolve(NAME).await, |answer| answer.did() == ALICE).await;
    assert_eq!((late.method().as_str(), late.max_age()), ("dns-txt", Some(600)));
    world.until(async |world| world.resolve_handle(NAME).await, |answer| answer.did() == ALICE).await;
}

pub(crate) async fn i_late_ambiguity() {
    let world = World::with(short_grace).await;
    let gate = Gate::closed();
    let two = Reply::texts(&[&format!("did={ALICE}"), &format!("did={BOB}")]);
    world.dns.proof_says(NAME, two.behind(&gate));
    world.proof_by_https(NAME, Page::ok(BOB));
    assert_eq!(world.resolve_handle(NAME).await.did(), BOB);
    gate.open();
    let late = world.until(async |world| world.resolve_handle(NAME).await, |it| it.status != 200).await;
    assert_eq!(late.error(), (502, "UpstreamFailure"));
}

/// Neither way round does a provisional DID decide that a handle is *not* somebody's.
pub(crate) async fn j_no_verdict() {
    let world = World::with(short_grace).await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), NAME);
    world.dns.proof_says(NAME, Reply::servfail());
    world.proof_by_https(NAME, Page::ok(BOB));
    world.wait(700);
    let answer = world.resolve_identity(ALICE).await;
    assert_eq!((answer.text("handle"), answer.stale()), (NAME, true), "{answer:?}");
    // By handle, BOB does not claim it; but it is not for BOB to say.
    world.directory.claim(BOB, "bob.example.com");
    assert_eq!(world.resolve_identity(NAME).await.status, 502);
    // Nothing of this is remembered once the DNS is back.
    world.person(ALICE, NAME);
    world.wait(100);
    assert_eq!(world.resolve_identity(NAME).await.did(), ALICE);
}

/// Slower than the grace, but alive: what it says counts, though a provisional answer contradicts what is remembered.
pub(crate) async fn k_slow_dns() {
    let world = World::with(short_grace).await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
    let slow = Reply::texts(&[&format!("did={BOB}")]).after(Duration::from_millis(600));
    world.dns.proof_says(NAME, slow);
    world.proof_by_https(NAME, Page::ok(BOB));
    world.directory.claim(BOB, NAME);
    world.wait(700);
    let answer = world.until(async |world| world.resolve(NAME).await, |answer| answer.did() == BOB).await;
    assert_eq!(answer.method(), "dns-txt");
}
