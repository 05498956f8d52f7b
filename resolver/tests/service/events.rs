//! What a service answers after an event: the sources' word, never the event's.

use std::{future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use namesake::{ManualClock, Scheme, SeededRandomness, Timestamp};
use namesake_independent::{
    Did, Faults, IndependentModel, IndependentSettings, PortFuture, PrivateWorld,
    events::{Broken, EventFollower, EventSettings, Heard, Relay, Subscription, SubscriptionFuture},
};
use namesake_resolver::Namesake;
use serde_json::json;
use tokio::{
    sync::{Mutex, mpsc, watch},
    task::JoinSet,
};

use crate::support::{Server, serve};

const A: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";
const ALICE: &str = "alice.example.com";
const BOB: &str = "bob.example.com";

/// A relay in memory, and how often it was asked for more.
#[derive(Debug)]
struct Script(Arc<Mutex<mpsc::UnboundedReceiver<Bytes>>>, watch::Sender<usize>);

impl Relay for Script {
    fn subscribe(&self, _: Option<u64>) -> PortFuture<'_, Box<dyn Subscription>, Broken> {
        let stream: Box<dyn Subscription> = Box::new(Self(Arc::clone(&self.0), self.1.clone()));
        Box::pin(async { Ok(stream) })
    }
}

impl Subscription for Script {
    fn next(&mut self) -> SubscriptionFuture<'_, Heard> {
        self.1.send_modify(|asked| *asked += 1);
        Box::pin(async move {
            match self.0.lock().await.recv().await {
                Some(message) => Ok(Heard::Message(message)),
                None => pending().await,
            }
        })
    }

    fn ping(&mut self) -> SubscriptionFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// The real model over a private internet, behind the cache, with a follower of scripted events.
struct Net {
    internet: Arc<PrivateWorld>,
    clock: Arc<ManualClock>,
    namesake: Namesake,
    server: Server,
    relay: mpsc::UnboundedSender<Bytes>,
    asked: watch::Receiver<usize>,
    sent: usize,
    _follower: JoinSet<()>,
}

fn did(text: &str) -> Did {
    Did::parse(text).unwrap()
}

impl Net {
    async fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let internet = PrivateWorld::new();
        internet.add_person(&did(A), ALICE, "Alice", "");
        internet.add_person(&did(B), BOB, "Bob", "");
        let builder = Namesake::builder();
        let (relay, messages) = mpsc::unbounded_channel();
        let (count, asked) = watch::channel(0);
        let follower = EventFollower::new(
            EventSettings::named(Scheme::parse("independent").unwrap()),
            Arc::new(Script(Arc::new(Mutex::new(messages)), count)),
            None,
            clock.clone(),
            Arc::new(SeededRandomness::new(1)),
            builder.invalidator(&Scheme::parse("independent").unwrap()),
        );
        let model = IndependentModel::new(IndependentSettings::default(), internet.ports(), clock.clone());
        let namesake = builder
            .independent(Arc::new(model))
            .clock(clock.clone())
            .public_url("https://names.example".parse().unwrap())
            .build()
            .unwrap();
        let server = serve(&namesake, false).await;
        let mut tasks = JoinSet::new();
        tasks.spawn(follower.run(pending()));
        let mut net = Self { internet, clock, namesake, server, relay, asked, sent: 0, _follower: tasks };
        net.event(b"\xa2\x62op\x01\x61t\x65#info\xa0").await; // the gap of a beginning is behind us
        net
    }

    /// The relay sends this, and the follower has dealt with it.
    async fn event(&mut self, message: &[u8]) {
        self.relay.send(Bytes::copy_from_slice(message)).unwrap();
        self.sent += 1;
        let sent = self.sent;
        self.asked.wait_for(|asked| *asked > sent).await.unwrap();
    }

    async fn identity(&mut self, did: &str, handle: &str) {
        let text = |text: &str| [&[0x78, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
        let mut message = b"\xa2\x62op\x01\x61t\x69#identity\xa3\x63seq\x07".to_vec();
        for (key, value) in [("did", did), ("handle", handle)] {
            message.extend([text(key), text(value)].concat());
        }
        self.event(&message).await;
    }

    /// Who `text` is, `~` in front of a stale answer; `!status` for a problem.
    async fn who(&self, text: &str) -> String {
        let query = self.namesake.query(text, None).unwrap();
        match self.namesake.resolve(&query, false).await {
            Ok(found) if found.freshness.unwrap().stale => format!("~{}", found.account),
            Ok(found) => found.account,
            Err(problem) => format!("!{}", problem.status),
        }
    }

    async fn xrpc(&self, method: &str, query: &str) -> serde_json::Value {
        self.server.get(&format!("/xrpc/com.atproto.identity.{method}?{query}")).await.json()
    }

    /// The handle that `resolveIdentity` gives an account.
    async fn handle_of(&self, did: &str) -> String {
        let found = self.xrpc("resolveIdentity", &format!("identifier={did}")).await;
        found["handle"].as_str().unwrap_or_default().to_owned()
    }

    async fn did_of(&self, handle: &str) -> String {
        self.xrpc("resolveHandle", &format!("handle={handle}")).await["did"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }
}

/// Scenario 26, by events.
#[tokio::test]
async fn a_handle_that_moves_is_seen_on_both_sides() {
    let mut net = Net::new().await;
    assert_eq!((net.who(ALICE).await, net.who(BOB).await), (A.into(), B.into()));
    assert_eq!((net.handle_of(A).await, net.handle_of(B).await), (ALICE.into(), BOB.into()));
    assert_eq!(net.did_of(ALICE).await, A);

    net.internet.rename(&did(B), ALICE);
    let before = net.internet.calls().total();
    assert_eq!((net.who(ALICE).await, net.handle_of(A).await), (A.into(), ALICE.into()));
    assert_eq!(net.internet.calls().total(), before, "remembered, and nobody said a word");

    net.identity(B, ALICE).await;
    assert_eq!(net.internet.calls().total(), before, "an event by itself asks nobody");
    assert_eq!(net.who(ALICE).await, B);
    assert_eq!(net.who(BOB).await, "!404", "the old name, through the account it was remembered with");
    assert_eq!((net.handle_of(B).await, net.handle_of(A).await), (ALICE.into(), "handle.invalid".into()));
    assert_eq!(net.did_of(ALICE).await, B);
}

/// Scenario 23, first half.
#[tokio::test]
async fn a_false_event_changes_nothing_and_costs_one_look() {
    let mut net = Net::new().await;
    net.who(ALICE).await;
    let one_look = net.internet.calls().total();
    net.identity(B, ALICE).await;
    assert_eq!((net.who(ALICE).await, net.who(ALICE).await), (A.into(), A.into()));
    assert_eq!(net.internet.calls().total(), 2 * one_look);
}

/// Scenario 23, second half.
#[tokio::test]
async fn an_account_with_an_unusable_document_does_not_stop_the_events_behind_it() {
    let mut net = Net::new().await;
    assert_eq!((net.who(ALICE).await, net.who(BOB).await), (A.into(), B.into()));
    net.internet.set_document(&did(A), &json!("nonsense"));
    net.identity(A, ALICE).await;
    assert_eq!(net.who(ALICE).await, "!502");
    net.internet.rename(&did(B), "robert.example.com");
    net.identity(B, "robert.example.com").await;
    assert_eq!((net.who("robert.example.com").await, net.who(BOB).await), (B.into(), "!404".into()));
}

/// Scenario 27, with events.
#[tokio::test]
async fn an_event_during_an_outage_makes_answers_stale_and_never_absent() {
    let mut net = Net::new().await;
    net.who(ALICE).await;
    net.handle_of(A).await;
    net.internet.set_faults(Faults::everything_down());
    net.identity(A, ALICE).await;
    assert_eq!((net.who(ALICE).await, net.handle_of(A).await), (format!("~{A}"), ALICE.into()));
    net.clock.advance(Duration::from_secs(15));
    assert_eq!(net.who(ALICE).await, format!("~{A}"));

    net.internet.set_faults(Faults::default());
    net.identity(A, ALICE).await;
    assert_eq!(net.who(ALICE).await, A, "it recovers by itself");
}

#[tokio::test]
async fn a_gap_makes_everybody_look_again_once() {
    let mut net = Net::new().await;
    assert_eq!((net.who(ALICE).await, net.handle_of(B).await), (A.into(), BOB.into()));
    net.internet.rename(&did(A), "alicia.example.com");
    net.internet.rename(&did(B), "robert.example.com");
    net.event(b"\xa2\x62op\x01\x61t\x65#info\xa1\x64name\x6eOutdatedCursor").await;
    assert_eq!((net.who(ALICE).await, net.handle_of(B).await), ("!404".into(), "robert.example.com".into()));
    let calls = net.internet.calls().total();
    assert_eq!((net.who(ALICE).await, net.handle_of(B).await), ("!404".into(), "robert.example.com".into()));
    assert_eq!(net.internet.calls().total(), calls);
}
