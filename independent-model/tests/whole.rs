//! The model over the real adapters, from end to end on loopback: name server, web host, directory and PDS.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/authority.rs"]
mod authority;
#[path = "dns/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the DNS adapter")]
mod dns;
#[path = "web/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the HTTP adapters")]
mod web;

use std::{sync::Arc, time::Duration};

use dns::{NameServer, Reply, txt, v4};
use namesake::{Handle, HandleResolver as _, Lookup, Method, SystemClock, Trace, Why, http::HttpSettings};
use namesake_independent::{IndependentModel, IndependentSettings, Ports, WorldSettings};
use web::{WebServer, answer};

const ALICE: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

/// The web host: Bob's well-known file, and everybody's PDS.
fn host(path: &str) -> String {
    match path {
        "/.well-known/atproto-did" => answer("200 OK", &format!("{BOB}\n")),
        _ => answer("200 OK", r#"{"value":{"$type":"app.bsky.actor.profile","displayName":"Somebody"}}"#),
    }
}

/// The directory: Alice and Bob, each claiming the handle of the same name.
fn directory(path: &str) -> String {
    let name = match path.trim_start_matches('/') {
        ALICE => "alice",
        BOB => "bob",
        _ => return answer("404 Not Found", "{}"),
    };
    let did = path.trim_start_matches('/');
    answer(
        "200 OK",
        &format!(
            r##"{{"id":"{did}","alsoKnownAs":["at://{name}.example.com"],"service":[{{"id":"#atproto_pds",
            "type":"AtprotoPersonalDataServer","serviceEndpoint":"https://pds.example.com"}}]}}"##
        ),
    )
}

#[tokio::test]
async fn handles_are_proved_by_dns_and_by_https() {
    let record = Reply::Records(vec![("_atproto.alice.example.com.", txt(&[b"did=", ALICE.as_bytes()]))]);
    let names = NameServer::start(&[
        ("_atproto.alice.example.com.", record),
        ("bob.example.com.", Reply::Records(vec![("bob.example.com.", v4("127.0.0.1"))])),
        ("pds.example.com.", Reply::Records(vec![("pds.example.com.", v4("127.0.0.1"))])),
    ])
    .await;
    let web = WebServer::tls(&["bob.example.com", "pds.example.com"], host).await;
    let plc = WebServer::plain(directory).await;
    let ports = Ports::world(&WorldSettings {
        nameservers: vec![names.address.to_string()],
        dns_timeout: Duration::from_secs(20),
        http: HttpSettings {
            allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
            extra_root_ca: vec![web.authority.path().to_owned()],
            https_port: web.address.port(),
            ..HttpSettings::default()
        },
        plc_url: format!("http://{}", plc.address).parse().unwrap(),
        ..WorldSettings::default()
    })
    .unwrap();
    let settings = IndependentSettings { profile_timeout: Duration::from_secs(20), ..Default::default() };
    let model = IndependentModel::new(settings, ports, Arc::new(SystemClock));
    let resolve = async |name: &str| {
        let handle = Handle::parse(name).unwrap();
        model.resolve(&handle, &Trace::OFF).await.unwrap()
    };

    let alice = resolve("alice.example.com").await.found().unwrap();
    assert_eq!((alice.account.as_str(), alice.proof.method), (ALICE, Method::DNS_TXT));
    let bob = resolve("bob.example.com").await.found().unwrap();
    assert_eq!((bob.account.as_str(), bob.proof.method), (BOB, Method::HTTPS_WELL_KNOWN));
    assert!(!bob.proof.provisional);
    assert!(matches!(resolve("nobody.example.com").await, Lookup::Absent { why: Why::Unknown, .. }));

    let profile = model.profile(&alice.account, &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!(profile.handle, Some(alice.handle));
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Somebody");
}

#[test]
fn settings_that_reach_no_world_are_refused() {
    let world = |change: fn(&mut WorldSettings)| {
        let mut settings =
            WorldSettings { nameservers: vec!["192.0.2.1".to_owned()], ..WorldSettings::default() };
        change(&mut settings);
        Ports::world(&settings).map(drop)
    };
    assert!(world(|_| ()).is_ok());
    assert!(world(|settings| settings.nameservers = vec!["dns.example.com".to_owned()]).is_err());
    assert!(world(|settings| settings.plc_url = "ftp://plc.example.com".parse().unwrap()).is_err());
}
