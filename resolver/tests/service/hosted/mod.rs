//! Accounts that live here, as their holders and everybody else meet them.

mod claims;
mod hosts;
mod lookups;
mod refusals;
mod writes;

use std::{sync::Arc, time::Duration};

use namesake::{
    Clock as _, ManualClock, Timestamp,
    store::{MemoryStore, Store},
};
use namesake_independent::{
    Hostname, IndependentModel, IndependentSettings, PrivateWorld,
    hosted::{Hosted, HostedSettings, label_of},
    webvh::{Entry, Genesis, Head, SecretKey, account_document, append, genesis, sign},
};
use namesake_resolver::{Limits, Namesake};
use serde_json::{Map, Value, json};

use crate::support::{Reply, Server, serve};

pub(crate) const ACCOUNTS: &str = "/v1/independent/accounts";
/// The service's own host lies below the domain of handles.
const OWN: &str = "app.people.test";

/// A service where accounts live, on a clock that stands still.
pub(crate) struct Place {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) internet: Arc<PrivateWorld>,
    pub(crate) namesake: Namesake,
    pub(crate) server: Server,
}

impl Place {
    pub(crate) async fn new() -> Self {
        Self::with(|_, _| ()).await
    }

    async fn with(change: impl FnOnce(&mut HostedSettings, &mut Limits)) -> Self {
        Self::over(Arc::new(MemoryStore::default()), change).await
    }

    /// The same over a store that may have something in it.
    pub(crate) async fn over(
        store: Arc<dyn Store>,
        change: impl FnOnce(&mut HostedSettings, &mut Limits),
    ) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let mut settings = HostedSettings {
            reserved: vec!["app".to_owned()],
            allow_test_tld: true,
            ..HostedSettings::new(vec![host("people.test")], host("id.people.test"))
        };
        let mut limits = Limits::default();
        change(&mut settings, &mut limits);
        let world = IndependentSettings { allow_test_tld: true, ..IndependentSettings::default() };
        let (internet, builder) = (PrivateWorld::new(), Namesake::builder());
        let hosted = Arc::new(Hosted::new(
            settings,
            world.scheme.clone(),
            Arc::clone(&store),
            clock.clone(),
            builder.invalidator(&world.scheme),
        ));
        let model = IndependentModel::new(world, internet.ports(), clock.clone());
        let namesake = builder
            .independent(Arc::new(model.with_hosted(Arc::clone(&hosted))))
            .hosted(hosted)
            .feed(store)
            .limits(limits)
            .clock(clock.clone())
            .public_url(format!("https://{OWN}").parse().unwrap())
            .build()
            .unwrap();
        let server = serve(&namesake, false).await;
        Self { clock, internet, namesake, server }
    }

    /// The next second.
    pub(crate) fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.now()
    }

    pub(crate) async fn post(&self, target: &str, body: &str) -> Reply {
        self.server.send("POST", target, &[], body).await
    }

    pub(crate) async fn stop(self) {
        self.server.begin_stop().await.unwrap().unwrap();
    }

    async fn at(&self, host: &str, target: &str) -> Reply {
        self.server.send("GET", target, &[("host", host)], "").await
    }

    /// Somebody new, who goes by `handle`.
    pub(crate) async fn register(&self, seed: u8, handle: &str) -> Author {
        let mut author = Author::new(seed);
        let entry = author.begin(Some(handle), self.tick());
        let reply = self.post(ACCOUNTS, &entry).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        author
    }

    pub(crate) async fn rename(&self, author: &mut Author, handle: &str) {
        let entry = author.rename(Some(handle), self.tick());
        let reply = self.post(&author.log_path(), &entry).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
    }
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

/// Somebody with a key.
pub(crate) struct Author {
    key: SecretKey,
    pub(crate) host: Hostname,
    head: Option<Head>,
}

impl Author {
    fn new(seed: u8) -> Self {
        Self::below(seed, "id.people.test")
    }

    pub(crate) fn below(seed: u8, id_domain: &str) -> Self {
        let key = SecretKey::from_seed(&[seed; 32]);
        let host = host(&format!("{}.{id_domain}", label_of(&key.multikey())));
        Self { key, host, head: None }
    }

    pub(crate) fn did(&self) -> String {
        format!("did:web:{}", self.host)
    }

    fn webvh(&self) -> &str {
        &self.head.as_ref().unwrap().did
    }

    fn version(&self) -> String {
        self.head.as_ref().unwrap().version.to_string()
    }

    pub(crate) fn log_path(&self) -> String {
        format!("{ACCOUNTS}/{}/log", self.did())
    }

    fn state(&self, did: &str, handle: Option<&str>) -> Value {
        account_document(did, &self.host, handle.map(host).as_ref(), &self.key.multikey(), None)
    }

    pub(crate) fn begin(&mut self, handle: Option<&str>, at: Timestamp) -> String {
        let state = self.state(&format!("did:webvh:{{SCID}}:{}", self.host), handle);
        let entry =
            genesis(&Genesis { state, key: &self.key, next: Vec::new(), portable: false, at }).unwrap();
        self.head = Some(Head::begin(&entry, at).unwrap());
        entry.line().to_owned()
    }

    pub(crate) fn next(&self, parameters: &Value, handle: Option<&str>, at: Timestamp) -> Entry {
        let head = self.head.as_ref().unwrap();
        let parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
        append(head, parameters, &self.state(&head.did, handle), &self.key, at).unwrap()
    }

    /// An entry of [`Author::next`] was taken.
    fn accept(&mut self, entry: &str, at: Timestamp) {
        self.follow(&Entry::read(entry.as_bytes()).unwrap(), at);
    }

    fn follow(&mut self, entry: &Entry, at: Timestamp) -> String {
        self.head = Some(self.head.as_ref().unwrap().follow(entry, at).unwrap());
        entry.line().to_owned()
    }

    pub(crate) fn rename(&mut self, handle: Option<&str>, at: Timestamp) -> String {
        let entry = self.next(&json!({}), handle, at);
        self.follow(&entry, at)
    }

    pub(crate) fn close(&mut self, at: Timestamp) -> String {
        let entry = self.next(&json!({ "updateKeys": [], "deactivated": true }), None, at);
        self.follow(&entry, at)
    }

    /// A signed profile record with these members.
    pub(crate) fn record(&self, members: &Value, at: Timestamp) -> String {
        signed(members, &self.did(), &self.key, at)
    }
}

fn signed(members: &Value, did: &str, key: &SecretKey, at: Timestamp) -> String {
    let mut record = members.clone();
    record["did"] = did.into();
    record["proof"] = sign(&record, key, at);
    record.to_string()
}

/// Status and kind of a refusal.
pub(crate) fn refused(reply: &Reply) -> (u16, String) {
    let kind = reply.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
    (reply.status, kind)
}
