//! Which names are answered for, and how they may be written.

use std::{sync::Arc, time::Duration};

use namesake::{ErrorKind, Ttl, Why};
use namesake_resolver::Limits;
use serde_json::{Value, json};

use crate::{
    net::{DID, NAME, Net, did},
    support::{Fake, Reply, Says},
};

/// Names that a bare `@name` is not read as: an ending itself, and two under an ending that nobody knows.
const ODD: [&str; 3] = ["eu.org", "dan.peers.zz", "zz-1.zz"];

async fn odd(name: &str) -> Net {
    let net = Net::new().await;
    net.internet.add_person(&did(), name, "Dan", "hello");
    net
}

fn kind(reply: &Reply) -> String {
    reply.json()["type"].as_str().unwrap_or_default().replace("/problems/", "")
}

#[tokio::test]
async fn an_account_is_shown_with_its_handle_whatever_that_ends_in() {
    for name in ODD {
        let net = odd(name).await;
        for door in
            [format!("/v1/resolve?handle={DID}"), format!("/profile/{DID}"), format!("/v1/accounts/{DID}")]
        {
            let reply = net.get(&door).await;
            assert_eq!((reply.status, &reply.json()["handle"]), (200, &name.into()), "{door}");
        }
        let body = json!({ "handles": [DID] }).to_string();
        let batch = net.server.send("POST", "/v1/resolve", &[], &body).await.json();
        assert_eq!(batch["results"][0]["resolution"]["handle"], name);
        let webfinger = net.get(&format!("/.well-known/webfinger?resource={DID}")).await;
        assert_eq!(webfinger.status, 200, "{}", webfinger.body);
        let page = net.server.send("GET", &format!("/profile/{DID}"), &[("accept", "text/html")], "").await;
        assert!(page.status == 200 && page.body.contains(name));
        let explained = net.get(&format!("/v1/explain?handle={DID}")).await.json();
        assert_eq!(explained["resolution"]["handle"], name, "{explained}");
    }
}

#[tokio::test]
async fn where_its_scheme_is_named_such_a_name_is_found_and_its_address_leads_back() {
    for name in ODD {
        let net = odd(name).await;
        for door in [
            format!("/v1/resolve?handle={name}&scheme=independent"),
            format!("/v1/resolve?handle=at://{name}"),
            format!("/v1/resolve?handle=https://bsky.app/profile/{name}"),
            format!("/@{name}?scheme=independent"),
            format!("/profile/{name}"),
        ] {
            let reply = net.get(&door).await;
            assert_eq!((reply.status, &reply.json()["account"]), (200, &DID.into()), "{door}");
            let url = reply.json()["profile"]["url"].as_str().unwrap().to_owned();
            let path = url.strip_prefix("https://names.example").unwrap();
            assert_eq!(net.get(path).await.json()["account"], DID, "{url}");
        }
    }
}

#[tokio::test]
async fn bare_such_a_name_is_nobodys_also_while_it_is_remembered() {
    for name in ODD {
        let net = odd(name).await;
        for asked_before in [None, Some(name), Some("nobody.peers.zz")] {
            let asked = asked_before.unwrap_or(name);
            for door in ["/v1/resolve?handle=", "/@"] {
                let reply = net.server.either_way(&format!("{door}{asked}"), &[]).await;
                assert_eq!(
                    (reply.status, kind(&reply)),
                    (404, "namespace-not-served".into()),
                    "{door}{asked}"
                );
                assert_eq!(reply.json()["otherSchemes"], json!(["independent"]));
            }
            net.get(&format!("/v1/resolve?handle={asked}&scheme=independent")).await;
        }
        // The address that names the scheme is answered from memory.
        let reply = net.server.either_way(&format!("/profile/{name}"), &[]).await;
        assert_eq!((reply.status, &reply.json()["account"]), (200, &DID.into()));
    }
}

#[tokio::test]
async fn bare_such_a_name_may_be_a_mirrors() {
    let mirror = Fake::usernames("threads");
    mirror.say("dan.peers.zz", Says::Found("threads:1", Ttl::UntilPurged));
    let net = Net::beside(mirror).await;
    net.internet.add_person(&did(), "dan.peers.zz", "Dan", "hello");
    assert_eq!(net.get("/profile/dan.peers.zz").await.json()["account"], DID);
    let bare = net.server.either_way("/@dan.peers.zz", &[]).await.json();
    assert_eq!(bare["account"], "threads:1");
    assert_eq!(bare["profile"]["url"], "https://names.example/@dan.peers.zz");
    let by_account = net.get(&format!("/v1/accounts/{DID}")).await.json();
    assert_eq!(by_account["profile"]["url"], "https://names.example/profile/dan.peers.zz");
}

#[tokio::test]
async fn a_name_that_no_grammar_takes_is_bad_input_and_is_told_why() {
    let mirror = Fake::usernames("threads");
    for net in [Net::new().await, Net::beside(mirror).await] {
        for (name, rule) in [
            ("a..b", "no empty label"),
            ("-a.test", "hyphen"),
            ("alice.example.com.", "no empty label"),
            (".alice.example.com", "no empty label"),
            ("alice-.example.com", "hyphen"),
            ("al!ce.example.com", "a-z, 0-9"),
            ("alice-b", "a username has"),
        ] {
            for door in [
                format!("/v1/resolve?handle={name}"),
                format!("/@{name}"),
                format!("/profile/{name}"),
                format!("/v1/resolve?handle={name}&scheme=independent"),
            ] {
                let reply = net.get(&door).await;
                assert_eq!((reply.status, kind(&reply)), (400, "invalid-handle".into()), "{door}");
                let detail = reply.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains(rule), "{door}: {detail}");
            }
            let body = json!({ "handles": [name] }).to_string();
            let batch = net.server.send("POST", "/v1/resolve", &[], &body).await.json();
            assert_eq!(batch["results"][0]["status"], 400, "{name}");
        }
        assert_eq!(net.internet.calls().total(), 0);
    }
    // What another scheme's grammar takes is not served here, which is no mistake.
    let net = Net::new().await;
    for name in ["alice", "a_b", "bob@example.com"] {
        assert_eq!(
            kind(&net.get(&format!("/v1/resolve?handle={name}")).await),
            "namespace-not-served",
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_reserved_ending_is_said_to_be_reserved() {
    let mirror = Fake::usernames("threads");
    mirror.say("*", Says::Absent(Why::Unknown, Ttl::UntilPurged));
    for (net, others) in [(Net::new().await, json!(null)), (Net::beside(mirror).await, json!(["threads"]))] {
        for name in ["alice.example", "alice.test", "alice.onion", "alice.localhost"] {
            for door in
                [format!("/v1/resolve?handle={name}"), format!("/@{name}"), format!("/profile/{name}")]
            {
                let reply = net.get(&door).await;
                assert_eq!((reply.status, kind(&reply)), (404, "namespace-not-served".into()), "{door}");
                let detail = reply.json()["detail"].as_str().unwrap().to_owned();
                assert!(detail.contains("reserved"), "{detail}");
                assert_eq!(reply.json()["otherSchemes"], others, "{door}");
            }
        }
        assert_eq!(net.internet.calls().total(), 0);
    }
    // It may be a username all the same, where that scheme is named.
    let mirror = Fake::usernames("threads");
    mirror.say("jane.local", Says::Found("threads:1", Ttl::UntilPurged));
    let net = Net::beside(mirror).await;
    let named = net.get("/v1/resolve?handle=jane.local&scheme=threads").await.json();
    assert_eq!(named["profile"]["url"], "https://names.example/@jane.local?scheme=threads");
    assert_eq!(net.server.either_way("/@jane.local", &[]).await.status, 404);
}

#[tokio::test]
async fn what_comes_along_unseen_when_a_name_is_copied_is_no_part_of_it() {
    let net = Net::new().await.with_alice();
    for (before, after) in [
        ("%E2%80%AA", "%E2%80%AC"),
        ("%E2%81%A8", "%E2%81%A9"),
        ("%E2%80%8B", "%E2%80%8B"),
        ("%EF%BB%BF", ""),
    ] {
        let name = format!("{before}{NAME}{after}");
        for door in [
            format!("/@{name}"),
            format!("/profile/{name}"),
            format!("/v1/resolve?handle={name}"),
            format!("/v1/resolve?handle={before}@{NAME}{after}"),
            format!("/v1/accounts/{before}{DID}{after}"),
        ] {
            let reply = net.get(&door).await;
            assert_eq!((reply.status, &reply.json()["account"]), (200, &DID.into()), "{door}");
        }
        let acct = format!("/.well-known/webfinger?resource=acct:{name}%40names.example");
        assert_eq!(net.get(&acct).await.status, 200, "{acct}");
        // Programs that speak XRPC do not paste.
        for method in ["resolveHandle?handle", "resolveIdentity?identifier"] {
            let target = format!("/xrpc/com.atproto.identity.{method}={name}");
            let reply = net.get(&target).await;
            assert_eq!((reply.status, &reply.json()["error"]), (400, &"InvalidRequest".into()), "{target}");
        }
    }
    let body =
        json!({ "handles": [format!("\u{202a}@{NAME}\u{202c}"), "ali\u{200b}ce.example.com"] }).to_string();
    let results = net.server.send("POST", "/v1/resolve", &[], &body).await.json();
    let status = |place: usize| -> &Value { &results["results"][place]["status"] };
    assert_eq!((status(0), status(1)), (&200.into(), &400.into()), "inside a name it is refused");
}

/// The page at `target`, and whether it leads to this name under that scheme.
async fn leads_to(net: &Net, target: &str, name: &str, scheme: &str) -> (u16, bool) {
    let page = net.server.send("GET", target, &[("accept", "text/html")], "").await;
    (page.status, page.body.contains(&format!("href=\"/@{name}?scheme={scheme}\"")))
}

#[tokio::test]
async fn a_page_leads_to_the_same_name_under_other_rules_where_it_is_somebody() {
    let mirror = Fake::usernames("threads");
    mirror.say("jane.art", Says::Found("threads:1", Ttl::UntilPurged));
    mirror.say("bob.art", Says::Found("threads:2", Ttl::UntilPurged));
    mirror.say("*", Says::Absent(Why::Unknown, Ttl::UntilPurged));
    let net = Net::beside(mirror).await.with_alice();
    net.internet.add_person(&did(), "jane.art", "Jane", "");
    for (target, name, scheme, expected) in [
        ("/@jane.art", "jane.art", "threads", (200, true)),
        ("/profile/jane.art", "jane.art", "threads", (200, true)),
        ("/@jane.art?scheme=threads", "jane.art", "independent", (200, true)),
        ("/@jane.art?scheme=threads", "jane.art", "threads", (200, false)),
        ("/@bob.art?scheme=threads", "bob.art", "independent", (200, false)),
        ("/@bob.art", "bob.art", "threads", (404, true)),
        ("/?q=bob.art", "bob.art", "threads", (200, true)),
        ("/@nobody.art", "nobody.art", "threads", (404, false)),
        ("/?q=nobody.art", "nobody.art", "threads", (200, false)),
        ("/@bob.local", "bob.local", "threads", (404, false)),
        ("/profile/bob.art", "bob.art", "threads", (404, true)),
    ] {
        assert_eq!(leads_to(&net, target, name, scheme).await, expected, "{target} to {scheme}");
    }
    // A program is told where it may ask, whoever is there.
    assert_eq!(net.get("/@nobody.art").await.json()["otherSchemes"], json!(["threads"]));
}

#[tokio::test]
async fn a_page_waits_not_long_for_another_scheme_and_says_nothing_of_one_that_fails() {
    let mirror = Fake::usernames("threads");
    mirror.say("jane.art", Says::Fails(ErrorKind::Unavailable));
    mirror.say("bob.art", Says::Found("threads:2", Ttl::UntilPurged));
    let slow = Arc::clone(&mirror);
    let net = Net::with(|builder| {
        let other_schemes_timeout = Duration::from_millis(1);
        builder.backend(mirror).limits(Limits { other_schemes_timeout, ..Limits::default() })
    })
    .await;
    for name in ["jane.art", "bob.art"] {
        net.internet.add_person(&did(), name, "Somebody", "");
        slow.hold();
        assert_eq!(leads_to(&net, &format!("/@{name}"), name, "threads").await, (200, false), "{name}");
        slow.release();
    }
    // What was asked for is there the next time.
    while !leads_to(&net, "/@bob.art", "bob.art", "threads").await.1 {
        tokio::task::yield_now().await;
    }
    assert!(!leads_to(&net, "/@jane.art", "jane.art", "threads").await.1);
}
