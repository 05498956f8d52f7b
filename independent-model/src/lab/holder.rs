//! Somebody with keys: one shown, one kept ready for the next entry, and a recovery key kept apart.

use namesake::{AccountId, InvalidAccountId, Timestamp};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    Hostname, InvalidHostname,
    hosted::label_of,
    webvh::{Entry, Fault, Genesis, Head, KeyHash, SecretKey, account_document, append, genesis, sign},
};

/// A holder, and the log as they know it.
#[derive(Debug, Clone)]
pub(super) struct Holder {
    seed: [u8; 32],
    pub(super) host: Hostname,
    pub(super) head: Head,
    /// Keys by number: the one that signed last, the one that signs next, the recovery key.
    shown: u32,
    next: u32,
    recovery: u32,
    /// How many keys were made.
    made: u32,
    fields: Map<String, Value>,
    rev: u64,
}

/// A move of a holder: the entry, and which keys count once it is taken.
pub(super) struct Move {
    pub(super) entry: Entry,
    shown: u32,
    next: u32,
    recovery: u32,
    made: u32,
}

impl Holder {
    /// A first entry, and its author once it is taken.
    pub(super) fn begin(
        seed: [u8; 32],
        id_domain: &Hostname,
        handle: Option<&Hostname>,
        at: Timestamp,
    ) -> Result<(Entry, Self), Box<dyn std::error::Error + Send + Sync>> {
        let (first, recovery, next) = (key(&seed, 0), key(&seed, 1), key(&seed, 2));
        let host = Hostname::parse(&format!("{}.{id_domain}", label_of(&first.multikey())))?;
        let did = format!("did:webvh:{{SCID}}:{host}");
        let entry = genesis(&Genesis {
            state: account_document(&did, &host, handle, &first.multikey(), None),
            key: &first,
            next: vec![next.multikey().hash(), recovery.multikey().hash()],
            portable: true,
            at,
        })?;
        let head = Head::begin(&entry, at)?;
        let holder =
            Self { seed, host, head, shown: 0, next: 2, recovery: 1, made: 3, fields: Map::new(), rev: 0 };
        Ok((entry, holder))
    }

    /// The account, as lookups know it.
    pub(super) fn account(&self) -> Result<AccountId, InvalidAccountId> {
        AccountId::parse(&format!("did:web:{}", self.host))
    }

    /// The next entry: another name, or none.
    pub(super) fn claim(&self, handle: Option<&Hostname>, at: Timestamp) -> Result<Move, Fault> {
        let next = self.made;
        let state = self.state(handle);
        let entry = self.entry(self.next, [next, self.recovery], &state, false, at)?;
        Ok(Move { entry, shown: self.next, next, recovery: self.recovery, made: next + 1 })
    }

    /// The last entry.
    pub(super) fn close(&self, at: Timestamp) -> Result<Move, Fault> {
        let next = self.made;
        let entry = self.entry(self.next, [next, self.recovery], &self.head.state, true, at)?;
        Ok(Move { entry, shown: self.next, next, recovery: self.recovery, made: next + 1 })
    }

    /// What a thief of the next key writes: the name dropped, and a key of the thief's for the entry after.
    pub(super) fn robbed(&self, thief: &KeyHash, at: Timestamp) -> Result<Move, Fault> {
        let commitments = vec![thief.clone(), self.key(self.recovery).multikey().hash()];
        let entry = signed(&self.head, &self.key(self.next), &commitments, &self.state(None), false, at)?;
        // The holder has no key that counts any more but the one for recovery.
        Ok(Move { entry, shown: self.next, next: self.next, recovery: self.recovery, made: self.made })
    }

    /// What the recovery key can do alone: take the name again, with new keys all round.
    pub(super) fn recover(&self, handle: Option<&Hostname>, at: Timestamp) -> Result<Move, Fault> {
        let (next, recovery) = (self.made, self.made + 1);
        let entry = self.entry(self.recovery, [next, recovery], &self.state(handle), false, at)?;
        Ok(Move { entry, shown: self.recovery, next, recovery, made: self.made + 2 })
    }

    /// What somebody writes who has no key of this account, with nothing else wrong about it.
    pub(super) fn forged(&self, by: &SecretKey, at: Timestamp) -> Result<Entry, Fault> {
        let commitments = [by.multikey().hash(), self.key(self.recovery).multikey().hash()];
        signed(&self.head, by, &commitments, &self.state(None), false, at)
    }

    /// An entry that moves the account to another host.
    pub(super) fn moved(&self, host: &Hostname, at: Timestamp) -> Result<Entry, Fault> {
        let did = format!("did:webvh:{}:{host}", self.head.scid);
        let mut state = account_document(&did, host, None, &self.key(0).multikey(), None);
        if let Some(aliases) = state.get_mut("alsoKnownAs").and_then(Value::as_array_mut) {
            aliases.push(self.head.did.clone().into());
        }
        self.entry(self.next, [self.made, self.recovery], &state, false, at)
    }

    /// It was taken.
    pub(super) fn accept(&mut self, done: Move, now: Timestamp) -> Result<(), Fault> {
        let Move { entry, shown, next, recovery, made } = done;
        self.head = self.head.follow(&entry, now)?;
        (self.shown, self.next, self.recovery, self.made) = (shown, next, recovery, made);
        Ok(())
    }

    /// A profile record with one more field.
    pub(super) fn record(&mut self, field: &str, text: &str, at: Timestamp) -> Value {
        self.fields.insert(field.to_owned(), text.into());
        self.rev += 1;
        let mut record = Value::Object(self.fields.clone());
        record["did"] = format!("did:web:{}", self.host).into();
        record["rev"] = self.rev.into();
        record["proof"] = sign(&record, &self.key(self.shown), at);
        record
    }

    fn state(&self, handle: Option<&Hostname>) -> Value {
        account_document(&self.head.did, &self.host, handle, &self.key(0).multikey(), None)
    }

    fn entry(
        &self,
        signer: u32,
        commitments: [u32; 2],
        state: &Value,
        last: bool,
        at: Timestamp,
    ) -> Result<Entry, Fault> {
        let commitments = commitments.map(|number| self.key(number).multikey().hash());
        signed(&self.head, &self.key(signer), &commitments, state, last, at)
    }

    fn key(&self, number: u32) -> SecretKey {
        key(&self.seed, number)
    }
}

/// Everything of one person follows from one seed: in a private world nothing is secret.
pub(super) fn key(seed: &[u8; 32], number: u32) -> SecretKey {
    SecretKey::from_seed(&Sha256::digest([&seed[..], &number.to_be_bytes()].concat()).into())
}

/// The name of somebody, as a host name.
pub(super) fn hostname(wish: &str, domain: &str) -> Result<Hostname, InvalidHostname> {
    Hostname::parse(&format!("{wish}.{domain}"))
}

fn signed(
    head: &Head,
    signer: &SecretKey,
    commitments: &[KeyHash],
    state: &Value,
    last: bool,
    at: Timestamp,
) -> Result<Entry, Fault> {
    let commitments: Vec<_> = commitments.iter().map(KeyHash::as_str).collect();
    let mut parameters = Map::new();
    parameters.insert("updateKeys".to_owned(), json!([signer.multikey().as_str()]));
    parameters.insert("nextKeyHashes".to_owned(), json!(commitments));
    if last {
        parameters.insert("deactivated".to_owned(), true.into());
    }
    append(head, parameters, state, signer, at)
}
