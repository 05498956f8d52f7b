//! A bug of ours is answered and logged, and takes nothing else with it.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use namesake::store::{
    Change, Commit, CommitError, Entry, Key, MemoryStore, Store, StoreError, StoreFuture, Version,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    hosted::Place,
    support::{Reply, Says, World},
};

/// What was logged on this thread.
#[derive(Debug, Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        let log = self.clone();
        let subscriber = tracing_subscriber::fmt().with_writer(move || log.clone()).with_ansi(false).finish();
        tracing::subscriber::set_default(subscriber)
    }

    /// The lines with `text` in them.
    fn lines(&self, text: &str) -> Vec<String> {
        let all = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        all.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn a_handler_that_panics_is_a_logged_500_and_the_connection_goes_on() {
    let log = Log::default();
    let _kept = log.keep();
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", namesake::Ttl::Default));
    let server = world.serve().await;
    for (target, accept, kind) in [
        // What may be at hand, and what is not.
        ("/@bug.example.com", "*/*", "application/problem+json"),
        ("/@bug.exampl%65.com", "*/*", "application/problem+json"),
        ("/@bug.example.com", "text/html", "text/html; charset=utf-8"),
        ("/v1/resolve?handle=bug.example.com", "*/*", "application/problem+json"),
        ("/v1/explain?handle=bug.example.com", "*/*", "application/problem+json"),
    ] {
        let request = format!("GET {target} HTTP/1.1\r\nhost: x\r\naccept: {accept}\r\n\r\n");
        let next = "GET /@alice.example.com HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let mut stream = server.connect().await;
        stream.write_all((request + next).as_bytes()).await.unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).await.unwrap();
        let (first, second) = heard.split_at(heard.rfind("HTTP/1.1 ").unwrap());
        let (first, second) = (Reply::parse(first.as_bytes()), Reply::parse(second.as_bytes()));
        assert_eq!((first.status, first.header("content-type")), (500, kind), "{target}: {first:?}");
        assert!(!first.body.contains("a bug in"), "{first:?}");
        assert_eq!(second.status, 200, "{target}");

        let id = first.header("namesake-request-id");
        let told = log.lines(id);
        assert!(!id.is_empty() && told.len() == 1, "{target}: {told:?}");
        assert!(told[0].contains("ERROR") && told[0].contains("a bug in a namespace"), "{told:?}");
    }
}

#[tokio::test]
async fn in_a_batch_it_is_one_of_the_results() {
    let world = World::new();
    world.independent.say("alice.example.com", Says::Found("did:plc:a", namesake::Ttl::Default));
    let server = world.serve().await;
    let handles = r#"{"handles":["bug.example.com","alice.example.com"]}"#;
    let reply = server.send("POST", "/v1/resolve", &[], handles).await;
    let results = reply.json()["results"].clone();
    assert_eq!((&results[0]["status"], &results[1]["status"]), (&500.into(), &200.into()), "{results}");
}

/// A store in memory with a bug in its feed, once that is switched on.
#[derive(Debug, Default)]
struct Buggy {
    store: MemoryStore,
    has_bug: AtomicBool,
}

impl Store for Buggy {
    fn read<'a>(&'a self, key: &'a Key) -> StoreFuture<'a, Result<Option<Entry>, StoreError>> {
        self.store.read(key)
    }

    fn scan<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Option<&'a Key>,
        limit: usize,
    ) -> StoreFuture<'a, Result<Vec<(Key, Entry)>, StoreError>> {
        self.store.scan(prefix, after, limit)
    }

    fn commit(&self, commit: Commit) -> StoreFuture<'_, Result<Version, CommitError>> {
        self.store.commit(commit)
    }

    fn changes(&self, after: Version, limit: usize) -> StoreFuture<'_, Result<Vec<Change>, StoreError>> {
        assert!(!self.has_bug.load(Ordering::Relaxed), "a bug in a store");
        self.store.changes(after, limit)
    }
}

#[tokio::test]
async fn a_stream_whose_writer_panics_ends_and_is_logged() {
    let log = Log::default();
    let _kept = log.keep();
    let store = Arc::new(Buggy::default());
    let place = Place::over(store.clone(), |_, _| ()).await;
    let mut stream = place.server.connect().await;
    stream
        .write_all(b"GET /v1/changes HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n")
        .await
        .unwrap();
    stream.peek(&mut [0]).await.unwrap();
    store.has_bug.store(true, Ordering::Relaxed);
    let mut heard = String::new();
    // However it ends, it ends.
    let _ = stream.read_to_string(&mut heard).await;
    assert!(heard.starts_with("HTTP/1.1 200 "), "{heard}");
    let told = log.lines("server.stream_panicked");
    assert!(told.len() == 1 && told[0].contains("a bug in a store"), "{told:?}");
    assert_eq!(place.server.get("/v1/changes").await.status, 500);
    store.has_bug.store(false, Ordering::Relaxed);
    assert_eq!(place.server.get("/v1/changes").await.status, 200);
}
