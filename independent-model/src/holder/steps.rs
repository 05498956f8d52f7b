//! The next entry of a log. Each is checked as the server will check it, so that none is made that cannot be taken.

use namesake::Timestamp;
use serde_json::{Map, Value, json};
use url::Url;

use super::Seed;
use crate::{
    Hostname,
    hosted::label_of,
    webvh::{
        self, Entry, Fault, Head, KeyHash, Multikey, SecretKey, account_document, append, read_strictly,
    },
};

/// An entry to be posted, and what the log amounts to with it.
#[derive(Debug, Clone)]
pub struct Step {
    /// The entry.
    pub entry: Entry,
    /// The head of the log with it.
    pub head: Head,
}

/// An account to be made.
#[derive(Debug, Clone, Copy)]
pub struct Genesis<'a> {
    /// The server's domain of identifiers.
    pub id_domain: &'a Hostname,
    /// The handle it is to have, if any.
    pub handle: Option<&'a Hostname>,
    /// The PDS it names, if any.
    pub pds: Option<&'a Url>,
    /// Where its keys come from: key 0 signs this entry, key 1 the next.
    pub seed: &'a Seed,
    /// The public half of the key that is kept apart.
    pub recovery: &'a Multikey,
    /// When it is made.
    pub at: Timestamp,
}

/// A turn of the account's own keys.
#[derive(Debug, Clone, Copy)]
pub struct Turn<'a> {
    /// The newest entry.
    pub head: &'a Head,
    /// Where the keys come from.
    pub seed: &'a Seed,
    /// The number of the key that may sign now: [`Seed::next_index`].
    pub index: u32,
    /// When it is made; after the head.
    pub at: Timestamp,
}

/// The first entry of an account.
///
/// # Errors
/// The [`Fault`] it would have: [`Fault::StateId`] when the domain leaves no room for a label.
pub fn register(genesis: &Genesis<'_>) -> Result<Step, Fault> {
    let Genesis { id_domain, handle, pds, seed, recovery, at } = *genesis;
    let key = seed.key(0);
    let shown = key.multikey();
    let host = Hostname::parse(&format!("{}.{id_domain}", label_of(&shown))).map_err(|_| Fault::StateId)?;
    let did = format!("did:webvh:{{SCID}}:{host}");
    let entry = webvh::genesis(&webvh::Genesis {
        state: account_document(&did, &host, handle, &shown, pds),
        key: &key,
        next: vec![seed.key(1).multikey().hash(), recovery.hash()],
        // It can be said here or never, and without it the account could not leave a server that goes away.
        portable: true,
        at,
    })?;
    let head = Head::begin(&entry, entry.time)?;
    Ok(Step { entry, head })
}

/// The account is called `handle` from now on, or nothing.
///
/// # Errors
/// The [`Fault`] it would have: [`Fault::Uncommitted`] when the account has other keys.
pub fn set_handle(turn: &Turn<'_>, handle: Option<&Hostname>) -> Result<Step, Fault> {
    let mut state = turn.head.state.clone();
    let others = state.get("alsoKnownAs").and_then(Value::as_array).into_iter().flatten();
    let others = others.filter(|alias| alias.as_str().is_none_or(|alias| !alias.starts_with("at://")));
    let handle = handle.map(|handle| Value::from(format!("at://{handle}")));
    state["alsoKnownAs"] = handle.into_iter().chain(others.cloned()).collect();
    turn.sign(&state)
}

/// The key of this entry becomes the one that the account's document shows.
///
/// # Errors
/// As for [`set_handle`].
pub fn rotate(turn: &Turn<'_>) -> Result<Step, Fault> {
    turn.sign(&showing(turn.head, &turn.seed.key(turn.index).multikey()))
}

/// All keys anew, by the recovery key: whoever has the old seed can do nothing any more. The document shows key 0 of
/// `seed`; key 1 signs the next entry.
///
/// # Errors
/// The [`Fault`] it would have: [`Fault::Uncommitted`] when it is not the account's recovery key.
pub fn recover(
    head: &Head,
    recovery: &SecretKey,
    seed: &Seed,
    new_recovery: &Multikey,
    at: Timestamp,
) -> Result<Step, Fault> {
    let next = [seed.key(1).multikey().hash(), new_recovery.hash()];
    follow(
        head,
        key_lists(&[recovery.multikey()], &next),
        &showing(head, &seed.key(0).multikey()),
        recovery,
        at,
    )
}

/// The end of an account, by its recovery key: what is left of two entries, of which the first ends pre-rotation,
/// because none that commits to keys may be the last ("Deactivate (Revoke)"). The second is a second after the first.
///
/// # Errors
/// As for [`recover`].
pub fn close(head: &Head, recovery: &SecretKey, at: Timestamp) -> Result<Vec<Step>, Fault> {
    let mut steps = Vec::new();
    let (mut head, mut at) = (head.clone(), at);
    if !head.next_key_hashes.is_empty() {
        let step = follow(&head, key_lists(&[recovery.multikey()], &[]), &head.state, recovery, at)?;
        head = step.head.clone();
        at = after(&head);
        steps.push(step);
    }
    let mut parameters = Map::new();
    parameters.insert("updateKeys".to_owned(), json!([]));
    parameters.insert("deactivated".to_owned(), true.into());
    steps.push(follow(&head, parameters, &head.state, recovery, at)?);
    Ok(steps)
}

/// An entry that nobody has taken, at another time: the same in everything else, by the same `key`.
///
/// # Errors
/// The [`Fault`] it would have: [`Fault::Signer`] or [`Fault::Uncommitted`] with another key.
pub fn sign_again(head: Option<&Head>, entry: &Entry, key: &SecretKey, at: Timestamp) -> Result<Step, Fault> {
    if let Some(head) = head {
        let whole = read_strictly(entry.line().as_bytes())?;
        let parameters = whole.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default();
        return follow(head, parameters, &entry.state, key, at);
    }
    let parameters = &entry.parameters;
    let scid = parameters.scid.as_deref().ok_or(Fault::ScidPlace)?;
    // Its identifier is the hash of all of it, the time included: it gets another.
    let state = entry.state.to_string().replace(scid, "{SCID}");
    let entry = webvh::genesis(&webvh::Genesis {
        state: read_strictly(state.as_bytes())?,
        key,
        next: parameters.next_key_hashes.clone().unwrap_or_default(),
        portable: parameters.portable.unwrap_or(false),
        at,
    })?;
    let head = Head::begin(&entry, entry.time)?;
    Ok(Step { entry, head })
}

/// The first moment at which an entry may follow this one: entries have whole seconds.
pub(super) fn after(head: &Head) -> Timestamp {
    Timestamp::from_second(head.time.as_second() + 1).unwrap_or(Timestamp::MAX)
}

impl Turn<'_> {
    fn sign(&self, state: &Value) -> Result<Step, Fault> {
        let key = self.seed.key(self.index);
        let mut next = vec![self.seed.key(self.index + 1).multikey().hash()];
        // The last of several is the recovery key's: it stays.
        next.extend(self.head.next_key_hashes.iter().skip(1).next_back().cloned());
        follow(self.head, key_lists(&[key.multikey()], &next), state, &key, self.at)
    }
}

fn follow(
    head: &Head,
    parameters: Map<String, Value>,
    state: &Value,
    key: &SecretKey,
    at: Timestamp,
) -> Result<Step, Fault> {
    let entry = append(head, parameters, state, key, at)?;
    let head = head.follow(&entry, entry.time)?;
    Ok(Step { entry, head })
}

fn key_lists(update: &[Multikey], next: &[KeyHash]) -> Map<String, Value> {
    let update: Value = update.iter().map(Multikey::as_str).collect();
    let next: Value = next.iter().map(KeyHash::as_str).collect();
    [("updateKeys".to_owned(), update), ("nextKeyHashes".to_owned(), next)].into_iter().collect()
}

/// The document with another key as `#account`; whatever else its holder put there stays.
fn showing(head: &Head, key: &Multikey) -> Value {
    let mut state = head.state.clone();
    let account = format!("{}#account", head.did);
    let methods = state.get_mut("verificationMethod").and_then(Value::as_array_mut).into_iter().flatten();
    for method in methods.filter(|method| method["id"] == account.as_str()) {
        method["publicKeyMultibase"] = key.as_str().into();
    }
    state
}
