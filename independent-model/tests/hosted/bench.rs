//! A register in memory, and people who write their own logs.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use namesake::{
    AccountId, Change, Clock as _, Invalidator, ManualClock, Scheme, Timestamp,
    store::{MemoryStore, Store},
};
use namesake_independent::{
    Hostname,
    hosted::{Hosted, HostedSettings, ProfileReceipt, Receipt, Rejection, label_of},
    webvh::{Entry, Genesis, Head, KeyHash, SecretKey, account_document, append, genesis, sign},
};
use serde_json::{Map, Value, json};

pub(crate) const DOMAIN: &str = "people.example.com";
pub(crate) const ID_DOMAIN: &str = "id.people.example.com";

pub(crate) struct Bench {
    pub(crate) hosted: Arc<Hosted>,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) store: Arc<dyn Store>,
    told: Arc<Mutex<Vec<Change>>>,
}

/// Somebody with keys, and with the log as it should be.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    name: u8,
    /// Which key signs next.
    turn: u8,
    pub(crate) head: Option<Head>,
}

/// What an entry says.
pub(crate) struct Draft {
    pub(crate) signer: SecretKey,
    pub(crate) update: Vec<String>,
    pub(crate) next: Option<Vec<KeyHash>>,
    pub(crate) state: Value,
    pub(crate) deactivated: bool,
    pub(crate) at: Timestamp,
}

pub(crate) fn host(name: &str) -> Hostname {
    Hostname::parse(name).unwrap()
}

pub(crate) fn settings() -> HostedSettings {
    HostedSettings::new(vec![host(DOMAIN)], host(ID_DOMAIN))
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self::with(settings())
    }

    pub(crate) fn with(settings: HostedSettings) -> Self {
        Self::over(settings, Arc::new(MemoryStore::new()))
    }

    pub(crate) fn over(settings: HostedSettings, store: Arc<dyn Store>) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T12:00:00Z".parse().unwrap()));
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = told.clone();
        let invalidator = Invalidator::new(move |change| ear.lock().unwrap().push(change.clone()));
        let scheme = Scheme::parse("independent").unwrap();
        let hosted = Hosted::new(settings, scheme, store.clone(), clock.clone(), invalidator);
        Self { hosted: Arc::new(hosted), clock, store, told }
    }

    /// The time, and a second later at the next call.
    pub(crate) fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.now()
    }

    /// What was told since the last call.
    pub(crate) fn told(&self) -> Vec<Change> {
        std::mem::take(&mut self.told.lock().unwrap())
    }

    /// Somebody new, registered.
    pub(crate) async fn person(&self, name: u8, handle: Option<&str>) -> Person {
        let mut person = Person::new(name);
        self.register(&mut person, handle).await.unwrap();
        person
    }

    pub(crate) async fn register(
        &self,
        person: &mut Person,
        handle: Option<&str>,
    ) -> Result<Receipt, Rejection> {
        let entry = person.genesis(handle, self.tick());
        let receipt = self.hosted.register(entry.line().as_bytes()).await?;
        person.accept(&entry, self.clock.now());
        Ok(receipt)
    }

    /// Posts an entry, whoever made it.
    pub(crate) async fn post(&self, person: &mut Person, entry: &Entry) -> Result<Receipt, Rejection> {
        let receipt = self.hosted.append(&person.account(), entry.line().as_bytes()).await?;
        if !receipt.repeated {
            person.accept(entry, self.clock.now());
        }
        Ok(receipt)
    }

    pub(crate) async fn rename(
        &self,
        person: &mut Person,
        handle: Option<&str>,
    ) -> Result<Receipt, Rejection> {
        let entry = person.draft(handle, self.tick()).sign(person);
        self.post(person, &entry).await
    }

    /// Puts a profile with these members, signed by the key of the head.
    pub(crate) async fn show(
        &self,
        person: &Person,
        rev: u64,
        members: Value,
    ) -> Result<ProfileReceipt, Rejection> {
        let record = person.record(rev, members, &person.shown_key(), self.clock.now());
        self.hosted.put_profile(&person.account(), record.to_string().as_bytes()).await
    }
}

impl Person {
    pub(crate) fn new(name: u8) -> Self {
        Self { name, turn: 0, head: None }
    }

    pub(crate) fn key(&self, number: u8) -> SecretKey {
        let mut seed = [self.name; 32];
        seed[1] = number;
        SecretKey::from_seed(&seed)
    }

    pub(crate) fn recovery(&self) -> SecretKey {
        self.key(255)
    }

    pub(crate) fn next_key(&self) -> SecretKey {
        self.key(self.turn)
    }

    /// The key that the head shows, as long as nobody but the holder's own drafts were posted.
    fn shown_key(&self) -> SecretKey {
        self.key(self.turn - 1)
    }

    pub(crate) fn host(&self) -> Hostname {
        host(&format!("{}.{ID_DOMAIN}", label_of(&self.key(0).multikey())))
    }

    pub(crate) fn account(&self) -> AccountId {
        AccountId::parse(&format!("did:web:{}", self.host())).unwrap()
    }

    pub(crate) fn webvh(&self) -> AccountId {
        AccountId::parse(&self.head().did).unwrap()
    }

    pub(crate) fn head(&self) -> &Head {
        self.head.as_ref().unwrap()
    }

    pub(crate) fn commitments(&self, next: u8) -> Vec<KeyHash> {
        vec![self.key(next).multikey().hash(), self.recovery().multikey().hash()]
    }

    pub(crate) fn genesis(&self, handle: Option<&str>, at: Timestamp) -> Entry {
        let did = format!("did:webvh:{{SCID}}:{}", self.host());
        let state =
            account_document(&did, &self.host(), handle.map(host).as_ref(), &self.key(0).multikey(), None);
        genesis(&Genesis { state, key: &self.key(0), next: self.commitments(1), portable: true, at }).unwrap()
    }

    pub(crate) fn state(&self, handle: Option<&str>) -> Value {
        let did = &self.head().did;
        account_document(did, &self.host(), handle.map(host).as_ref(), &self.key(0).multikey(), None)
    }

    /// The entry that its holder would write: the next key signs, and the one after is committed to.
    pub(crate) fn draft(&self, handle: Option<&str>, at: Timestamp) -> Draft {
        Draft {
            signer: self.next_key(),
            update: vec![self.next_key().multikey().to_string()],
            next: Some(self.commitments(self.turn + 1)),
            state: self.state(handle),
            deactivated: false,
            at,
        }
    }

    pub(crate) fn record(&self, rev: u64, members: Value, key: &SecretKey, at: Timestamp) -> Value {
        let mut record = members;
        record["did"] = self.account().as_str().into();
        record["rev"] = rev.into();
        record["proof"] = sign(&record, key, at);
        record
    }

    /// The log went on.
    pub(crate) fn accept(&mut self, entry: &Entry, now: Timestamp) {
        self.head = Some(match &self.head {
            None => Head::begin(entry, now).unwrap(),
            Some(head) => head.follow(entry, now).unwrap(),
        });
        self.turn += 1;
    }
}

impl Draft {
    pub(crate) fn sign(self, person: &Person) -> Entry {
        let mut parameters = Map::new();
        parameters.insert("updateKeys".to_owned(), json!(self.update));
        if let Some(next) = self.next {
            let next: Vec<_> = next.iter().map(KeyHash::as_str).collect();
            parameters.insert("nextKeyHashes".to_owned(), json!(next));
        }
        if self.deactivated {
            parameters.insert("deactivated".to_owned(), true.into());
        }
        append(person.head(), parameters, &self.state, &self.signer, self.at).unwrap()
    }
}
