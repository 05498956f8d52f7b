//! What was purged, and when: so that an answer that was begun before a purge is never served after it.
//!
//! One counter gives every lookup and every purge a number. A purge writes its number into the *stripe* of each name it
//! concerns; an answer counts only while the stripes of its names are older than the number under which its lookup
//! began. This makes a purge O(1), needs no index from account to handles, and covers answers that are still on their
//! way: they were begun before. Two names may share a stripe; then a purge costs a stranger one more lookup, never a
//! wrong answer.
//!
//! Order matters, and is the backend's part of the bargain: the change is durable *before* the purge is told, so a
//! lookup whose number is higher than the purge's has read the new state.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU64, Ordering},
};

use namesake::{AccountId, Change, Handle};

/// Half a mebibyte: at a hundred purges a second, a stranger's answer is asked again about every five minutes.
const STRIPES: usize = 1 << 16;

/// When each name was last purged.
#[derive(Debug)]
pub(crate) struct Generations {
    sequence: AtomicU64,
    stripes: Box<[AtomicU64]>,
    hasher: RandomState,
}

/// The number under which a lookup began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Begun(u64);

/// The stripes of the names an answer is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stripes([u32; 3]);

impl Default for Generations {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(1),
            stripes: (0..STRIPES).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Generations {
    /// A lookup begins now: to be called before its first question.
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.next())
    }

    /// Everything known of the account and of both names no longer counts.
    pub(crate) fn purge(&self, change: &Change) {
        let number = self.next();
        let names = [&change.old, &change.new].into_iter().flatten().map(|handle| self.stripe(handle));
        for stripe in names.chain([self.stripe(&change.account)]) {
            if let Some(last) = self.stripes.get(stripe as usize) {
                last.fetch_max(number, Ordering::SeqCst);
            }
        }
    }

    /// Everything begun before `moment` no longer counts, of whatever these stripes are about: an answer that was looked
    /// up afresh from then on knows better.
    pub(crate) fn outdate(&self, stripes: Stripes, moment: Begun) {
        for stripe in stripes.0 {
            if let Some(last) = self.stripes.get(stripe as usize) {
                last.fetch_max(moment.0, Ordering::SeqCst);
            }
        }
    }

    /// The stripes of an answer about these names.
    pub(crate) fn stripes(
        &self,
        asked: Stripes,
        account: Option<&AccountId>,
        handle: Option<&Handle>,
    ) -> Stripes {
        let Stripes([asked, ..]) = asked;
        let account = account.map_or(asked, |account| self.stripe(account));
        Stripes([asked, account, handle.map_or(asked, |handle| self.stripe(handle))])
    }

    /// The stripes of a question about one name.
    pub(crate) fn stripes_of(&self, name: &impl Hash) -> Stripes {
        Stripes([self.stripe(name); 3])
    }

    /// Whether nothing of this was purged since.
    pub(crate) fn count(&self, stripes: Stripes, begun: Begun) -> bool {
        let older = |stripe: &u32| {
            self.stripes.get(*stripe as usize).is_none_or(|last| last.load(Ordering::SeqCst) < begun.0)
        };
        stripes.0.iter().all(older)
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::SeqCst)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder of 2^16 fits")]
    fn stripe(&self, name: &impl Hash) -> u32 {
        (self.hasher.hash_one(name) % STRIPES as u64) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_looked_up_afresh_outdates_the_others_and_not_itself() {
        let generations = Generations::default();
        let stripes = generations.stripes_of(&Handle::parse("a.example").unwrap());
        let (old, moment, afresh) = (generations.begin(), generations.begin(), generations.begin());
        generations.outdate(stripes, moment);
        assert!(!generations.count(stripes, old) && generations.count(stripes, afresh));
    }

    #[test]
    fn a_purge_ends_what_began_before_it_and_nothing_else() {
        let generations = Generations::default();
        let account = AccountId::parse("did:plc:a").unwrap();
        let [old, new, other] =
            ["old.example", "new.example", "other.example"].map(|h| Handle::parse(h).unwrap());
        let by_name = |handle| generations.stripes(generations.stripes_of(handle), None, None);
        let by_account = generations.stripes(generations.stripes_of(&other), Some(&account), None);

        let before = generations.begin();
        assert!(generations.count(by_name(&old), before) && generations.count(by_account, before));
        generations.purge(&Change {
            account: account.clone(),
            old: Some(old.clone()),
            new: Some(new.clone()),
        });
        let after = generations.begin();
        for stripes in [by_name(&old), by_name(&new), by_account] {
            assert!(!generations.count(stripes, before));
            assert!(generations.count(stripes, after));
        }
    }
}
