//! What the TXT record says.

use std::time::Duration;

use namesake_tests::atproto::{ALICE, BOB, Body, Page, Record, Reply, World};

const NAME: &str = "alice.example.com";
const PROOF: &str = "_atproto.alice.example.com";

pub(crate) async fn s01_ambiguous() {
    let world = World::new().await;
    world.proof_by_https(NAME, Page::ok(ALICE));
    world.dns.proof(NAME, &[&format!("did={ALICE}"), &format!("did={BOB}")]);
    assert_eq!(world.resolve_handle(NAME).await.error(), (502, "UpstreamFailure"));
    assert_eq!(world.resolve(NAME).await.status, 502);
    // Not remembered as absent: the mended record is seen after the ten seconds of a failure.
    world.person(ALICE, NAME);
    world.wait(11);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
}

pub(crate) async fn s02_garbage_beside_a_did() {
    let world = World::new().await;
    let good = format!("did={ALICE}");
    for (number, records) in
        [["did=garbage", &good], [&good, "did=garbage"], ["did=", &good], [&good, "did= x"]]
            .into_iter()
            .enumerate()
    {
        let name = format!("a{number}.example.com");
        world.dns.proof(&name, &records);
        assert_eq!(world.resolve_handle(&name).await.did(), ALICE, "{records:?}");
    }
}

pub(crate) async fn s03_character_strings() {
    let world = World::new().await;
    let (head, tail) = ALICE.as_bytes().split_at(11);
    world.dns.say(
        PROOF,
        Reply::records(vec![
            Record::text("v=spf1 -all"),
            Record::Txt(vec![b"did=".to_vec(), head.to_vec(), tail.to_vec(), vec![]]),
            Record::Txt(vec![vec![0xff, 0xfe, 0x80]]),
            Record::Txt(vec![b"did=\xff".to_vec()]),
        ]),
    );
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
}

pub(crate) async fn s04_alias_and_truncation() {
    let world = World::new().await;
    world.dns.say(PROOF, Reply::records(vec![Record::Alias("proof.example.net".to_owned())]));
    world.dns.say("proof.example.net", Reply::texts(&[&format!("did={ALICE}")]));
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);

    world.dns.proof_says("bob.example.com", Reply::texts(&[&format!("did={BOB}")]).truncated());
    assert_eq!(world.resolve_handle("bob.example.com").await.did(), BOB);
    assert_eq!(world.dns.over_tcp("_atproto.bob.example.com"), [false, true]);
}

pub(crate) async fn s08_silent_web_host() {
    let world = World::new().await;
    world.proof_by_https(NAME, Page::coming(Body::Silence));
    world.person(ALICE, NAME);
    world.dns.proof_says(NAME, Reply::texts(&[&format!("did={ALICE}")]).after(Duration::from_millis(5)));
    let begun = tokio::time::Instant::now();
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
    // The web host would have had twenty.
    assert!(begun.elapsed() < Duration::from_secs(10));
}

pub(crate) async fn s10_disagreement() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    world.proof_by_https(NAME, Page::ok(BOB));
    let answer = world.resolve(NAME).await;
    assert_eq!((answer.did(), answer.method().as_str()), (ALICE, "dns-txt"));
    let explanation = world.explain(NAME).await;
    assert_eq!(explanation.text("resolution/account"), ALICE);
    let words = explanation.json.to_string();
    assert!(words.contains(ALICE) && words.contains(BOB), "{words}");
    // Both sources, and a third step that says they disagree.
    let notes = explanation.json["steps"].as_array().unwrap().iter();
    let both = |step: &serde_json::Value| {
        let detail = step["detail"].as_str().unwrap_or_default();
        detail.contains(ALICE) && detail.contains(BOB)
    };
    let advice = explanation.json["advice"].to_string();
    assert!(notes.clone().any(both) || (advice.contains(ALICE) && advice.contains(BOB)), "{words}");
}

pub(crate) async fn a_longest_name() {
    let world = World::new().await;
    let label = "a".repeat(60);
    let stem = format!("{label}.{label}.{label}");
    let longest = format!("{stem}.{}.example.com", "b".repeat(253 - stem.len() - 13));
    assert_eq!(longest.len(), 253);
    world.proof_by_https(&longest, Page::ok(ALICE));
    world.directory.claim(ALICE, &longest);
    let answer = world.resolve(&longest).await;
    assert_eq!((answer.did(), answer.method().as_str()), (ALICE, "https-well-known"));
    assert!(world.dns.names().iter().all(|name| !name.starts_with("_atproto")), "{:?}", world.dns.names());

    // With its prefix, this one has exactly 253 characters.
    let long = &longest[9..];
    world.dns.proof(long, &[&format!("did={BOB}")]);
    assert_eq!(world.resolve_handle(long).await.did(), BOB);
    assert_eq!(world.resolve_handle(&format!("a{longest}")).await.error(), (400, "InvalidRequest"));
}

pub(crate) async fn b_absolute_names() {
    let world = World::new().await;
    assert_eq!(world.resolve_handle("nobody.example.com").await.error(), (400, "HandleNotFound"));
    let names = world.dns.names();
    let expected = ["_atproto.nobody.example.com", "nobody.example.com"];
    assert!(names.iter().all(|name| expected.contains(&name.as_str())), "{names:?}");
    assert_eq!(world.dns.proof_asked("nobody.example.com"), 1);
}

pub(crate) async fn c_equal_dids() {
    let world = World::new().await;
    let good = format!("did={ALICE}");
    world.dns.proof(NAME, &[&good, &format!("{good}  "), &format!("did= {ALICE}")]);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
}

pub(crate) async fn d_no_data() {
    let world = World::new().await;
    // Records of the handle itself, without the prefix, prove nothing.
    world.dns.say(NAME, Reply::texts(&[&format!("did={BOB}")]));
    world.dns.say(PROOF, Reply::no_data());
    assert_eq!(world.resolve_handle(NAME).await.error(), (400, "HandleNotFound"));
    // Nor do records that do not begin with `did=`.
    for (number, text) in
        [&format!("DID={BOB}"), BOB, &format!("x did={BOB}"), &format!("did:{BOB}")].into_iter().enumerate()
    {
        let name = format!("a{number}.example.com");
        world.dns.proof(&name, &[text]);
        assert_eq!(world.resolve_handle(&name).await.error(), (400, "HandleNotFound"), "{text}");
    }
}

pub(crate) async fn v_refused() {
    let world = World::new().await;
    world.dns.proof_says(NAME, Reply::refused());
    assert_eq!(world.resolve_handle(NAME).await.error(), (502, "UpstreamFailure"));
    world.dns.proof(NAME, &[&format!("did={ALICE}")]);
    world.wait(11);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
}
