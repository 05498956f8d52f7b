//! What was purged, and when: so that an answer that was begun before a purge is never served after it.
//!
//! One counter gives every lookup and every purge a number. A purge writes its number into the *stripe* of each name it
//! concerns; an answer counts only while the stripes of its names are older than the number under which its lookup
//! began. This makes a purge O(1), needs no index from account to handles, and covers answers that are still on their
//! way: they were begun before. Two names may share a stripe; then a purge costs a stranger one more lookup, never a
//! wrong answer.
//!
//! A handle is a name *under a scheme*: `jane.art` of a mirror and the domain `jane.art` are two people, and what a
//! backend tells of its own touches no other's answers. An account says itself whose it is.
//!
//! A *suspicion* ([`Suspicion`]) is the weaker mark beside it, for news that nobody vouches for. It is numbered and
//! striped in the same way, but what was begun before it is only no longer *fresh*: it stays, to go out stale should the
//! new lookup fail, and to contradict a weaker source. (A purge on hearsay would forget what the DNS proved; whoever can
//! spread hearsay and silence the DNS could then choose the holder.) A backend's whole is one more stripe, which every
//! answer of its seat bears, so that a gap in the hearsay is one write too.
//!
//! Order matters, and is the backend's part of the bargain: the change is durable *before* the purge is told, so a
//! lookup whose number is higher than the purge's has read the new state.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use namesake::{AccountId, Change, Handle, Scheme, Suspicion};

use crate::directory::Seat;

/// A mebibyte: at a hundred purges a second, a stranger's answer is asked again about every five minutes.
const STRIPES: usize = 1 << 16;

/// Behind them, the stripes of whole backends. Should there be more backends, some share: a gap of one costs the others
/// a lookup.
const WHOLES: usize = 64;

/// The last one: when anything at all was purged, or suspected. Most answers were begun since.
const ANYTHING: usize = STRIPES + WHOLES;

/// When each name was last purged, and last suspected.
#[derive(Debug)]
pub(crate) struct Generations {
    sequence: AtomicU64,
    stripes: Box<[Stripe]>,
    hasher: RandomState,
    /// Which seats a backend's answers are remembered under: known once the service is built, before anything is.
    seats: OnceLock<Vec<(Scheme, Seat)>>,
}

/// The numbers of the last purge, of the last look that knew better, and of the last suspicion: side by side, since they
/// are read together.
#[derive(Debug, Default)]
struct Stripe {
    purged: AtomicU64,
    outdated: AtomicU64,
    suspected: AtomicU64,
}

/// Whose names a handle is one of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Names<'a> {
    /// The backend's of this name.
    Of(&'a Scheme),
    /// What XRPC answers: whoever tells of a DID tells of these too.
    Atproto,
}

/// The number under which a lookup began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Begun(u64);

/// The stripes of an answer: of the name asked for, of the account and the handle it is about, and of its backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stripes([u32; 4]);

impl Default for Generations {
    fn default() -> Self {
        Self {
            sequence: AtomicU64::new(1),
            stripes: (0..=ANYTHING).map(|_| Stripe::default()).collect(),
            hasher: RandomState::new(),
            seats: OnceLock::new(),
        }
    }
}

impl Generations {
    /// A lookup begins now: to be called before its first question.
    pub(crate) fn begin(&self) -> Begun {
        Begun(self.next())
    }

    /// Says under which seats each backend's answers are remembered. The first word counts.
    pub(crate) fn set_seats(&self, seats: Vec<(Scheme, Seat)>) {
        let _ = self.seats.set(seats);
    }

    /// Everything known of the account, and of both names under `scheme`, no longer counts.
    pub(crate) fn purge(&self, scheme: &Scheme, change: &Change) {
        let number = self.next();
        let atproto = change.account.is_did().then_some(Names::Atproto);
        let handles = || [&change.old, &change.new].into_iter().flatten();
        let names = [Names::Of(scheme)].into_iter().chain(atproto);
        let names = names.flat_map(|names| handles().map(move |handle| self.stripe(&(names, handle))));
        self.mark(names.chain([self.stripe(&change.account)]), number, |stripe| &stripe.purged);
    }

    /// Everything known of what is suspected, of names under `scheme`, is no longer fresh.
    pub(crate) fn suspect(&self, scheme: &Scheme, suspicion: &Suspicion) {
        let number = self.next();
        let mark = |stripe: u32| self.mark([stripe], number, |stripe| &stripe.suspected);
        match suspicion {
            Suspicion::Account { account, handle } => {
                mark(self.stripe(account));
                if let Some(handle) = handle {
                    mark(self.stripe(&(Names::Of(scheme), handle)));
                    if account.is_did() {
                        mark(self.stripe(&(Names::Atproto, handle)));
                    }
                }
            }
            Suspicion::Everything { scheme } => {
                let seats = self.seats.get().into_iter().flatten();
                seats.filter(|(known, _)| known == scheme).for_each(|(_, seat)| mark(whole(*seat)));
            }
        }
    }

    /// Everything known of an account is no longer fresh.
    pub(crate) fn suspect_account(&self, account: &AccountId) {
        let number = self.next();
        self.mark([self.stripe(account)], number, |stripe| &stripe.suspected);
    }

    /// What was begun before `moment` about these no longer counts: an answer that was looked up from then on knows
    /// better.
    pub(crate) fn outdate(
        &self,
        names: &[Names<'_>],
        handles: &[&Handle],
        account: Option<&AccountId>,
        moment: Begun,
    ) {
        let handles = names.iter().flat_map(|names| handles.iter().map(move |handle| (*names, *handle)));
        let handles = handles.map(|handle| self.stripe(&handle));
        let account = account.map(|account| self.stripe(account));
        self.mark(handles.chain(account), moment.0, |stripe| &stripe.outdated);
    }

    /// The stripes of what is answered to a question: the account, and the handle it goes by.
    pub(crate) fn stripes(
        &self,
        asked: Stripes,
        account: &AccountId,
        handle: Option<(Names<'_>, &Handle)>,
    ) -> Stripes {
        let Stripes([asked, _, _, whole]) = asked;
        Stripes([asked, self.stripe(account), handle.map_or(asked, |handle| self.stripe(&handle)), whole])
    }

    /// The stripes of a question about a handle, to the backend of one seat.
    pub(crate) fn of_handle(&self, seat: Seat, names: Names<'_>, handle: &Handle) -> Stripes {
        let name = self.stripe(&(names, handle));
        Stripes([name, name, name, whole(seat)])
    }

    /// The stripes of a question about an account, to the backend of one seat.
    pub(crate) fn of_account(&self, seat: Seat, account: &AccountId) -> Stripes {
        let name = self.stripe(account);
        Stripes([name, name, name, whole(seat)])
    }

    /// Whether nothing of this was purged since, and nobody looked who knows better.
    pub(crate) fn count(&self, stripes: Stripes, begun: Begun) -> bool {
        !self.is_purged(stripes, begun) && self.older(stripes, begun, |stripe| &stripe.outdated)
    }

    /// Whether something of this was purged since: nothing of it is to be seen again.
    pub(crate) fn is_purged(&self, stripes: Stripes, begun: Begun) -> bool {
        !self.older(stripes, begun, |stripe| &stripe.purged)
    }

    /// Whether something of this was suspected since: it still counts, but no longer as fresh.
    pub(crate) fn is_suspect(&self, stripes: Stripes, begun: Begun) -> bool {
        !self.older(stripes, begun, |stripe| &stripe.suspected)
    }

    fn older(&self, stripes: Stripes, begun: Begun, mark: impl Fn(&Stripe) -> &AtomicU64) -> bool {
        let older = |at: usize| {
            let stripe = self.stripes.get(at);
            stripe.is_none_or(|stripe| mark(stripe).load(Ordering::SeqCst) < begun.0)
        };
        older(ANYTHING) || stripes.0.iter().all(|at| older(*at as usize))
    }

    /// Writes `number` into these stripes, and into the one for anything: when this returns, every reader sees both.
    fn mark(
        &self,
        stripes: impl IntoIterator<Item = u32>,
        number: u64,
        mark: impl Fn(&Stripe) -> &AtomicU64,
    ) {
        for at in stripes.into_iter().map(|at| at as usize).chain([ANYTHING]) {
            if let Some(stripe) = self.stripes.get(at) {
                mark(stripe).fetch_max(number, Ordering::SeqCst);
            }
        }
    }

    fn next(&self) -> u64 {
        self.sequence.fetch_add(1, Ordering::SeqCst)
    }

    #[expect(clippy::cast_possible_truncation, reason = "the remainder of 2^16 fits")]
    fn stripe(&self, name: &impl Hash) -> u32 {
        (self.hasher.hash_one(name) % STRIPES as u64) as u32
    }
}

/// The stripe that every answer of a seat bears.
#[expect(clippy::cast_possible_truncation, reason = "a little more than 2^16 fits")]
fn whole(seat: Seat) -> u32 {
    (STRIPES + seat.index() % WHOLES) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(name: &str) -> Handle {
        Handle::parse(name).unwrap()
    }

    fn change(account: &str) -> Change {
        let (old, new) = (Some(handle("old.example")), Some(handle("new.example")));
        Change { account: AccountId::parse(account).unwrap(), old, new }
    }

    #[test]
    fn an_answer_looked_up_afresh_outdates_the_others_and_not_itself() {
        let generations = Generations::default();
        let (name, scheme) = (handle("a.example"), Scheme::parse("independent").unwrap());
        let both = [Names::Atproto, Names::Of(&scheme)];
        let (old, moment, afresh) = (generations.begin(), generations.begin(), generations.begin());
        generations.outdate(&both, &[&name], None, moment);
        for names in both {
            let stripes = generations.of_handle(Seat::ATPROTO, names, &name);
            assert!(!generations.count(stripes, old) && generations.count(stripes, afresh));
        }
    }

    #[test]
    fn a_purge_ends_what_began_before_it_and_nothing_else() {
        let generations = Generations::default();
        let scheme = Scheme::parse("independent").unwrap();
        let names = Names::Of(&scheme);
        let change = change("did:plc:a");
        let by_name = |name| generations.of_handle(Seat::ATPROTO, names, &handle(name));
        let by_account = generations.stripes(by_name("other.example"), &change.account, None);

        let before = generations.begin();
        assert!(generations.count(by_name("old.example"), before) && generations.count(by_account, before));
        generations.purge(&scheme, &change);
        let after = generations.begin();
        for stripes in [by_name("old.example"), by_name("new.example"), by_account] {
            assert!(!generations.count(stripes, before));
            assert!(generations.count(stripes, after));
        }
    }

    #[test]
    fn a_purge_touches_no_other_schemes_names_and_a_dids_reaches_xrpc() {
        let [mirror, independent] = ["threads", "independent"].map(|name| Scheme::parse(name).unwrap());
        for (account, scheme, ended) in
            [("threads:1", &mirror, [true, false, false]), ("did:plc:a", &independent, [false, true, true])]
        {
            let generations = Generations::default();
            let before = generations.begin();
            generations.purge(scheme, &change(account));
            for (names, ended) in
                [Names::Of(&mirror), Names::Of(&independent), Names::Atproto].into_iter().zip(ended)
            {
                let stripes = generations.of_handle(Seat::ATPROTO, names, &handle("new.example"));
                assert_eq!(generations.count(stripes, before), !ended, "{account} {names:?}");
            }
        }
    }

    #[test]
    fn a_suspicion_ends_freshness_and_nothing_else() {
        let generations = Generations::default();
        let [mirror, independent] = ["threads", "independent"].map(|name| Scheme::parse(name).unwrap());
        generations.set_seats(vec![(independent.clone(), Seat::ATPROTO)]);
        let account = AccountId::parse("did:plc:a").unwrap();
        let asked = generations.of_handle(Seat::ATPROTO, Names::Atproto, &handle("old.example"));
        let answer = generations.stripes(asked, &account, None);

        let before = generations.begin();
        generations.suspect(&independent, &Suspicion::Account { account, handle: None });
        assert!(generations.count(answer, before), "it is not forgotten");
        assert!(generations.is_suspect(answer, before) && !generations.is_suspect(asked, before));
        let after = generations.begin();
        assert!(!generations.is_suspect(answer, after));

        generations.suspect(&mirror, &Suspicion::Everything { scheme: mirror.clone() });
        assert!(!generations.is_suspect(answer, after), "another backend's gap");
        let gap = Suspicion::Everything { scheme: independent.clone() };
        generations.suspect(&independent, &gap);
        assert!(generations.is_suspect(answer, after) && generations.is_suspect(asked, after));
        assert!(generations.count(answer, after));
    }
}
