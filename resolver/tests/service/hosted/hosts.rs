//! What is served at the hosts of accounts and of handles.

use std::time::Duration;

use serde_json::json;

use super::{ACCOUNTS, Author, OWN, Place, refused};
use crate::support::serve;

/// After this long nothing of the world is believed any more.
const LONG_AFTER: Duration = Duration::from_secs(3600);
/// A name that was given up is for anybody again.
const HELD_BACK: Duration = Duration::from_secs(400 * 24 * 3600);

#[tokio::test]
async fn a_handles_host_says_whose_it_is_however_it_is_written() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    for host in ["dora.people.test", "DORA.People.Test", "dora.people.test:8443", "dora.people.test."] {
        let reply = place.at(host, "/.well-known/atproto-did").await;
        assert_eq!((reply.status, reply.body), (200, dora.did()), "{host}");
    }
    let reply = place.at("dora.people.test", "/.well-known/atproto-did").await;
    assert!(reply.header("content-type").starts_with("text/plain"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let request = "GET http://dora.people.test/.well-known/atproto-did HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(place.server.raw(request).await.body, dora.did());
    // It is no account's host, and an account's host is no handle.
    assert_eq!(place.at("dora.people.test", "/.well-known/did.json").await.status, 404);
    assert_eq!(place.at("dora.people.test", "/.well-known/did.jsonl").await.status, 404);
    assert_eq!(place.at(dora.host.as_str(), "/.well-known/atproto-did").await.status, 404);

    let reply = place.at(&dora.host.as_str().to_uppercase(), "/.well-known/did.json").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let document = reply.json();
    assert_eq!(
        (&document["id"], &document["alsoKnownAs"][0]),
        (&json!(dora.did()), &json!("at://dora.people.test"))
    );
}

#[tokio::test]
async fn nobody_is_at_an_unknown_name_and_other_hosts_are_the_services() {
    let place = Place::new().await;
    let well_knowns = ["/.well-known/atproto-did", "/.well-known/did.json", "/.well-known/did.jsonl"];
    let ghost = Author::new(7).host;
    for host in [
        "nobody.people.test",
        "a.b.people.test",
        "a_b.people.test",
        ghost.as_str(),
        "x.id.people.test",
        "id.people.test",
    ] {
        for target in well_knowns.into_iter().chain(["/", "/livez", "/@dora.people.test", "/v1/policies"]) {
            let reply =
                place.server.send("GET", target, &[("host", host), ("accept", "text/html")], "").await;
            assert_eq!(refused(&reply), (404, "not-found".to_owned()), "{host} {target}");
            assert!(!reply.body.contains(host), "{}", reply.body);
        }
    }
    for host in [OWN, "APP.people.test:443", "people.test", "127.0.0.1", "elsewhere.test", "badpeople.test"] {
        assert_eq!(place.at(host, "/v1/policies").await.status, 200, "{host}");
        for target in well_knowns {
            assert_eq!(
                refused(&place.at(host, target).await),
                (404, "not-found".to_owned()),
                "{host} {target}"
            );
        }
    }
}

#[tokio::test]
async fn a_handles_host_leads_to_the_profile() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let profile = |handle: &str| format!("https://{OWN}/profile/{handle}");
    for target in ["/", "/@somebody", "/livez", "/a/b?c=d", "/.well-knowns"] {
        let reply = place.at("Dora.people.test:443", target).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (302, profile("dora.people.test").as_str()),
            "{target}"
        );
        assert_eq!(reply.body, "");
    }
    let posted = place.server.send("POST", "/", &[("host", "dora.people.test")], "").await;
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD, OPTIONS"));
    assert_eq!(place.at(dora.host.as_str(), "/").await.status, 404);

    // What software asks for by itself is there or not: a page is no answer to it.
    for target in [
        "/.well-known/webfinger?resource=acct:dora@people.test",
        "/.well-known/acme-challenge/x",
        "/.well-known/oauth-protected-resource",
        "/.well-known/",
        "/xrpc/com.atproto.identity.resolveHandle?handle=dora.people.test",
        "/xrpc/app.bsky.actor.getProfile",
        "/xrpc/",
    ] {
        for (method, body) in [("GET", ""), ("POST", "{}")] {
            let headers = [("host", "dora.people.test"), ("accept", "text/html")];
            let reply = place.server.send(method, target, &headers, body).await;
            assert_eq!(refused(&reply), (404, "not-found".to_owned()), "{method} {target}");
            assert_eq!(reply.header("access-control-allow-origin"), "*", "{target}");
        }
        let head = place.server.send("HEAD", target, &[("host", "dora.people.test")], "").await;
        assert_eq!((head.status, head.header("location")), (404, ""), "{target}");
    }

    // After a rename nobody is sent on, unless its holder wants that.
    place.rename(&mut dora, "dorothea.people.test").await;
    assert_eq!(place.at("dora.people.test", "/").await.status, 404);
    wants_to_be_found(&place, &dora, 1, true).await;
    let moved = place.at("dora.people.test", "/").await;
    assert_eq!((moved.status, moved.header("location")), (307, profile("dorothea.people.test").as_str()));
    assert_eq!(place.at("dora.people.test", "/.well-known/atproto-did").await.status, 404);
}

/// The holder says whether visitors of old names are sent on.
async fn wants_to_be_found(place: &Place, author: &Author, rev: u64, redirect: bool) {
    let record = author.record(&json!({ "rev": rev, "redirect": redirect }), place.tick());
    let put = format!("{ACCOUNTS}/{}/profile", author.did());
    assert_eq!(place.server.send("PUT", &put, &[], &record).await.status, 200);
}

/// Where a visitor of `name` is sent, on every way there is, which all agree.
async fn way_on(place: &Place, name: &str) -> (u16, String) {
    let mut ways = Vec::new();
    for accept in ["text/html", "application/json", "*/*"] {
        for method in ["GET", "HEAD"] {
            // The second time from memory.
            for target in [format!("/@{name}"), format!("/profile/{name}"), format!("/@{name}")] {
                let reply = place.server.send(method, &target, &[("accept", accept)], "").await;
                ways.push((reply.status, reply.header("location").to_owned()));
            }
        }
        let at_host = place.server.send("GET", "/", &[("host", name), ("accept", accept)], "").await;
        ways.push((at_host.status, at_host.header("location").to_owned()));
    }
    assert!(ways.iter().all(|way| *way == ways[0]), "{ways:?}");
    ways.remove(0)
}

#[tokio::test]
async fn visitors_of_every_former_name_find_the_account_if_its_holder_wants_that() {
    let place = Place::new().await;
    let profile = |of: &str| (307, format!("https://{OWN}/profile/{of}"));
    let nowhere = (404, String::new());
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    assert_eq!(way_on(&place, "dora.people.test").await, nowhere);
    wants_to_be_found(&place, &dora, 1, true).await;
    assert_eq!(way_on(&place, "dora.people.test").await, profile("dorothea.people.test"));
    // Each former name leads to today's at once.
    place.rename(&mut dora, "doro.people.test").await;
    for name in ["dora.people.test", "dorothea.people.test"] {
        assert_eq!(way_on(&place, name).await, profile("doro.people.test"));
    }
    let reply = place.server.get("/@dora.people.test").await;
    assert_eq!((reply.header("cache-control"), reply.header("vary")), ("no-cache", "accept"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    // Whoever asks what the name is hears that it was given up, and the same name under another scheme is nobody's.
    assert_eq!(place.server.get("/v1/resolve?handle=dora.people.test").await.status, 404);
    assert_eq!(place.server.get("/@dora.people.test?scheme=other").await.status, 404);

    wants_to_be_found(&place, &dora, 2, false).await;
    assert_eq!(way_on(&place, "dora.people.test").await, nowhere);
    wants_to_be_found(&place, &dora, 3, true).await;
    let closing = dora.close(place.tick());
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 201);
    assert_eq!(way_on(&place, "dora.people.test").await, nowhere);
}

#[tokio::test]
async fn visitors_are_never_sent_to_somebody_else() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dora.example.com").await;
    wants_to_be_found(&place, &dora, 1, true).await;
    // She claims a name of the world, and nothing there names her: it may be anybody's.
    let account = (307, format!("https://{OWN}/profile/{}", dora.did()));
    assert_eq!(way_on(&place, "dora.people.test").await, account);
    let somebody = format!("did={}", Author::new(9).did());
    place.internet.set_txt("dora.example.com", &[somebody.as_str()]);
    place.clock.advance(LONG_AFTER);
    assert_eq!(way_on(&place, "dora.people.test").await, account);
    place.internet.set_txt("dora.example.com", &[format!("did={}", dora.did()).as_str()]);
    place.clock.advance(LONG_AFTER);
    let proved = (307, format!("https://{OWN}/profile/dora.example.com"));
    assert_eq!(way_on(&place, "dora.people.test").await, proved);

    // The old name is given to somebody else: it is theirs, and when they go, theirs to say.
    place.clock.advance(HELD_BACK);
    let mut eve = place.register(2, "dora.people.test").await;
    let found = place.server.get("/@dora.people.test").await;
    assert_eq!((found.status, &found.json()["account"]), (200, &eve.did().into()));
    place.rename(&mut eve, "eve.people.test").await;
    assert_eq!(way_on(&place, "dora.people.test").await, (404, String::new()));
    wants_to_be_found(&place, &eve, 1, true).await;
    assert_eq!(
        way_on(&place, "dora.people.test").await,
        (307, format!("https://{OWN}/profile/eve.people.test"))
    );
}

#[tokio::test]
async fn certificates_are_for_hosts_where_somebody_is() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    let asked = async |domain: &str| place.server.get(&format!("/v1/tls-allowed?domain={domain}")).await;
    for domain in ["dora.people.test", "DORA.people.test.", dora.host.as_str()] {
        let reply = asked(domain).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{domain}");
    }
    for domain in
        ["nobody.people.test", "people.test", OWN, "elsewhere.test", "x.id.people.test", "..", "", "a%20b"]
    {
        assert_eq!(asked(domain).await.status, 404, "{domain}");
    }
    assert_eq!(place.server.get("/v1/tls-allowed").await.status, 400);
}

#[tokio::test]
async fn whoever_keeps_the_service_running_may_name_it_as_they_like() {
    let place = Place::new().await;
    place.register(1, "dora.people.test").await;
    let operations = serve(&place.namesake, true).await;
    let reply = operations.send("GET", "/livez", &[("host", "dora.people.test")], "").await;
    assert_eq!(reply.status, 200);
}
