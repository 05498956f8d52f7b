//! A lookup came back: what does its asker hear, and what is remembered? Pure.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use namesake::{ErrorKind, Lookup, Moment, ResolveError, Ttl};

use super::{
    CacheSettings,
    entry::{Entry, Failure, Remembered, Said, Slot},
    generations::{Begun, Stripes},
};

/// What those who waited for a lookup hear.
#[derive(Debug)]
pub(super) enum Settled<V> {
    /// The new answer.
    New(Arc<Entry<V>>),
    /// The failure; and the answer that may go out stale in its place.
    Failed(ResolveError, Option<Arc<Entry<V>>>),
}

impl<V> Settled<V> {
    /// Whether nobody was asked.
    pub(super) fn is_refusal(&self) -> bool {
        matches!(self, Self::Failed(error, _) if error.kind().is_refusal())
    }
}

impl<V> Clone for Settled<V> {
    fn clone(&self) -> Self {
        match self {
            Self::New(entry) => Self::New(Arc::clone(entry)),
            Self::Failed(error, stale) => Self::Failed(error.clone(), stale.clone()),
        }
    }
}

/// A lookup that came back.
pub(super) struct Landing<V> {
    pub(super) result: Result<Lookup<V>, ResolveError>,
    pub(super) is_bare: bool,
    pub(super) begun: Begun,
    /// Of the question.
    pub(super) asked: Stripes,
    /// Of the question and the answer.
    pub(super) stripes: Stripes,
    pub(super) now: Moment,
}

/// Decides, given what is remembered (and still counts), what is remembered from now on.
pub(super) fn settle<V: Remembered>(
    known: Slot<V>,
    landing: Landing<V>,
    settings: &CacheSettings,
) -> (Settled<V>, Slot<V>) {
    let Landing { result, is_bare, begun, asked, stripes, now } = landing;
    let failed = |known: Slot<V>, error: ResolveError| {
        let failure = Failure { error: error.clone(), learned: now, begun, stripes: asked };
        if !error.kind().is_temporary() {
            return (Settled::Failed(error, None), dispute(known, failure));
        }
        let contradicted = |entry: &Entry<V>| match &entry.said {
            Said::Found(value) => error.speaks_against(value.account(), value.handle()),
            Said::Absent(_) => false,
        };
        if known.good.as_deref().is_some_and(contradicted) {
            return (Settled::Failed(error, None), dispute(known, failure));
        }
        let stale = known.good.clone().filter(|good| good.stands_in(now, settings));
        (Settled::Failed(error, stale), Slot { failure: Some(failure), ..known })
    };
    let entry = |said: Said<V>, ttl: Ttl| {
        Arc::new(Entry { is_bare, ..entry(said, ttl, (begun, stripes, now), settings) })
    };

    match result {
        Err(error) => failed(known, error),
        Ok(Lookup::Pass) => failed(
            known,
            ResolveError::new(ErrorKind::Internal, "the backend disowned a name of its namespace"),
        ),
        Ok(Lookup::Found { value, .. })
            if value.is_provisional() && contradicts(&known, &value, now, settings) =>
        {
            failed(
                known,
                ResolveError::new(
                    ErrorKind::Unavailable,
                    "the stronger source is silent, and the weaker one names another account than was proved",
                ),
            )
        }
        Ok(Lookup::Found { value, ttl }) if value.is_provisional() => {
            let new = entry(Said::Found(value), ttl);
            (Settled::New(Arc::clone(&new)), Slot { provisional: Some(new), failure: None, ..known })
        }
        Ok(Lookup::Found { value, ttl }) => remember(&known, entry(Said::Found(value), ttl)),
        Ok(Lookup::Absent { why, ttl }) => remember(&known, entry(Said::Absent(why), ttl)),
    }
}

/// A lookup that was begun later knows better, even if it came back first.
fn remember<V>(known: &Slot<V>, new: Arc<Entry<V>>) -> (Settled<V>, Slot<V>) {
    let definite = known.failure.as_ref().filter(|failure| !failure.error.kind().is_temporary());
    let keep = match (&known.good, definite) {
        (Some(good), _) if good.begun > new.begun => known.clone(),
        (_, Some(failure)) if failure.begun > new.begun => known.clone(),
        _ => Slot { good: Some(Arc::clone(&new)), ..Slot::default() },
    };
    (Settled::New(new), keep)
}

/// A definite failure is the stronger source's word, and so is what a lookup had found out before it failed: what stood in
/// for it goes, and what was good no longer goes out, unless its lookup was begun later and knows better.
fn dispute<V>(known: Slot<V>, failure: Failure) -> Slot<V> {
    match &known.good {
        Some(good) if good.begun > failure.begun => known,
        _ => Slot {
            disputed: known.good.or(known.disputed),
            failure: Some(failure),
            good: None,
            provisional: None,
        },
    }
}

/// Silencing the stronger source must not choose the holder.
fn contradicts<V: Remembered>(known: &Slot<V>, value: &V, now: Moment, settings: &CacheSettings) -> bool {
    known.proved().is_some_and(|entry| match &entry.said {
        Said::Found(proved) => entry.goes_out_stale(now, settings) && proved.account() != value.account(),
        Said::Absent(_) => false,
    })
}

fn entry<V: Remembered>(
    said: Said<V>,
    ttl: Ttl,
    (begun, stripes, now): (Begun, Stripes, Moment),
    settings: &CacheSettings,
) -> Entry<V> {
    let found = match &said {
        Said::Found(value) => Some(value),
        Said::Absent(_) => None,
    };
    let believed = lifetime(found, ttl, settings);
    let confirmed = found.filter(|_| believed.is_none()).and_then(Remembered::checked_at);
    Entry {
        weight: weight(&said),
        said,
        begun,
        stripes,
        // What a register says is as old as what was last said to it.
        learned: confirmed.map_or(now, |at| now.when_wall_showed(at)),
        believed,
        is_restored: false,
        is_bare: true,
        prepared: OnceLock::new(),
    }
}

/// How long an answer is believed; `None`: until it is purged. What a backend says counts as far as our time goes.
pub(super) fn lifetime<V: Remembered>(
    found: Option<&V>,
    ttl: Ttl,
    settings: &CacheSettings,
) -> Option<Duration> {
    let most = if found.is_some() { settings.ttl } else { settings.absent_ttl };
    let believed = match ttl {
        Ttl::UntilPurged => None,
        Ttl::For(time) => Some(time.min(most)),
        Ttl::Default => Some(most),
    };
    let at_most = |believed: Option<Duration>, most: Duration| Some(believed.unwrap_or(most).min(most));
    let provisional = found.is_some_and(Remembered::is_provisional);
    let incomplete = found.is_some_and(Remembered::is_incomplete);
    let believed = if provisional { at_most(believed, settings.provisional_ttl) } else { believed };
    if incomplete { at_most(believed, settings.incomplete_ttl) } else { believed }
}

/// Of an entry.
pub(super) fn weight<V: Remembered>(said: &Said<V>) -> u32 {
    /// Beside the value.
    const ITSELF: usize = 200;
    /// A definite no has a problem document prepared.
    const ABSENT: usize = 512;
    let value = match said {
        Said::Found(value) => value.weight(),
        Said::Absent(_) => ABSENT,
    };
    u32::try_from(ITSELF + value).unwrap_or(u32::MAX)
}
