//! Who went by which handle when.

use std::sync::Arc;

use namesake::{ErrorKind, ManualClock, Scheme, Timestamp};
use namesake_independent::{Faults, IndependentModel, IndependentSettings, PlcKey, PlcLog, PrivateWorld};
use namesake_resolver::{
    Limits,
    demo::{self, Options},
};
use serde_json::json;

use crate::support::{Server, World};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

/// Was alice.test, is alice.example.com; between the two, a thief's operation that the recovery key struck out.
fn log() -> PlcLog {
    let (recovery, everyday) = (PlcKey::k256("recovery"), PlcKey::p256("everyday"));
    let ranked = [&recovery, &everyday];
    let mut log =
        PlcLog::begin(&everyday.sign(PlcLog::operation("alice.test", &ranked, None)), at(0)).unwrap();
    let stolen = PlcLog::operation("thief.example.com", &[&everyday], Some(log.cid(0)));
    log.push(&everyday.sign(stolen), at(1000));
    let back = PlcLog::operation("alice.example.com", &ranked, Some(log.cid(0)));
    log.push(&recovery.sign(back), at(2000));
    log
}

async fn served(internet: &Arc<PrivateWorld>, limits: Limits, verify_plc: bool) -> Server {
    let settings =
        IndependentSettings { verify_plc, ..IndependentSettings::named(Scheme::parse("world").unwrap()) };
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let model = Arc::new(IndependentModel::new(settings, internet.ports(), clock));
    World::with(|builder| builder.independent(model).limits(limits)).serve().await
}

#[tokio::test]
async fn a_dids_log_says_what_it_claimed_and_when() {
    let (internet, log) = (PrivateWorld::new(), log());
    internet.set_log(log.did(), &log.to_json());
    internet.set_txt("alice.example.com", &[&format!("did={}", log.did())]);
    let server = served(&internet, Limits::default(), true).await;
    let target = format!("/v1/accounts/{}/handles", log.did());
    let reply = server.get(&target).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let body = reply.json();
    assert_eq!((&body["account"], &body["source"]), (&log.did().as_str().into(), &"plc-audit-log".into()));
    assert!(body["note"].as_str().unwrap().contains("not a proof"), "{body}");
    assert_eq!(body["deactivated"], false);
    assert_eq!(
        body["handles"],
        json!([
            { "handle": "alice.test", "from": "1970-01-01T00:00:00Z", "until": "1970-01-01T00:33:20Z" },
            { "handle": "alice.example.com", "from": "1970-01-01T00:33:20Z", "until": null, "verified": true },
        ])
    );
    let known = server.get(&format!("/xrpc/com.atproto.identity.resolveDid?did={}", log.did())).await.json();
    assert_eq!(known["didDoc"]["alsoKnownAs"], json!(["at://alice.example.com"]));
}

#[tokio::test]
async fn a_claim_that_its_name_does_not_confirm_is_said_to_be_none() {
    let (internet, mut log) = (PrivateWorld::new(), log());
    internet.set_log(log.did(), &log.to_json());
    internet.set_document(log.did(), &PrivateWorld::document(log.did(), "alice.example.com"));
    let target = format!("/v1/accounts/{}/handles", log.did());
    let server = served(&internet, Limits::default(), false).await;
    assert_eq!(server.get(&target).await.json()["handles"][1]["verified"], false);

    // What is said of a closed DID is what it said.
    log.push(&PlcKey::k256("recovery").sign(PlcLog::tombstone(log.cid(2))), at(3000));
    internet.set_log(log.did(), &log.to_json());
    let body = server.get(&target).await.json();
    assert_eq!(body["deactivated"], true);
    assert_eq!(body["handles"][1]["until"], "1970-01-01T00:50:00Z");
    let verifying = served(&internet, Limits::default(), true).await;
    let gone = verifying.get(&format!("/xrpc/com.atproto.identity.resolveDid?did={}", log.did())).await;
    assert_eq!((gone.status, &gone.json()["error"]), (400, &"DidDeactivated".into()));
}

#[tokio::test]
async fn a_log_that_does_not_hold_is_nobodys_word() {
    let (internet, log) = (PrivateWorld::new(), log());
    let mut forged = log.to_json();
    forged[2]["operation"]["alsoKnownAs"][0] = "at://thief.example.com".into();
    internet.set_log(log.did(), &forged);
    internet.set_document(log.did(), &PrivateWorld::document(log.did(), "thief.example.com"));
    internet.set_txt("thief.example.com", &[&format!("did={}", log.did())]);
    // Whether or not lookups check the log, a history always does.
    for verify_plc in [false, true] {
        let server = served(&internet, Limits::default(), verify_plc).await;
        let reply = server.get(&format!("/v1/accounts/{}/handles", log.did())).await;
        assert_eq!(reply.status, 502);
        let detail = reply.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.ends_with("operation 3: its content is not what its CID says."), "{detail}");
        let lookup = server.get("/@thief.example.com?scheme=world").await;
        assert_eq!(lookup.status, if verify_plc { 502 } else { 200 });
    }
}

#[tokio::test]
async fn where_there_is_no_log_the_answer_says_so() {
    let internet = PrivateWorld::new();
    let server = served(&internet, Limits { explain_per_minute: 4, ..Limits::default() }, true).await;
    let status = async |account: &str| server.get(&format!("/v1/accounts/{account}/handles")).await.status;
    let web = server.get("/v1/accounts/did:web:alice.example.com/handles").await;
    assert_eq!(web.status, 501);
    assert!(web.json()["detail"].as_str().unwrap().starts_with("A did:web keeps no history"));
    assert_eq!(status("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").await, 404);
    internet.set_faults(Faults { directory: Some(ErrorKind::Unavailable), ..Faults::default() });
    assert_eq!(status("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").await, 503);
    assert_eq!(status("did:plc:nonsense").await, 404);
    assert_eq!(status("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").await, 429);
    assert_eq!((status("threads:abc").await, status("%zz").await, status("a%20b").await), (404, 400, 400));
}

#[tokio::test]
async fn a_mirrored_accounts_names_are_its_owners() {
    let clock = Arc::new(ManualClock::new(at(1_800_000_000)));
    let world = demo::World::start(Options::private(clock, 1).await.unwrap()).await.unwrap();
    let linked = world.link("alice").await.unwrap();
    let server = Server::at(world.public_url.socket_addrs(|| None).unwrap()[0]);
    let target = format!("/v1/accounts/{}/handles", linked.account);
    assert_eq!(server.get(&target).await.status, 401);
    assert_eq!(server.send("GET", &target, &[("authorization", "Bearer x")], "").await.status, 401);
    let bearer = format!("Bearer {}", linked.token.expose());
    let reply = server.send("GET", &target, &[("authorization", &bearer)], "").await;
    assert_eq!(reply.status, 200, "{}", reply.body);
    let body = reply.json();
    assert_eq!((&body["source"], &body["handles"][0]["handle"]), (&"mirror".into(), &"alice".into()));
    assert_eq!(body["handles"][0]["until"], json!(null));
    world.stop().await;
}
