//! The mirror under the steps: real, but for its upstream, and with every future in the world's hands.

use std::{
    collections::HashMap,
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{Arc, atomic::Ordering::Relaxed},
    task::{Context, Poll, Waker},
    time::Duration,
};

use namesake::{AccountId, Clock as _, Invalidator, ManualClock, Scheme, SeededRandomness, Timestamp};

use super::{
    NAMES, PEOPLE, Step,
    checks::Said,
    store::Interleaved,
    upstream::{Latency, Simulated, Weather},
};
use crate::{
    CallbackQuery, Connect, Edit, LinkError, Linked, MirrorModel, MirrorSettings, Secret, SessionToken,
    TokenSealer, signed_request::sign,
};

const SECRET: &str = "simulated-secret";
/// The longest the mirror waits after it was told to slow down, and some jitter.
const LONGEST_PAUSE: Duration = Duration::from_secs(20 * 60);

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) upstream: Arc<Simulated>,
    pub(super) model: Arc<MirrorModel>,
    /// Who is signed in, as far as they know.
    pub(super) sessions: HashMap<usize, (AccountId, SessionToken)>,
    /// The last answer about each name, if there was one a moment ago, and about each account, ever.
    pub(super) by_name: HashMap<&'static str, Said>,
    pub(super) by_account: HashMap<AccountId, Said>,
    store: Arc<Interleaved>,
    randomness: Arc<SeededRandomness>,
    under_way: Vec<Pin<Box<dyn Future<Output = Outcome>>>>,
    throttled: bool,
}

/// What a future came to.
enum Outcome {
    Visited(AccountId),
    Linked(usize, Result<Linked, LinkError>),
}

impl World {
    pub(super) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).unwrap()));
        let upstream = Arc::new(Simulated::new(PEOPLE, clock.clone()));
        let store = Arc::new(Interleaved::default());
        let randomness = Arc::new(SeededRandomness::new(7));
        let model = start(&clock, &upstream, &store, &randomness);
        Self {
            clock,
            upstream,
            model,
            sessions: HashMap::new(),
            by_name: HashMap::new(),
            by_account: HashMap::new(),
            store,
            randomness,
            under_way: Vec::new(),
            throttled: false,
        }
    }

    pub(super) fn take(&mut self, step: &Step) {
        self.tick();
        match *step {
            Step::Rename(person, name) => drop(self.upstream.rename(&[(person, NAMES[name].to_owned())])),
            Step::Swap(one, other) => self.rotate(&[one, other]),
            Step::Cycle(a, b, c) => self.rotate(&[a, b, c]),
            Step::Ban(person) => self.upstream.truth().people[person].banned ^= true,
            Step::Leave(person) => self.upstream.leave(person),
            Step::Revoke(person) => self.upstream.revoke(person),
            Step::Weather(weather) => {
                self.throttled |= weather == Weather::Failing(crate::upstream::UpstreamFailure::Throttled);
                self.upstream.truth().weather = weather;
            }
            Step::Latency { polls, stale } => self.upstream.truth().latency = Latency { polls, stale },
            Step::Event { person, copies, forged } => self.event(person, copies, forged),
            Step::Deauthorize(person) => {
                self.upstream.revoke(person);
                let form = self.signed_form(person);
                // In doubt, the upstream sends it again; here it does not, and nothing is known.
                drop(self.now(|model| async move { model.deauthorize(&form).await }));
            }
            Step::DeleteRequested(person) => {
                let form = self.signed_form(person);
                drop(self.now(|model| async move { model.delete_requested(&form).await }));
            }
            Step::Link(person) => self.begin_link(person),
            Step::Overtaken { slow, quick } => self.overtake(slow, quick),
            Step::LinkSignedIn { person, as_person } => self.link_signed_in(person, as_person),
            Step::Edit(person) => self.edit(person),
            Step::Delete(person) => {
                if let Some((account, session)) = self.sessions.get(&person).cloned() {
                    drop(self.now(|model| async move { model.delete(&account, &session).await }));
                }
            }
            Step::Visit => self.begin_visit(),
            Step::Poll(which) => self.poll(which),
            Step::Commits { wait, doubtful } => {
                self.store.wait.store(wait, Relaxed);
                self.store.doubtful.store(doubtful, Relaxed);
            }
            Step::Crash => {
                self.under_way.clear();
                self.model = start(&self.clock, &self.upstream, &self.store, &self.randomness);
            }
            Step::Advance(time) => self.clock.advance(time),
        }
    }

    /// The upstream is well again, an interval passes: everybody whose token works has the name the upstream says.
    pub(super) fn end(&mut self) {
        self.upstream.truth().clear_up();
        self.store.wait.store(0, Relaxed);
        self.store.doubtful.store(0, Relaxed);
        self.work_off();
        if self.throttled {
            self.clock.advance(LONGEST_PAUSE);
            self.work_off();
        }
        let settings = self.model.settings().clone();
        self.clock.advance(settings.poll_interval);
        self.work_off();
        // Two accounts whose claims crossed are asked again a second later.
        for _ in 0..3 {
            self.clock.advance(Duration::from_secs(1));
            self.work_off();
        }
        self.check();
        self.check_truth();
    }

    /// Ends what is under way, and does what is due.
    pub(super) fn work_off(&mut self) {
        loop {
            while !self.under_way.is_empty() {
                self.poll(0);
            }
            self.begin_visit();
            if self.under_way.is_empty() {
                return;
            }
        }
    }

    fn begin_link(&mut self, person: usize) {
        let model = Arc::clone(&self.model);
        self.under_way.push(Box::pin(async move {
            let linked = link(&model, person, None).await;
            Outcome::Linked(person, linked)
        }));
    }

    fn overtake(&mut self, slow: usize, quick: usize) {
        self.upstream.truth().latency = Latency { polls: 2, stale: true };
        self.begin_link(slow);
        self.poll(self.under_way.len() - 1);
        self.tick();
        if slow == quick {
            if let Some(name) = NAMES.into_iter().find(|name| self.upstream.may_take(slow, name)) {
                self.upstream.rename(&[(slow, name.to_owned())]);
            }
        } else {
            self.rotate(&[slow, quick]);
        }
        self.tick();
        self.upstream.truth().latency = Latency::default();
        if let Ok(linked) = block_on(link(&self.model, quick, None)) {
            self.sessions.insert(quick, (linked.account, linked.token));
        }
    }

    /// No two things happen at one moment, so that it is always known which was first.
    fn tick(&self) {
        self.clock.advance(Duration::from_millis(1));
    }

    fn begin_visit(&mut self) {
        if let Some(due) = self.model.schedule.take(self.clock.now()) {
            let model = Arc::clone(&self.model);
            self.under_way.push(Box::pin(async move {
                let account = due.account.clone();
                model.visit(due).await;
                Outcome::Visited(account)
            }));
        }
    }

    fn poll(&mut self, which: usize) {
        let Some(which) = which.checked_rem(self.under_way.len()) else { return };
        let polled = self.under_way[which].as_mut().poll(&mut Context::from_waker(Waker::noop()));
        let Poll::Ready(outcome) = polled else { return };
        drop(self.under_way.swap_remove(which));
        match outcome {
            // A link under way may be about to say that all is well, and is then the newer word.
            Outcome::Visited(account) if self.under_way.is_empty() => self.check_visited(&account),
            Outcome::Visited(_) => (),
            Outcome::Linked(person, Ok(linked)) => {
                self.sessions.insert(person, (linked.account, linked.token));
            }
            Outcome::Linked(_, Err(_)) => (),
        }
    }

    fn rotate(&self, whom: &[usize]) {
        let mut whom = whom.to_vec();
        whom.dedup();
        if whom.len() == 3 && whom[0] == whom[2] {
            whom.pop();
        }
        let names: Option<Vec<String>> = {
            let truth = self.upstream.truth();
            whom.iter().map(|person| truth.people[*person].name().map(str::to_owned)).collect()
        };
        if let Some(mut names) = names {
            names.rotate_left(1);
            self.upstream.rename(&whom.into_iter().zip(names).collect::<Vec<_>>());
        }
    }

    fn event(&self, person: usize, copies: u8, forged: bool) {
        let body = format!(r#"{{"target_id":"u{person}"}}"#).into_bytes();
        let secret = Secret::new(if forged { "somebody else's" } else { SECRET });
        let signature = format!("sha256={}", data_encoding::HEXLOWER.encode(&sign(&body, &secret)));
        for _ in 0..copies {
            let taken = block_on(self.model.webhook(Some(&signature), &body));
            assert_eq!(taken.is_err(), forged, "only a signed event is taken");
        }
    }

    fn signed_form(&self, person: usize) -> Vec<u8> {
        let now = self.clock.now().as_second();
        let payload = format!(r#"{{"algorithm":"HMAC-SHA256","issued_at":{now},"user_id":"u{person}"}}"#);
        let payload = data_encoding::BASE64URL_NOPAD.encode(payload.as_bytes());
        let signature = sign(payload.as_bytes(), &Secret::new(SECRET));
        format!("signed_request={}.{payload}", data_encoding::BASE64URL_NOPAD.encode(&signature)).into_bytes()
    }

    /// Whoever is signed in as one person cannot link another.
    fn link_signed_in(&mut self, person: usize, as_person: usize) {
        let Some((account, session)) = self.sessions.get(&as_person).cloned() else { return };
        if block_on(self.model.signed_in(&session)).unwrap().is_none() {
            return;
        }
        let linked = block_on(link(&self.model, person, Some(&session)));
        match linked {
            Ok(linked) if person == as_person => {
                assert_eq!(linked.account, account, "the same person is the same account");
                self.sessions.insert(person, (linked.account, linked.token));
            }
            Ok(_) => panic!("an account that mirrors {as_person} was linked to {person}"),
            Err(_) => (),
        }
    }

    /// A browser comes back twice at once with one sign-in, and the upstream takes its code both times.
    pub(super) fn link_twice(&self, person: usize) -> [Result<Linked, LinkError>; 2] {
        let model = &self.model;
        block_on(async {
            let connect = model.connect(None).await.unwrap();
            let query = back(&connect, person);
            let end = || model.callback(query.clone(), Some(&connect.browser), None);
            let (first, second) = tokio::join!(end(), end());
            [first, second]
        })
    }

    fn edit(&self, person: usize) {
        let handle = Edit::from_json(br#"{"handle":"z"}"#, &self.model);
        assert!(matches!(handle, Err(crate::OwnError::HandleIsMirrored { .. })), "{handle:?}");
        if let Some((account, session)) = self.sessions.get(&person).cloned() {
            let edit = Edit { bio: Some(format!("as of {}", self.clock.now())), ..Edit::default() };
            drop(self.now(|model| async move { model.edit(&account, &session, edit).await }));
        }
    }

    fn now<F: Future>(&self, call: impl FnOnce(Arc<MirrorModel>) -> F) -> F::Output {
        block_on(call(Arc::clone(&self.model)))
    }
}

/// A mirror as it is after a start: everything it knows is from the store.
fn start(
    clock: &Arc<ManualClock>,
    upstream: &Arc<Simulated>,
    store: &Arc<Interleaved>,
    randomness: &Arc<SeededRandomness>,
) -> Arc<MirrorModel> {
    let scheme = Scheme::parse("simulated").unwrap();
    let settings = MirrorSettings {
        webhook_secrets: vec![Secret::new(SECRET)],
        ..MirrorSettings::new(scheme, "http://127.0.0.1:9/".parse().unwrap())
    };
    let model = MirrorModel::new(
        settings,
        upstream.clone(),
        store.clone(),
        TokenSealer::ephemeral(&SeededRandomness::new(1)),
        clock.clone(),
        randomness.clone(),
        Invalidator::new(|_| ()),
    );
    block_on(model.load());
    model
}

async fn link(
    model: &MirrorModel,
    person: usize,
    session: Option<&SessionToken>,
) -> Result<Linked, LinkError> {
    let connect = model.connect(session).await?;
    model.callback(back(&connect, person), Some(&connect.browser), session).await
}

/// What the upstream sends a browser back with.
fn back(connect: &Connect, person: usize) -> CallbackQuery {
    let state = connect.location.query().and_then(|query| query.strip_prefix("state=")).map(str::to_owned);
    CallbackQuery { code: Some(person.to_string()), state, ..CallbackQuery::default() }
}

/// Polls a future until it is ready; nobody else moves meanwhile.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> T {
    const MOST: usize = 100_000;
    let mut future = pin!(future);
    for _ in 0..MOST {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return output;
        }
    }
    panic!("a future that never ends")
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("upstream", &self.upstream).finish_non_exhaustive()
    }
}
