//! What is not taken, and what is said about it.

use std::time::Duration;

use namesake::Clock as _;
use serde_json::json;

use super::{ACCOUNTS, Author, Place, refused};
use crate::support::Reply;

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;

    let taken = Author::new(2).begin(Some("dora.people.test"), place.tick());
    let reply = place.post(ACCOUNTS, &taken).await;
    assert_eq!(refused(&reply), (409, "handle-taken".to_owned()));
    assert_eq!(reply.json()["handle"], "dora.people.test");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    for reserved in ["www.people.test", "app.people.test", "id.people.test"] {
        let reply = place.post(ACCOUNTS, &Author::new(2).begin(Some(reserved), place.tick())).await;
        let expected =
            if reserved == "id.people.test" { (422, "invalid-entry") } else { (403, "reserved-handle") };
        assert_eq!(refused(&reply), (expected.0, expected.1.to_owned()), "{reserved}");
    }

    // A clock that is fast.
    let future = place.clock.now().saturating_add(Duration::from_secs(3600)).unwrap();
    let reply = place.post(ACCOUNTS, &Author::new(2).begin(Some("bob.people.test"), future)).await;
    assert_eq!(refused(&reply), (422, "invalid-entry".to_owned()));
    assert_eq!(reply.json()["now"], place.clock.now().to_string());
    assert_eq!(reply.json()["rule"], "future");

    // One that was made long ago, as whoever forges a past would have it.
    for past in ["1970-01-01T00:00:00Z", "2026-11-21T11:00:00Z"] {
        let entry = Author::new(2).begin(Some("bob.people.test"), past.parse().unwrap());
        let reply = place.post(ACCOUNTS, &entry).await;
        assert_eq!(refused(&reply), (422, "invalid-entry".to_owned()));
        assert_eq!(reply.json()["now"], place.clock.now().to_string());
        assert_eq!(reply.json()["rule"], "too-old");
    }

    // Somebody was faster: the head is said.
    let stale = dora.next(&json!({}), Some("slow.people.test"), place.tick()).line().to_owned();
    place.rename(&mut dora, "fast.people.test").await;
    let reply = place.post(&dora.log_path(), &stale).await;
    assert_eq!(
        (refused(&reply), &reply.json()["head"]),
        ((409, "stale-head".to_owned()), &json!(dora.version()))
    );

    for (body, rule) in [("", "json"), ("{", "json"), ("[]", "entry-members"), ("{\"a\":1}", "entry-members")]
    {
        for target in [ACCOUNTS, &dora.log_path()] {
            let reply = place.post(target, body).await;
            assert_eq!(refused(&reply), (422, "invalid-entry".to_owned()), "{body:?}");
            assert_eq!(reply.json()["rule"], rule, "{body:?}");
            assert!(reply.json()["now"].is_string());
        }
    }
    // Larger than an entry may be, and larger than any body.
    for bytes in [5_000, 100_000] {
        let reply = place.post(&dora.log_path(), &" ".repeat(bytes)).await;
        assert_eq!(
            (refused(&reply), &reply.json()["rule"]),
            ((413, "too-large".to_owned()), &json!("entry-size"))
        );
    }

    let nobody = Author::new(9);
    for target in [nobody.log_path(), format!("{ACCOUNTS}/did:plc:abc/log"), format!("{ACCOUNTS}/x:y/log")] {
        assert_eq!(
            refused(&place.server.get(&target).await),
            (404, "account-not-found".to_owned()),
            "{target}"
        );
        assert_eq!(
            refused(&place.post(&target, &stale).await),
            (404, "account-not-found".to_owned()),
            "{target}"
        );
    }
    // The right host under a SCID that is not its own.
    let other = dora.webvh().replacen(":Qm", ":Qn", 1);
    assert_eq!(place.server.get(&format!("{ACCOUNTS}/{other}/log")).await.status, 404);
    assert_eq!(
        refused(&place.server.get(&format!("{ACCOUNTS}/nobody/log")).await),
        (400, "invalid-handle".to_owned())
    );
    assert_eq!(place.server.get(&format!("{ACCOUNTS}/%zz/log")).await.status, 400);
}

/// What is given here is read by people, who cannot tell one alphabet from another.
#[tokio::test]
async fn international_names_are_given_only_where_they_are_allowed_and_look_like_no_other() {
    for allowed in [false, true] {
        let place = Place::with(|settings, limits| {
            settings.allow_idn = allowed;
            limits.registrations_per_hour = 100;
        })
        .await;
        let mut dora = place.register(1, "dora.people.test").await;
        for (text, when_allowed) in [
            ("bücher", (201, "")),
            ("日本語", (201, "")),
            ("日本", (422, "short-name")),
            ("аdmin", (403, "")),
            ("арр", (403, "")),
            ("dоra", (422, "confusable")),
        ] {
            let name = format!("{}.people.test", idna::domain_to_ascii(text).unwrap());
            let expected = if allowed { when_allowed } else { (422, "international") };
            let begun = Author::new(2).begin(Some(&name), place.tick());
            let renamed = dora.next(&json!({}), Some(&name), place.tick()).line().to_owned();
            // An account that lives here, and then a new one.
            for (target, entry) in [(dora.log_path(), renamed), (ACCOUNTS.to_owned(), begun)] {
                let reply = place.post(&target, &entry).await;
                let said = (reply.status, reply.json()["rule"].as_str().unwrap_or_default().to_owned());
                assert_eq!(said, (expected.0, expected.1.to_owned()), "{text}: {}", reply.body);
                if reply.status == 201 {
                    dora.accept(&entry, place.clock.now());
                    place.rename(&mut dora, "dora.people.test").await;
                    break;
                }
            }
        }
        place.stop().await;
    }
}

#[tokio::test]
async fn an_account_that_was_closed_is_gone_and_its_log_stays() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    assert_eq!(place.server.get("/@dora.people.test").await.status, 200);
    let next = dora.next(&json!({}), Some("dora.people.test"), place.tick()).line().to_owned();
    let record = dora.record(&json!({ "rev": 1 }), place.clock.now());
    let closing = dora.close(place.tick());
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 201);

    let did = dora.did();
    let gone = (410, "account-deactivated".to_owned());
    assert_eq!(refused(&place.at(dora.host.as_str(), "/.well-known/did.json").await), gone);
    assert_eq!(refused(&place.server.get(&format!("/v1/accounts/{did}")).await), gone);
    assert_eq!(refused(&place.post(&dora.log_path(), &next).await), gone);
    let put = format!("{ACCOUNTS}/{did}/profile");
    assert_eq!(refused(&place.server.send("PUT", &put, &[], &record).await), gone);
    assert!(matches!(place.server.get("/@dora.people.test").await.status, 404 | 410));
    assert_eq!(place.at(dora.host.as_str(), "/.well-known/did.jsonl").await.status, 200);
    assert_eq!(place.server.get(&dora.log_path()).await.status, 200);
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 200);
    assert_eq!(place.at("dora.people.test", "/.well-known/atproto-did").await.status, 404);
}

/// In how many seconds the next is taken, in words for people.
fn said_wait(reply: &Reply) -> u64 {
    let problem = reply.json();
    let (_, rest) = problem["detail"].as_str().unwrap().split_once("The next is taken in ").unwrap();
    rest.strip_suffix(" s.").unwrap().parse().unwrap()
}

#[tokio::test]
async fn one_client_does_not_register_without_end() {
    let place = Place::with(|_, limits| limits.registrations_per_hour = 2).await;
    let mut dora = place.register(1, "dora.people.test").await;
    // Nonsense does not count, whoever sends it.
    for _ in 0..3 {
        assert_eq!(place.post(ACCOUNTS, "{}").await.status, 422);
    }
    place.register(2, "bob.people.test").await;
    let entry = Author::new(3).begin(Some("carol.people.test"), place.tick());
    let reply = place.post(ACCOUNTS, &entry).await;
    assert_eq!(refused(&reply), (429, "too-many-requests".to_owned()));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=1801).contains(&wait));
    assert_eq!(said_wait(&reply), wait);
    // Whoever lives here goes on.
    place.rename(&mut dora, "dorothea.people.test").await;
}

#[tokio::test]
async fn one_account_does_not_write_without_end() {
    let place = Place::with(|settings, _| settings.entries_per_hour = 2).await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dora2.people.test").await;
    let entry = dora.rename(Some("dora3.people.test"), place.tick());
    let reply = place.post(&dora.log_path(), &entry).await;
    assert_eq!(refused(&reply), (429, "too-many-requests".to_owned()));
    let wait: u64 = reply.header("retry-after").parse().unwrap();
    assert!((1..=3601).contains(&wait));
    assert_eq!(said_wait(&reply), wait);
}

#[tokio::test]
async fn where_no_accounts_live_none_of_it_is_there() {
    let server = crate::support::World::new().serve().await;
    let log = format!("{ACCOUNTS}/did:web:a.b.test/log");
    for (method, target) in [
        ("POST", ACCOUNTS),
        ("POST", &log),
        ("GET", &log),
        ("PUT", &log.replace("/log", "/profile")),
        ("GET", "/v1/tls-allowed?domain=a.b"),
        ("GET", "/.well-known/atproto-did"),
        ("GET", "/.well-known/did.json"),
        ("GET", "/.well-known/did.jsonl"),
    ] {
        let reply = server.send(method, target, &[("host", "a.people.test")], "").await;
        assert_eq!(refused(&reply), (404, "not-found".to_owned()), "{method} {target}");
    }
    assert_eq!(server.send("GET", "/livez", &[("host", "a.people.test")], "").await.status, 200);
}
