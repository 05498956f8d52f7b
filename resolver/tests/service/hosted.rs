//! Accounts that live here, as their holders and everybody else meet them.

use std::{sync::Arc, time::Duration};

use namesake::{Clock as _, ManualClock, Timestamp, store::MemoryStore};
use namesake_independent::{
    Hostname, IndependentModel, IndependentSettings, PrivateWorld,
    hosted::{Hosted, HostedSettings, label_of},
    webvh::{Entry, Genesis, Head, SecretKey, account_document, append, genesis, sign, verify},
};
use namesake_resolver::{Limits, Namesake};
use serde_json::{Map, Value, json};

use crate::support::{Reply, Server, serve};

const ACCOUNTS: &str = "/v1/independent/accounts";
/// The service's own host lies below the domain of handles.
const OWN: &str = "app.people.test";

/// A service where accounts live, on a clock that stands still.
struct Place {
    clock: Arc<ManualClock>,
    internet: Arc<PrivateWorld>,
    server: Server,
}

impl Place {
    async fn new() -> Self {
        Self::with(|_, _| ()).await
    }

    async fn with(change: impl FnOnce(&mut HostedSettings, &mut Limits)) -> Self {
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
            Arc::new(MemoryStore::default()),
            clock.clone(),
            builder.invalidator(&world.scheme),
        ));
        let model = IndependentModel::new(world, internet.ports(), clock.clone());
        let namesake = builder
            .independent(Arc::new(model.with_hosted(Arc::clone(&hosted))))
            .hosted(hosted)
            .limits(limits)
            .clock(clock.clone())
            .public_url(format!("https://{OWN}").parse().unwrap())
            .build()
            .unwrap();
        Self { clock, internet, server: serve(&namesake, false).await }
    }

    /// The next second.
    fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.now()
    }

    async fn post(&self, target: &str, body: &str) -> Reply {
        self.server.send("POST", target, &[], body).await
    }

    async fn at(&self, host: &str, target: &str) -> Reply {
        self.server.send("GET", target, &[("host", host)], "").await
    }

    /// Somebody new, who goes by `handle`.
    async fn register(&self, seed: u8, handle: &str) -> Author {
        let mut author = Author::new(seed);
        let entry = author.begin(Some(handle), self.tick());
        let reply = self.post(ACCOUNTS, &entry).await;
        assert_eq!(reply.status, 201, "{}", reply.body);
        author
    }

    async fn rename(&self, author: &mut Author, handle: &str) {
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

    fn log_path(&self) -> String {
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

    pub(crate) fn next(&self, parameters: Value, handle: Option<&str>, at: Timestamp) -> Entry {
        let head = self.head.as_ref().unwrap();
        let parameters: Map<String, Value> = parameters.as_object().unwrap().clone();
        append(head, parameters, &self.state(&head.did, handle), &self.key, at).unwrap()
    }

    fn follow(&mut self, entry: &Entry, at: Timestamp) -> String {
        self.head = Some(self.head.as_ref().unwrap().follow(entry, at).unwrap());
        entry.line().to_owned()
    }

    pub(crate) fn rename(&mut self, handle: Option<&str>, at: Timestamp) -> String {
        let entry = self.next(json!({}), handle, at);
        self.follow(&entry, at)
    }

    pub(crate) fn close(&mut self, at: Timestamp) -> String {
        let entry = self.next(json!({ "updateKeys": [], "deactivated": true }), None, at);
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
fn refused(reply: &Reply) -> (u16, String) {
    let kind = reply.json()["type"].as_str().unwrap_or_default().trim_start_matches("/problems/").to_owned();
    (reply.status, kind)
}

#[tokio::test]
async fn an_account_is_one_entry_and_the_same_entry_again_changes_nothing() {
    let place = Place::new().await;
    let mut dora = Author::new(1);
    let entry = dora.begin(Some("dora.people.test"), place.tick());
    let created = place.post(ACCOUNTS, &entry).await;
    assert_eq!((created.status, created.header("location")), (201, dora.log_path().as_str()));
    assert_eq!(created.header("access-control-allow-origin"), "*");
    let expected = json!({
        "account": dora.did(),
        "did": dora.webvh(),
        "handle": "dora.people.test",
        "versionId": dora.version(),
        "versionTime": "2026-11-22T12:00:01Z",
        "log": format!("https://{OWN}{}", dora.log_path()),
    });
    assert_eq!(created.json(), expected);

    let again = place.post(ACCOUNTS, &entry).await;
    assert_eq!((again.status, again.json()), (200, expected));

    // Without a handle, and by the other name with its colons escaped.
    let nameless = dora.rename(None, place.tick());
    let by_webvh = format!("{ACCOUNTS}/{}/log", dora.webvh().replace(':', "%3A"));
    let renamed = place.post(&by_webvh, &nameless).await;
    assert_eq!((renamed.status, &renamed.json()["handle"]), (201, &Value::Null));
    assert_eq!(renamed.json()["versionId"], dora.version());
    assert_eq!(place.post(&dora.log_path(), &nameless).await.status, 200);
}

#[tokio::test]
async fn everybody_can_read_and_check_the_log() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    let by_webvh = format!("{ACCOUNTS}/{}/log", dora.webvh());
    for reply in [
        place.server.get(&dora.log_path()).await,
        place.server.get(&by_webvh).await,
        place.at(dora.host.as_str(), "/.well-known/did.jsonl").await,
    ] {
        assert_eq!((reply.status, reply.header("content-type")), (200, "text/jsonl"));
        assert_eq!(
            (reply.header("cache-control"), reply.header("access-control-allow-origin")),
            ("no-cache", "*")
        );
        assert_eq!(reply.header("etag"), format!("\"{}\"", dora.version()));
        let log = verify(reply.body.as_bytes(), place.clock.now()).unwrap();
        assert_eq!((log.head().version.to_string(), log.lines().len()), (dora.version(), 2));
    }
}

#[tokio::test]
async fn what_has_not_changed_is_not_sent_again() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let known = format!("\"{}\"", dora.version());
    let targets = [
        (OWN.to_owned(), dora.log_path()),
        (dora.host.to_string(), "/.well-known/did.json".to_owned()),
        (dora.host.to_string(), "/.well-known/did.jsonl".to_owned()),
    ];
    for (host, target) in &targets {
        let headers = [("host", host.as_str()), ("if-none-match", known.as_str())];
        let same = place.server.send("GET", target, &headers, "").await;
        assert_eq!((same.status, same.body.as_str(), same.header("etag")), (304, "", known.as_str()));
        let head = place.server.send("HEAD", target, &headers[..1], "").await;
        assert_eq!((head.status, head.body.as_str(), head.header("etag")), (200, "", known.as_str()));
    }
    place.rename(&mut dora, "dorothea.people.test").await;
    for (host, target) in &targets {
        let headers = [("host", host.as_str()), ("if-none-match", known.as_str())];
        assert_eq!(place.server.send("GET", target, &headers, "").await.status, 200, "{target}");
    }
}

/// Who answers to a name, by every way there is to ask.
async fn ways(place: &Place, handle: &str) -> Vec<(String, u16, Value)> {
    let mut seen = Vec::new();
    for target in [
        format!("/v1/resolve?handle={handle}"),
        format!("/@{handle}"),
        format!("/profile/{handle}"),
        format!("/xrpc/com.atproto.identity.resolveHandle?handle={handle}"),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={handle}"),
        format!("/.well-known/webfinger?resource=acct:{handle}@{OWN}"),
    ] {
        let reply = place.server.get(&target).await;
        let body = reply.json();
        let account =
            [&body["account"], &body["did"], &body["aliases"][1]].into_iter().find(|it| it.is_string());
        let account = account.cloned().unwrap_or_default();
        seen.push((target, reply.status, account));
    }
    seen
}

#[tokio::test]
async fn a_rename_is_seen_at_once_everywhere() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let (old, new) = ("dora.people.test", "dorothea.people.test");
    let by_account = [
        format!("/v1/accounts/{}", dora.did()),
        format!("/profile/{}", dora.did()),
        format!("/v1/resolve?handle={}", dora.did()),
        format!("/xrpc/com.atproto.identity.resolveIdentity?identifier={}", dora.did()),
    ];
    let document = format!("/xrpc/com.atproto.identity.resolveDid?did={}", dora.did());
    for (before, now, gone) in [(true, old, new), (false, new, old)] {
        if !before {
            place.rename(&mut dora, new).await;
        }
        // Twice: the second time from memory.
        for _ in 0..2 {
            for (target, status, account) in ways(&place, now).await {
                assert_eq!((status, account), (200, dora.did().into()), "{target}");
            }
            for (target, status, _) in ways(&place, gone).await {
                assert!(matches!(status, 400 | 404), "{target} gives {status}");
            }
            for target in &by_account {
                assert_eq!(place.server.get(target).await.json()["handle"], now, "{target}");
            }
            let document = place.server.get(&document).await.json();
            assert_eq!(document["didDoc"]["alsoKnownAs"][0], format!("at://{now}"));
        }
    }
    let released = place.server.get(&format!("/@{old}")).await;
    assert_eq!(refused(&released), (404, "handle-released".to_owned()));
    assert_eq!(place.server.get(&format!("/@{new}")).await.header("cache-control"), "no-cache");
}

#[tokio::test]
async fn a_profile_is_a_signed_record_and_is_seen_at_once() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    let put = format!("{ACCOUNTS}/{}/profile", dora.did());
    let shown =
        async || place.server.get("/@dora.people.test").await.json()["profile"]["displayName"].clone();
    assert_eq!(shown().await, Value::Null);
    let first = dora.record(&json!({ "rev": 1, "displayName": "Dora" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &first).await;
    assert_eq!((reply.status, reply.json()), (200, json!({ "account": dora.did(), "rev": 1 })));
    assert_eq!(shown().await, "Dora");
    assert_eq!(place.server.send("PUT", &put, &[], &first).await.status, 200);

    let stale = dora.record(&json!({ "rev": 1, "displayName": "Theodora" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &stale).await;
    assert_eq!((refused(&reply), &reply.json()["head"]), ((409, "stale-head".to_owned()), &json!("1")));
    let unknown = dora.record(&json!({ "rev": 2, "colour": "red" }), place.tick());
    let reply = place.server.send("PUT", &put, &[], &unknown).await;
    assert_eq!(
        (refused(&reply), &reply.json()["rule"]),
        ((422, "invalid-entry".to_owned()), &json!("record"))
    );
    let strangers = Author::new(2);
    let forged = signed(&json!({ "rev": 2 }), &dora.did(), &strangers.key, place.tick());
    assert_eq!(refused(&place.server.send("PUT", &put, &[], &forged).await).0, 422);
    let nobody = format!("{ACCOUNTS}/{}/profile", strangers.did());
    let reply = place.server.send("PUT", &nobody, &[], &first).await;
    assert_eq!(refused(&reply), (404, "account-not-found".to_owned()));
    assert_eq!(shown().await, "Dora");
}

#[tokio::test]
async fn every_refusal_says_what_to_do() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;

    let taken = Author::new(2).begin(Some("dora.people.test"), place.tick());
    let reply = place.post(ACCOUNTS, &taken).await;
    assert_eq!(refused(&reply), (409, "handle-taken".to_owned()));
    assert_eq!(reply.json()["handle"], "dora.people.test");
    assert_eq!(reply.header("content-type"), "application/problem+json");
    for reserved in ["www.people.test", "app.people.test", "id.people.test"] {
        let reply = place.post(ACCOUNTS, &Author::new(2).begin(Some(reserved), place.tick())).await;
        let expected =
            if reserved == "id.people.test" { (422, "invalid-entry") } else { (403, "reserved-handle") };
        assert_eq!(refused(&reply), (expected.0, expected.1.to_owned()), "{reserved}");
    }

    // A clock that is fast.
    let future = place.clock.now().saturating_add(Duration::from_secs(3600)).unwrap();
    let reply = place.post(ACCOUNTS, &Author::new(2).begin(Some("bob.people.test"), future)).await;
    assert_eq!(refused(&reply), (422, "invalid-entry".to_owned()));
    assert_eq!(reply.json()["now"], place.clock.now().to_string());
    assert_eq!(reply.json()["rule"], "future");

    // Somebody was faster: the head is said.
    let stale = dora.next(json!({}), Some("slow.people.test"), place.tick()).line().to_owned();
    place.rename(&mut dora, "fast.people.test").await;
    let reply = place.post(&dora.log_path(), &stale).await;
    assert_eq!(
        (refused(&reply), &reply.json()["head"]),
        ((409, "stale-head".to_owned()), &json!(dora.version()))
    );

    for (body, rule) in [("", "json"), ("{", "json"), ("[]", "entry-members"), ("{\"a\":1}", "entry-members")]
    {
        for target in [ACCOUNTS, &dora.log_path()] {
            let reply = place.post(target, body).await;
            assert_eq!(refused(&reply), (422, "invalid-entry".to_owned()), "{body:?}");
            assert_eq!(reply.json()["rule"], rule, "{body:?}");
            assert!(reply.json()["now"].is_string());
        }
    }
    // Larger than an entry may be, and larger than any body.
    for bytes in [5_000, 100_000] {
        let reply = place.post(&dora.log_path(), &" ".repeat(bytes)).await;
        assert_eq!(
            (refused(&reply), &reply.json()["rule"]),
            ((413, "too-large".to_owned()), &json!("entry-size"))
        );
    }

    let nobody = Author::new(9);
    for target in [nobody.log_path(), format!("{ACCOUNTS}/did:plc:abc/log"), format!("{ACCOUNTS}/x:y/log")] {
        assert_eq!(
            refused(&place.server.get(&target).await),
            (404, "account-not-found".to_owned()),
            "{target}"
        );
        assert_eq!(
            refused(&place.post(&target, &stale).await),
            (404, "account-not-found".to_owned()),
            "{target}"
        );
    }
    // The right host under a SCID that is not its own.
    let other = dora.webvh().replacen(":Qm", ":Qn", 1);
    assert_eq!(place.server.get(&format!("{ACCOUNTS}/{other}/log")).await.status, 404);
    assert_eq!(
        refused(&place.server.get(&format!("{ACCOUNTS}/nobody/log")).await),
        (400, "invalid-handle".to_owned())
    );
    assert_eq!(place.server.get(&format!("{ACCOUNTS}/%zz/log")).await.status, 400);
}

#[tokio::test]
async fn an_account_that_was_closed_is_gone_and_its_log_stays() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    assert_eq!(place.server.get("/@dora.people.test").await.status, 200);
    let next = dora.next(json!({}), Some("dora.people.test"), place.tick()).line().to_owned();
    let record = dora.record(&json!({ "rev": 1 }), place.clock.now());
    let closing = dora.close(place.tick());
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 201);

    let did = dora.did();
    let gone = (410, "account-deactivated".to_owned());
    assert_eq!(refused(&place.at(dora.host.as_str(), "/.well-known/did.json").await), gone);
    assert_eq!(refused(&place.server.get(&format!("/v1/accounts/{did}")).await), gone);
    assert_eq!(refused(&place.post(&dora.log_path(), &next).await), gone);
    let put = format!("{ACCOUNTS}/{did}/profile");
    assert_eq!(refused(&place.server.send("PUT", &put, &[], &record).await), gone);
    assert!(matches!(place.server.get("/@dora.people.test").await.status, 404 | 410));
    assert_eq!(place.at(dora.host.as_str(), "/.well-known/did.jsonl").await.status, 200);
    assert_eq!(place.server.get(&dora.log_path()).await.status, 200);
    assert_eq!(place.post(&dora.log_path(), &closing).await.status, 200);
    assert_eq!(place.at("dora.people.test", "/.well-known/atproto-did").await.status, 404);
}

#[tokio::test]
async fn a_handles_host_says_whose_it_is_however_it_is_written() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    for host in ["dora.people.test", "DORA.People.Test", "dora.people.test:8443", "dora.people.test."] {
        let reply = place.at(host, "/.well-known/atproto-did").await;
        assert_eq!((reply.status, reply.body), (200, dora.did()), "{host}");
    }
    let reply = place.at("dora.people.test", "/.well-known/atproto-did").await;
    assert!(reply.header("content-type").starts_with("text/plain"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let request = "GET http://dora.people.test/.well-known/atproto-did HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    assert_eq!(place.server.raw(request).await.body, dora.did());
    // It is no account's host, and an account's host is no handle.
    assert_eq!(place.at("dora.people.test", "/.well-known/did.json").await.status, 404);
    assert_eq!(place.at("dora.people.test", "/.well-known/did.jsonl").await.status, 404);
    assert_eq!(place.at(dora.host.as_str(), "/.well-known/atproto-did").await.status, 404);

    let reply = place.at(&dora.host.as_str().to_uppercase(), "/.well-known/did.json").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, "application/json"));
    assert_eq!(reply.header("access-control-allow-origin"), "*");
    let document = reply.json();
    assert_eq!(
        (&document["id"], &document["alsoKnownAs"][0]),
        (&json!(dora.did()), &json!("at://dora.people.test"))
    );
}

#[tokio::test]
async fn nobody_is_at_an_unknown_name_and_other_hosts_are_the_services() {
    let place = Place::new().await;
    let well_knowns = ["/.well-known/atproto-did", "/.well-known/did.json", "/.well-known/did.jsonl"];
    let ghost = Author::new(7).host;
    for host in [
        "nobody.people.test",
        "a.b.people.test",
        "a_b.people.test",
        ghost.as_str(),
        "x.id.people.test",
        "id.people.test",
    ] {
        for target in well_knowns.into_iter().chain(["/", "/livez", "/@dora.people.test", "/v1/policies"]) {
            let reply =
                place.server.send("GET", target, &[("host", host), ("accept", "text/html")], "").await;
            assert_eq!(refused(&reply), (404, "not-found".to_owned()), "{host} {target}");
            assert!(!reply.body.contains(host), "{}", reply.body);
        }
    }
    for host in [OWN, "APP.people.test:443", "people.test", "127.0.0.1", "elsewhere.test", "badpeople.test"] {
        assert_eq!(place.at(host, "/v1/policies").await.status, 200, "{host}");
        for target in well_knowns {
            assert_eq!(
                refused(&place.at(host, target).await),
                (404, "not-found".to_owned()),
                "{host} {target}"
            );
        }
    }
}

#[tokio::test]
async fn a_handles_host_leads_to_the_profile() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let profile = |handle: &str| format!("https://{OWN}/profile/{handle}");
    for target in ["/", "/@somebody", "/livez", "/.well-known/webfinger?resource=acct:x", "/a/b?c=d"] {
        let reply = place.at("Dora.people.test:443", target).await;
        assert_eq!(
            (reply.status, reply.header("location")),
            (302, profile("dora.people.test").as_str()),
            "{target}"
        );
        assert_eq!(reply.body, "");
    }
    let posted = place.server.send("POST", "/", &[("host", "dora.people.test")], "").await;
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD, OPTIONS"));
    assert_eq!(place.at(dora.host.as_str(), "/").await.status, 404);

    // After a rename nobody is sent on, unless its holder wants that.
    place.rename(&mut dora, "dorothea.people.test").await;
    assert_eq!(place.at("dora.people.test", "/").await.status, 404);
    let record = dora.record(&json!({ "rev": 1, "redirect": true }), place.tick());
    let put = format!("{ACCOUNTS}/{}/profile", dora.did());
    assert_eq!(place.server.send("PUT", &put, &[], &record).await.status, 200);
    let moved = place.at("dora.people.test", "/").await;
    assert_eq!((moved.status, moved.header("location")), (302, profile("dorothea.people.test").as_str()));
    assert_eq!(place.at("dora.people.test", "/.well-known/atproto-did").await.status, 404);
}

#[tokio::test]
async fn certificates_are_for_hosts_where_somebody_is() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.people.test").await;
    let asked = async |domain: &str| place.server.get(&format!("/v1/tls-allowed?domain={domain}")).await;
    for domain in ["dora.people.test", "DORA.people.test.", dora.host.as_str()] {
        let reply = asked(domain).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, ""), "{domain}");
    }
    for domain in
        ["nobody.people.test", "people.test", OWN, "elsewhere.test", "x.id.people.test", "..", "", "a%20b"]
    {
        assert_eq!(asked(domain).await.status, 404, "{domain}");
    }
    assert_eq!(place.server.get("/v1/tls-allowed").await.status, 400);
}

#[tokio::test]
async fn one_client_does_not_register_without_end() {
    let place = Place::with(|_, limits| limits.registrations_per_hour = 2).await;
    let mut dora = place.register(1, "dora.people.test").await;
    // An attempt counts, too.
    assert_eq!(place.post(ACCOUNTS, "{}").await.status, 422);
    let entry = Author::new(2).begin(Some("bob.people.test"), place.tick());
    let reply = place.post(ACCOUNTS, &entry).await;
    assert_eq!(refused(&reply), (429, "too-many-requests".to_owned()));
    assert!((1..=1801).contains(&reply.header("retry-after").parse::<u64>().unwrap()));
    // Whoever lives here goes on.
    place.rename(&mut dora, "dorothea.people.test").await;
}

#[tokio::test]
async fn one_account_does_not_write_without_end() {
    let place = Place::with(|settings, _| settings.entries_per_hour = 2).await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dora2.people.test").await;
    let entry = dora.rename(Some("dora3.people.test"), place.tick());
    let reply = place.post(&dora.log_path(), &entry).await;
    assert_eq!(refused(&reply), (429, "too-many-requests".to_owned()));
    assert!((1..=3601).contains(&reply.header("retry-after").parse::<u64>().unwrap()));
}

#[tokio::test]
async fn the_verifiable_name_leads_to_the_same_account() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    let targets = [
        format!("/v1/resolve?handle={}", dora.webvh()),
        format!("/v1/accounts/{}", dora.webvh().replace(':', "%3A")),
        format!("/profile/{}", dora.webvh()),
    ];
    for handle in ["dora.people.test", "dorothea.people.test"] {
        if handle == "dorothea.people.test" {
            place.rename(&mut dora, handle).await;
        }
        for target in &targets {
            let body = place.server.get(target).await.json();
            assert_eq!((&body["account"], &body["handle"]), (&json!(dora.did()), &json!(handle)), "{target}");
        }
    }
    let other = dora.webvh().replacen(":Qm", ":Qn", 1);
    assert_eq!(place.server.get(&format!("/v1/accounts/{other}")).await.status, 404);
    let explained = place.server.get(&format!("/v1/explain?handle={}", dora.webvh())).await.json();
    assert_eq!(explained["resolution"]["account"], dora.did());
}

#[tokio::test]
async fn the_log_says_who_held_which_handle_when() {
    let place = Place::new().await;
    let mut dora = place.register(1, "dora.people.test").await;
    place.rename(&mut dora, "dorothea.people.test").await;
    for id in [dora.did(), dora.webvh().to_owned()] {
        let body = place.server.get(&format!("/v1/accounts/{id}/handles")).await.json();
        assert_eq!((&body["account"], &body["source"]), (&json!(dora.did()), &json!("webvh-log")));
        assert_eq!(body["deactivated"], false);
        assert_eq!(
            body["handles"],
            json!([
                { "handle": "dora.people.test", "from": "2026-11-22T12:00:01Z", "until": "2026-11-22T12:00:02Z" },
                { "handle": "dorothea.people.test", "from": "2026-11-22T12:00:02Z", "until": null, "verified": true },
            ])
        );
    }
    let nobody = Author::new(9).did();
    assert_eq!(place.server.get(&format!("/v1/accounts/{nobody}/handles")).await.status, 404);
}

#[tokio::test]
async fn a_domain_of_ones_own_is_proved_in_the_world() {
    let place = Place::new().await;
    let dora = place.register(1, "dora.example.com").await;
    place.internet.set_txt("dora.example.com", &[&format!("did={}", dora.did())]);
    let found = place.server.get("/@dora.example.com").await.json();
    assert_eq!((&found["account"], &found["proof"]["method"]), (&json!(dora.did()), &json!("dns-txt")));
    // Its host is none of ours, whoever sends us requests for it.
    assert_eq!(place.at("dora.example.com", "/v1/policies").await.status, 200);
    assert_eq!(place.at("dora.example.com", "/.well-known/atproto-did").await.status, 404);
}

#[tokio::test]
async fn a_page_elsewhere_may_register_and_write() {
    let place = Place::new().await;
    for (target, methods) in [
        (ACCOUNTS, "POST, OPTIONS"),
        (&format!("{ACCOUNTS}/did:web:a.b/log"), "GET, POST, HEAD, OPTIONS"),
        (&format!("{ACCOUNTS}/did:web:a.b/profile"), "PUT, OPTIONS"),
    ] {
        let reply = place.server.send("OPTIONS", target, &[("origin", "https://x.test")], "").await;
        assert_eq!((reply.status, reply.header("allow")), (204, methods), "{target}");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert!(reply.header("access-control-allow-methods").contains("PUT"));
        assert!(reply.header("access-control-allow-headers").contains("content-type"));
    }
}

#[tokio::test]
async fn where_no_accounts_live_none_of_it_is_there() {
    let server = crate::support::World::new().serve().await;
    let log = format!("{ACCOUNTS}/did:web:a.b.test/log");
    for (method, target) in [
        ("POST", ACCOUNTS),
        ("POST", &log),
        ("GET", &log),
        ("PUT", &log.replace("/log", "/profile")),
        ("GET", "/v1/tls-allowed?domain=a.b"),
        ("GET", "/.well-known/atproto-did"),
        ("GET", "/.well-known/did.json"),
        ("GET", "/.well-known/did.jsonl"),
    ] {
        let reply = server.send(method, target, &[("host", "a.people.test")], "").await;
        assert_eq!(refused(&reply), (404, "not-found".to_owned()), "{method} {target}");
    }
    assert_eq!(server.send("GET", "/livez", &[("host", "a.people.test")], "").await.status, 200);
}
