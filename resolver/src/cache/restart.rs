//! What a memory hands out before a restart, and takes back after it.

use std::{
    convert::Infallible,
    sync::{Arc, OnceLock},
    time::Duration,
};

use namesake::Timestamp;

use super::{Entry, Key, Memory, Remembered, Said, Shelf, Slot, settle::weight};

/// An answer that may come back after a restart.
#[derive(Debug)]
pub(crate) struct Survivor<V> {
    pub(crate) key: Key,
    pub(crate) entry: Arc<Entry<V>>,
    pub(crate) learned_at: Timestamp,
    /// Whether it was suspected since, and not asked for again.
    pub(crate) suspect: bool,
}

impl<V: Remembered> Memory<V> {
    /// What was found in the world and proved, and is not too old to go out.
    ///
    /// Left behind is what has no expiry: it comes from our own store, and nobody tells of purges while we are away. So
    /// are failures, provisional answers, and every definite no: after a restart an answer goes out before anybody is
    /// asked, and "nobody" would hide a handle that was set up meanwhile; forgetting it costs one lookup.
    pub(crate) fn survivors(&self) -> Vec<Survivor<V>> {
        let Shelf { generations, settings, clock, .. } = &self.shelf;
        let now = clock.moment();
        let survives = |entry: &Entry<V>| {
            matches!(entry.said, Said::Found(_))
                && entry.believed.is_some()
                && now.since(entry.learned) < settings.max_stale
                && generations.count(entry.stripes, entry.begun)
        };
        let slots = self.shelf.slots.iter();
        let good = slots.filter_map(|(key, slot)| Some((key, Slot::from(slot).good?)));
        good.filter(|(_, entry)| survives(entry))
            .map(|(key, entry)| Survivor {
                key,
                // By the clock as it stands now: it may have been set since.
                learned_at: now.before(now.since(entry.learned)).wall(),
                suspect: generations.is_suspect(entry.stripes, entry.begun),
                entry,
            })
            .collect()
    }

    /// Remembers again what was learned before a restart: until it is asked for anew it goes out marked stale, however
    /// long it would have been good. False if it is too old, or seems to be from the future: then a clock was set, and
    /// its age is unknown.
    pub(crate) fn take_back(&self, key: &Key, value: V, learned_at: Timestamp, suspect: bool) -> bool {
        let (shelf, now) = (&self.shelf, self.shelf.clock.moment());
        let Ok(age) = Duration::try_from(now.wall().duration_since(learned_at)) else { return false };
        if age >= shelf.settings.max_stale {
            return false;
        }
        let begun = shelf.generations.begin();
        if suspect {
            shelf.generations.suspect_account(value.account());
        }
        let (stripes, said) = (shelf.stripes(key, &value), Said::Found(value));
        let entry = Entry {
            weight: weight(&said),
            said,
            begun,
            stripes,
            learned: now.before(age),
            believed: Some(Duration::ZERO),
            is_restored: true,
            is_bare: shelf.whose.is_bare(key),
            prepared: OnceLock::new(),
        };
        let slot = || Ok::<_, Infallible>(Slot { good: Some(Arc::new(entry)), ..Slot::default() }.into());
        let Ok(_) = shelf.slots.get_or_insert_with(key, slot);
        true
    }
}
