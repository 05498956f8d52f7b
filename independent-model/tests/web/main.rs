//! The HTTP adapters against hosts on loopback: no internet, no fixed port.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../common/authority.rs"]
mod authority;
mod server;

use std::{net::IpAddr, sync::Arc};

use namesake::{
    ErrorKind,
    http::{AddressError, AddressFuture, Addresses, HttpClient, HttpFailure, HttpSettings},
};
use namesake_independent::{
    Did, DidMethod, DidWeb as _, Directory as _, DocumentAnswer, Hostname, Pds as _, WebHost, WellKnown as _,
    WellKnownReply,
    adapters::{PdsHttp, PlcDirectory, WebHosts},
};
use server::{Site, WebServer, answer, redirect};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";

/// Every name under `example.com` is on loopback, `private.example.net` in a private network, nothing else exists.
#[derive(Debug)]
struct Loopback;

impl Addresses for Loopback {
    fn addresses<'a>(&'a self, host: &'a str) -> AddressFuture<'a> {
        let address: Option<IpAddr> = match host {
            "private.example.net" => Some([10, 0, 0, 1].into()),
            "localhost" => Some([127, 0, 0, 1].into()),
            _ => host.ends_with(".example.com").then(|| [127, 0, 0, 1].into()),
        };
        Box::pin(async move { address.map(|address| vec![address]).ok_or(AddressError::NoAddress) })
    }
}

fn settings(server: &WebServer, trusted: bool) -> HttpSettings {
    HttpSettings {
        allow_networks: vec!["127.0.0.0/8".parse().unwrap()],
        extra_root_ca: if trusted { vec![server.authority.path().to_owned()] } else { vec![] },
        https_port: server.address.port(),
        ..HttpSettings::default()
    }
}

fn client(server: &WebServer, trusted: bool) -> HttpClient {
    HttpClient::discovered(&settings(server, trusted), Arc::new(Loopback)).unwrap()
}

async fn hosts(site: Site) -> (WebServer, WebHosts) {
    let server = WebServer::tls(&["alice.example.com", "other.example.com"], site).await;
    let hosts = WebHosts::new(client(&server, true));
    (server, hosts)
}

fn name(text: &str) -> Hostname {
    Hostname::parse(text).unwrap()
}

async fn fetch(site: Site) -> Result<WellKnownReply, HttpFailure> {
    let (_server, hosts) = hosts(site).await;
    hosts.fetch(&name("alice.example.com")).await.map_err(|error| error.failure)
}

#[tokio::test]
async fn the_well_known_file_is_read_whatever_its_length_and_status() {
    let site: Site = |path| answer("203 Odd", if path == "/.well-known/atproto-did" { DID } else { "" });
    assert_eq!(fetch(site).await.unwrap(), WellKnownReply { status: 203, body: Some(DID.into()) });
    let longer: Site = |_| answer("200 OK", &" ".repeat(WellKnownReply::CAP + 1));
    assert_eq!(fetch(longer).await.unwrap(), WellKnownReply { status: 200, body: None });
    let missing: Site = |_| answer("404 Not Found", &"<p>".repeat(4096));
    assert_eq!(fetch(missing).await.unwrap().status, 404);
}

/// Scenario 13: the read stops at the cap; the body never ends.
#[tokio::test]
async fn an_endless_body_is_not_read_to_its_end() {
    let site: Site = |_| {
        let chunk = format!("1000\r\n{}\r\n", "a".repeat(4096));
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(64))
    };
    assert_eq!(fetch(site).await.unwrap().body, None);
}

/// Scenario 14.
#[tokio::test]
async fn redirects_are_followed_to_https_and_public_hosts_only() {
    let twice: Site = |path| match path {
        "/.well-known/atproto-did" => redirect("/second"),
        "/second" => redirect("https://other.example.com/third"),
        _ => answer("200 OK", DID),
    };
    assert_eq!(fetch(twice).await.unwrap().body.unwrap(), DID);
    let endless: Site = |_| redirect("/again");
    assert_eq!(fetch(endless).await, Err(HttpFailure::Redirect));
    let plain: Site = |_| redirect("http://other.example.com/");
    assert_eq!(fetch(plain).await, Err(HttpFailure::Redirect));
    let private: Site = |_| redirect("https://private.example.net/");
    assert_eq!(fetch(private).await, Err(HttpFailure::NoAddress));
    let metadata: Site = |_| redirect("https://169.254.169.254/");
    assert_eq!(fetch(metadata).await, Err(HttpFailure::Refused));
}

#[tokio::test]
async fn no_address_is_told_from_a_bad_certificate() {
    let site: Site = |_| answer("200 OK", DID);
    let (server, hosts) = hosts(site).await;
    let failure = |hosts: WebHosts, host| async move { hosts.fetch(&name(host)).await.unwrap_err().failure };
    for nobody in ["nobody.example.net", "xn--a.com", "a.xn--zz--zz"] {
        assert_eq!(failure(hosts.clone(), nobody).await, HttpFailure::NoAddress, "{nobody}");
    }
    assert_eq!(failure(hosts, "wrong-name.example.com").await, HttpFailure::Tls);
    let untrusting = WebHosts::new(client(&server, false));
    assert_eq!(failure(untrusting, "alice.example.com").await, HttpFailure::Tls);
}

async fn did_web(site: Site) -> Result<DocumentAnswer, ErrorKind> {
    let (_server, hosts) = hosts(site).await;
    let host = WebHost::Name(name("alice.example.com"));
    hosts.document(&host).await.map_err(|error| error.kind())
}

/// Scenario 22.
#[tokio::test]
async fn did_web_documents_are_found_missing_or_failing() {
    let found: Site = |path| answer("200 OK", if path == "/.well-known/did.json" { "{}" } else { "" });
    assert_eq!(did_web(found).await, Ok(DocumentAnswer::Found("{}".into())));
    assert_eq!(did_web(|_| answer("404 Not Found", "<p>")).await, Ok(DocumentAnswer::NotFound));
    assert_eq!(did_web(|_| answer("410 Gone", "")).await, Ok(DocumentAnswer::NotFound));
    assert_eq!(did_web(|_| answer("503 Busy", "")).await, Err(ErrorKind::Unavailable));
    assert_eq!(did_web(|_| redirect("https://other.example.com/")).await, Err(ErrorKind::BadAnswer));
    assert_eq!(did_web(|_| redirect("https://127.0.0.1/")).await, Err(ErrorKind::BadAnswer), "not followed");
    assert_eq!(did_web(|_| answer("200 OK", &" ".repeat(65 * 1024))).await, Err(ErrorKind::BadAnswer));
}

#[tokio::test]
async fn did_web_of_localhost_is_plain_http() {
    let server = WebServer::plain(|path| answer("200 OK", path)).await;
    let did = Did::parse(&format!("did:web:localhost%3A{}", server.address.port())).unwrap();
    let DidMethod::Web(host) = did.method() else { panic!("did:web") };
    let settings = HttpSettings { allow_ports: vec![server.address.port()], ..settings(&server, false) };
    let allowed = HttpClient::discovered(&settings, Arc::new(Loopback)).unwrap();
    let document = WebHosts::new(allowed).document(host).await.unwrap();
    assert_eq!(document, DocumentAnswer::Found("/.well-known/did.json".into()));
    let plain = HttpSettings { https_port: 443, ..self::settings(&server, false) };
    let plain = WebHosts::new(HttpClient::discovered(&plain, Arc::new(Loopback)).unwrap());
    let refused = plain.document(host).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::BadAnswer, "a port that nobody allowed");
}

/// Scenario 20.
#[tokio::test]
async fn the_directory_answers() {
    let site: Site = |path| match path {
        "/did:plc:aaaaaaaaaaaaaaaaaaaaaaaa" => answer("200 OK", "{}"),
        "/did:plc:bbbbbbbbbbbbbbbbbbbbbbbb" => answer("410 Gone", ""),
        "/did:plc:cccccccccccccccccccccccc" => answer("404 X", r#"{"message":"DID not available: x"}"#),
        "/did:plc:dddddddddddddddddddddddd" => answer("429 Slow", ""),
        "/did:plc:eeeeeeeeeeeeeeeeeeeeeeee" => answer("503 Busy", ""),
        _ => answer("404 Not Found", r#"{"message":"DID not registered: x"}"#),
    };
    let server = WebServer::plain(site).await;
    let base = format!("http://{}", server.address).parse().unwrap();
    let client = HttpClient::configured(&HttpSettings::default()).unwrap();
    let directory = PlcDirectory::new(client, base).unwrap();
    for (letter, expected) in [
        ("a", Ok(DocumentAnswer::Found("{}".into()))),
        ("b", Ok(DocumentAnswer::Deactivated)),
        ("c", Ok(DocumentAnswer::Deactivated)),
        ("d", Err(ErrorKind::Throttled)),
        ("e", Err(ErrorKind::Unavailable)),
        ("f", Ok(DocumentAnswer::NotFound)),
    ] {
        let did = Did::parse(&format!("did:plc:{}", letter.repeat(24))).unwrap();
        assert_eq!(directory.document(&did).await.map_err(|error| error.kind()), expected, "{letter}");
    }
}

#[tokio::test]
async fn a_profile_record_is_asked_for() {
    let site: Site = |path| answer("200 OK", path);
    let server = WebServer::tls(&["pds.example.com"], site).await;
    let pds = PdsHttp::new(client(&server, true));
    let record =
        pds.profile(&"https://pds.example.com".parse().unwrap(), &Did::parse(DID).unwrap()).await.unwrap();
    let asked = String::from_utf8(record.unwrap().to_vec()).unwrap();
    assert!(asked.starts_with("/xrpc/com.atproto.repo.getRecord?repo=did%3Aplc%3Aa"), "{asked}");
}

/// What a stranger hears of a host inside is what they hear of one that is not there.
#[tokio::test]
async fn a_host_inside_is_a_host_that_is_not_there() {
    let site: Site = |_| answer("200 OK", DID);
    let server = WebServer::tls(&["alice.example.com"], site).await;
    let client = client(&server, true);
    let (hosts, pds) = (WebHosts::new(client.clone()), PdsHttp::new(client));
    let did = Did::parse(DID).unwrap();
    let told = async |host: &str| {
        let document = hosts.document(&WebHost::Name(name(host))).await.unwrap_err();
        let profile = pds.profile(&format!("https://{host}").parse().unwrap(), &did).await.unwrap_err();
        let told = [(document.kind(), document.message()), (profile.kind(), profile.message())];
        told.map(|(kind, message)| (kind, message.replace(host, "HOST")))
    };
    assert_eq!(told("private.example.net").await, told("nowhere.example.net").await);
}

#[tokio::test]
async fn a_pds_is_not_asked_at_an_address_inside_or_at_another_port() {
    let site: Site = |path| answer("200 OK", path);
    let server = WebServer::tls(&["pds.example.com"], site).await;
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port();
    let (did, pds) = (Did::parse(DID).unwrap(), PdsHttp::new(client(&server, true)));
    for (url, kind) in [
        (format!("https://pds.example.com:{port}"), ErrorKind::BadAnswer),
        (format!("http://pds.example.com:{port}"), ErrorKind::BadAnswer),
        (format!("http://127.0.0.1:{port}"), ErrorKind::BadAnswer),
        ("https://10.0.0.1".to_owned(), ErrorKind::BadAnswer),
        ("https://0x0a.1".to_owned(), ErrorKind::BadAnswer),
        ("https://[::ffff:10.0.0.1]".to_owned(), ErrorKind::BadAnswer),
        ("https://private.example.net".to_owned(), ErrorKind::Unavailable),
    ] {
        let error = pds.profile(&url.parse().unwrap(), &did).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{url}: {error}");
    }
    assert_eq!(other.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock, "nobody came");
}

/// Where the directory is configured to be is for the log; what failed there is for everybody.
#[tokio::test]
async fn a_directory_that_fails_is_not_named_by_its_address() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let page = WebServer::plain(|_| "SMTP ready\r\n\r\n".to_owned()).await;
    let did = Did::parse(DID).unwrap();
    for (address, message) in
        [(free, "the directory takes no connection"), (page.address, "the directory does not answer in HTTP")]
    {
        let client = HttpClient::configured(&HttpSettings::default()).unwrap();
        let directory = PlcDirectory::new(client, format!("http://{address}").parse().unwrap()).unwrap();
        let error = directory.document(&did).await.unwrap_err();
        assert_eq!(error.message(), message);
        assert!(error.causes().unwrap().contains("127.0.0.1"), "for the log");
    }
}
