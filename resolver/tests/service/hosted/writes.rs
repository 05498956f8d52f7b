//! What is taken, and what can be read of it.

use std::time::Duration;

use namesake::Clock as _;
use namesake_independent::webvh::verify;
use serde_json::{Value, json};

use super::{ACCOUNTS, Author, OWN, Place, refused, signed};

#[tokio::test]
async fn an_account_is_one_entry_and_the_same_entry_again_changes_nothing() {
    let place = Place::new().await;
    let mut dora = Author::new(1);
    let entry = dora.begin(Some("dora.people.test"), place.tick());
    let created = place.post(ACCOUNTS, &entry).await;
    assert_eq!((created.status, created.header("location")), (201, dora.log_path().as_str()));
    assert_eq!(created.header("access-control-allow-origin"), "*");
    let expected = json!({
        "account": dora.did(),
        "did": dora.webvh(),
        "handle": "dora.people.test",
        "versionId": dora.version(),
        "versionTime": "2026-11-22T12:00:01Z",
        "log": format!("https://{OWN}{}", dora.log_path()),
    });
    assert_eq!(created.json(), expected);

    let again = place.post(ACCOUNTS, &entry).await;
    assert_eq!((again.status, again.json()), (200, expected));

    // Without a handle, and by the other name with its colons escaped.
    let nameless = dora.rename(None, place.tick());
    let by_webvh = format!("{ACCOUNTS}/{}/log", dora.webvh().replace(':', "%3A"));
    let renamed = place.post(&by_webvh, &nameless).await;
    assert_eq!((renamed.status, &renamed.json()["handle"]), (201, &Value::Null));
    assert_eq!(renamed.json()["versionId"], dora.version());
    assert_eq!(place.post(&dora.log_path(), &nameless).await.status, 200);
}

#[tokio::test]
async fn everybody_can_read_and_check_the_log() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    let by_webvh = format!("{ACCOUNTS}/{}/log", dora.webvh());
    for reply in [
        place.server.get(&dora.log_path()).await,
        place.server.get(&by_webvh).await,
        place.at(dora.host.as_str(), "/.well-known/did.jsonl").await,
    ] {
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/jsonl"));
        assert_eq!(
            (reply.header("cache-control"), reply.header("access-control-allow-origin")),
            ("no-cache", "*")
        );
        assert_eq!(reply.header("etag"), format!("\"{}\"", dora.version()));
        let log = verify(reply.body.as_bytes(), place.clock.now()).unwrap();
        assert_eq!((log.head().version.to_string(), log.lines().len()), (dora.version(), 2));
    }
}

/// Nobody can say that they were called something before they were.
#[tokio::test]
async fn the_history_of_names_has_the_times_at_which_entries_came() {
    let place = Place::new().await;
    let begun = place.tick();
    let mut dora = Author::new(1);
    let entry =
        dora.begin(Some("dora.people.test"), begun.saturating_sub(Duration::from_secs(80_000)).unwrap());
    assert_eq!(place.post(ACCOUNTS, &entry).await.status, 201);
    place.clock.advance(Duration::from_secs(7200));
    let renamed = place.clock.now();
    let entry =
        dora.rename(Some("theodora.people.test"), begun.saturating_sub(Duration::from_secs(70_000)).unwrap());
    assert_eq!(place.post(&dora.log_path(), &entry).await.status, 201);
    let history = place.server.get(&format!("/v1/accounts/{}/handles", dora.did())).await.json();
    assert_eq!(
        history["handles"],
        json!([
            { "handle": "dora.people.test", "from": begun, "until": renamed },
            { "handle": "theodora.people.test", "from": renamed, "until": null, "verified": true },
        ])
    );
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let known = format!("\"{}\"", dora.version());
    let targets = [
        (OWN.to_owned(), dora.log_path()),
        (dora.host.to_string(), "/.well-known/did.json".to_owned()),
        (dora.host.to_string(), "/.well-known/did.jsonl".to_owned()),
    ];
    for (host, target) in &targets {
        let headers = [("host", host.as_str()), ("if-none-match", known.as_str())];
        let same = place.server.send("GET", target, &headers, "").await;
        assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", known.as_str()));
        let head = place.server.send("HEAD", target, &headers[..1], "").await;
        assert_eq!((head.status, head.body.as_str(), head.header("etag")), (200, "", known.as_str()));
    }
    place.rename(&mut dora, "dorothea.people.test").await;
    for (host, target) in &targets {
        let headers = [("host", host.as_str()), ("if-none-match", known.as_str())];
        assert_eq!(place.server.send("GET", target, &headers, "").await.status, 200, "{target}");
    }
}

#[tokio::test]
async fn a_profile_is_a_signed_record_and_is_seen_at_once() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    let put = format!("{ACCOUNTS}/{}/profile", dora.did());
    let shown =
        async || place.server.get("/@dora.people.test").await.json()["profile"]["displayName"].clone();
    assert_eq!(shown().await, Value::Null);
    let first = dora.record(&json!({ "rev": 1, "displayName": "Dora" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &first).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "account": dora.did(), "rev": 1 })));
    assert_eq!(shown().await, "Dora");
    assert_eq!(place.server.send("PUT", &put, &[], &first).await.status, 200);

    let stale = dora.record(&json!({ "rev": 1, "displayName": "Theodora" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &stale).await;
    assert_eq!((refused(&reply), &reply.json()["head"]), ((409, "stale-head".to_owned()), &json!("1")));
    let unknown = dora.record(&json!({ "rev": 2, "colour": "red" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &unknown).await;
    assert_eq!(
        (refused(&reply), &reply.json()["rule"]),
        ((422, "invalid-entry".to_owned()), &json!("record"))
    );
    let strangers = Author::new(2);
    let forged = signed(&json!({ "rev": 2 }), &dora.did(), &strangers.key, place.tick());
    assert_eq!(refused(&place.server.send("PUT", &put, &[], &forged).await).0, 422);
    let nobody = format!("{ACCOUNTS}/{}/profile", strangers.did());
    let reply = place.server.send("PUT", &nobody, &[], &first).await;
    assert_eq!(refused(&reply), (404, "account-not-found".to_owned()));
    assert_eq!(shown().await, "Dora");
}

#[tokio::test]
async fn a_page_elsewhere_may_register_and_write() {
    let place = Place::new().await;
    for (target, methods) in [
        (ACCOUNTS, "POST, OPTIONS"),
        (&format!("{ACCOUNTS}/did:web:a.b/log"), "GET, POST, HEAD, OPTIONS"),
        (&format!("{ACCOUNTS}/did:web:a.b/profile"), "PUT, OPTIONS"),
    ] {
        let asked = [("origin", "https://x.test"), ("access-control-request-headers", "content-type")];
        let reply = place.server.send("OPTIONS", target, &asked, "").await;
        assert_eq!((reply.status, reply.header("allow")), (204, methods), "{target}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("access-control-allow-methods"), methods);
        assert_eq!(reply.header("access-control-allow-headers"), "content-type");
    }
}
