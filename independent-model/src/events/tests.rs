//! The follower over real WebSockets, against a host on loopback that follows a script. Time moves when a test says so.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use namesake::{
    Clock, Handle, Invalidator, ManualClock, Moment, Scheme, SeededRandomness, Sleep, Suspicion, Timestamp,
    http::HttpSettings,
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async, tungstenite::Message};
use url::Url;

use super::{
    CursorKeeper, EventFollower, EventSettings,
    scripted::{account, commit, error, identity, info},
};
use crate::adapters::{CursorFile, Firehose};

const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const OTHER: &str = "did:web:other.example.com";

/// A manual clock that tells how long it is asked to wait: so a test knows what the follower is at.
#[derive(Debug)]
struct TestClock(ManualClock, mpsc::UnboundedSender<Duration>);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn moment(&self) -> Moment {
        self.0.moment()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        let _ = self.1.send(Duration::try_from(at.duration_since(self.now())).unwrap_or_default());
        self.0.sleep_until(at)
    }
}

struct Host {
    listener: TcpListener,
    clock: Arc<TestClock>,
    waits: mpsc::UnboundedReceiver<Duration>,
    heard: mpsc::UnboundedReceiver<Suspicion>,
    stop: oneshot::Sender<()>,
    follower: JoinHandle<()>,
}

fn settings() -> EventSettings {
    EventSettings { longest_backoff: Duration::from_secs(8), ..EventSettings::named(scheme()) }
}

fn scheme() -> Scheme {
    Scheme::parse("independent").unwrap()
}

fn start_of_time() -> Timestamp {
    Timestamp::from_second(1_800_000_000).unwrap()
}

impl Host {
    async fn begin() -> Self {
        Self::with(|_| None).await
    }

    async fn with(keeper: impl FnOnce(&Url) -> Option<Arc<dyn CursorKeeper>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = Url::parse(&format!("ws://{}", listener.local_addr().unwrap())).unwrap();
        let (asked, waits) = mpsc::unbounded_channel();
        let clock = Arc::new(TestClock(ManualClock::new(start_of_time()), asked));
        let (tell, heard) = mpsc::unbounded_channel();
        let (stop, stopped) = oneshot::channel();
        let follower = EventFollower::new(
            settings(),
            Arc::new(Firehose::new(&HttpSettings::default(), &url, 4096).unwrap()),
            keeper(&url),
            clock.clone(),
            Arc::new(SeededRandomness::new(1)),
            Invalidator::new(|_| panic!("hearsay purges nothing"))
                .on_suspicion(move |suspicion| drop(tell.send(suspicion.clone()))),
        );
        #[expect(clippy::disallowed_methods, reason = "the test owns it: see `end`")]
        let follower = tokio::spawn(follower.run(async { drop(stopped.await) }));
        Self { listener, clock, waits, heard, stop, follower }
    }

    /// The next connection: what it asks for, and the socket.
    async fn accept(&self) -> (String, WebSocketStream<TcpStream>) {
        use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
        let (stream, _) = self.listener.accept().await.unwrap();
        let mut asked = String::new();
        #[expect(clippy::result_large_err, reason = "the library's signature")]
        let note = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            asked = request.uri().to_string();
            Ok(response)
        };
        let socket = accept_hdr_async(stream, note).await.unwrap();
        (asked.strip_prefix("/xrpc/com.atproto.sync.subscribeRepos").unwrap().to_owned(), socket)
    }

    /// Waits until the follower waits for something of this kind, and lets that time pass.
    async fn pass(&mut self, kind: impl Fn(Duration) -> bool) -> Duration {
        loop {
            let wait = self.waits.recv().await.unwrap();
            if kind(wait) {
                self.clock.0.advance(wait);
                return wait;
            }
        }
    }

    async fn pass_backoff(&mut self) -> Duration {
        self.pass(|wait| wait <= settings().longest_backoff).await
    }

    async fn hears(&mut self, suspicions: &[Suspicion]) {
        for suspicion in suspicions {
            assert_eq!(self.heard.recv().await.as_ref(), Some(suspicion));
        }
    }

    /// Ends the follower, which heard nothing else.
    async fn end(mut self) {
        self.stop.send(()).unwrap();
        self.follower.await.unwrap();
        assert_eq!(self.heard.recv().await, None);
    }
}

fn about(did: &str, handle: Option<&str>) -> Suspicion {
    let handle = handle.map(|name| Handle::parse(name).unwrap());
    Suspicion::Account { account: did.parse().unwrap(), handle }
}

fn everything() -> Suspicion {
    Suspicion::Everything { scheme: scheme() }
}

async fn send(socket: &mut WebSocketStream<TcpStream>, messages: impl IntoIterator<Item = Vec<u8>>) {
    for message in messages {
        socket.send(Message::binary(message)).await.unwrap();
    }
}

#[tokio::test]
async fn marks_what_events_are_about_and_resumes_behind_them() {
    let mut host = Host::begin().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "", "nothing is known of this stream: from now on");
    send(&mut socket, [identity(7, DID, Some("alice.example.com")), account(8, OTHER), commit(9)]).await;
    host.hears(&[everything(), everything(), about(DID, Some("alice.example.com")), about(OTHER, None)])
        .await;
    socket.close(None).await.unwrap();
    host.pass_backoff().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "?cursor=9");
    send(&mut socket, [identity(10, DID, None)]).await;
    host.hears(&[about(DID, None)]).await;
    host.end().await;
}

/// Scenario 23.
#[tokio::test]
async fn a_poisonous_message_stops_nothing() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    let cut = identity(2, DID, None).split_at(20).0.to_vec();
    let nested = [&[0x81; 4000][..], &[0]].concat();
    send(&mut socket, [commit(1), cut, vec![], vec![0xff], nested, identity(3, "did:plc:short", None)]).await;
    socket.send(Message::text("hello")).await.unwrap();
    send(&mut socket, [identity(4, DID, Some("no handle")), info("Weather")]).await;
    host.hears(&[everything(), everything(), about(DID, None)]).await;
    host.end().await;
}

#[tokio::test]
async fn what_the_host_no_longer_has_makes_everything_suspect() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(1), info("OutdatedCursor"), identity(5, DID, None)]).await;
    host.hears(&[everything(), everything(), everything(), about(DID, None)]).await;
    host.end().await;
}

#[tokio::test]
async fn a_host_that_counts_anew_is_followed_anew() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(900)]).await;
    drop(socket);
    host.pass_backoff().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "?cursor=900");
    host.hears(&[everything(), everything()]).await;
    send(&mut socket, [error("FutureCursor")]).await;
    host.pass_backoff().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "");
    send(&mut socket, [identity(1, DID, None)]).await;
    host.hears(&[everything(), everything(), about(DID, None)]).await;
    host.end().await;
}

/// Without a word about it: only the numbers tell.
#[tokio::test]
async fn a_number_that_does_not_follow_is_a_gap() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(1_000_000)]).await;
    host.hears(&[everything(), everything()]).await;
    drop(socket);
    host.pass_backoff().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "?cursor=1000000");
    // Each is a gap, and what follows on it is none.
    let far = 7 + settings().longest_leap;
    for (seq, is_gap) in [
        (5, true),
        (6, false),
        (6, true),
        (7, false),
        (far, false),
        (far + settings().longest_leap + 1, true),
        (far + settings().longest_leap + 2, false),
        (0, true),
        (i64::MAX.unsigned_abs(), true),
        (1, true),
        (3, false),
    ] {
        send(&mut socket, [identity(seq, DID, None)]).await;
        if is_gap {
            host.hears(&[everything()]).await;
        }
        host.hears(&[about(DID, None)]).await;
    }
    send(&mut socket, [commit(3), account(4, OTHER), account(4, OTHER)]).await;
    host.hears(&[everything(), about(OTHER, None), everything(), about(OTHER, None)]).await;
    drop(socket);
    host.pass_backoff().await;
    assert_eq!(host.accept().await.0, "?cursor=4", "it goes on by the new count");
    host.end().await;
}

#[tokio::test]
async fn a_host_that_found_us_too_slow_is_resumed_and_everything_is_suspect() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(3), error("ConsumerTooSlow")]).await;
    host.hears(&[everything(), everything(), everything()]).await;
    host.pass_backoff().await;
    assert_eq!(host.accept().await.0, "?cursor=3");
    host.end().await;
}

/// From the same place the same message would come again, for ever.
#[tokio::test]
async fn a_message_that_is_too_long_is_a_gap_and_no_wall() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(3)]).await;
    host.hears(&[everything(), everything()]).await;
    let _ = socket.send(Message::binary(vec![0; 5000])).await;
    host.pass_backoff().await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "");
    send(&mut socket, [commit(5)]).await;
    host.hears(&[everything(), everything()]).await;
    host.end().await;
}

#[tokio::test]
async fn a_host_that_does_not_begin_is_left_and_tried_again() {
    let mut host = Host::begin().await;
    let silent = host.listener.accept().await.unwrap();
    host.pass(|wait| wait == settings().connect_timeout).await;
    host.pass_backoff().await;
    drop(silent);
    let (mut refusing, _) = host.listener.accept().await.unwrap();
    refusing.write_all(b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n").await.unwrap();
    host.pass_backoff().await;
    host.accept().await;
    host.hears(&[everything()]).await;
    host.end().await;
}

#[tokio::test]
async fn silence_is_asked_about_and_then_ends_the_connection() {
    let mut host = Host::begin().await;
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(1)]).await;
    host.hears(&[everything(), everything()]).await;

    // This host lives: a minute and more passes, and it is still the same connection.
    for seq in 2..=5 {
        host.pass(|wait| wait == settings().ping_after).await;
        assert!(matches!(socket.next().await, Some(Ok(Message::Ping(_)))));
        socket.flush().await.unwrap();
        send(&mut socket, [identity(seq, DID, None)]).await;
        host.hears(&[about(DID, None)]).await;
    }
    // Now it is dead: it hears nothing and says nothing.
    for _ in 0..3 {
        host.pass(|wait| wait == settings().ping_after).await;
    }
    host.pass_backoff().await;
    assert_eq!(host.accept().await.0, "?cursor=5");
    drop(socket);
    host.end().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_hides_no_dead_host() {
    let mut host = Host::begin().await;
    let (_, socket) = host.accept().await;
    host.hears(&[everything()]).await;
    let a_day_ago = start_of_time() - Duration::from_secs(24 * 3600);
    for _ in 0..3 {
        host.pass(|wait| wait == settings().ping_after).await;
        host.clock.0.set(a_day_ago);
    }
    host.pass_backoff().await;
    host.accept().await;
    drop(socket);
    host.end().await;
}

#[tokio::test]
async fn attempts_grow_rare_within_a_bound_until_one_is_fruitful() {
    let mut host = Host::begin().await;
    for longest in [1.0, 2.0, 4.0, 8.0, 8.0] {
        drop(host.listener.accept().await.unwrap());
        let wait = host.pass_backoff().await.as_secs_f64();
        assert!((longest / 2.0..=longest).contains(&wait), "{wait} of {longest}");
    }
    let (_, mut socket) = host.accept().await;
    send(&mut socket, [commit(1)]).await;
    host.hears(&[everything(), everything()]).await;
    drop(socket);
    assert!(host.pass_backoff().await <= Duration::from_secs(1));
    host.accept().await;
    host.end().await;
}

#[tokio::test]
async fn it_stops_while_it_waits() {
    let mut host = Host::begin().await;
    drop(host.listener.accept().await.unwrap());
    let wait = loop {
        let wait = host.waits.recv().await.unwrap();
        if wait <= settings().longest_backoff {
            break wait;
        }
    };
    assert!(wait > Duration::ZERO);
    host.end().await;
}

#[tokio::test]
async fn the_cursor_outlives_the_process_and_is_never_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cursor");
    // Each host has another port: the file must take it for the same stream.
    let stream = Url::parse("wss://relay.example.com").unwrap();
    let file = || CursorFile::new(path.clone(), &stream);
    let mut host = Host::with(|_| Some(Arc::new(file()))).await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "");
    send(&mut socket, [commit(1), identity(2, DID, None)]).await;
    host.hears(&[everything(), everything(), about(DID, None)]).await;
    assert_eq!(file().load().await.unwrap(), None, "not at every event");

    host.clock.0.advance(settings().save_every);
    send(&mut socket, [identity(3, DID, None), identity(4, DID, None)]).await;
    host.hears(&[about(DID, None), about(DID, None)]).await;
    assert_eq!(file().load().await.unwrap(), Some(3));
    host.end().await;
    assert_eq!(file().load().await.unwrap(), Some(4), "and at the end");

    let mut host = Host::with(|_| Some(Arc::new(file()))).await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "?cursor=4");
    send(&mut socket, [identity(5, DID, None)]).await;
    host.hears(&[about(DID, None)]).await;
    host.end().await;

    // The host began anew meanwhile.
    let mut host = Host::with(|_| Some(Arc::new(file()))).await;
    let (asked, mut socket) = host.accept().await;
    assert_eq!(asked, "?cursor=5");
    send(&mut socket, [identity(3, DID, None)]).await;
    host.hears(&[everything(), about(DID, None)]).await;
    host.end().await;
    assert_eq!(file().load().await.unwrap(), Some(3), "the place in the new count");
}
