//! `GET /v1/changes`: a page of it, and the stream.

use std::{sync::Arc, time::Duration};

use namesake::{
    ManualClock,
    store::{Commit, Key, MemoryStore, SledOptions, SledStore, Store},
};
use namesake_resolver::{Limits, demo};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpSocket, TcpStream},
};

use crate::{
    hosted::{ACCOUNTS, Place, refused},
    support::{Server, World, send, serve_on},
};

const EVENTS: (&str, &str) = ("accept", "text/event-stream");
const STREAM: &[u8] = b"GET /v1/changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n";
/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(3600);

async fn page(server: &Server, query: &str) -> Value {
    let reply = server.get(&format!("/v1/changes{query}")).await;
    assert_eq!((reply.status, reply.header("cache-control")), (200, "no-store"), "{}", reply.body);
    reply.json()
}

/// The accounts of a page or of events, by the first letter of their labels.
fn letters(changes: &[Value]) -> String {
    changes.iter().map(|change| &change["account"].as_str().unwrap()["did:web:".len()..][..1]).collect()
}

/// The record of an account that lives here, as far as its key goes.
fn key(letter: char) -> Key {
    Key::new(format!("independent/account/did:web:{letter}.id.people.test")).unwrap()
}

/// Writes the records of these accounts in one commit, with something that is nobody's.
async fn touch(store: &dyn Store, letters: &str) {
    let nobodys = Commit::new().put(Key::new("independent/handle/secret.people.test").unwrap(), *b"x");
    let commit = letters.chars().fold(nobodys, |commit, letter| commit.put(key(letter), *b"{}"));
    store.commit(commit).await.unwrap();
}

async fn place(commits: &[&str], limit: impl FnOnce(&mut Limits)) -> (Place, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    for letters in commits {
        touch(&*store, letters).await;
    }
    (Place::over(store.clone(), |_, limits| limit(limits)).await, store)
}

/// A client of the stream.
struct Stream {
    socket: TcpStream,
    text: String,
}

impl Stream {
    async fn open(server: &Server, query: &str, last: Option<&str>) -> Self {
        let mut stream = Self { socket: server.connect().await, text: String::new() };
        // Of this version, so that the body is not cut into chunks.
        let mut request =
            format!("GET /v1/changes{query} HTTP/1.0\r\nhost: x\r\naccept: text/event-stream\r\n");
        if let Some(last) = last {
            request += &format!("last-event-id: {last}\r\n");
        }
        stream.socket.write_all(format!("{request}\r\n").as_bytes()).await.unwrap();
        let head = stream.until("\r\n\r\n").await.to_lowercase();
        assert!(head.starts_with("http/1.0 200"), "{head}");
        for header in ["content-type: text/event-stream", "cache-control: no-store", "x-accel-buffering: no"]
        {
            assert!(head.contains(header), "{head}");
        }
        stream
    }

    /// All up to `end`, and that.
    async fn until(&mut self, end: &str) -> String {
        loop {
            if let Some(at) = self.text.find(end) {
                let rest = self.text.split_off(at + end.len());
                return std::mem::replace(&mut self.text, rest);
            }
            let mut bytes = [0; 4096];
            let read = self.socket.read(&mut bytes).await.unwrap();
            assert!(read > 0, "the stream ended: {}", self.text);
            self.text += std::str::from_utf8(&bytes[..read]).unwrap();
        }
    }

    /// The next event's data, whose id is its `seq`.
    async fn event(&mut self) -> Value {
        loop {
            let event = self.until("\n\n").await;
            if event.starts_with(':') {
                continue;
            }
            let data = event.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
            let data: Value = serde_json::from_str(data).unwrap();
            let id = data["seq"].as_str().unwrap();
            assert!(event.starts_with(&format!("id: {id}\nevent: change\ndata: ")), "{event}");
            return data;
        }
    }

    async fn events(&mut self, number: usize) -> Vec<Value> {
        let mut events = Vec::new();
        for _ in 0..number {
            events.push(self.event().await);
        }
        events
    }
}

#[tokio::test]
async fn every_change_of_an_account_that_lives_here_is_there_once() {
    let place = Place::new().await;
    assert_eq!(page(&place.server, "").await, json!({ "changes": [], "next": "0", "more": false }));
    let mut dora = place.register(1, "dora.people.test").await;
    let eve = place.register(2, "eve.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    let record = eve.record(&json!({ "rev": 1, "displayName": "Eve" }), place.tick());
    let put = format!("{ACCOUNTS}/{}/profile", eve.did());
    assert_eq!(place.server.send("PUT", &put, &[], &record).await.status, 200);
    // What was taken before changes nothing, and neither does what is refused.
    assert_eq!(place.server.send("PUT", &put, &[], &record).await.status, 200);
    assert_eq!(place.post(&dora.log_path(), "{}").await.status, 422);
    let closing = dora.close(place.tick());
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 201);

    let page = page(&place.server, "").await;
    let changes = page["changes"].as_array().unwrap();
    let accounts: Vec<_> = changes.iter().map(|change| change["account"].as_str().unwrap()).collect();
    assert_eq!(accounts, [&dora, &eve, &dora, &eve, &dora].map(|author| author.did()));
    for change in changes {
        assert_eq!((&change["scheme"], &change["deleted"]), (&json!("independent"), &json!(false)));
        assert_eq!(change.as_object().unwrap().len(), 4);
    }
    assert_eq!((&page["more"], &page["next"]), (&json!(false), &changes[4]["seq"]));
}

#[tokio::test]
async fn every_change_of_a_mirrored_account_is_there_once_and_no_name() {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let world = demo::World::start(demo::Options::private(clock, 7).await.unwrap()).await.unwrap();
    let address = world.public_url.socket_addrs(|| None).unwrap()[0];
    let all =
        async |after: &str| send(address, "GET", &format!("/v1/changes?after={after}"), &[], "").await.json();
    let before = all("0").await;
    let bob = world.link("bob").await.unwrap();
    let linked = all(before["next"].as_str().unwrap()).await;

    let control = world.sandbox.url().socket_addrs(|| None).unwrap()[0];
    let host = control.to_string();
    let json = [("content-type", "application/json"), ("host", host.as_str())];
    let renamed =
        send(control, "PATCH", "/_control/people/bob", &json, r#"{"username":"robert.the.second"}"#).await;
    assert!(renamed.status < 300, "{}", renamed.body);
    world.sandbox.delivered().await;
    world.mirror.settled().await;
    let renamed = all(linked["next"].as_str().unwrap()).await;

    let bearer = format!("Bearer {}", bob.token.expose());
    let own = format!("/v1/mirror/accounts/{}", bob.account);
    assert_eq!(send(address, "DELETE", &own, &[("authorization", &bearer)], "").await.status, 204);
    let deleted = all(renamed["next"].as_str().unwrap()).await;

    for (page, gone) in [(&linked, false), (&renamed, false), (&deleted, true)] {
        let change =
            json!({ "seq": page["next"], "account": bob.account, "scheme": "threads", "deleted": gone });
        assert_eq!(page, &json!({ "changes": [change], "next": page["next"], "more": false }));
    }
    let whole = send(address, "GET", "/v1/changes?limit=1000", &[], "").await.body;
    for name in ["alice", "jane", "bob", "robert"] {
        assert!(!whole.contains(name), "{name}: {whole}");
    }
    world.stop().await;
}

#[tokio::test]
async fn pages_are_whole_commits_in_order_and_any_cursor_misses_nothing() {
    let (place, store) = place(&["a", "", "bcd", "", "e", ""], |_| ()).await;
    let server = &place.server;
    let mut seen = Vec::new();
    let mut next = "0".to_owned();
    for (expected, more) in [("a", true), ("bcd", true), ("e", false), ("", false)] {
        let page = page(server, &format!("?limit=2&after={next}")).await;
        let changes = page["changes"].as_array().unwrap();
        assert_eq!((letters(changes).as_str(), &page["more"]), (expected, &json!(more)), "after {next}");
        next = page["next"].as_str().unwrap().to_owned();
        seen.extend(changes.iter().cloned());
    }
    let whole = page(server, "").await;
    assert_eq!(whole["changes"], json!(seen));
    assert_eq!(page(server, "?limit=4").await["changes"].as_array().unwrap().len(), 4);
    // Whoever stopped in the middle of a commit gets all of it again.
    for (place, rest) in [(0, "bcde"), (1, "bcde"), (2, "bcde"), (3, "e"), (4, "")] {
        let page = page(server, &format!("?after={}", seen[place]["seq"].as_str().unwrap())).await;
        assert_eq!(letters(page["changes"].as_array().unwrap()), rest);
    }
    // The end that was reached is beyond what is nobody's.
    store.commit(Commit::new().delete(key('a'))).await.unwrap();
    let page = page(server, &format!("?after={next}")).await;
    assert_eq!(
        (letters(page["changes"].as_array().unwrap()), &page["changes"][0]["deleted"]),
        ("a".into(), &json!(true))
    );
}

#[tokio::test]
async fn a_cursor_of_elsewhere_is_refused_in_words() {
    let (here, store) = place(&["a", "b"], |_| ()).await;
    let (elsewhere, _) = place(&["c", "d"], |_| ()).await;
    let cursor = page(&here.server, "").await["next"].as_str().unwrap().to_owned();
    let foreign = page(&elsewhere.server, "").await["next"].as_str().unwrap().to_owned();
    touch(&*store, "c").await;
    let ahead = page(&here.server, "").await["next"].as_str().unwrap().to_owned();
    let (behind, _) = place(&["a", "b"], |_| ()).await;
    assert_eq!(page(&behind.server, &format!("?after={cursor}")).await["more"], false, "a copy goes on");

    let cut = &cursor[..cursor.len() - 1];
    for (server, wrong) in [
        (&here.server, foreign.as_str()),
        (&behind.server, &ahead),
        (&here.server, cut),
        (&here.server, "x"),
        (&here.server, "1"),
        (&here.server, "-"),
        (&here.server, "0-"),
        (&here.server, ""),
        (&here.server, &format!("0{cursor}")),
    ] {
        for (headers, target) in [
            (&[][..], format!("/v1/changes?after={wrong}")),
            (&[EVENTS], format!("/v1/changes?after={wrong}")),
            (
                &[EVENTS, ("last-event-id", if wrong.is_empty() { "x" } else { wrong })],
                "/v1/changes".to_owned(),
            ),
        ] {
            let reply = server.send("GET", &target, headers, "").await;
            assert_eq!(refused(&reply), (400, "invalid-request".to_owned()), "{wrong}");
            assert!(reply.json()["detail"].as_str().unwrap().contains("cursor"), "{}", reply.body);
        }
    }
    for wrong in ["limit=0", "limit=1001", "limit=x", "limit=1&limit=2", "after=0&after=0"] {
        assert_eq!(refused(&here.server.get(&format!("/v1/changes?{wrong}")).await).0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn where_nothing_is_kept_there_is_no_feed() {
    let server = World::new().serve().await;
    for headers in [&[][..], &[EVENTS]] {
        let reply = server.send("GET", "/v1/changes", headers, "").await;
        assert_eq!(refused(&reply), (404, "not-found".to_owned()));
    }
}

#[tokio::test]
async fn after_a_restart_a_client_gets_exactly_what_it_missed() {
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        let store = SledStore::open(SledOptions {
            cache_bytes: 1 << 20,
            ..SledOptions::at(folder.path().join("store"))
        });
        Arc::new(store.unwrap())
    };
    let (cursor, id) = {
        let store = open();
        touch(&*store, "a").await;
        touch(&*store, "bc").await;
        let place = Place::over(store.clone(), |_, _| ()).await;
        let cursor = page(&place.server, "").await["next"].as_str().unwrap().to_owned();
        let mut stream = Stream::open(&place.server, "", None).await;
        let id = stream.events(3).await[2]["seq"].as_str().unwrap().to_owned();
        drop(stream);
        place.stop().await;
        touch(&*store, "d").await;
        (cursor, id)
    };
    let store = open();
    touch(&*store, "ef").await;
    let place = Place::over(store, |_, _| ()).await;
    let missed = page(&place.server, &format!("?after={cursor}")).await;
    assert_eq!(letters(missed["changes"].as_array().unwrap()), "def");
    // Where a client was counts for more than where it began.
    for (query, last) in [
        ("?after=0", Some(id.as_str())),
        (&format!("?after={id}"), None),
        (&format!("?after={id}"), Some("")),
    ] {
        let mut stream = Stream::open(&place.server, query, last).await;
        assert_eq!(json!(stream.events(3).await), missed["changes"]);
    }
}

#[tokio::test]
async fn a_stream_tells_of_changes_as_they_happen() {
    let (place, store) = place(&["a"], |limits| limits.change_heartbeat = LONG).await;
    let mut stream = Stream::open(&place.server, "", None).await;
    assert_eq!(letters(&stream.events(1).await), "a");
    // One that is told of, and one that only the store knows of.
    let dora = place.register(1, "dora.people.test").await;
    assert_eq!(stream.event().await["account"], dora.did());
    touch(&*store, "bc").await;
    let events = stream.events(2).await;
    assert_eq!(letters(&events), "bc");
    let whole = page(&place.server, "").await;
    assert_eq!(whole["changes"].as_array().unwrap()[2..], events);
}

#[tokio::test]
async fn a_stream_without_changes_shows_signs_of_life() {
    let (place, _) = place(&[], |limits| limits.change_heartbeat = Duration::from_millis(20)).await;
    let mut stream = Stream::open(&place.server, "", None).await;
    for _ in 0..3 {
        assert_eq!(stream.until("\n\n").await, ":\n\n");
    }
}

#[tokio::test]
async fn who_comes_when_all_streams_are_taken_is_told_to_come_back() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let guard = metrics::set_default_local_recorder(&recorder);
    let (place, _) = place(&["a"], |limits| limits.change_streams = 2).await;
    drop(guard);
    let open = |number: u32| metrics.render().contains(&format!("namesake_change_streams {number}\n"));
    let first = Stream::open(&place.server, "", None).await;
    let _second = Stream::open(&place.server, "", None).await;
    assert!(open(2), "{}", metrics.render());

    // An `EventSource` that gets anything but 200 never comes back.
    comes_back(&place.server, 10_000).await;
    // Pages are for everybody, and a look at the head takes no place.
    page(&place.server, "").await;
    let head = place.server.send("HEAD", "/v1/changes", &[EVENTS], "").await;
    assert_eq!(
        (head.status, head.header("content-type"), head.body.as_str()),
        (200, "text/event-stream", "")
    );

    drop(first);
    while !open(1) {
        tokio::task::yield_now().await;
    }
    Stream::open(&place.server, "", None).await;
}

/// Whoever asks for a stream now is told when to come back.
async fn comes_back(server: &Server, after_ms: u64) {
    let reply = server.send("GET", "/v1/changes", &[EVENTS], "").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "text/event-stream"));
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(reply.body, format!("retry: {after_ms}\n\n"));
}

#[tokio::test]
async fn one_client_has_few_streams_at_whichever_door() {
    let (place, _) = place(&["a"], |limits| limits.change_streams_per_client = 2).await;
    let elsewhere = serve_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), &place.namesake, false);
    let first = Stream::open(&place.server, "", None).await;
    let mut second = Stream::open(&elsewhere, "", None).await;
    comes_back(&place.server, 10_000).await;
    comes_back(&elsewhere, 10_000).await;

    drop(first);
    second.event().await;
    while begin(&place.server).await.contains("retry: ") {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn one_client_asks_so_often_and_a_stream_is_told_when_to_come_back() {
    let (place, _) = place(&["a"], |limits| limits.changes_per_minute = 1).await;
    page(&place.server, "").await;
    let refusal = place.server.get("/v1/changes").await;
    assert_eq!(refused(&refusal), (429, "too-many-requests".to_owned()));
    let wait: u64 = refusal.header("retry-after").parse().unwrap();
    let stream = place.server.send("GET", "/v1/changes", &[EVENTS], "").await;
    assert_eq!((stream.status, stream.header("content-type")), (200, "text/event-stream"));
    let told = stream.body.strip_prefix("retry: ").and_then(|rest| rest.trim_end().parse::<u64>().ok());
    assert!(told.is_some_and(|told| (1000..=wait * 1000).contains(&told)), "{}", stream.body);
}

#[tokio::test]
async fn a_page_walks_past_so_many_keys_that_are_nobodys_and_no_more() {
    let store = Arc::new(MemoryStore::default());
    for _ in 0..2500 {
        let nobodys = Commit::new().put(Key::new("independent/handle/secret.people.test").unwrap(), *b"x");
        store.commit(nobodys).await.unwrap();
    }
    touch(&*store, "a").await;
    let place = Place::over(store, |_, _| ()).await;
    let mut next = "0".to_owned();
    for (walked, expected) in [("1000-", ""), ("2000-", ""), ("2501-", "a")] {
        let page = page(&place.server, &format!("?limit=1000&after={next}")).await;
        assert_eq!(
            (letters(page["changes"].as_array().unwrap()).as_str(), &page["more"]),
            (expected, &json!(true))
        );
        next = page["next"].as_str().unwrap().to_owned();
        assert!(next.starts_with(walked), "{next}");
    }
    assert_eq!(page(&place.server, &format!("?after={next}")).await["more"], false);
    // A stream gets there by itself.
    let mut stream = Stream::open(&place.server, "", None).await;
    assert_eq!(letters(&stream.events(1).await), "a");
}

#[tokio::test]
async fn a_shutdown_ends_streams_at_once() {
    let (place, _) = place(&["a"], |limits| limits.drain_timeout = LONG).await;
    let mut whole = place.server.connect().await;
    whole.write_all(STREAM).await.unwrap();
    let mut stream = Stream::open(&place.server, "", None).await;
    stream.events(1).await;
    // A hanging test has found a stream that shutdown waits for.
    place.stop().await;
    let mut text = String::new();
    whole.read_to_string(&mut text).await.unwrap();
    assert!(text.contains("event: change") && text.ends_with("\r\n0\r\n\r\n"), "a whole answer: {text}");
    assert_eq!(stream.socket.read_to_string(&mut stream.text).await.unwrap(), 0);
}

/// A service with more to tell than finds room on the way to a reader.
async fn overflowing(limit: impl FnOnce(&mut Limits)) -> (Place, Server) {
    let store = Arc::new(MemoryStore::default());
    for commit in 0..20 {
        let host = |number| format!("u{commit}x{number}{:0>200}", ".id.people.test");
        let keys = (0..64).map(|number| Key::new(format!("independent/account/did:web:{}", host(number))));
        let commit = keys.fold(Commit::new(), |commit, key| commit.put(key.unwrap(), *b"{}"));
        store.commit(commit).await.unwrap();
    }
    let place = Place::over(store, |_, limits| limit(limits)).await;
    // The sockets of its connections are like it.
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_send_buffer_size(4096).unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = serve_on(socket.listen(16).unwrap(), &place.namesake, false);
    (place, server)
}

/// Somebody who begins to read a stream, and stops.
async fn slow_reader(server: &Server) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    let mut stream = socket.connect(server.address).await.unwrap();
    stream.write_all(STREAM).await.unwrap();
    stream.read_exact(&mut [0; 1000]).await.unwrap();
    stream
}

#[tokio::test]
async fn a_reader_that_does_not_read_is_cut_off() {
    let (_place, server) = overflowing(|limits| {
        limits.change_streams = 1;
        limits.change_stall = Duration::from_millis(50);
    })
    .await;
    let mut slow = slow_reader(&server).await;
    // Its place is free again without its doing anything.
    while begin(&server).await.contains("retry: ") {
        tokio::task::yield_now().await;
    }
    let mut rest = Vec::new();
    let _ = slow.read_to_end(&mut rest).await;
    assert!(!rest.ends_with(b"0\r\n\r\n"), "it was not the end");
}

/// The first words of a stream to somebody who then leaves.
async fn begin(server: &Server) -> String {
    let mut stream = Stream::open(server, "", None).await;
    stream.until("\n").await
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_reader_that_does_not_read() {
    let (_place, server) = overflowing(|limits| {
        limits.change_stall = LONG;
        limits.drain_timeout = LONG;
    })
    .await;
    let _slow = slow_reader(&server).await;
    server.begin_stop().await.unwrap().unwrap();
}
