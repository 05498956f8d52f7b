//! What is served at the hosts of accounts and of handles.

use serde_json::json;

use super::{ACCOUNTS, Author, OWN, Place, refused};
use crate::support::serve;

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
    let record = dora.record(&json!({ "rev": 1, "redirect": true }), place.tick());
    let put = format!("{ACCOUNTS}/{}/profile", dora.did());
    assert_eq!(place.server.send("PUT", &put, &[], &record).await.status, 200);
    let moved = place.at("dora.people.test", "/").await;
    assert_eq!((moved.status, moved.header("location")), (302, profile("dorothea.people.test").as_str()));
    assert_eq!(place.at("dora.people.test", "/.well-known/atproto-did").await.status, 404);
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
