//! With `verify_plc` the model believes the logs of `did:plc`, and nothing else.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::sync::Arc;

use namesake::{ErrorKind, Handle, HandleResolver as _, Lookup, ManualClock, Timestamp, Trace, Why};
use namesake_independent::{
    Did, Faults, IndependentModel, IndependentSettings, PlcKey, PlcLog, PrivateWorld,
};

const NAME: &str = "alice.example.com";

fn log() -> PlcLog {
    let key = PlcKey::k256("alice");
    let genesis = key.sign(PlcLog::operation(NAME, &[&key], None));
    PlcLog::begin(&genesis, Timestamp::UNIX_EPOCH).expect("a DID")
}

/// A model in a world whose DNS says that the name is this log's.
fn bench(log: &PlcLog) -> (Arc<PrivateWorld>, IndependentModel) {
    let world = PrivateWorld::new();
    world.set_txt(NAME, &[&format!("did={}", log.did())]);
    world.set_log(log.did(), &log.to_json());
    let settings = IndependentSettings { verify_plc: true, ..IndependentSettings::default() };
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let model = IndependentModel::new(settings, world.ports(), clock);
    (world, model)
}

fn name() -> Handle {
    Handle::parse(NAME).expect("a handle")
}

#[tokio::test]
async fn the_log_is_asked_for_and_not_the_document() {
    let log = log();
    let (world, model) = bench(&log);
    // What the directory says of itself is not even looked at.
    world.set_document(log.did(), &PrivateWorld::document(log.did(), "mallory.example.com"));
    let trace = Trace::on();
    match model.resolve(&name(), &trace).await {
        Ok(Lookup::Found { value, .. }) => assert_eq!(value.account, *log.did().account()),
        other => panic!("not found: {other:?}"),
    }
    assert_eq!(world.calls().directory, 1);
    assert!(trace.finish().0.iter().any(|step| step.source == "plc-log"));
}

#[tokio::test]
async fn a_tombstone_is_a_deactivation_and_no_log_is_nobody() {
    let mut log = log();
    log.push(&PlcKey::k256("alice").sign(PlcLog::tombstone(log.cid(0))), Timestamp::UNIX_EPOCH);
    let (world, model) = bench(&log);
    world.set_document(log.did(), &PrivateWorld::document(log.did(), NAME));
    let why = async |did: &Did| match model.document_of(did, &Trace::OFF).await {
        Ok(Lookup::Absent { why, .. }) => why,
        other => panic!("not absent: {other:?}"),
    };
    assert_eq!(why(log.did()).await, Why::Deactivated);
    let nobody = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").expect("a DID");
    assert_eq!(why(&nobody).await, Why::Unknown);
}

#[tokio::test]
async fn a_log_that_fails_and_one_that_does_not_hold_differ() {
    let log = log();
    let (world, model) = bench(&log);
    let failure = async || match model.resolve(&name(), &Trace::OFF).await {
        Err(error) => (error.kind(), error.message().to_owned()),
        other => panic!("no failure: {other:?}"),
    };
    for kind in [ErrorKind::Timeout, ErrorKind::Throttled, ErrorKind::Unavailable] {
        world.set_faults(Faults { directory: Some(kind), ..Faults::default() });
        assert_eq!(failure().await.0, kind);
    }
    world.set_faults(Faults::default());
    let mut forged = log.to_json();
    forged[0]["operation"]["alsoKnownAs"][0] = "at://mallory.example.com".into();
    world.set_log(log.did(), &forged);
    let (kind, message) = failure().await;
    assert_eq!(kind, ErrorKind::BadAnswer);
    assert!(message.ends_with("operation 1: its content is not what its CID says"), "{message}");
}
