//! The outgoing client against a real TLS host with a certificate authority of its own.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod host;
mod strangers;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use namesake::http::{Addresses, Call, HttpClient, HttpFailure, HttpSettings};
use tokio::net::TcpListener;

use self::host::{World, serve, spawn};

#[tokio::test]
async fn any_status_is_an_answer() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/", 0).await.unwrap().body, "ok");
    let missing = world.get("https://good.test/404", 0).await.unwrap();
    assert_eq!((missing.status.as_u16(), missing.body.as_ref()), (404, b"gone".as_ref()));
}

#[tokio::test]
async fn redirects_are_counted_and_judged() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/hop/5", 5).await.unwrap().url.path(), "/hop/0");
    for path in ["hop/6", "loop", "to-http"] {
        let failure = world.get(&format!("https://good.test/{path}"), 5).await.unwrap_err();
        assert_eq!(failure, HttpFailure::Redirect, "{path}");
    }
    assert_eq!(world.get("https://good.test/to-other", 5).await.unwrap().url.host_str(), Some("other.test"));
    assert_eq!(world.get("https://good.test/hop/1", 0).await.unwrap().status, 302, "not followed, answered");
}

#[tokio::test]
async fn the_address_that_was_judged_is_the_address_that_is_used() {
    let world = World::start().await;
    let hosts = world.hosts();
    let client = HttpClient::discovered(&world.settings(), Arc::clone(&hosts) as Arc<dyn Addresses>).unwrap();
    client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap();
    assert_eq!(hosts.asked.load(Ordering::Relaxed), 1, "one look-up a connection leaves nothing to rebind");
}

#[tokio::test]
async fn bodies_are_read_up_to_the_cap() {
    let world = World::start().await;
    assert_eq!(world.get("https://good.test/endless", 0).await.unwrap_err(), HttpFailure::TooLarge);
    assert_eq!(world.get("https://good.test/long", 0).await.unwrap_err(), HttpFailure::TooLarge);
}

#[tokio::test]
async fn certificates_are_verified() {
    let world = World::start().await;
    assert_eq!(world.get("https://stranger.test/", 0).await.unwrap_err(), HttpFailure::Tls, "wrong name");
    let untrusting = HttpSettings { extra_root_ca: vec![], ..world.settings() };
    let client = HttpClient::discovered(&untrusting, world.hosts()).unwrap();
    let unknown = client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap_err();
    assert_eq!(unknown.failure, HttpFailure::Tls, "unknown authority");
}

#[tokio::test]
async fn failures_are_told_apart() {
    let world = World::start().await;
    assert_eq!(world.get("https://nowhere.test/", 0).await.unwrap_err(), HttpFailure::NoAddress);
    assert_eq!(world.get("https://good.test/nonsense", 0).await.unwrap_err(), HttpFailure::Protocol);
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let settings = HttpSettings { https_port: free, ..world.settings() };
    let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
    let nobody = client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap_err();
    assert_eq!(nobody.failure, HttpFailure::Connect);
    let impatient = Call::get("https://good.test/silent".parse().unwrap()).within(Duration::from_millis(50));
    let client = HttpClient::discovered(&world.settings(), world.hosts()).unwrap();
    assert_eq!(client.send(impatient).await.unwrap_err().failure, HttpFailure::Timeout);
}

#[tokio::test]
async fn each_part_has_a_deadline_of_its_own() {
    let world = World::start().await;
    let short = Duration::from_millis(50);
    let head = HttpSettings { header_timeout: short, ..world.settings() };
    let body = HttpSettings { body_timeout: short, ..world.settings() };
    for (settings, path) in [(head, "silent"), (body, "slow-body")] {
        let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
        let call = Call::get(format!("https://good.test/{path}").parse().unwrap());
        assert_eq!(client.send(call).await.unwrap_err().failure, HttpFailure::Timeout, "{path}");
    }
    // Takes the connection, and never says a word of TLS.
    let mute = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let settings = HttpSettings {
        https_port: mute.local_addr().unwrap().port(),
        connect_timeout: short,
        tls_timeout: short,
        ..world.settings()
    };
    let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
    let error = client.send(Call::get("https://good.test/".parse().unwrap())).await.unwrap_err();
    assert_eq!(error.failure, HttpFailure::Timeout);
    assert!(error.message.contains("secure"), "{error}");
}

#[tokio::test]
async fn a_configured_host_is_not_guarded_and_not_left() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            serve(stream).await;
        }
    });
    let client = HttpClient::configured(&HttpSettings::default()).unwrap();
    let get = |path: &str| Call::get(format!("http://{address}{path}").parse().unwrap()).redirects(3);
    assert_eq!(client.send(get("/hop/2")).await.unwrap().body, "ok");
    let off = client.send(get("/to-other")).await.unwrap_err();
    assert_eq!(off.failure, HttpFailure::Redirect);
}
