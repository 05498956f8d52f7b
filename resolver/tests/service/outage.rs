//! What goes out while sources fail: what was found, marked; never a no that is too old, and never less than was known.

use namesake::ErrorKind;
use namesake_independent::{Did, DnsFailure, Faults, PrivateWorld};
use namesake_resolver::SnapshotFile;
use serde_json::{Value, json};

use crate::net::{DID, NAME, Net, did};

/// Every door that answers about this name and this account.
fn doors(name: &str, did: &str) -> [String; 7] {
    let xrpc = |method: &str| format!("/xrpc/com.atproto.identity.{method}");
    [
        format!("/v1/resolve?handle={name}"),
        format!("/@{name}"),
        format!("/v1/resolve?handle={did}"),
        format!("/v1/accounts/{did}"),
        xrpc(&format!("resolveHandle?handle={name}")),
        xrpc(&format!("resolveIdentity?identifier={name}")),
        xrpc(&format!("resolveDid?did={did}")),
    ]
}

#[tokio::test]
async fn an_absence_whose_time_is_up_is_a_failure_while_the_sources_fail() {
    for late in [120, 130, 3600] {
        let net = Net::new().await;
        for door in doors("nobody.example.com", "did:web:nobody.example.net") {
            let status = net.get(&door).await.status;
            assert!([400, 404].contains(&status), "{door}: {status}");
        }
        net.internet.set_faults(Faults::everything_down());
        net.wait(119);
        for door in doors("nobody.example.com", "did:web:nobody.example.net") {
            assert!([400, 404].contains(&net.get(&door).await.status), "{door}: within its time");
        }
        net.wait(late - 119);
        for door in doors("nobody.example.com", "did:web:nobody.example.net") {
            for _ in 0..2 {
                let reply = net.get(&door).await;
                assert!([502, 503, 504].contains(&reply.status), "{door} after {late} s: {}", reply.status);
            }
        }
    }
}

#[tokio::test]
async fn an_account_without_a_handle_is_no_answer_while_the_sources_fail() {
    let net = Net::new().await.with_alice();
    net.internet.remove_txt(NAME);
    let doors = [
        format!("/v1/resolve?handle={DID}"),
        format!("/profile/{DID}"),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={DID}"),
    ];
    for door in &doors {
        let body = net.get(door).await.json();
        assert!(body["handle"].is_null() || body["handle"] == "handle.invalid", "{door}: {body}");
    }
    net.internet.set_faults(Faults::everything_down());
    net.wait(601);
    for door in &doors {
        assert!(net.get(door).await.status >= 500, "{door}: who got a handle meanwhile would be without it");
    }
}

#[tokio::test]
async fn what_was_found_goes_out_at_every_door_marked() {
    let net = Net::new().await.with_alice();
    for door in doors(NAME, DID) {
        assert_eq!(net.get(&door).await.status, 200, "{door}");
    }
    net.internet.set_faults(Faults::everything_down());
    net.wait(3600);
    for door in doors(NAME, DID) {
        let reply = net.get(&door).await;
        assert_eq!((reply.status, reply.header("namesake-stale")), (200, "true"), "{door}");
    }
}

#[tokio::test]
async fn a_handle_that_has_moved_is_not_its_last_holders_while_the_next_one_cannot_be_asked_about() {
    let net = Net::new().await.with_alice();
    let bob = Did::parse("did:web:bob.example.net").unwrap();
    let doors = [
        format!("/v1/resolve?handle={NAME}"),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={NAME}"),
    ];
    for door in &doors {
        assert_eq!(net.get(door).await.status, 200, "{door}");
    }
    net.internet.set_faults(Faults { directory: Some(ErrorKind::Unavailable), ..Faults::default() });
    net.wait(3600);
    for door in &doors {
        let reply = net.get(door).await;
        assert_eq!(
            (reply.status, reply.header("namesake-stale")),
            (200, "true"),
            "{door}: it still names alice"
        );
    }
    net.internet.set_txt(NAME, &[&format!("did={bob}")]);
    net.wait(100);
    for door in &doors {
        for _ in 0..2 {
            assert!(net.get(door).await.status >= 500, "{door}");
            net.wait(11);
        }
    }
    net.internet.set_document(&bob, &PrivateWorld::document(&bob, NAME));
    net.mend();
    net.wait(11);
    for door in &doors {
        assert!(net.get(door).await.body.contains(bob.as_str()), "{door}");
    }
}

#[tokio::test]
async fn an_account_that_claims_another_handle_is_not_shown_with_the_one_before() {
    let net = Net::new().await.with_alice();
    let doors = [
        format!("/v1/accounts/{DID}"),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={DID}"),
    ];
    for door in &doors {
        assert_eq!(net.get(door).await.json()["handle"], NAME, "{door}");
    }
    let (dns, https) = (Some(DnsFailure::Timeout), Some(namesake::http::HttpFailure::Connect));
    net.internet.set_faults(Faults { dns, https, ..Faults::default() });
    net.wait(3600);
    for door in &doors {
        let reply = net.get(door).await;
        assert_eq!(
            (reply.header("namesake-stale"), &reply.json()["handle"]),
            ("true", &NAME.into()),
            "{door}"
        );
    }
    net.internet.set_document(&did(), &PrivateWorld::document(&did(), "alicia.example.com"));
    net.wait(100);
    for door in &doors {
        assert!(net.get(door).await.status >= 500, "{door}");
    }
}

#[tokio::test]
async fn a_profile_that_was_known_is_never_replaced_by_nothing() {
    let net = Net::new().await.with_alice();
    let door = format!("/@{NAME}");
    assert_eq!(net.shown(&door).await, ("Alice".into(), "current".into(), 600));
    net.break_pds();
    net.wait(661);
    let (name, display, ttl) = net.shown(&door).await;
    assert_eq!((name, display), ("Alice".into(), "stale".into()));
    assert!((10..=30).contains(&ttl), "{ttl}");
    for _ in 0..3 {
        net.wait(31);
        let (name, display, _) = net.shown(&door).await;
        assert_eq!((name, display), ("Alice".into(), "stale".into()));
    }
    // It is the profile alone that is old.
    assert_eq!(net.get(&door).await.header("namesake-stale"), "");
    net.mend();
    net.wait(31);
    assert_eq!(net.shown(&door).await, ("Alice".into(), "current".into(), 600));
}

#[tokio::test]
async fn a_profile_that_is_known_at_one_door_is_shown_at_the_others() {
    let net = Net::new().await.with_alice();
    net.get(&format!("/@{NAME}")).await;
    net.break_pds();
    for door in [format!("/profile/{DID}"), format!("/v1/resolve?handle={DID}&fresh=true")] {
        let (name, display, _) = net.shown(&door).await;
        assert_eq!((name, display), ("Alice".into(), "stale".into()), "{door}");
    }
    // Nor does it go where XRPC looks afresh, which asks for no profile.
    let body = json!({ "identifier": DID }).to_string();
    let refresh = "/xrpc/com.atproto.identity.refreshIdentity";
    assert_eq!(net.server.send("POST", refresh, &[], &body).await.status, 200);
    let (name, display, _) = net.shown(&format!("/@{NAME}")).await;
    assert_eq!((name, display), ("Alice".into(), "stale".into()));
}

#[tokio::test]
async fn a_profile_of_before_goes_on_for_as_long_as_a_stale_answer() {
    let net = Net::new().await.with_alice();
    let door = format!("/@{NAME}");
    net.shown(&door).await;
    net.break_pds();
    for _ in 0..25 {
        net.wait(3600);
        net.shown(&door).await;
    }
    let (name, display, ttl) = net.shown(&door).await;
    assert_eq!((name, display), (Value::Null, "unavailable".into()));
    assert!((10..=30).contains(&ttl), "{ttl}");
}

#[tokio::test]
async fn an_answer_without_a_profile_is_asked_again_soon() {
    let net = Net::new().await.with_alice();
    net.break_pds();
    let door = format!("/@{NAME}");
    let (name, display, ttl) = net.shown(&door).await;
    assert_eq!((name, display), (Value::Null, "unavailable".into()));
    assert!((10..=30).contains(&ttl), "{ttl}");
    net.mend();
    net.wait(16);
    assert_eq!(net.settled(&door, "current").await.0, "Alice");
}

#[tokio::test]
async fn a_profile_of_before_outlives_a_restart_with_its_mark() {
    let net = Net::new().await.with_alice();
    let door = format!("/@{NAME}");
    net.shown(&door).await;
    net.break_pds();
    net.wait(661);
    net.shown(&door).await;
    let folder = tempfile::tempdir().unwrap();
    let (path, basis) = (folder.path().join("answers"), "test".to_owned());
    let file = SnapshotFile { path, max_bytes: 1 << 20, basis };
    net.namesake.save(&file).unwrap();
    let after = net.restarted().await;
    assert_eq!(after.namesake.restore(&file).unwrap(), 1);
    for _ in 0..3 {
        let (name, display, _) = after.shown(&door).await;
        assert_eq!((name, display), ("Alice".into(), "stale".into()));
        after.wait(31);
    }
}

#[tokio::test]
async fn a_pds_without_a_usable_address_is_unavailable() {
    for endpoint in
        [json!("no address"), json!("ftp://pds.example.com"), json!({ "uri": "https://x" }), json!("")]
    {
        let net = Net::new().await.with_alice();
        let mut document = PrivateWorld::document(&did(), NAME);
        document["service"][0]["serviceEndpoint"] = endpoint.clone();
        net.internet.set_document(&did(), &document);
        let (_, display, ttl) = net.shown(&format!("/@{NAME}")).await;
        assert_eq!(display, "unavailable", "{endpoint}");
        assert!((10..=30).contains(&ttl), "{ttl}");
        document["service"] = json!([]);
        net.internet.set_document(&did(), &document);
        let (_, display, _) = net.shown(&format!("/v1/resolve?handle={DID}")).await;
        assert_eq!(display, "current", "it has none");
    }
}

#[tokio::test]
async fn a_profile_that_was_taken_away_is_not_shown_from_memory() {
    let net = Net::new().await.with_alice();
    let door = format!("/@{NAME}");
    net.shown(&door).await;
    net.internet.remove_profile(&did());
    net.wait(661);
    assert_eq!(net.shown(&door).await.1, "current");
    net.break_pds();
    net.wait(661);
    assert_eq!(net.shown(&door).await.0, Value::Null, "there was nothing to remember");
}
