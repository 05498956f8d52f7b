//! XRPC, over a fake port.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use namesake::{
    AccountId, Answer, ErrorKind, Handle, Lookup, Method, Proof, ResolveError, Timestamp, Trace, Ttl, Why,
};
use namesake_resolver::{
    SnapshotFile,
    atproto::{AtprotoIdentity, DidDocument},
};
use serde_json::json;

use crate::support::{Says, Server, World};

/// Handle ⇒ what DNS says; DID ⇒ what its document claims (`Ok(None)`: nothing).
#[derive(Debug, Default)]
struct Network {
    names: Mutex<HashMap<String, Says>>,
    documents: Mutex<HashMap<String, Result<Option<String>, Says>>>,
}

impl AtprotoIdentity for Network {
    fn did_of<'a>(&'a self, handle: &'a Handle, _: &'a Trace) -> Answer<'a, (AccountId, Proof)> {
        let says = self.names.lock().unwrap().get(handle.as_str()).cloned();
        Box::pin(async move {
            match says {
                None => Ok(Lookup::Pass),
                Some(Says::Found(did, ttl)) => {
                    let proof = Proof {
                        method: Method::DNS_TXT,
                        checked_at: Timestamp::UNIX_EPOCH,
                        provisional: false,
                    };
                    Ok(Lookup::Found { value: (AccountId::parse(did).unwrap(), proof), ttl })
                }
                Some(Says::Absent(why, ttl)) => Ok(Lookup::Absent { why, ttl }),
                Some(Says::Fails(kind) | Says::FailsAtOnce(kind)) => {
                    Err(ResolveError::new(kind, "the network is down"))
                }
                Some(Says::Provisional(_) | Says::Panics) => unreachable!(),
            }
        })
    }

    fn document_of<'a>(&'a self, did: &'a AccountId, _: &'a Trace) -> Answer<'a, Arc<DidDocument>> {
        let says = self.documents.lock().unwrap().get(did.as_str()).cloned();
        Box::pin(async move {
            match says {
                None => Ok(Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default }),
                Some(Ok(claim)) => {
                    let claim = claim.map(|claim| Handle::parse(&claim).unwrap());
                    let document = DidDocument { did: did.clone(), claim, json: json!({ "id": did }) };
                    Ok(Lookup::Found { value: Arc::new(document), ttl: Ttl::Default })
                }
                Some(Err(Says::Absent(why, ttl))) => Ok(Lookup::Absent { why, ttl }),
                Some(Err(Says::Fails(kind))) => Err(ResolveError::new(kind, "the directory is down")),
                Some(Err(_)) => unreachable!(),
            }
        })
    }
}

async fn network(as_invalid_request: bool) -> (Arc<Network>, World, Server) {
    let network = Arc::new(Network::default());
    network.name("alice.example.com", Says::Found("did:plc:a", Ttl::Default));
    network.name("gone.example.com", Says::Absent(Why::Unknown, Ttl::Default));
    network.document("did:plc:a", Ok(Some("alice.example.com".to_owned())));
    let port = Arc::clone(&network);
    let world =
        World::with(|builder| builder.atproto(port).handle_not_found_as_invalid_request(as_invalid_request));
    let server = world.serve().await;
    (network, world, server)
}

impl Network {
    fn name(&self, handle: &str, says: Says) {
        self.names.lock().unwrap().insert(handle.to_owned(), says);
    }

    fn document(&self, did: &str, says: Result<Option<String>, Says>) {
        self.documents.lock().unwrap().insert(did.to_owned(), says);
    }
}

fn identity(query: &str) -> String {
    format!("/xrpc/com.atproto.identity.{query}")
}

#[tokio::test]
async fn each_method_answers_in_its_shape() {
    let (_network, _world, server) = network(false).await;
    for (query, body) in [
        ("resolveHandle?handle=Alice.example.com", json!({ "did": "did:plc:a" })),
        ("resolveDid?did=did:plc:a", json!({ "didDoc": { "id": "did:plc:a" } })),
        (
            "resolveIdentity?identifier=did:plc:a",
            json!({ "did": "did:plc:a", "handle": "alice.example.com", "didDoc": { "id": "did:plc:a" } }),
        ),
    ] {
        let reply = server.get(&identity(query)).await;
        assert_eq!((reply.status, reply.json()), (200, body), "{query}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
    }
    assert!(server.get("/xrpc/_health").await.json()["version"].is_string());
}

#[tokio::test]
async fn a_remembered_did_is_the_same_on_the_hot_path_and_past_it() {
    let (network, world, server) = network(false).await;
    network.name("slow.example.com", Says::Fails(ErrorKind::Timeout));
    for seconds in [0, 5, 600] {
        world.wait(seconds);
        for (name, status) in
            [("alice.example.com", 200), ("gone.example.com", 400), ("slow.example.com", 504)]
        {
            let target = identity(&format!("resolveHandle?handle={name}"));
            server.get(&target).await;
            let reply = server.either_way(&target, &[("accept", "text/html")]).await;
            assert_eq!(reply.status, status, "{name}");
            let known = server.either_way(&target, &[("if-none-match", reply.header("etag"))]).await;
            assert_eq!(known.status == 304, status == 200, "{name}");
        }
    }
}

#[tokio::test]
async fn each_failure_has_its_name() {
    let (network, _world, server) = network(false).await;
    network.name("slow.example.com", Says::Fails(ErrorKind::Timeout));
    network.name("torn.example.com", Says::Fails(ErrorKind::BadAnswer));
    network.document("did:plc:closed", Err(Says::Absent(Why::Deactivated, Ttl::Default)));
    for (query, status, error) in [
        ("resolveHandle", 400, "InvalidRequest"),
        ("resolveHandle?handle=@alice.example.com", 400, "InvalidRequest"),
        ("resolveHandle?handle=alice", 400, "InvalidRequest"),
        ("resolveHandle?handle=b%C3%BCcher.example", 400, "InvalidRequest"),
        ("resolveHandle?handle=gone.example.com", 400, "HandleNotFound"),
        ("resolveHandle?handle=alice.localhost", 400, "HandleNotFound"),
        ("resolveHandle?handle=slow.example.com", 504, "UpstreamTimeout"),
        ("resolveHandle?handle=torn.example.com", 502, "UpstreamFailure"),
        ("resolveDid?did=plc:a", 400, "InvalidRequest"),
        ("resolveDid?did=did:plc:nobody", 400, "DidNotFound"),
        ("resolveDid?did=did:plc:closed", 400, "DidDeactivated"),
        ("createSession", 501, "MethodNotImplemented"),
    ] {
        let reply = server.get(&identity(query)).await;
        assert_eq!((reply.status, reply.json()["error"].as_str()), (status, Some(error)), "{query}");
    }
    let message = &server.get(&identity("resolveHandle?handle=gone.example.com")).await.json()["message"];
    assert_eq!(message, "Unable to resolve handle");
}

#[tokio::test]
async fn the_official_client_can_have_its_error() {
    let (_network, _world, server) = network(true).await;
    let reply = server.get(&identity("resolveHandle?handle=gone.example.com")).await;
    let expected = json!({ "error": "InvalidRequest", "message": "Unable to resolve handle" });
    assert_eq!((reply.status, reply.json()), (400, expected));
}

#[tokio::test]
async fn a_claim_that_does_not_hold_is_no_handle_and_one_that_cannot_be_checked_is_kept() {
    let (network, world, server) = network(false).await;
    let handle = async |did: &str| {
        server.get(&identity(&format!("resolveIdentity?identifier={did}"))).await.json()["handle"].clone()
    };
    network.document("did:plc:b", Ok(Some("alice.example.com".to_owned())));
    network.document("did:plc:c", Ok(None));
    network.document("did:plc:d", Ok(Some("d.localhost".to_owned())));
    for did in ["did:plc:b", "did:plc:c", "did:plc:d"] {
        assert_eq!(handle(did).await, "handle.invalid", "{did}");
    }
    // A handle is found only if the DID it gives claims it.
    network.name("bob.example.com", Says::Found("did:plc:a", Ttl::Default));
    let bob = server.get(&identity("resolveIdentity?identifier=bob.example.com")).await;
    assert_eq!((bob.status, bob.json()["error"].as_str()), (400, Some("HandleNotFound")));

    assert_eq!(handle("did:plc:a").await, "alice.example.com");
    network.name("alice.example.com", Says::Fails(ErrorKind::Timeout));
    world.wait(4000);
    let stale = server.get(&identity("resolveIdentity?identifier=did:plc:a")).await;
    assert_eq!(
        (stale.header("namesake-stale"), &stale.json()["handle"]),
        ("true", &"alice.example.com".into())
    );
}

#[tokio::test]
async fn a_refresh_sees_what_is_so_now() {
    let (network, _world, server) = network(false).await;
    let query = identity("resolveIdentity?identifier=gone.example.com");
    assert_eq!(server.get(&query).await.status, 400);
    network.name("gone.example.com", Says::Found("did:plc:g", Ttl::Default));
    network.document("did:plc:g", Ok(Some("gone.example.com".to_owned())));
    assert_eq!(server.get(&query).await.status, 400, "remembered");
    let list = r#"["gone.example.com"]"#;
    assert_eq!(server.send("POST", &identity("refreshIdentity"), &[], list).await.status, 400);
    let body = r#"{"identifier":"gone.example.com"}"#;
    let fresh = server.send("POST", &identity("refreshIdentity"), &[], body).await;
    assert_eq!((fresh.status, &fresh.json()["did"]), (200, &"did:plc:g".into()));
    assert_eq!(server.get(&query).await.status, 200);
}

#[tokio::test]
async fn each_memory_survives_a_restart_and_is_asked_for_again() {
    let (network, before, server) = network(false).await;
    let queries = [
        "resolveHandle?handle=alice.example.com",
        "resolveDid?did=did:plc:a",
        "resolveIdentity?identifier=did:plc:a",
        "resolveIdentity?identifier=alice.example.com",
    ];
    let mut bodies = Vec::new();
    for query in queries {
        bodies.push(server.get(&identity(query)).await.json());
    }
    // None of these is known afterwards.
    network.document("did:plc:c", Ok(None));
    for query in [
        "resolveHandle?handle=gone.example.com",
        "resolveIdentity?identifier=did:plc:c",
        "resolveDid?did=did:plc:x",
    ] {
        server.get(&identity(query)).await;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = SnapshotFile { path: folder.path().join("answers"), max_bytes: 1 << 20, basis: String::new() };
    assert_eq!(before.namesake.save(&file).unwrap(), queries.len());

    let (port, clock) = (Arc::clone(&network), before.clock.clone());
    let after = World::with(|builder| builder.atproto(port).clock(clock));
    assert_eq!(after.namesake.restore(&file).unwrap(), queries.len());
    network.name("alice.example.com", Says::Fails(ErrorKind::Timeout));
    network.document("did:plc:a", Err(Says::Fails(ErrorKind::Unavailable)));
    let server = after.serve().await;
    for (query, body) in queries.into_iter().zip(bodies) {
        let reply = server.get(&identity(query)).await;
        assert_eq!(
            (reply.status, reply.header("namesake-stale"), reply.json()),
            (200, "true", body),
            "{query}"
        );
    }
}
