//! What is remembered of one question, and what may be answered from it now: pure.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use namesake::{AccountId, Handle, Moment, ResolveError, Timestamp, Why};

use super::{
    CacheSettings,
    generations::{Begun, Stripes},
};
use crate::{api::Freshness, prepared::Prepared};

/// A value that can be remembered.
pub(crate) trait Remembered: Send + Sync + 'static {
    /// The account it is about: purged with it, and compared when a weaker source names another.
    fn account(&self) -> &AccountId;
    /// The handle it shows, if any: purged with it.
    fn handle(&self) -> Option<&Handle>;
    /// When its source answered, if the value knows better than the cache.
    fn checked_at(&self) -> Option<Timestamp> {
        None
    }
    /// Whether a stronger source was silent.
    fn is_provisional(&self) -> bool;
    /// Whether it says no to something, as an absence does: that an account has no handle.
    fn is_denial(&self) -> bool {
        false
    }
    /// Whether something is missing that its source may have the next time: then it is asked again soon.
    fn is_incomplete(&self) -> bool {
        false
    }
    /// What is missing here, as `earlier` had it, which was about the same account and learned then; `oldest` is the
    /// earliest that may still be shown.
    fn completed_by(self, earlier: &Self, learned_at: Timestamp, oldest: Timestamp) -> Self
    where
        Self: Sized,
    {
        let _ = (earlier, learned_at, oldest);
        self
    }
    /// About how many bytes it takes, its prepared answer included.
    fn weight(&self) -> usize;
}

/// What the backend said.
#[derive(Debug)]
pub(crate) enum Said<V> {
    Found(V),
    Absent(Why),
}

/// One remembered answer.
#[derive(Debug)]
pub(crate) struct Entry<V> {
    pub(crate) said: Said<V>,
    pub(super) begun: Begun,
    pub(super) stripes: Stripes,
    pub(super) learned: Moment,
    /// For how long; `None`: until it is purged.
    pub(super) believed: Option<Duration>,
    /// It came back after a restart: stale from the beginning.
    pub(super) is_restored: bool,
    /// Whether it also answers a question that does not name the scheme.
    pub(crate) is_bare: bool,
    /// About how many bytes it takes, with what is prepared of it.
    pub(super) weight: u32,
    /// The bytes that go out for it, written by the first who needs them.
    pub(crate) prepared: OnceLock<Prepared>,
}

impl<V: Remembered> Entry<V> {
    /// When its source answered.
    pub(crate) fn checked_at(&self) -> Timestamp {
        let known = match &self.said {
            Said::Found(value) => value.checked_at(),
            Said::Absent(_) => None,
        };
        known.unwrap_or(self.learned.wall())
    }

    /// Whether it may go out past its time. A no may not: it would hide whoever came meanwhile, and nobody vouches for it.
    pub(super) fn outlasts_its_time(&self) -> bool {
        matches!(&self.said, Said::Found(value) if !value.is_denial())
    }

    /// Whether it may go out, marked stale, in place of an answer that is not to be had now.
    pub(super) fn stands_in(&self, now: Moment, settings: &CacheSettings) -> bool {
        self.outlasts_its_time() && self.goes_out_stale(now, settings)
    }
}

impl<V> Entry<V> {
    fn is_fresh(&self, now: Moment) -> bool {
        self.believed.is_none_or(|believed| now.since(self.learned) < believed)
    }

    /// If it [outlasts its time](Entry::outlasts_its_time): whether it still goes out while a new one is fetched behind
    /// it. For as long again as it was believed, at most.
    fn goes_out_behind(&self, now: Moment, settings: &CacheSettings) -> bool {
        match self.believed {
            Some(believed) if !self.is_restored => {
                now.since(self.learned) < believed.saturating_add(settings.refresh_behind.min(believed))
            }
            _ => self.goes_out_stale(now, settings),
        }
    }

    /// If it [outlasts its time](Entry::outlasts_its_time): whether it may go out stale. After a restart that is counted
    /// from when it was learned, so that the time away counts.
    pub(super) fn goes_out_stale(&self, now: Moment, settings: &CacheSettings) -> bool {
        self.believed
            .is_none_or(|believed| now.since(self.learned) < believed.saturating_add(settings.max_stale))
    }

    fn freshness(&self, now: Moment, stale: bool) -> Freshness {
        let age_seconds = now.since(self.learned).as_secs();
        let ttl_seconds = self.believed.map(|believed| believed.as_secs().saturating_sub(age_seconds));
        Freshness { age_seconds, ttl_seconds, stale }
    }
}

/// An answer, with how old it is for this asker.
#[derive(Debug)]
pub(crate) struct Answered<V> {
    pub(crate) entry: Arc<Entry<V>>,
    pub(crate) freshness: Freshness,
}

impl<V> Clone for Answered<V> {
    fn clone(&self) -> Self {
        Self { entry: Arc::clone(&self.entry), freshness: self.freshness }
    }
}

impl<V> Answered<V> {
    pub(super) fn new(entry: Arc<Entry<V>>, now: Moment, stale: bool) -> Self {
        let freshness = entry.freshness(now, stale);
        Self { entry, freshness }
    }
}

/// A failure, remembered for a moment.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) error: ResolveError,
    pub(super) learned: Moment,
    pub(super) begun: Begun,
    pub(super) stripes: Stripes,
}

impl Failure {
    /// About how many bytes one takes without its words: the slot beside the answer, the error with its causes, and its
    /// place among the [failures](super::failures).
    pub(super) const ITSELF: u64 = 640;

    fn weight(&self) -> u64 {
        Self::ITSELF + self.error.message().len() as u64
    }
}

/// Everything remembered of one question.
#[derive(Debug)]
pub(super) struct Slot<V> {
    /// The last answer that was not provisional.
    pub(super) good: Option<Arc<Entry<V>>>,
    /// What was good until a source answered nonsense (the handle has become ambiguous). It does not go out again,
    /// whatever fails later; it still contradicts a weaker source that names another account.
    pub(super) disputed: Option<Arc<Entry<V>>>,
    /// A provisional answer stands *beside* the good one: a chain of provisional answers must not wear down what
    /// was proved.
    pub(super) provisional: Option<Arc<Entry<V>>>,
    /// A temporary failure never replaces an answer.
    pub(super) failure: Option<Failure>,
}

impl<V> Clone for Slot<V> {
    fn clone(&self) -> Self {
        let Self { good, disputed, provisional, failure } = self;
        Self {
            good: good.clone(),
            disputed: disputed.clone(),
            provisional: provisional.clone(),
            failure: failure.clone(),
        }
    }
}

impl<V> Default for Slot<V> {
    fn default() -> Self {
        Self { good: None, disputed: None, provisional: None, failure: None }
    }
}

/// A slot as it lies in the map, among very many: nearly all have a good answer and nothing else.
#[derive(Debug)]
pub(super) struct Kept<V> {
    good: Option<Arc<Entry<V>>>,
    others: Option<Box<Slot<V>>>,
}

impl<V> Clone for Kept<V> {
    fn clone(&self) -> Self {
        Self { good: self.good.clone(), others: self.others.clone() }
    }
}

impl<V> From<Slot<V>> for Kept<V> {
    fn from(Slot { good, disputed, provisional, failure }: Slot<V>) -> Self {
        let is_alone = disputed.is_none() && provisional.is_none() && failure.is_none();
        let others = || Box::new(Slot { good: None, disputed, provisional, failure });
        Self { good, others: (!is_alone).then(others) }
    }
}

impl<V> From<Kept<V>> for Slot<V> {
    fn from(Kept { good, others }: Kept<V>) -> Self {
        Self { good, ..others.map_or_else(Self::default, |others| *others) }
    }
}

impl<V> Kept<V> {
    /// About how many bytes it takes.
    pub(super) fn weight(&self) -> u64 {
        let failure = self.others.iter().filter_map(|others| others.failure.as_ref()).map(Failure::weight);
        failure.sum::<u64>() + self.entries().map(|entry| u64::from(entry.weight)).sum::<u64>()
    }

    /// Whether there is nothing in it but a failure whose time is up.
    pub(super) fn is_spent(&self, now: Moment, settings: &CacheSettings) -> bool {
        let is_over = |failure: &Failure| now.since(failure.learned) >= settings.failure_ttl;
        let failure = self.others.iter().filter_map(|others| others.failure.as_ref()).next();
        self.entries().next().is_none() && failure.is_none_or(is_over)
    }

    /// All answers in it.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Arc<Entry<V>>> {
        let others = self.others.iter().flat_map(|others| [&others.disputed, &others.provisional]);
        [&self.good].into_iter().chain(others).flatten()
    }

    /// The proved answer, while nothing speaks against it; otherwise all there is.
    pub(super) fn fresh(
        self,
        now: Moment,
        counts: impl Fn(Stripes, Begun) -> bool,
        suspect: impl Fn(Stripes, Begun) -> bool,
    ) -> Result<Arc<Entry<V>>, Slot<V>> {
        let speaks_for = |good: &Entry<V>| {
            good.is_fresh(now) && counts(good.stripes, good.begun) && !suspect(good.stripes, good.begun)
        };
        match self.good {
            Some(good) if speaks_for(&good) => Ok(good),
            good => Err(Self { good, ..self }.into()),
        }
    }
}

/// What may be answered from memory.
#[derive(Debug)]
pub(super) enum Recall<V> {
    /// This.
    Good(Answered<V>),
    /// This, while a new answer is fetched behind it.
    Behind(Answered<V>),
    /// The failure of a moment ago.
    Failed(ResolveError),
    /// Nothing: ask, and wait.
    Nothing,
}

impl<V: Remembered> Slot<V> {
    /// The last answer that was proved, whether or not it may still go out.
    pub(super) fn proved(&self) -> Option<&Arc<Entry<V>>> {
        self.good.as_ref().or(self.disputed.as_ref())
    }

    /// The slot without what was purged.
    pub(super) fn still_counting(&self, counts: impl Fn(Stripes, Begun) -> bool) -> Self {
        let entry = |entry: &Option<Arc<Entry<V>>>| {
            entry.as_ref().filter(|entry| counts(entry.stripes, entry.begun)).map(Arc::clone)
        };
        Self {
            good: entry(&self.good),
            disputed: entry(&self.disputed),
            provisional: entry(&self.provisional),
            failure: self.failure.clone().filter(|failure| counts(failure.stripes, failure.begun)),
        }
    }

    /// What may be answered now. `self` must be [`Slot::still_counting`]; what `suspect` says yes to is as if it had
    /// expired long ago.
    ///
    /// Past its time goes out only what was found: of a no that is too old, the failure beside it is what is known.
    ///
    /// A stale answer needs a reason: a temporary failure, remembered for `failure_ttl`. For `refresh_behind` after
    /// that the stale answer still goes out at once and the sources are asked behind it, so that in a long outage no
    /// asker of a name in demand waits for a deadline; later on, askers wait. A failure from before a suspicion is no
    /// reason: the sources may be better by now. What came back after a restart is stale without one, and asked for
    /// behind its first asker.
    pub(super) fn recall(
        &self,
        now: Moment,
        settings: &CacheSettings,
        suspect: impl Fn(Stripes, Begun) -> bool,
    ) -> Recall<V> {
        let trusted = |entry: &Entry<V>| !suspect(entry.stripes, entry.begun);
        if let Some(good) = self.good.as_ref().filter(|good| good.is_fresh(now) && trusted(good)) {
            return Recall::Good(Answered::new(Arc::clone(good), now, false));
        }
        if let Some(weak) = self.provisional.as_ref().filter(|weak| weak.is_fresh(now) && trusted(weak)) {
            return Recall::Good(Answered::new(Arc::clone(weak), now, false));
        }
        // A failure knows only the name that was asked for; the answer beside it, whom that was about.
        let about = |failure: &Failure| self.proved().map_or(failure.stripes, |proved| proved.stripes);
        let failure = self.failure.as_ref().filter(|failure| !suspect(about(failure), failure.begun));
        match (self.good.as_ref().filter(|good| good.outlasts_its_time()), failure) {
            (Some(good), Some(failure)) if good.goes_out_stale(now, settings) => {
                let stale = Answered::new(Arc::clone(good), now, true);
                match now.since(failure.learned) {
                    age if age < settings.failure_ttl => Recall::Good(stale),
                    age if age < settings.failure_ttl.saturating_add(settings.refresh_behind) => {
                        Recall::Behind(stale)
                    }
                    _ => Recall::Nothing,
                }
            }
            (_, Some(failure)) if now.since(failure.learned) < settings.failure_ttl => {
                Recall::Failed(failure.error.clone())
            }
            (Some(good), None) if good.goes_out_behind(now, settings) && trusted(good) => {
                Recall::Behind(Answered::new(Arc::clone(good), now, good.is_restored))
            }
            _ => Recall::Nothing,
        }
    }
}
