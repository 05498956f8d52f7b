//! What is remembered between two askers, and who asks the backend when nothing is.
//!
//! ```text
//!  ask(key) ──▶ recall: a slot, if nothing in it was purged since it was begun ([`generations`])
//!     │   within its ttl, and not suspected since ........ answered
//!     │   found, and expired ≤ 60 s ago .................. answered, asked again behind the answer
//!     │   a temporary failure a moment ago ............... what was found, marked stale, ≤ 24 h; or the failure
//!     ▼   nothing
//!  flight: one lookup a key ──▶ settle: what was found is remembered, a temporary failure replaces nothing
//!     └ was it provisional? ............................ its late word: the same lookup with all its time, settled too
//! ```
//!
//! Two pure files decide: `entry` what may be answered now, `settle` what is kept; `slots` is the map, `restart` is about
//! what outlives the process. This one holds the clock and the flights.

mod entry;
mod failures;
mod generations;
mod restart;
mod settle;
mod slots;

use std::{
    fmt,
    future::Future,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use namesake::{
    Clock, ErrorKind, Lookup, Moment, ResolveError, Scheme, Timestamp, Trace, Ttl, shares::Client,
};
use quick_cache::sync::{EntryAction, EntryResult};

pub(crate) use self::{
    entry::{Answered, Remembered, Said},
    generations::Generations,
    slots::Key,
};
use self::{
    entry::{Entry, Kept, Recall, Slot},
    failures::Failures,
    generations::{Begun, Names, Stripes},
    settle::{Landing, Settled, settle},
    slots::{OfHandle, Slots},
};
use crate::{
    admission::Admission,
    api::Freshness,
    directory::{Directory, Seat},
    flight::{Arrival, Flights, Ticket},
    query::Subject,
    settings::CacheSettings,
};

/// How long a lookup waits for a source that is stronger than the one that has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Not long: somebody waits, and the answer may be provisional.
    Short,
    /// As long as its deadlines allow: nobody waits.
    Long,
}

impl Patience {
    /// The trace that asks a backend for it: a listener always waits for every source.
    pub(crate) fn trace(self) -> Trace {
        match self {
            Self::Short => Trace::OFF,
            Self::Long => Trace::on(),
        }
    }
}

/// Answers of one kind, and the lookups on their way to them.
#[derive(Debug)]
pub(crate) struct Memory<V> {
    shelf: Shelf<V>,
    flights: Flights<Key, Departure, Settled<V>>,
}

/// A lookup on its way: since when, for whom, and whether it has its turn.
#[derive(Debug, Clone)]
struct Departure {
    begun: Begun,
    client: Client,
    is_under_way: Arc<AtomicBool>,
}

impl PartialEq for Departure {
    fn eq(&self, other: &Self) -> bool {
        self.begun == other.begun
    }
}

/// Whose lookup somebody may wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Boards {
    /// Anybody's that has its turn, and the client's own: nobody waits in a stranger's queue.
    Any,
    /// The client's own.
    Own,
    /// None that was begun before.
    None,
}

/// Whose names the handles of a memory are.
#[derive(Debug, Clone)]
pub(crate) struct Whose {
    /// Who has which seat; XRPC's memory has none.
    pub(crate) directory: Option<Arc<Directory>>,
    /// The schemes that answer for the same names as XRPC.
    pub(crate) atproto: Arc<[Scheme]>,
}

impl Whose {
    fn names(&self, seat: Seat) -> Names<'_> {
        self.directory.as_ref().map_or(Names::Atproto, |directory| Names::Of(&directory.policy(seat).scheme))
    }

    /// Whether the backend of a seat is the one that is asked about a name that comes without its scheme.
    fn is_bare(&self, key: &Key) -> bool {
        match (&self.directory, &key.subject) {
            (Some(directory), Subject::Handle(handle)) => directory.bare(handle) == Some(key.seat),
            _ => true,
        }
    }

    /// These, and all others that mean the same people.
    fn same_people(&self, seat: Seat) -> Vec<Names<'_>> {
        let names = self.names(seat);
        let atproto = || self.atproto.iter().map(Names::Of).chain([Names::Atproto]);
        if atproto().any(|other| other == names) { atproto().collect() } else { vec![names] }
    }
}

/// The map, with what is needed to judge its entries. Cheap to clone: lookups carry it along.
struct Shelf<V> {
    slots: Arc<Slots<V>>,
    failures: Arc<Failures>,
    generations: Arc<Generations>,
    whose: Whose,
    clock: Arc<dyn Clock>,
    settings: CacheSettings,
}

impl<V> fmt::Debug for Shelf<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<V> Clone for Shelf<V> {
    fn clone(&self) -> Self {
        let Self { slots, failures, generations, whose, clock, settings } = self;
        Self {
            slots: slots.clone(),
            failures: failures.clone(),
            generations: generations.clone(),
            whose: whose.clone(),
            clock: clock.clone(),
            settings: *settings,
        }
    }
}

impl<V: Remembered> Memory<V> {
    /// Empty.
    pub(crate) fn new(
        settings: CacheSettings,
        generations: Arc<Generations>,
        whose: Whose,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let slots = Arc::new(slots::empty(settings.capacity_bytes));
        let failures = Arc::new(Failures::new(settings.capacity_bytes));
        let shelf = Shelf { slots, failures, generations, whose, clock, settings };
        Self { shelf, flights: Flights::default() }
    }

    /// The answer to `key`: remembered, or from `source`, which is asked once however many wait.
    pub(crate) async fn ask<F>(
        &self,
        key: &Key,
        admission: &Admission,
        source: impl Fn(Patience) -> F + Clone + Send + 'static,
    ) -> Result<Answered<V>, ResolveError>
    where
        F: Future<Output = Result<Lookup<V>, ResolveError>> + Send + 'static,
    {
        match self.shelf.recall(key) {
            Recall::Good(answered) => return Ok(answered),
            Recall::Failed(error) => return Err(error),
            Recall::Behind(answered) => {
                drop(self.flight(key, admission, source, Boards::Any));
                return Ok(answered);
            }
            Recall::Nothing => (),
        }
        let (flight, is_own) = self.flight(key, admission, source.clone(), Boards::Any);
        let mut settled = landed(flight).await;
        // What a stranger was refused is nobody else's answer.
        if !is_own && settled.is_refusal() {
            settled = landed(self.flight(key, admission, source, Boards::Own).0).await;
        }
        match settled {
            Settled::New(entry) => Ok(Answered::new(entry, self.shelf.clock.moment(), false)),
            Settled::Failed(_, Some(stale)) => Ok(Answered::new(stale, self.shelf.clock.moment(), true)),
            Settled::Failed(error, None) => Err(error),
        }
    }

    /// How old a value is now that is kept until it is purged, in seconds.
    pub(crate) fn age_of(&self, value: &V) -> u64 {
        let now = self.shelf.clock.moment();
        value.checked_at().map_or(0, |at| now.since(now.when_wall_showed(at)).as_secs())
    }

    /// The answer of a lookup that begins now: no memory, no flight that was begun earlier, no stale answer. What it
    /// finds is remembered, and purges what any memory holds from before about the handle and the account; if it fails
    /// temporarily, what was known stays.
    pub(crate) async fn ask_afresh<F>(
        &self,
        key: &Key,
        admission: &Admission,
        source: impl Fn(Patience) -> F + Send + 'static,
    ) -> Result<Answered<V>, ResolveError>
    where
        F: Future<Output = Result<Lookup<V>, ResolveError>> + Send + 'static,
    {
        match landed(self.flight(key, admission, source, Boards::None).0).await {
            Settled::New(entry) => Ok(Answered::new(entry, self.shelf.clock.moment(), false)),
            Settled::Failed(error, _) => Err(error),
        }
    }

    /// Forgets failures whose time is up; to be called now and then, for when nothing else fails.
    pub(crate) fn tidy(&self) {
        /// A thousand take less than a millisecond.
        const MOST: usize = 10_000;
        self.shelf.forget_failures(MOST);
    }

    /// Ready when no lookup is under way.
    pub(crate) async fn settled(&self) {
        self.flights.all_landed().await;
    }

    /// What [`Self::ask`] would answer about a handle without asking anybody. Of a name that is no handle, and of one that
    /// is written in another way than handles are kept, nothing is remembered.
    pub(crate) fn at_hand(&self, seat: Seat, handle: &str) -> Option<Answered<V>> {
        match self.shelf.judge(self.shelf.slots.get(&OfHandle { seat, handle })?) {
            Recall::Good(answered) => Some(answered),
            Recall::Behind(_) | Recall::Failed(_) | Recall::Nothing => None,
        }
    }

    /// How old the answer is that `key` would get from memory.
    pub(crate) fn peek(&self, key: &Key) -> Option<Freshness> {
        match self.shelf.recall(key) {
            Recall::Good(answered) | Recall::Behind(answered) => Some(answered.freshness),
            Recall::Failed(_) | Recall::Nothing => None,
        }
    }

    /// How long this would be believed; `None`: until it is purged.
    pub(crate) fn lifetime(&self, found: &V, ttl: Ttl) -> Option<Duration> {
        settle::lifetime(Some(found), ttl, &self.shelf.settings)
    }

    /// Boards the flight for `key`, or begins it; says whether it is the client's own. A flight that was begun before a
    /// purge or a suspicion may have read what is no longer so: whoever asks after it begins another.
    fn flight<F>(
        &self,
        key: &Key,
        admission: &Admission,
        source: impl Fn(Patience) -> F + Send + 'static,
        whose: Boards,
    ) -> (Ticket<Settled<V>>, bool)
    where
        F: Future<Output = Result<Lookup<V>, ResolveError>> + Send + 'static,
    {
        let asked = self.shelf.asked(key);
        let generations = &self.shelf.generations;
        let client = Client::current();
        let afresh = whose == Boards::None;
        let mut is_own = true;
        let boards = |departure: &Departure| {
            is_own = departure.client == client;
            let may = match whose {
                Boards::Any => is_own || departure.is_under_way.load(Ordering::Relaxed),
                Boards::Own => is_own,
                Boards::None => false,
            };
            let boards = may
                && generations.count(asked, departure.begun)
                && !generations.is_suspect(asked, departure.begun);
            is_own |= !boards;
            boards
        };
        let ticket = self.flights.board(key, boards, || {
            let before = self.shelf.generations.begin();
            let begun = self.shelf.generations.begin();
            let is_under_way = Arc::<AtomicBool>::default();
            let departure = Departure { begun, client, is_under_way: Arc::clone(&is_under_way) };
            let (shelf, key, lookup) = (self.shelf.clone(), key.clone(), source(Patience::Short));
            let (spent, admission) = (admission.spend(), admission.clone());
            let arrives = async move {
                let refused = |error| Arrival { result: shelf.refused(&key, error), after: None };
                if let Err(error) = spent {
                    return refused(error);
                }
                let turn = match admission.turn(client).await {
                    Ok(turn) => turn,
                    Err(error) => return refused(error),
                };
                is_under_way.store(true, Ordering::Relaxed);
                // Somebody else's turn may have come before.
                if turn.has_waited()
                    && !afresh
                    && let Recall::Good(answered) = shelf.recall(&key)
                    && !answered.freshness.stale
                {
                    return Arrival { result: Settled::New(answered.entry), after: None };
                }
                let found = client.asks(pin!(lookup)).await;
                drop(turn);
                let provisional = is_provisional(&found);
                let result = shelf.settle(&key, begun, found);
                if let Settled::New(entry) = &result
                    && afresh
                    && !provisional
                {
                    shelf.outdate(&key, &entry.said, before);
                }
                let after = provisional.then(|| {
                    let (begun, lookup) = (shelf.generations.begin(), source(Patience::Long));
                    Box::pin(async move {
                        if let Ok(_turn) = admission.turn(client).await {
                            shelf.late_word(&key, begun, client.asks(lookup).await);
                        }
                    }) as _
                });
                Arrival { result, after }
            };
            (departure, arrives)
        });
        (ticket, is_own)
    }
}

fn is_provisional<V: Remembered>(found: &Result<Lookup<V>, ResolveError>) -> bool {
    matches!(found, Ok(Lookup::Found { value, .. }) if value.is_provisional())
}

/// A flight that never landed had a panic on board: the asker hears of it, the log has it from the flight.
async fn landed<V>(flight: Ticket<Settled<V>>) -> Settled<V> {
    let crashed = || Settled::Failed(ResolveError::new(ErrorKind::Internal, "the lookup crashed"), None);
    flight.landed().await.unwrap_or_else(crashed)
}

impl<V: Remembered> Shelf<V> {
    fn recall(&self, key: &Key) -> Recall<V> {
        match self.slots.get(key) {
            Some(slot) => self.judge(slot),
            None => Recall::Nothing,
        }
    }

    fn judge(&self, slot: Kept<V>) -> Recall<V> {
        let counts = |stripes, begun| self.generations.count(stripes, begun);
        let suspect = |stripes, begun| self.generations.is_suspect(stripes, begun);
        let now = self.clock.moment();
        // What most askers get is told at a glance.
        match slot.fresh(now, counts, suspect) {
            Ok(good) => Recall::Good(Answered::new(good, now, false)),
            Err(slot) => slot.still_counting(counts).recall(now, &self.settings, suspect),
        }
    }

    /// A lookup that nobody was asked for: nothing is known by it, and what is known may go out.
    fn refused(&self, key: &Key, error: ResolveError) -> Settled<V> {
        let counts = |stripes, begun| self.generations.count(stripes, begun);
        let good = self.slots.get(key).and_then(|slot| Slot::from(slot).still_counting(counts).good);
        let stale = good.filter(|good| good.stands_in(self.clock.moment(), &self.settings));
        Settled::Failed(error, stale)
    }

    fn settle(&self, key: &Key, begun: Begun, result: Result<Lookup<V>, ResolveError>) -> Settled<V> {
        if let Err(error) = &result
            && error.kind().is_refusal()
        {
            return self.refused(key, error.clone());
        }
        let asked = self.asked(key);
        let stripes = match &result {
            Ok(Lookup::Found { value, .. }) => self.stripes(key, value),
            _ => asked,
        };
        let now = self.clock.moment();
        let (result, is_bare) = (self.complete(key, result, now), self.whose.is_bare(key));
        let landing = Landing { result, is_bare, begun, asked, stripes, now };
        let counts = |stripes, begun| self.generations.count(stripes, begun);
        let mut known = Slot::default();
        // Behind a placeholder, for which others wait: two lookups that land together settle one after the other. Nothing is
        // changed in its place, since only an insertion makes room for what it takes.
        let entry = self.slots.entry(key, None, |_, slot| {
            known = Slot::from(slot.clone()).still_counting(counts);
            EntryAction::<()>::ReplaceWithGuard
        });
        let (EntryResult::Vacant(place) | EntryResult::Replaced(place, _)) = entry else {
            return Settled::Failed(ResolveError::new(ErrorKind::Internal, "the answer was lost"), None);
        };
        let (heard, kept) = settle(known, landing, &self.settings);
        let failed = kept.failure.is_some();
        // What alone would be too large for its shard is not remembered.
        let _ = place.insert(kept.into());
        if failed {
            /// More than come in, so that they are soon gone.
            const A_FEW: usize = 4;
            self.failures.push(now, key.clone());
            self.forget_failures(A_FEW);
        }
        heard
    }

    fn forget_failures(&self, most: usize) {
        let now = self.clock.moment();
        for key in (0..most).map_while(|_| self.failures.pop(now, self.settings.failure_ttl)) {
            self.slots.remove_if(&key, |slot| slot.is_spent(now, &self.settings));
        }
    }

    /// An answer whose profile was not to be had goes out with the one that is remembered of the same account: by the name
    /// that was asked for, by the account, or by the handle it goes by.
    fn complete(
        &self,
        key: &Key,
        result: Result<Lookup<V>, ResolveError>,
        now: Moment,
    ) -> Result<Lookup<V>, ResolveError> {
        match result {
            Ok(Lookup::Found { value, ttl }) if value.is_incomplete() => {
                let oldest = now.wall().saturating_sub(self.settings.max_stale).unwrap_or(Timestamp::MIN);
                let value = self.earlier(key, &value).iter().fold(value, |value, entry| match &entry.said {
                    Said::Found(earlier) if earlier.account() == value.account() => {
                        value.completed_by(earlier, entry.learned.wall(), oldest)
                    }
                    _ => value,
                });
                Ok(Lookup::Found { value, ttl })
            }
            result => result,
        }
    }

    /// What is remembered of this one's account from before, by any of its names. Also that a look at
    /// another door made outdated: who somebody is may have changed since, but not whose profile that was.
    fn earlier(&self, key: &Key, value: &V) -> Vec<Arc<Entry<V>>> {
        let account = Subject::Account(value.account().clone());
        let handle = value.handle().cloned().map(Subject::Handle);
        let siblings = handle.into_iter().chain([account]).map(|subject| Key { seat: key.seat, subject });
        let slots = siblings.chain([key.clone()]).filter_map(|key| self.slots.peek(&key));
        let entries = slots.flat_map(|slot| slot.entries().cloned().collect::<Vec<_>>());
        entries.filter(|entry| !self.generations.is_purged(entry.stripes, entry.begun)).collect()
    }

    /// What a lookup with all its time said, after a provisional answer went out. It counts if it is definite; silence
    /// changes nothing.
    fn late_word(&self, key: &Key, begun: Begun, result: Result<Lookup<V>, ResolveError>) {
        let definite = match &result {
            Ok(_) => !is_provisional(&result),
            Err(error) => !error.kind().is_temporary(),
        };
        if definite {
            self.settle(key, begun, result);
        }
    }

    /// What any memory holds from before `moment` about those that this answer is about no longer counts.
    fn outdate(&self, key: &Key, said: &Said<V>, moment: Begun) {
        let found = match said {
            Said::Found(value) => Some(value),
            Said::Absent(_) => None,
        };
        let (asked, account) = match &key.subject {
            Subject::Handle(handle) => (Some(handle), found.map(|value| value.account())),
            Subject::Account(account) => (None, Some(account)),
        };
        let shown = found.and_then(|value| value.handle());
        let handles: Vec<_> = asked.into_iter().chain(shown).collect();
        self.generations.outdate(&self.whose.same_people(key.seat), &handles, account, moment);
    }

    /// Of the question and its answer.
    fn stripes(&self, key: &Key, value: &V) -> Stripes {
        let handle = value.handle().map(|handle| (self.whose.names(key.seat), handle));
        self.generations.stripes(self.asked(key), value.account(), handle)
    }

    /// Of the question.
    fn asked(&self, key: &Key) -> Stripes {
        match &key.subject {
            Subject::Handle(handle) => {
                self.generations.of_handle(key.seat, self.whose.names(key.seat), handle)
            }
            Subject::Account(account) => self.generations.of_account(key.seat, account),
        }
    }
}

/// How long an answer of two halves is good: as long as both. A half that leaves it to the operator counts as longer
/// than one that says how long, and shorter than one that lasts until it is purged.
pub(crate) fn shorter(one: Ttl, other: Ttl) -> Ttl {
    match (one, other) {
        (Ttl::For(one), Ttl::For(other)) => Ttl::For(one.min(other)),
        (Ttl::For(time), _) | (_, Ttl::For(time)) => Ttl::For(time),
        (Ttl::Default, _) | (_, Ttl::Default) => Ttl::Default,
        (Ttl::UntilPurged, Ttl::UntilPurged) => Ttl::UntilPurged,
    }
}

#[cfg(test)]
mod tests {
    use namesake::{AccountId, Handle, ManualClock};

    use super::*;
    use crate::{quota::Quotas, settings::Limits};

    /// A value of so many bytes.
    #[derive(Debug)]
    struct Weighty(AccountId, usize);

    impl Remembered for Weighty {
        fn account(&self) -> &AccountId {
            &self.0
        }
        fn handle(&self) -> Option<&Handle> {
            None
        }
        fn is_provisional(&self) -> bool {
            false
        }
        fn weight(&self) -> usize {
            self.1
        }
    }

    struct Bench {
        admission: Admission,
        memory: Memory<Weighty>,
        clock: Arc<ManualClock>,
    }

    impl Bench {
        fn new(capacity_bytes: u64) -> Self {
            let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
            let settings = CacheSettings { capacity_bytes, ..CacheSettings::default() };
            let whose = Whose { directory: None, atproto: Arc::default() };
            let limits = Limits::default();
            let admission = Admission::new(&Arc::new(Quotas::new(&limits)), &limits);
            Self { admission, memory: Memory::new(settings, Arc::default(), whose, clock.clone()), clock }
        }

        /// Asks about the account of this number; the lookup gives so many bytes, or fails.
        async fn ask(&self, number: usize, bytes: Option<usize>) {
            let account = AccountId::parse(&format!("did:plc:{number:024}")).unwrap();
            let key = Key { seat: Seat::ATPROTO, subject: Subject::Account(account.clone()) };
            let source = move |_| {
                let account = account.clone();
                async move {
                    let failed = || ResolveError::new(ErrorKind::Unavailable, "it is down");
                    let value = Weighty(account, bytes.ok_or_else(failed)?);
                    Ok(Lookup::Found { value, ttl: Ttl::Default })
                }
            };
            let _ = self.memory.ask(&key, &self.admission, source).await;
        }
    }

    #[tokio::test]
    async fn what_grows_in_its_place_makes_others_go() {
        const CAPACITY: u64 = 8 << 20;
        let bench = Bench::new(CAPACITY);
        for number in 0..200 {
            bench.ask(number, None).await;
        }
        bench.clock.advance(Duration::from_secs(60));
        for number in 0..200 {
            bench.ask(number, Some(200 << 10)).await;
            assert!(bench.memory.shelf.slots.weight() <= CAPACITY);
        }
        assert!(bench.memory.shelf.slots.weight() > CAPACITY / 4, "what there is room for stays");
    }

    #[tokio::test]
    async fn what_is_remembered_of_failures_takes_its_part_of_the_room() {
        const CAPACITY: u64 = 1 << 20;
        let bench = Bench::new(CAPACITY);
        for number in 0..5000 {
            bench.ask(number, None).await;
        }
        let slots = &bench.memory.shelf.slots;
        assert!(slots.weight() <= CAPACITY);
        assert!((500..1500).contains(&slots.len()), "{}", slots.len());
    }

    #[tokio::test]
    async fn a_failure_is_forgotten_when_its_time_is_up_and_an_answer_beside_it_is_not() {
        let bench = Bench::new(8 << 20);
        bench.ask(0, Some(100)).await;
        bench.clock.advance(Duration::from_secs(3600));
        for number in 0..100 {
            bench.ask(number, None).await;
        }
        bench.clock.advance(Duration::from_secs(5));
        bench.ask(100, None).await;
        bench.memory.tidy();
        assert_eq!(bench.memory.shelf.slots.len(), 101);
        bench.clock.advance(Duration::from_secs(5));
        bench.memory.tidy();
        assert_eq!(bench.memory.shelf.slots.len(), 2, "the answer, and the later failure");
        bench.clock.advance(Duration::from_secs(5));
        bench.memory.tidy();
        assert_eq!(bench.memory.shelf.slots.len(), 1);
    }

    #[tokio::test]
    async fn failures_are_forgotten_as_others_come_in() {
        let bench = Bench::new(8 << 20);
        for number in 0..1000 {
            bench.clock.advance(Duration::from_secs(1));
            bench.ask(number, None).await;
        }
        assert!(bench.memory.shelf.slots.len() <= 11, "{}", bench.memory.shelf.slots.len());
    }

    #[tokio::test]
    async fn a_large_document_is_remembered_also_where_there_is_little_room() {
        for capacity in [1 << 20, 32 << 20] {
            let bench = Bench::new(capacity);
            bench.ask(1, Some(500 << 10)).await;
            assert_eq!(bench.memory.shelf.slots.len(), 1, "{capacity}");
        }
    }
}
