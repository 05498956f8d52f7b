//! An upstream that is nothing but its truth: who is called what since when, and whose token works.
//!
//! It is strict: a call that no upstream would take is a panic. It answers after as many polls of the future as it is
//! told, with what was true when it was asked or with what is true by then.

use std::{
    collections::HashMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::Poll,
    time::Duration,
};

use namesake::{Clock as _, ManualClock, Timestamp};
use url::Url;

use crate::{
    Secret,
    budget::after,
    upstream::{
        Sighting, SignIn, Token, Upstream, UpstreamError, UpstreamFailure, UpstreamFuture, UpstreamPerson,
        UpstreamSource,
    },
};

/// Short, so that tokens are refreshed within a test, and run out where nobody polls.
const TOKEN_LASTS: Duration = Duration::from_secs(3 * 24 * 3600);
const REFRESH_AGE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(super) struct Simulated {
    source: UpstreamSource,
    clock: Arc<ManualClock>,
    truth: Mutex<Truth>,
}

#[derive(Debug, Default)]
pub(super) struct Truth {
    pub(super) people: Vec<Person>,
    tokens: HashMap<String, IssuedToken>,
    pub(super) weather: Weather,
    pub(super) latency: Latency,
    /// How every refresh of a token fails, whatever the weather.
    pub(super) refreshes_fail: Option<UpstreamFailure>,
}

#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: String,
    /// What it was called, and until when; the last entry may be open. Nothing is open: it deleted its account.
    names: Vec<(String, Timestamp, Option<Timestamp>)>,
    pub(super) banned: bool,
}

#[derive(Debug)]
struct IssuedToken {
    person: usize,
    issued: Timestamp,
    revoked: bool,
    answers: u32,
    last: Option<UpstreamFailure>,
}

/// How the upstream answers everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Weather {
    #[default]
    Fair,
    /// Every call fails like this.
    Failing(UpstreamFailure),
    /// Polls are answered with somebody else's profile.
    Mixed,
    /// Names that are no names.
    Garbled,
}

/// How slow it is, and whether a slow answer says what was true at the beginning or at the end.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Latency {
    pub(super) polls: u8,
    pub(super) stale: bool,
}

impl Simulated {
    pub(super) fn new(people: usize, clock: Arc<ManualClock>) -> Self {
        let source = UpstreamSource {
            kind: "simulated".to_owned(),
            origin: "https://upstream.example".to_owned(),
            client: "1".to_owned(),
        };
        let simulated = Self { source, clock, truth: Mutex::default() };
        (0..people).for_each(|person| simulated.join(super::NAMES[person]));
        simulated
    }

    pub(super) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap()
    }

    fn join(&self, name: &str) {
        let mut truth = self.truth();
        let id = format!("u{}", truth.people.len());
        truth.people.push(Person {
            id,
            names: vec![(name.to_owned(), self.clock.now(), None)],
            banned: false,
        });
    }

    /// Gives each of `whom` the name beside it, all at one moment. `false`, and nothing, where a name is another's.
    pub(super) fn rename(&self, whom: &[(usize, String)]) -> bool {
        let now = self.clock.now();
        let mut truth = self.truth();
        let taken = truth.people.iter().enumerate().any(|(other, person)| {
            let moves = whom.iter().any(|(moving, _)| *moving == other);
            !moves && whom.iter().any(|(_, name)| person.name() == Some(name.as_str()))
        });
        if taken || whom.iter().any(|(person, _)| truth.people[*person].name().is_none()) {
            return false;
        }
        for (person, name) in whom {
            truth.people[*person].end(now);
            truth.people[*person].names.push((name.clone(), now, None));
        }
        true
    }

    /// Whether a rename to `name` would be one, and is possible.
    pub(super) fn may_take(&self, person: usize, name: &str) -> bool {
        let truth = self.truth();
        truth.people[person].name().is_some() && truth.people.iter().all(|person| person.name() != Some(name))
    }

    /// The person deletes their account: the id never comes back, the name is free, and somebody new may take it.
    pub(super) fn leave(&self, person: usize) {
        let now = self.clock.now();
        self.truth().people[person].end(now);
    }

    pub(super) fn revoke(&self, person: usize) {
        self.truth().tokens.values_mut().filter(|it| it.person == person).for_each(|it| it.revoked = true);
    }

    /// Whether a token works now, whatever the weather.
    pub(super) fn works(&self, token: &Secret) -> bool {
        self.truth().tokens.get(token.expose()).is_some_and(|token| token.works(self.clock.now()))
    }

    /// How the last call with this token failed, if it did.
    pub(super) fn last_failure(&self, token: &Secret) -> Option<UpstreamFailure> {
        self.truth().tokens[token.expose()].last
    }

    fn issue(&self, person: usize) -> Token {
        let mut truth = self.truth();
        let text = format!("token-{}-{person}", truth.tokens.len());
        let token = IssuedToken { person, issued: self.clock.now(), revoked: false, answers: 0, last: None };
        truth.tokens.insert(text.clone(), token);
        Token { secret: Secret::new(text), refresh_in: Some(REFRESH_AGE), revivable: false }
    }

    fn profile(&self, token: &Secret) -> Result<UpstreamPerson, UpstreamFailure> {
        let now = self.clock.now();
        let mut truth = self.truth();
        let weather = truth.weather;
        let issued = truth.tokens.get_mut(token.expose()).expect("a token of ours");
        let (whose, works, first) = (issued.person, issued.works(now), issued.answers == 0);
        issued.answers += 1;
        let mut person = &truth.people[whose];
        // Whom a link is for is believed; only polls can know better.
        if weather == Weather::Mixed && !first {
            person = &truth.people[(whose + 1) % truth.people.len()];
        }
        match (weather, person.name()) {
            (Weather::Failing(failure), _) => Err(failure),
            _ if !works => Err(UpstreamFailure::Dead),
            (_, None) => Err(UpstreamFailure::Gone),
            _ if person.banned => Err(UpstreamFailure::Gone),
            (Weather::Garbled, _) => Ok(person.sighted("not a name!")),
            (_, Some(name)) => Ok(person.sighted(name)),
        }
    }

    async fn answer(&self, token: &Secret) -> Result<Sighting, UpstreamError> {
        let latency = self.truth().latency;
        let early = latency.stale.then(|| self.profile(token));
        pending(latency.polls).await;
        let answer = early.unwrap_or_else(|| self.profile(token));
        self.truth().tokens.get_mut(token.expose()).unwrap().last = answer.as_ref().err().copied();
        match answer {
            Ok(person) => Ok(Sighting { person, usage_percent: None }),
            Err(failure) => Err(UpstreamError::new(failure, "simulated")),
        }
    }
}

impl Upstream for Simulated {
    fn source(&self) -> &UpstreamSource {
        &self.source
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        let url = format!("https://upstream.example/?state={}", sign_in.state);
        Box::pin(async move { Ok(url.parse().unwrap()) })
    }

    /// A code is the number of the person it is for.
    fn exchange<'a>(&'a self, code: &'a str, _: &'a SignIn) -> UpstreamFuture<'a, Token> {
        Box::pin(async { Ok(self.issue(code.parse().expect("a code of ours"))) })
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        Box::pin(async {
            let now = self.clock.now();
            let (person, issued, revoked) = {
                let truth = self.truth();
                let token = &truth.tokens[token.expose()];
                (token.person, token.issued, token.revoked)
            };
            assert!(after(issued, REFRESH_AGE) <= now, "refreshed too early");
            let revoked = revoked || now >= after(issued, TOKEN_LASTS);
            if let Some(failure) = self.truth().refreshes_fail {
                return Err(UpstreamError::new(failure, "simulated"));
            }
            match self.truth().weather {
                Weather::Failing(failure) => return Err(UpstreamError::new(failure, "simulated")),
                _ if revoked => return Err(UpstreamError::new(UpstreamFailure::Dead, "simulated")),
                _ => (),
            }
            Ok(self.issue(person))
        })
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        Box::pin(self.answer(token))
    }
}

impl Truth {
    /// The upstream works again, at once and for everybody.
    pub(super) fn clear_up(&mut self) {
        (self.weather, self.latency) = (Weather::Fair, Latency::default());
    }
}

impl Person {
    /// What it is called now.
    pub(super) fn name(&self) -> Option<&str> {
        self.names.last().filter(|(_, _, until)| until.is_none()).map(|(name, ..)| name.as_str())
    }

    /// Whether it was called `name` at any moment of a span, both ends included.
    pub(super) fn was_called(&self, name: &str, from: Timestamp, to: Timestamp) -> bool {
        let then = |(called, since, until): &(String, Timestamp, Option<Timestamp>)| {
            called == name && *since <= to && until.is_none_or(|until| until >= from)
        };
        self.names.iter().any(then)
    }

    /// The first moment from `from` on at which it was called `name`.
    pub(super) fn called_since(&self, name: &str, from: Timestamp) -> Timestamp {
        let then = |(called, _, until): &&(String, Timestamp, Option<Timestamp>)| {
            called == name && until.is_none_or(|until| until >= from)
        };
        let since = self.names.iter().filter(then).map(|(_, since, _)| *since).min();
        since.map_or(from, |since| since.max(from))
    }

    fn end(&mut self, now: Timestamp) {
        if let Some((.., until @ None)) = self.names.last_mut() {
            *until = Some(now);
        }
    }

    fn sighted(&self, name: &str) -> UpstreamPerson {
        UpstreamPerson { id: self.id.clone(), username: name.to_owned(), ..UpstreamPerson::default() }
    }
}

impl IssuedToken {
    fn works(&self, now: Timestamp) -> bool {
        !self.revoked && now < after(self.issued, TOKEN_LASTS)
    }
}

/// Ready after it was polled `times` times in vain.
pub(super) async fn pending(mut times: u8) {
    poll_fn(|_| match times.checked_sub(1) {
        Some(left) => {
            times = left;
            Poll::Pending
        }
        None => Poll::Ready(()),
    })
    .await;
}
