//! The resolver: directory, then memory, then one flight to the backend.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use futures_util::future::join_all;
use namesake::{
    AccountId, Clock, ErrorKind, Handle, Lookup, Model, ResolveError, Scheme, StepOutcome, Trace, Why,
    shares::Client,
};
use namesake_independent::hosted::Hosted;
use tokio::time::timeout;

use crate::{
    admission::Admission,
    api::{Explanation, Freshness, Resolution},
    cache::{Answered, Generations, Key, Memory, Patience, Said, Whose},
    directory::{Directory, NotServed, Seat},
    guard::Guarded,
    person::{self, Person},
    problem::Refusal,
    query::{Query, Selector, Subject},
    settings::CacheSettings,
};

/// Answers who somebody is.
#[derive(Debug)]
pub(crate) struct Resolver {
    office: Arc<Office>,
    people: Memory<Person>,
    hosted: Option<Arc<Hosted>>,
}

/// What a lookup takes along: it may outlive its asker.
#[derive(Debug)]
struct Office {
    directory: Arc<Directory>,
    backends: Vec<(Guarded, Admission)>,
}

impl Resolver {
    pub(crate) fn new(
        directory: Directory,
        backends: Vec<(Guarded, Admission)>,
        hosted: Option<Arc<Hosted>>,
        settings: CacheSettings,
        generations: Arc<Generations>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let directory = Arc::new(directory);
        let whose = Whose { directory: Some(Arc::clone(&directory)), atproto: directory.atproto_schemes() };
        Self {
            office: Arc::new(Office { directory, backends }),
            people: Memory::new(settings, generations, whose, clock),
            hosted,
        }
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.office.directory
    }

    pub(crate) fn people(&self) -> &Memory<Person> {
        &self.people
    }

    /// The accounts that live here, if any do.
    pub(crate) fn hosted(&self) -> Option<&Hosted> {
        self.hosted.as_deref()
    }

    /// Who `query` asks about, from memory if it is there: a person, or a definite no.
    pub(crate) async fn answer(&self, query: &Query) -> Result<Answered<Person>, Refusal> {
        let key = self.key(query).await?;
        let answered = self.people.ask(&key, self.admission(&key)?, self.office.source(&key)).await;
        answered.map_err(|error| Refusal::failed(query, error))
    }

    /// The same for a handle as it is kept, if nobody needs to be asked; `implied` is the model that the route stands for.
    pub(crate) fn at_hand(&self, handle: &str, implied: Option<Model>) -> Option<Answered<Person>> {
        // A name is remembered of a backend only if its namespace takes it, and what the first one takes is its own (bare,
        // if the answer says so): for these the directory has nothing to decide.
        let first = self.directory().first_of(implied)?;
        let others = || {
            let subject = Subject::Handle(Handle::parse(handle).ok()?);
            let seat = self.directory().route(&subject, implied.map(Selector::Model).as_ref()).ok()?;
            (seat != first).then(|| self.people.at_hand(seat, handle)).flatten()
        };
        let is_its_own = |answered: &Answered<Person>| implied.is_some() || answered.entry.is_bare;
        self.people.at_hand(first, handle).filter(is_its_own).or_else(others)
    }

    /// The same, from a lookup that begins now; what it finds is remembered.
    pub(crate) async fn answer_afresh(&self, query: &Query) -> Result<Answered<Person>, Refusal> {
        let key = self.key(query).await?;
        let answered = self.people.ask_afresh(&key, self.admission(&key)?, self.office.source(&key)).await;
        answered.map_err(|error| Refusal::failed(query, error))
    }

    /// An answer as one asker reads it.
    pub(crate) fn read(&self, query: &Query, answered: &Answered<Person>) -> Result<Resolution, Refusal> {
        match &answered.entry.said {
            Said::Found(person) => Ok(person.resolution(self.directory(), Some(answered.freshness))),
            Said::Absent(why) => Err(self.absent(query, *why)),
        }
    }

    /// The refusal for a definite no: it names the schemes under which the same name could be somebody.
    pub(crate) fn absent(&self, query: &Query, why: Why) -> Refusal {
        let Subject::Handle(handle) = &query.subject else {
            return Refusal::Absent { handle: None, why, others: Vec::new(), link: None };
        };
        let seat = self.directory().route(&query.subject, query.selector.as_ref()).ok();
        Refusal::Absent {
            handle: Some(handle.clone()),
            why,
            others: self.directory().others(handle, seat),
            link: seat.and_then(|seat| self.directory().links(seat)).cloned(),
        }
    }

    /// The backend that answers `query`.
    pub(crate) fn seat(&self, query: &Query) -> Option<Seat> {
        self.directory().route(&query.subject, query.selector.as_ref()).ok()
    }

    /// The schemes, except one, under which somebody goes by the name, as far as that is known within `patience`. What
    /// takes longer is known the next time.
    pub(crate) async fn namesakes(
        &self,
        handle: &Handle,
        except: Option<Seat>,
        patience: Duration,
    ) -> Vec<Scheme> {
        let asked = self.directory().others(handle, except).into_iter().map(|scheme| async move {
            let selector = Selector::Named(scheme.clone());
            let query = Query { subject: Subject::Handle(handle.clone()), selector: Some(selector) };
            let answered = timeout(patience, self.answer(&query)).await.ok()?.ok()?;
            matches!(answered.entry.said, Said::Found(_)).then_some(scheme)
        });
        join_all(asked).await.into_iter().flatten().collect()
    }

    /// A refusal for people, who follow links: of the other schemes that take the name it names those where it is
    /// somebody.
    pub(crate) async fn for_people(&self, refusal: Refusal, patience: Duration) -> Refusal {
        match refusal {
            Refusal::Absent { handle: Some(handle), why, others, link } if !others.is_empty() => {
                let there = self.namesakes(&handle, None, patience).await;
                let others = others.into_iter().filter(|other| there.contains(other)).collect();
                Refusal::Absent { handle: Some(handle), why, others, link }
            }
            Refusal::NotServed { handle: Some(handle), reason } if !reason.others.is_empty() => {
                let there = self.namesakes(&handle, None, patience).await;
                let others = reason.others.into_iter().filter(|other| there.contains(other)).collect();
                Refusal::NotServed { handle: Some(handle), reason: NotServed { others, ..reason } }
            }
            refusal => refusal,
        }
    }

    /// Every step of a lookup that begins now and leaves nothing in memory, beside what memory would answer. Whoever reads
    /// it listens by `trace`.
    pub(crate) async fn explain(&self, query: &Query, trace: Trace) -> Explanation {
        let begun = tokio::time::Instant::now();
        let key = self.key(query).await;
        let remembered = key.as_ref().ok().and_then(|key| self.people.peek(key));
        let scheme = key.as_ref().ok().map(|key| self.directory().policy(key.seat).scheme.clone());
        trace.step(
            "scheme",
            || format!("which scheme takes {}?", name_of(&query.subject)),
            if scheme.is_some() { StepOutcome::Found } else { StepOutcome::Absent },
            || scheme.as_ref().map_or_else(|| "none".to_owned(), ToString::to_string),
        );
        let outcome = match key {
            Ok(key) => self.look_again(query, &key, &trace).await,
            Err(refusal) => Err(refusal),
        };
        let (steps, advice) = trace.finish();
        let (resolution, problem) = match outcome {
            Ok(resolution) => (Some(resolution), None),
            Err(refusal) => (None, Some(refusal.problem())),
        };
        Explanation {
            handle: name_of(&query.subject).to_owned(),
            scheme: scheme.map(|scheme| scheme.to_string()),
            verdict: verdict(
                query,
                resolution.as_ref(),
                problem.as_ref().map(|problem| problem.title.as_str()),
            ),
            resolution,
            problem,
            steps,
            advice,
            remembered,
            took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        }
    }

    async fn look_again(&self, query: &Query, key: &Key, trace: &Trace) -> Result<Resolution, Refusal> {
        let turn = self.admission(key)?.turn(Client::current()).await;
        let _turn = turn.map_err(|error| Refusal::failed(query, error))?;
        match self.office.look(key, trace).await.map_err(|error| Refusal::failed(query, error))? {
            Lookup::Found { value, ttl } => {
                let ttl_seconds = self.people.lifetime(&value, ttl).map(|time| time.as_secs());
                let age_seconds = if ttl_seconds.is_none() { self.people.age_of(&value) } else { 0 };
                let freshness = Freshness { age_seconds, ttl_seconds, stale: false };
                Ok(value.resolution(self.directory(), Some(freshness)))
            }
            Lookup::Absent { why, .. } => Err(self.absent(query, why)),
            Lookup::Pass => Err(self.absent(query, Why::Unknown)),
        }
    }

    /// The way in to the backend that `key` is asked of.
    fn admission(&self, key: &Key) -> Result<&Admission, Refusal> {
        let backend = self.office.backend(key.seat);
        backend.map(|(_, admission)| admission).map_err(|error| Refusal::Failed { handle: None, error })
    }

    async fn key(&self, query: &Query) -> Result<Key, Refusal> {
        let seat = self.directory().route(&query.subject, query.selector.as_ref());
        let seat = seat.map_err(|reason| Refusal::not_served(query, reason))?;
        let subject = match &query.subject {
            Subject::Account(account) if account.as_str().starts_with("did:webvh:") => {
                // Boxed: hardly anybody asks so, and every lookup would carry it.
                Subject::Account(Box::pin(self.canonical(account)).await?)
            }
            subject => subject.clone(),
        };
        Ok(Key { seat, subject })
    }

    /// The name under which an account is known and remembered: of one that lives here its did:web, also when it was
    /// asked for by its did:webvh.
    pub(crate) async fn canonical(&self, account: &AccountId) -> Result<AccountId, Refusal> {
        let Some(hosted) = &self.hosted else { return Ok(account.clone()) };
        let known = hosted.canonical(account).await.map_err(Refusal::store)?;
        Ok(known.unwrap_or_else(|| account.clone()))
    }
}

type PersonFuture = Pin<Box<dyn Future<Output = Result<Lookup<Person>, ResolveError>> + Send>>;

impl Office {
    /// A lookup that owns all it needs: it outlives its asker.
    fn source(self: &Arc<Self>, key: &Key) -> impl Fn(Patience) -> PersonFuture + Clone + Send + use<> {
        let (office, key) = (Arc::clone(self), key.clone());
        move |patience| {
            let (office, key) = (Arc::clone(&office), key.clone());
            Box::pin(async move { office.look(&key, &patience.trace()).await })
        }
    }

    async fn look(&self, key: &Key, trace: &Trace) -> Result<Lookup<Person>, ResolveError> {
        let (backend, _) = self.backend(key.seat)?;
        person::ask(backend, key.seat, &key.subject, trace).await
    }

    fn backend(&self, seat: Seat) -> Result<&(Guarded, Admission), ResolveError> {
        let none = || ResolveError::new(ErrorKind::Internal, "no such backend");
        self.backends.get(seat.index()).ok_or_else(none)
    }
}

fn name_of(subject: &Subject) -> &str {
    match subject {
        Subject::Handle(handle) => handle.as_str(),
        Subject::Account(account) => account.as_str(),
    }
}

fn verdict(query: &Query, found: Option<&Resolution>, problem: Option<&str>) -> String {
    let asked = match &query.subject {
        Subject::Handle(handle) => format!("@{handle}"),
        Subject::Account(account) => account.to_string(),
    };
    match (found, problem) {
        (Some(Resolution { handle: Some(handle), account, scheme, .. }), _) => match &query.subject {
            Subject::Handle(_) => format!("{asked} is {account}, says {scheme}."),
            Subject::Account(_) => format!("{asked} goes by @{handle}, says {scheme}."),
        },
        (Some(_), _) => format!("{asked} is known, and has no handle that can be proved."),
        (None, problem) => format!("{asked}: {}.", problem.unwrap_or("no answer")),
    }
}
