//! WebFinger (RFC 7033), and addresses with our host wherever names are taken.

use namesake::{Ttl, Why};
use serde_json::{Value, json};

use crate::{
    hosted::{Place, refused},
    support::{Reply, Says, Server, World},
};

const PAGE: &str = "http://webfinger.net/rel/profile-page";

async fn world() -> (World, Server) {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    world.independent.say("jane.art", Says::Absent(Why::Unknown, Ttl::Default));
    world.independent.say("nobody.example.com", Says::Absent(Why::Unknown, Ttl::Default));
    for (handle, account) in [("alice", "threads:1"), ("müller", "threads:2"), ("jane.art", "threads:3")] {
        world.mirror.say(handle, Says::Found(account, Ttl::UntilPurged));
    }
    let server = world.serve().await;
    (world, server)
}

/// `text` as a parameter's value.
fn escaped(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn finger(server: &Server, resource: &str) -> Reply {
    server.get(&format!("/.well-known/webfinger?resource={}", escaped(resource))).await
}

async fn subject(server: &Server, resource: &str) -> String {
    let reply = finger(server, resource).await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/jrd+json"), "{resource}");
    reply.json()["subject"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_subject_is_the_same_however_somebody_is_asked_for() {
    let (_world, server) = world().await;
    for (resource, expected) in [
        ("acct:alice@names.example", "acct:alice@names.example"),
        ("acct:ALICE@NAMES.example.:443", "acct:alice@names.example"),
        ("acct:%61lice@names.example", "acct:alice@names.example"),
        ("https://names.example/@alice", "acct:alice@names.example"),
        ("acct:alice", "acct:alice@names.example"),
        ("threads:1", "acct:alice@names.example"),
        ("acct:m%C3%BCller@names.example", "acct:m%C3%BCller@names.example"),
        ("acct:MÜLLER@names.example", "acct:m%C3%BCller@names.example"),
        ("acct:alice.example.com@names.example", "acct:alice.example.com@names.example"),
        ("at://alice.example.com", "acct:alice.example.com@names.example"),
        ("did:plc:a", "acct:alice.example.com@names.example"),
        ("https://bsky.app/profile/alice.example.com", "acct:alice.example.com@names.example"),
        // Under `acct:` this name is somebody else's, or nobody's.
        ("https://names.example/@jane.art?scheme=threads", "https://names.example/@jane.art?scheme=threads"),
    ] {
        let canonical = subject(&server, resource).await;
        assert_eq!(canonical, expected, "{resource}");
        assert_eq!(subject(&server, &canonical).await, canonical, "it leads to itself");
    }
}

#[tokio::test]
async fn links_are_those_that_are_asked_for() {
    let (_world, server) = world().await;
    let links = async |rels: &[&str]| {
        let rels: String = rels.iter().map(|rel| format!("&rel={}", escaped(rel))).collect();
        let target = format!("/.well-known/webfinger?resource=acct:alice@names.example{rels}");
        let document = server.get(&target).await.json();
        assert_eq!(document["subject"], "acct:alice@names.example");
        assert_eq!(document["aliases"], json!(["https://names.example/@alice"]));
        document["links"].clone()
    };
    let href = "https://names.example/@alice";
    let page = json!({ "rel": PAGE, "type": "text/html", "href": href });
    let own = json!({ "rel": "self", "type": "application/json", "href": href });
    assert_eq!(links(&[]).await, json!([page, own]));
    assert_eq!(links(&["self"]).await, json!([own]));
    assert_eq!(links(&["SELF"]).await, json!([own]));
    assert_eq!(links(&[PAGE]).await, json!([page]));
    assert_eq!(links(&["self", PAGE, "self"]).await, json!([page, own]));
    assert_eq!(links(&["avatar", "self"]).await, json!([own]));
    for nothing in [&["avatar"][..], &[""], &["self http://webfinger.net/rel/profile-page"]] {
        assert_eq!(links(nothing).await, json!([]), "{nothing:?}");
    }
}

#[tokio::test]
async fn what_is_no_uri_is_malformed_and_what_is_not_ours_is_unknown() {
    let (_world, server) = world().await;
    for resource in [
        "",
        "alice",
        "@alice",
        "alice@names.example",
        "alice.example.com",
        "acct:",
        "acct:@names.example",
        "acct:alice@",
        "acct:a b@names.example",
        "acct:<b>@names.example",
        "did:",
        "did:PLC:a",
        "at://",
        "://names.example",
    ] {
        let reply = finger(&server, resource).await;
        assert_eq!(reply.status, 400, "{resource}: {}", reply.body);
    }
    for resource in [
        "acct:nobody.example.com@names.example",
        "acct:alice@elsewhere.example",
        "https://elsewhere.example/@alice",
        "https://names.example/elsewhere",
        "mailto:alice@names.example",
        "urn:isbn:0451450523",
        "nobody:1",
    ] {
        let reply = finger(&server, resource).await;
        assert_eq!(reply.status, 404, "{resource}: {}", reply.body);
    }
    assert_eq!(refused(&server.get("/.well-known/webfinger").await), (400, "invalid-request".to_owned()));
    let twice = "/.well-known/webfinger?resource=acct:alice@names.example&resource=acct:alice@names.example";
    assert_eq!(server.get(twice).await.status, 400);
}

#[tokio::test]
async fn an_address_at_our_host_means_its_user_wherever_names_are_taken() {
    let (_world, server) = world().await;
    for address in [
        "alice@names.example",
        "@Alice@Names.Example",
        "acct:alice@names.example:443",
        "alice@names.example.",
    ] {
        let name = escaped(address);
        for target in [
            format!("/v1/resolve?handle={name}"),
            format!("/v1/explain?handle={name}"),
            format!("/@{}", escaped(address.trim_start_matches(['@']).trim_start_matches("acct:"))),
        ] {
            let reply = server.get(&target).await;
            assert_eq!(reply.status, 200, "{target}: {}", reply.body);
            let json = reply.json();
            let account =
                if json["account"].is_null() { &json["resolution"]["account"] } else { &json["account"] };
            assert_eq!(account, "threads:1", "{target}");
        }
        let batch = json!({ "handles": [address] }).to_string();
        let reply = server.send("POST", "/v1/resolve", &[], &batch).await.json();
        assert_eq!(reply["results"][0]["resolution"]["account"], "threads:1", "{address}");
        let page = server.send("GET", &format!("/?q={name}"), &[("accept", "text/html")], "").await;
        assert!(page.body.contains("threads:1"), "{address}");
    }
    let reply = server.get("/profile/alice.example.com@names.example").await;
    assert_eq!((reply.status, &reply.json()["account"]), (200, &"did:plc:a".into()));
    assert_eq!(server.get("/@alice@elsewhere.example").await.status, 404);
}

#[tokio::test]
async fn an_address_at_a_domain_of_ours_is_the_name_below_it() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    let found = finger(&place.server, "acct:DORA@People.test.").await;
    assert_eq!(found.status, 200, "{}", found.body);
    let document: Value = found.json();
    assert_eq!(document["subject"], "acct:dora.people.test@app.people.test");
    assert_eq!(document["aliases"][1], dora.did());
    assert_eq!(subject(&place.server, "acct:dora.people.test@app.people.test").await, document["subject"]);
    for target in [
        "/@dora@people.test",
        "/profile/dora@people.test",
        "/v1/resolve?handle=@dora@people.test",
        "/v1/resolve?handle=acct:dora@people.test&scheme=independent",
    ] {
        let reply = place.server.get(target).await;
        assert_eq!((reply.status, &reply.json()["account"]), (200, &dora.did().into()), "{target}");
    }
    for resource in [
        "acct:nobody@people.test",
        "acct:dora@id.people.test",
        "acct:a.b@people.test",
        "acct:dora@elsewhere.test",
    ] {
        assert_eq!(finger(&place.server, resource).await.status, 404, "{resource}");
    }
}
