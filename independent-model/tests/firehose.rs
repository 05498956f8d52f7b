//! The event stream over TLS (`wss://`), against a host on loopback.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/authority.rs"]
mod authority;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use authority::Authority;
use futures_util::SinkExt as _;
use namesake::{
    Handle, Invalidator, ManualClock, Scheme, SeededRandomness, Suspicion, Timestamp, http::HttpSettings,
};
use namesake_independent::{
    adapters::Firehose,
    events::{Broken, EventFollower, EventSettings, Relay as _},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::{WebSocketStream, accept_async, tungstenite::Message};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const HANDLE: &str = "alice.example.com";

/// A host with a certificate for `localhost`, which sends one event to whoever gets so far.
struct Host {
    address: SocketAddr,
    authority: Authority,
    _tasks: JoinSet<()>,
}

impl Host {
    async fn start() -> Self {
        let authority = Authority::new();
        let tls = authority.acceptor(&["localhost"], &[]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open: Vec<WebSocketStream<TlsStream<TcpStream>>> = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                let Ok(stream) = tls.accept(stream).await else { continue };
                let mut socket = accept_async(stream).await.unwrap();
                socket.send(Message::binary(event())).await.unwrap();
                open.push(socket);
            }
        });
        Self { address, authority, _tasks: tasks }
    }

    fn firehose(&self, host: &str, trusted: bool) -> Firehose {
        let extra_root_ca = if trusted { vec![self.authority.path().to_owned()] } else { vec![] };
        let settings = HttpSettings { extra_root_ca, ..HttpSettings::default() };
        let url = format!("wss://{host}:{}", self.address.port()).parse().unwrap();
        Firehose::new(&settings, &url, Firehose::DEFAULT_MAX_MESSAGE).unwrap()
    }
}

/// An `#identity` event in DAG-CBOR, as a relay sends it (lexicon `com.atproto.sync.subscribeRepos`).
fn event() -> Vec<u8> {
    let text = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        let head = if length < 24 { vec![0x60 | length] } else { vec![0x78, length] };
        [head, text.as_bytes().to_vec()].concat()
    };
    [
        vec![0xa2],
        [text("t"), text("#identity")].concat(),
        [text("op"), vec![1]].concat(),
        vec![0xa4],
        [text("did"), text(DID)].concat(),
        [text("seq"), vec![7]].concat(),
        [text("time"), text("2026-11-01T00:00:00.000Z")].concat(),
        [text("handle"), text(HANDLE)].concat(),
    ]
    .concat()
}

#[tokio::test]
async fn an_event_arrives_over_tls() {
    let host = Host::start().await;
    let (sender, mut heard) = mpsc::unbounded_channel();
    let scheme = Scheme::parse("independent").unwrap();
    let sender = Mutex::new(sender);
    let follower = EventFollower::new(
        EventSettings::named(scheme),
        Arc::new(host.firehose("localhost", true)),
        None,
        Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
        Arc::new(SeededRandomness::new(1)),
        Invalidator::new(|_| ())
            .on_suspicion(move |suspicion| drop(sender.lock().unwrap().send(suspicion.clone()))),
    );
    let mut tasks = JoinSet::new();
    tasks.spawn(follower.run(std::future::pending()));
    let expected =
        Suspicion::Account { account: DID.parse().unwrap(), handle: Some(Handle::parse(HANDLE).unwrap()) };
    // Before it, that nothing is known of what happened until now.
    while heard.recv().await.unwrap() != expected {}
}

#[tokio::test]
async fn a_bad_certificate_ends_the_stream_before_it_begins() {
    let host = Host::start().await;
    assert!(host.firehose("localhost", true).subscribe(None).await.is_ok());
    for (name, trusted) in [("127.0.0.1", true), ("localhost", false)] {
        match host.firehose(name, trusted).subscribe(None).await {
            Err(Broken::Lost(reason)) => assert!(reason.contains("certificate"), "{reason}"),
            Err(Broken::Unreadable(reason)) => panic!("{name}: {reason}"),
            Ok(_) => panic!("{name}: the stream began"),
        }
    }
}
