//! How long answers are believed, and what failures may do to them.

use std::time::Duration;

use namesake_tests::atproto::{ALICE, BOB, Page, Record, Reply, World};

const NAME: &str = "alice.example.com";

pub(crate) async fn s06_absent_twice() {
    let world = World::new().await;
    world.proof_by_https(NAME, Page::new(404, ""));
    let first = world.resolve_handle(NAME).await;
    assert_eq!(first.error(), (400, "HandleNotFound"));
    assert_eq!(first.text("message"), "Unable to resolve handle");
    let touched = world.touched();
    let second = world.resolve_handle(NAME).await;
    assert_eq!((second.status, &second.json), (first.status, &first.json));
    assert_eq!(world.touched(), touched, "the second is from the cache");
    let (first, second) = (world.resolve(NAME).await, world.resolve(NAME).await);
    assert_eq!((first.status, &first.json), (404, &second.json));
}

pub(crate) async fn s07_temporary() {
    let world = World::with(|choices| choices.dns_timeout = Duration::from_millis(400)).await;
    for (name, reply, expected) in [
        ("servfail.example.com", Reply::servfail(), (502, "UpstreamFailure")),
        ("silent.example.com", Reply::silence(), (504, "UpstreamTimeout")),
    ] {
        world.person(ALICE, name);
        assert_eq!(world.resolve_handle(name).await.did(), ALICE);
        assert_eq!(world.resolve(name).await.did(), ALICE);
        world.dns.proof_says(name, reply.clone());
        world.proof_by_https(name, Page::new(404, ""));
        world.wait(700);
        for answer in [world.resolve_handle(name).await, world.resolve(name).await] {
            assert_eq!((answer.did(), answer.stale()), (ALICE, true), "{name}");
        }
        // Of a name nobody knew: a failure, and no absence.
        let fresh = format!("new-{name}");
        world.dns.proof_says(&fresh, reply);
        world.proof_by_https(&fresh, Page::new(404, ""));
        assert_eq!(world.resolve_handle(&fresh).await.error(), expected);
        world.person(ALICE, &fresh);
        world.wait(11);
        assert_eq!(world.resolve_handle(&fresh).await.did(), ALICE);
    }
}

pub(crate) async fn s27_directory_down() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    let ask = async |world: &World| world.resolve(NAME).await;
    assert_eq!(ask(&world).await.did(), ALICE);
    world.directory.breaks(Page::new(503, "down"));
    let before = world.directory.asked(ALICE);
    for minute in 1..=60 {
        world.wait(60);
        let answer = ask(&world).await;
        assert_eq!(answer.did(), ALICE);
        // Fresh for ten minutes; then for at most one more it may go out while it is asked for again.
        assert!(answer.stale() || minute <= 11, "minute {minute}: {answer:?}");
        assert!(!answer.stale() || answer.max_age().is_none(), "a stale answer is not to be kept");
    }
    assert!(world.directory.asked(ALICE) - before <= 60, "at most once for each question");
    assert_eq!(world.resolve_identity(BOB).await.status, 502, "nothing is known of the others");

    world.directory.mended();
    world.person(ALICE, NAME);
    // A failure that was still under way may be remembered for ten seconds more.
    let later = async |world: &World| {
        world.wait(1);
        world.resolve(NAME).await
    };
    let answer = world.until(later, |answer| !answer.stale()).await;
    assert_eq!(answer.did(), ALICE);
    assert!(answer.max_age().unwrap() > 500, "{answer:?}");
}

pub(crate) async fn s30_refresh() {
    let world = World::new().await;
    assert_eq!(world.resolve_handle(NAME).await.error(), (400, "HandleNotFound"));
    assert_eq!(world.resolve_identity(NAME).await.status, 400);
    assert_eq!(world.resolve(NAME).await.status, 404);
    world.person(ALICE, NAME);
    assert_eq!(world.resolve_handle(NAME).await.status, 400, "remembered");
    let refreshed = world.refresh_identity(NAME).await;
    assert_eq!((refreshed.did(), refreshed.text("handle")), (ALICE, NAME));
    // And so does everybody else from now on.
    assert_eq!(world.resolve_identity(NAME).await.did(), ALICE);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    assert_eq!(world.resolve(NAME).await.did(), ALICE);
}

pub(crate) async fn p_ttls() {
    let world = World::new().await;
    let asked = |name| world.dns.proof_asked(name);
    world.dns.proof("found.example.com", &[&format!("did={ALICE}")]);
    world.dns.proof_says("fails.example.com", Reply::servfail());
    for (name, status, ttl) in
        [("found.example.com", 200, 600), ("absent.example.com", 400, 120), ("fails.example.com", 502, 10)]
    {
        assert_eq!(world.resolve_handle(name).await.status, status);
        // Not always one: a name server that fails may be asked twice in one lookup.
        let once = asked(name);
        world.wait(ttl - 1);
        assert_eq!(world.resolve_handle(name).await.status, status);
        assert_eq!(asked(name), once, "{name}: remembered for {ttl} s");
        // Far enough that it is not answered while it is asked for again.
        world.wait(121);
        assert_eq!(world.resolve_handle(name).await.status, status);
        assert_eq!(asked(name), 2 * once, "{name}: and no longer");
    }
}

pub(crate) async fn x_record_ttls() {
    // At least a minute, at most what is configured, and of a chain of aliases the least.
    for (record, ttl) in [(0, 60), (5, 60), (300, 300), (86_400, 600), (u32::MAX, 600)] {
        let world = World::new().await;
        world.dns.proof_says(NAME, Reply::texts(&[&format!("did={ALICE}")]).living(record));
        world.directory.claim(ALICE, NAME);
        for answer in [
            world.resolve(NAME).await,
            world.resolve_handle(NAME).await,
            world.resolve(ALICE).await,
            world.resolve_identity(ALICE).await,
        ] {
            assert_eq!((answer.did(), answer.max_age()), (ALICE, Some(ttl)), "{record}");
        }
        let explanation = world.explain(NAME).await.json;
        assert_eq!(explanation["resolution"]["freshness"]["ttlSeconds"], ttl, "{explanation}");
        let dns =
            explanation["steps"].as_array().unwrap().iter().find(|step| step["source"] == "dns").unwrap();
        let says = dns["detail"].as_str().unwrap();
        assert!(says.contains(&format!("TTL is {record} s; an answer is believed for {ttl} s")), "{says}");
    }
    let world = World::new().await;
    let alias = vec![Record::Alias("proof.example.net".to_owned())];
    world.dns.proof_says("alias.example.com", Reply::records(alias).living(90));
    world.dns.say("proof.example.net", Reply::texts(&[&format!("did={ALICE}")]).living(300));
    assert_eq!(world.resolve_handle("alias.example.com").await.max_age(), Some(90));
    // A file on the web has no time to live.
    world.proof_by_https(NAME, Page::ok(ALICE));
    world.directory.claim(ALICE, NAME);
    let explanation = world.explain(NAME).await.json;
    assert_eq!(explanation["resolution"]["freshness"]["ttlSeconds"], 600, "{explanation}");
}

pub(crate) async fn q_stale_bound() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    world.dns.proof_says(NAME, Reply::servfail());
    world.wait(600 + 24 * 3600 - 1);
    let answer = world.resolve_handle(NAME).await;
    assert_eq!((answer.did(), answer.stale()), (ALICE, true));
    world.wait(2);
    assert_eq!(world.resolve_handle(NAME).await.error(), (502, "UpstreamFailure"));
}

pub(crate) async fn r_ambiguity_is_strict() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    world.dns.proof(NAME, &[&format!("did={ALICE}"), &format!("did={BOB}")]);
    // Just expired: the answer goes out once more while it is asked for again, which finds the ambiguity.
    world.wait(601);
    let ask = async |world: &World| world.resolve_handle(NAME).await;
    world.until(ask, |answer| answer.status == 502).await;
    // From then on it fails, also once the failure itself is forgotten.
    for _ in 0..8 {
        world.wait(6);
        assert_eq!(ask(&world).await.error(), (502, "UpstreamFailure"));
    }
    world.dns.proof(NAME, &[&format!("did={BOB}")]);
    world.wait(11);
    assert_eq!(ask(&world).await.did(), BOB);
}

pub(crate) async fn t_refresh_quota() {
    let world = World::with(|choices| choices.limits.fresh_per_minute = 2).await;
    world.person(ALICE, NAME);
    // By DID, too: it purges what is remembered of the handle.
    assert_eq!(world.resolve_handle("old.example.com").await.status, 400);
    assert_eq!(world.resolve_identity(ALICE).await.text("handle"), NAME);
    world.person(ALICE, "old.example.com");
    let refreshed = world.refresh_identity(ALICE).await;
    assert_eq!(refreshed.text("handle"), "old.example.com");
    assert_eq!(world.resolve_handle("old.example.com").await.did(), ALICE);
    assert_eq!(world.resolve_identity(NAME).await.status, 400, "it claims another now");

    assert_eq!(world.refresh_identity(ALICE).await.status, 200);
    let touched = world.touched();
    let refused = world.refresh_identity(ALICE).await;
    assert_eq!(refused.error(), (429, "RateLimitExceeded"));
    assert!(refused.header("retry-after").parse::<u64>().unwrap() >= 1);
    assert_eq!(world.touched(), touched);
}

pub(crate) async fn u_failed_refresh() {
    let world = World::new().await;
    world.person(ALICE, NAME);
    assert_eq!(world.resolve_identity(NAME).await.did(), ALICE);
    assert_eq!(world.resolve_handle(NAME).await.did(), ALICE);
    world.dns.proof_says(NAME, Reply::servfail());
    world.directory.breaks(Page::new(503, ""));
    assert_eq!(world.refresh_identity(NAME).await.status, 502, "a refresh is never stale");
    assert_eq!(world.refresh_identity(ALICE).await.status, 502);
    for answer in [world.resolve_identity(NAME).await, world.resolve_handle(NAME).await] {
        assert_eq!((answer.did(), answer.stale()), (ALICE, false), "what was known stays");
    }
}
