//! Routes, representations and headers.

use std::time::Duration;

use namesake::{AccountId, Change, ErrorKind, Ttl, Why};

use crate::support::{Says, Server, World};

const HTML: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn world() -> (World, Server) {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    world.independent.say("nobody.example.com", Says::Absent(Why::Unknown, Ttl::Default));
    world.independent.say("closed.example.com", Says::Absent(Why::Deactivated, Ttl::Default));
    world.independent.say("slow.example.com", Says::Fails(ErrorKind::Timeout));
    world.independent.say("bug.example.com", Says::Fails(ErrorKind::Internal));
    world.mirror.say("alice", Says::Found("threads:1", Ttl::UntilPurged));
    let server = world.serve().await;
    (world, server)
}

#[tokio::test]
async fn a_handle_leads_to_its_account_and_profile() {
    let (world, server) = world().await;
    let reply = server.get("/@Alice.Example.com").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    let json = reply.json();
    assert_eq!(json["handle"], "alice.example.com");
    assert_eq!(json["account"], "did:plc:a");
    assert_eq!(json["scheme"], "independent");
    assert_eq!(json["proof"]["method"], "dns-txt");
    assert_eq!(json["profile"]["url"], "https://names.example/profile/alice.example.com");
    assert_eq!(reply.header("cache-control"), "max-age=600");
    assert_eq!(reply.header("namesake-checked-at"), "1970-01-01T00:00:00Z");
    assert_eq!((reply.header("age"), reply.header("vary")), ("0", "accept"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");

    world.wait(100);
    let later = server.get("/profile/alice.example.com").await;
    assert_eq!((later.header("age"), later.header("cache-control")), ("100", "max-age=500"));
    assert_eq!(later.header("etag"), reply.header("etag"), "the age is not part of what it stands for");
    assert_eq!(
        later.json()["freshness"],
        serde_json::json!({"ageSeconds": 100, "ttlSeconds": 500, "stale": false})
    );
    assert_eq!(later.json()["profile"], json["profile"]);
    assert_eq!(server.get("/profile/did:plc:a").await.json()["handle"], "alice.example.com");
    assert_eq!(server.get("/v1/accounts/did%3Aplc%3Aa").await.json()["handle"], "alice.example.com");
}

#[tokio::test]
async fn an_answer_that_did_not_change_is_not_sent_again() {
    let (world, server) = world().await;
    let etag = server.get("/@alice").await.header("etag").to_owned();
    let again = server.send("GET", "/@alice", &[("if-none-match", &etag)], "").await;
    assert_eq!((again.status, again.body.as_str(), again.header("cache-control")), (304, "", "no-cache"));
    assert_eq!(again.header("vary"), "accept");

    world.mirror.say("alice", Says::Found("threads:2", Ttl::UntilPurged));
    let account = AccountId::parse("threads:1").unwrap();
    world.invalidator.tell(&Change { account, old: None, new: None });
    let changed = server.send("GET", "/@alice", &[("if-none-match", &etag)], "").await;
    assert_eq!((changed.status, &changed.json()["account"]), (200, &"threads:2".into()));
}

#[tokio::test]
async fn browsers_get_pages_and_scripts_get_json() {
    let (_world, server) = world().await;
    for target in ["/@alice", "/profile/alice.example.com", "/?q=alice", "/", "/v1/explain?handle=alice"] {
        let page = server.send("GET", target, &[HTML], "").await;
        assert_eq!((page.status, page.header("content-type")), (200, "text/html; charset=utf-8"), "{target}");
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{target}");
        assert!(page.header("content-security-policy").contains("frame-ancestors 'none'"), "{target}");
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{target}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{target}");
        assert!(!page.body.contains("<b>bold"), "{target}");
    }
    let problem = server.send("GET", "/@nobody.example.com", &[HTML], "").await;
    assert_eq!((problem.status, problem.header("content-type")), (404, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_problem_is_a_document_with_its_status() {
    let (_world, server) = world().await;
    for (target, status, kind) in [
        ("/@nobody.example.com", 404, "handle-not-found"),
        ("/@closed.example.com", 410, "account-deactivated"),
        ("/@slow.example.com", 504, "timeout"),
        ("/@bug.example.com", 500, "internal"),
        ("/@bob@example.com", 404, "namespace-not-served"),
        ("/profile/alice", 404, "namespace-not-served"),
        ("/@a%20b", 400, "invalid-handle"),
        ("/@%zz", 400, "invalid-handle"),
        ("/@%ff", 400, "invalid-handle"),
        ("/@handle.invalid", 400, "invalid-handle"),
        ("/v1/resolve", 400, "invalid-handle"),
        ("/v1/resolve?handle=a&handle=b", 400, "invalid-request"),
        ("/v1/resolve?handle=a&fresh=perhaps", 400, "invalid-request"),
        ("/v1/accounts/nobody:1", 404, "namespace-not-served"),
        ("/nowhere", 404, "not-found"),
        ("/mirror/threads/connect", 404, "not-found"),
        ("/metrics", 404, "not-found"),
    ] {
        let reply = server.get(target).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (status, "application/problem+json"),
            "{target}"
        );
        let problem = reply.json();
        assert_eq!(problem["type"], format!("/problems/{kind}"), "{target}");
        assert_eq!(problem["status"], status, "{target}");
        assert!(!reply.body.contains("secret-cause") || status != 500, "{target}");
        assert_eq!(server.get(&format!("/problems/{kind}")).await.status, 200);
    }
    let absent = server.get("/@nobody.example.com").await;
    assert_eq!(absent.json()["otherSchemes"], serde_json::json!(["threads"]));
    assert_eq!(server.get("/@slow.example.com").await.header("retry-after"), "10");
    assert_eq!(server.get("/@bug.example.com").await.header("namesake-request-id").len(), 16);
}

#[tokio::test]
async fn resolve_takes_every_form_and_says_how_old_the_answer_is() {
    let (_world, server) = world().await;
    for form in [
        "alice.example.com",
        "%40alice.example.com",
        "at%3A%2F%2Falice.example.com",
        "https%3A%2F%2Fbsky.app%2Fprofile%2Falice.example.com",
        "did:plc:a",
    ] {
        let json = server.get(&format!("/v1/resolve?handle={form}")).await.json();
        assert_eq!(json["account"], "did:plc:a", "{form}");
        let freshness = serde_json::json!({ "ageSeconds": 0, "ttlSeconds": 600, "stale": false });
        assert_eq!(json["freshness"], freshness, "{form}");
    }
    let stored = server.get("/v1/resolve?handle=alice").await;
    assert_eq!(stored.json()["freshness"]["ttlSeconds"], serde_json::Value::Null);
    assert_eq!(stored.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_stale_answer_says_so() {
    let (world, server) = world().await;
    server.get("/@alice.example.com").await;
    world.independent.say("alice.example.com", Says::Fails(ErrorKind::Unavailable));
    world.wait(4000);
    let reply = server.get("/v1/resolve?handle=alice.example.com").await;
    assert_eq!((reply.status, reply.header("namesake-stale")), (200, "true"));
    assert_eq!((reply.header("cache-control"), reply.header("age")), ("no-cache", "4000"));
    assert_eq!(reply.json()["freshness"]["stale"], true);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_with_failures_in_place() {
    let (_world, server) = world().await;
    let body = r#"{"handles":["alice","nobody.example.com","a b","slow.example.com","alice"]}"#;
    let reply = server.send("POST", "/v1/resolve", &[], body).await;
    let json = reply.json();
    let results = json["results"].as_array().unwrap();
    let statuses: Vec<_> = results.iter().map(|result| result["status"].as_u64().unwrap()).collect();
    assert_eq!(statuses, [200, 404, 400, 504, 200]);
    assert_eq!(results[0]["resolution"]["account"], "threads:1");
    assert_eq!(results[1]["handle"], "nobody.example.com");
    assert_eq!(results[2]["problem"]["type"], "/problems/invalid-handle");

    let many = serde_json::json!({ "handles": vec!["alice"; 101] }).to_string();
    assert_eq!(server.send("POST", "/v1/resolve", &[], &many).await.status, 400);
    // The last is what Serde would take for the members in their order.
    for bad in ["{", "[]", r#"{"handles":1}"#, r#"{"handles":[],"x":1}"#, r#"[["alice"],null]"#] {
        assert_eq!(server.send("POST", "/v1/resolve", &[], bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_ways_past_the_memory_have_a_quota() {
    let world = World::limited(|limits| (limits.fresh_per_minute, limits.explain_per_minute) = (1, 1));
    world.independent.say("alice.example.com", Says::Found("did:plc:a", Ttl::For(Duration::from_secs(60))));
    let server = world.serve().await;
    for target in ["/v1/resolve?handle=alice.example.com&fresh=true", "/v1/explain?handle=alice.example.com"]
    {
        assert_eq!(server.get(target).await.status, 200, "{target}");
        let refused = server.get(target).await;
        assert_eq!(
            (refused.status, refused.json()["type"].as_str()),
            (429, Some("/problems/too-many-requests"))
        );
        assert!((1..=61).contains(&refused.header("retry-after").parse::<u64>().unwrap()));
    }
    assert_eq!(server.get("/@alice.example.com").await.status, 200, "plain lookups have none");
}

#[tokio::test]
async fn an_explanation_shows_the_way_and_what_is_remembered() {
    let (_world, server) = world().await;
    let cold = server.get("/v1/explain?handle=alice.example.com").await.json();
    assert_eq!(cold["remembered"], serde_json::Value::Null);
    assert_eq!(cold["resolution"]["account"], "did:plc:a");
    assert_eq!(cold["steps"][0]["source"], "scheme");
    server.get("/@alice.example.com").await;
    let warm = server.get("/v1/explain?handle=alice.example.com").await.json();
    assert_eq!(warm["remembered"]["ttlSeconds"], 600);
    let failed = server.get("/v1/explain?handle=slow.example.com").await;
    assert_eq!((failed.status, &failed.json()["problem"]["status"]), (200, &504.into()));
}

#[tokio::test]
async fn methods_are_those_of_the_table() {
    let (_world, server) = world().await;
    let refused = server.send("DELETE", "/v1/resolve", &[], "").await;
    assert_eq!((refused.status, refused.header("allow")), (405, "GET, POST, HEAD, OPTIONS"));
    assert_eq!(server.send("POST", "/@alice", &[], "{}").await.status, 405);

    let (get, head) = (server.get("/@alice").await, server.send("HEAD", "/@alice", &[], "").await);
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.body.len().to_string());
    assert_eq!(head.header("etag"), get.header("etag"));
}

#[tokio::test]
async fn a_page_of_any_origin_may_ask_what_is_public_with_any_headers() {
    let (_world, server) = world().await;
    let preflight = async |target: &str, headers: &str| {
        let asked = [
            ("origin", "https://app.example"),
            ("access-control-request-method", "GET"),
            ("access-control-request-headers", headers),
        ];
        server.send("OPTIONS", target, &asked, "").await
    };
    for target in [
        "/xrpc/com.atproto.identity.resolveHandle?handle=alice.example.com",
        "/xrpc/app.bsky.actor.getProfile",
        "/v1/resolve?handle=alice",
        "/@alice",
        "/profile/alice.example.com",
        "/.well-known/webfinger?resource=acct:alice@names.example",
        "/openapi.json",
        "/nowhere",
    ] {
        let reply = preflight(target, "atproto-accept-labelers,authorization,dpop,X-Any").await;
        assert_eq!((reply.status, reply.header("access-control-allow-origin")), (204, "*"), "{target}");
        let allowed = "atproto-accept-labelers, authorization, dpop, x-any";
        assert_eq!(reply.header("access-control-allow-headers"), allowed, "{target}");
        assert_eq!(reply.header("access-control-allow-methods"), reply.header("allow"), "{target}");
        assert_eq!(reply.header("vary"), "access-control-request-headers", "{target}");
        assert_eq!(reply.header("access-control-allow-credentials"), "", "{target}");
    }
    for target in ["/v1/mirror/accounts/threads:1", "/mirror/threads", "/mirror/threads/connect", "/metrics"]
    {
        let reply = preflight(target, "authorization").await;
        assert_eq!(reply.status, 204, "{target}");
        for header in ["origin", "headers", "methods", "credentials"] {
            assert_eq!(reply.header(&format!("access-control-allow-{header}")), "", "{target}");
        }
        assert_eq!(server.get(target).await.header("access-control-allow-origin"), "", "{target}");
    }
}

#[tokio::test]
async fn pages_of_other_origins_may_read_what_tells_of_an_answer() {
    let (_world, server) = world().await;
    let exposed = async |target: &str| {
        let reply = server.get(target).await;
        let exposed = reply.header("access-control-expose-headers").split(", ").map(str::to_owned);
        (exposed.collect::<Vec<_>>(), reply)
    };
    for (target, header) in [
        ("/@alice.example.com", "age"),
        ("/@alice.example.com", "etag"),
        ("/@alice.example.com", "namesake-checked-at"),
        ("/@slow.example.com", "retry-after"),
        ("/v1/explain?handle=alice.example.com", "ratelimit"),
        ("/v1/explain?handle=alice.example.com", "ratelimit-policy"),
        ("/@slow.example.com", "namesake-request-id"),
        ("/@nobody.example.com?", "namesake-request-id"),
        ("/openapi.json", "namesake-request-id"),
    ] {
        let (exposed, reply) = exposed(target).await;
        assert!(exposed.iter().any(|name| name == header) && !reply.header(header).is_empty(), "{header}");
    }
}

#[tokio::test]
async fn policies_operations_and_assets() {
    let (_world, server) = world().await;
    let policies = server.get("/v1/policies").await.json();
    assert_eq!(policies["policies"][0]["scheme"], "independent");
    for probe in ["/livez", "/readyz"] {
        let reply = server.get(probe).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (200, "text/plain; charset=utf-8"),
            "{probe}"
        );
    }
    let document = server.get("/openapi.json").await;
    assert_eq!((document.status, document.header("content-type")), (200, "application/json"));
    assert_eq!(document.header("cache-control"), "public, max-age=300");
    assert_eq!(document.header("access-control-allow-origin"), "*");
    let page = server.send("GET", "/", &[HTML], "").await.body;
    let (_, rest) = page.split_once(r#"href="/assets/"#).unwrap();
    let style = server.get(&format!("/assets/{}", rest.split('"').next().unwrap())).await;
    assert!(style.header("cache-control").contains("immutable"));
}

#[tokio::test]
async fn metrics_can_have_a_listener_of_their_own() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let world = World::with(|builder| builder.metrics(recorder.handle(), true));
    let (public, operations) = (world.serve().await, world.serve_at(true).await);
    let metrics = operations.get("/metrics").await;
    assert_eq!((public.get("/metrics").await.status, metrics.status), (404, 200));
    assert_eq!(metrics.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!((operations.get("/livez").await.status, operations.get("/@alice").await.status), (200, 404));
}
