//! The real model over a world of its own, served.

use std::{sync::Arc, time::Duration};

use namesake::{ErrorKind, ManualClock, Timestamp};
use namesake_independent::{Did, Faults, IndependentModel, IndependentSettings, PrivateWorld};
use namesake_resolver::{Builder, Namesake};
use serde_json::Value;

use crate::support::{Fake, Reply, Server, serve};

pub(crate) const NAME: &str = "alice.example.com";
pub(crate) const DID: &str = "did:web:alice.example.net";

/// The service over the real model, in a world of its own.
pub(crate) struct Net {
    pub(crate) internet: Arc<PrivateWorld>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) namesake: Namesake,
    pub(crate) server: Server,
}

impl Net {
    pub(crate) async fn new() -> Self {
        Self::with(|builder| builder).await
    }

    /// With a mirror behind the model.
    pub(crate) async fn beside(mirror: Arc<Fake>) -> Self {
        Self::with(|builder| builder.backend(mirror)).await
    }

    pub(crate) async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        Self::of(PrivateWorld::new(), clock, change).await
    }

    /// Another service in the same world, which knows nothing yet.
    pub(crate) async fn restarted(&self) -> Self {
        Self::of(Arc::clone(&self.internet), Arc::clone(&self.clock), |builder| builder).await
    }

    async fn of(
        internet: Arc<PrivateWorld>,
        clock: Arc<ManualClock>,
        change: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let settings = IndependentSettings::default();
        let model = Arc::new(IndependentModel::new(settings, internet.ports(), clock.clone()));
        let builder = Namesake::builder()
            .independent(model)
            .clock(clock.clone())
            .public_url("https://names.example".parse().unwrap());
        let namesake = change(builder).build().unwrap();
        let server = serve(&namesake, false).await;
        Self { internet, clock, namesake, server }
    }

    pub(crate) fn with_alice(self) -> Self {
        self.internet.add_person(&did(), NAME, "Alice", "hello");
        self
    }

    pub(crate) fn break_pds(&self) {
        let pds = Some(ErrorKind::Unavailable);
        self.internet.set_faults(Faults { pds, ..Faults::default() });
    }

    pub(crate) fn mend(&self) {
        self.internet.set_faults(Faults::default());
    }

    pub(crate) fn wait(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) async fn get(&self, target: &str) -> Reply {
        self.server.get(target).await
    }

    /// What is shown, how that stands, and for how long the answer is believed.
    pub(crate) async fn shown(&self, target: &str) -> (Value, Value, u64) {
        let reply = self.get(target).await;
        assert_eq!(reply.status, 200, "{target}: {}", reply.body);
        let body = reply.json();
        let ttl = body["freshness"]["ttlSeconds"].as_u64().unwrap();
        (body["profile"]["displayName"].clone(), body["profile"]["display"].clone(), ttl)
    }

    /// The same once the answer behind which it was asked anew is there.
    pub(crate) async fn settled(&self, target: &str, display: &str) -> (Value, Value, u64) {
        loop {
            let shown = self.shown(target).await;
            if shown.1 == display {
                return shown;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// Of [`DID`].
pub(crate) fn did() -> Did {
    Did::parse(DID).unwrap()
}
