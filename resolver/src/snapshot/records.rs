//! The lines of a snapshot: from remembered answers to records, and back.
//!
//! A record says only what its source said. What depends on the configuration (the seat of a backend, the address of a
//! profile) is worked out again, and what the configuration no longer serves is dropped.

use std::sync::Arc;

use namesake::{
    AccountId, AvatarUrl, Bio, DisplayName, Handle, Method, Model, Profile, ProfileState, Proof, Scheme,
    Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::{
    atproto::{Atproto, DidDocument, DidOf, Document, Verified},
    cache::{Key, Memory, Remembered, Said},
    directory::{Directory, Seat},
    lookup::Resolver,
    person::Person,
    query::{Selector, Subject},
};

/// One answer.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    asked: Subject,
    pub(super) learned_at: Timestamp,
    suspect: bool,
    answer: Answer,
}

/// What was answered, by the memory it was in.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    Person(Box<Shown>),
    Did(Named),
    Document(Arc<DidDocument>),
    Identity { handle: Handle, document: Arc<DidDocument> },
}

/// Somebody whose handle is proved. One without is left out, as absences are: "no handle" is a no.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    scheme: Scheme,
    handle: Handle,
    holder: Named,
    display_name: Option<String>,
    bio: Option<String>,
    avatar: Option<String>,
    state: ProfileState,
    #[serde(default)]
    shown_at: Option<Timestamp>,
}

/// Whom a handle names, and how that is known. Never provisionally: such answers are not kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    account: AccountId,
    method: Method,
    checked_at: Timestamp,
}

/// All that may come back.
pub(super) fn of(resolver: &Resolver, atproto: Option<&Atproto>) -> Vec<Record> {
    // What a mirror answers belongs to its store alone: deleting an account there must leave nothing here.
    let directory = resolver.directory();
    let is_worlds = |seat| directory.policy(seat).model == Model::Independent;
    let mut records = gather(resolver.people(), |key, person| {
        is_worlds(key.seat).then(|| Shown::of(person, directory)).flatten()
    });
    if let Some(atproto) = atproto {
        records.extend(gather(&atproto.dids, |_, did| Some(Answer::Did(Named::of(&did.did, &did.proof)))));
        records.extend(gather(&atproto.documents, |_, Document(document)| {
            Some(Answer::Document(Arc::clone(document)))
        }));
        records.extend(gather(&atproto.identities, |_, Verified { handle, document, .. }| {
            Some(Answer::Identity { handle: handle.clone()?, document: Arc::clone(document) })
        }));
    }
    records
}

fn gather<V: Remembered>(memory: &Memory<V>, answer: impl Fn(&Key, &V) -> Option<Answer>) -> Vec<Record> {
    let survivors = memory.survivors().into_iter();
    let records = survivors.filter_map(|survivor| match &survivor.entry.said {
        Said::Found(value) => Some(Record {
            answer: answer(&survivor.key, value)?,
            asked: survivor.key.subject,
            learned_at: survivor.learned_at,
            suspect: survivor.suspect,
        }),
        Said::Absent(_) => None,
    });
    records.collect()
}

impl Record {
    /// Remembers it again; `None` if nobody here answers such a question any more, or it answers another.
    pub(super) fn take_back(self, resolver: &Resolver, atproto: Option<&Atproto>) -> Option<bool> {
        let Self { asked, learned_at, suspect, answer } = self;
        let at = |seat| Key { seat, subject: asked.clone() };
        let taken = match answer {
            Answer::Person(shown) => {
                let directory = resolver.directory();
                let seat = directory.route(&asked, Some(&Selector::Named(shown.scheme.clone()))).ok()?;
                let policy = directory.policy(seat);
                if policy.scheme != shown.scheme || policy.model != Model::Independent {
                    return None;
                }
                let person = answers(&asked, shown.person(seat))?;
                resolver.people().take_back(&at(seat), person, learned_at, suspect)
            }
            Answer::Did(named) => {
                let (did, proof) = named.proved();
                let value = answers(&asked, DidOf { did, proof })?;
                atproto?.dids.take_back(&at(Seat::ATPROTO), value, learned_at, suspect)
            }
            Answer::Document(document) => {
                let value = answers(&asked, Document(document))?;
                atproto?.documents.take_back(&at(Seat::ATPROTO), value, learned_at, suspect)
            }
            Answer::Identity { handle, document } => {
                let value = answers(&asked, Verified { handle: Some(handle), document, provisional: false })?;
                atproto?.identities.take_back(&at(Seat::ATPROTO), value, learned_at, suspect)
            }
        };
        Some(taken)
    }
}

/// The answer, if it is one to this question.
fn answers<V: Remembered>(asked: &Subject, value: V) -> Option<V> {
    let fits = match asked {
        Subject::Handle(handle) => value.handle().is_none_or(|shown| shown == handle),
        Subject::Account(account) => value.account() == account,
    };
    fits.then_some(value)
}

impl Shown {
    fn of(person: &Person, directory: &Directory) -> Option<Answer> {
        let (handle, proof) = person.handle.as_ref().ok()?;
        let profile = &person.profile;
        Some(Answer::Person(Box::new(Self {
            scheme: directory.policy(person.seat).scheme.clone(),
            handle: handle.clone(),
            holder: Named::of(person.account(), proof),
            display_name: profile.display_name.as_ref().map(|name| name.as_str().to_owned()),
            bio: profile.bio.as_ref().map(|bio| bio.as_str().to_owned()),
            avatar: profile.avatar.as_ref().map(|avatar| avatar.as_str().to_owned()),
            state: profile.state,
            shown_at: person.shown_at,
        })))
    }

    /// Text is cleaned on entry, here as everywhere.
    fn person(self, seat: Seat) -> Person {
        let (account, proof) = self.holder.proved();
        let profile = Profile {
            account,
            handle: Some(self.handle.clone()),
            display_name: self.display_name.as_deref().and_then(DisplayName::clean),
            bio: self.bio.as_deref().and_then(Bio::clean),
            avatar: self.avatar.as_deref().and_then(AvatarUrl::clean),
            state: self.state,
        };
        Person { seat, handle: Ok((self.handle, proof)), profile: Arc::new(profile), shown_at: self.shown_at }
    }
}

impl Named {
    fn of(account: &AccountId, proof: &Proof) -> Self {
        Self { account: account.clone(), method: proof.method.clone(), checked_at: proof.checked_at }
    }

    fn proved(self) -> (AccountId, Proof) {
        (self.account, Proof::new(self.method, self.checked_at))
    }
}
