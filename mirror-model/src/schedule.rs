//! When each account is asked about next. In memory only: it is made anew from the register at every start.
//!
//! Everybody waits for their time in one of three lanes, and keeps their place while the budget is spent. So with more
//! accounts than it pays for, the interval grows for all alike, and nobody waits for ever: of four polls, at least one
//! goes to each lane that has somebody waiting.
//!
//! An account takes about 300 bytes here and 150 in [`crate::freshness`].

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use namesake::{AccountId, Timestamp};
use tokio::sync::{mpsc, watch};

use crate::{
    MirrorSettings,
    budget::{Budget, after},
};

/// At most one poll a second for each account, however many hints come.
const HINT_GAP: Duration = Duration::from_secs(1);
/// The most lookups remembered between two polls; those beyond it are not worth a wait.
const MOST_TOUCHED: usize = 1_024;

/// Whom to visit, and when. Never locked across an await.
#[derive(Debug)]
pub(crate) struct Schedule {
    plan: Mutex<Plan>,
    /// Accounts that were looked up: a lookup leaves them here without waiting for the plan.
    touch: mpsc::Sender<AccountId>,
    /// Counts changes of the plan, for whoever waits for one.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Plan {
    /// Whether the register has been read.
    loaded: bool,
    visits: HashMap<AccountId, Visit>,
    /// Everybody to be polled who is not under way, by lane and by when.
    polls: [BTreeSet<(Timestamp, AccountId)>; 3],
    /// Everybody whose name has a deadline and who is not under way, by when.
    lapses: BTreeSet<(Timestamp, AccountId)>,
    under_way: usize,
    budget: Budget,
    /// Which of [`TURNS`] is next.
    turn: usize,
    touched: mpsc::Receiver<AccountId>,
}

/// Who goes first when the budget does not pay for all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Lane {
    /// Nothing is known to speak for a change.
    #[default]
    Rest,
    /// Renamed lately, or looked up since its last poll.
    Watched,
    /// Somebody says that something changed.
    Hinted,
}

/// The order in which the lanes are served: each is first in turn at least once.
const TURNS: [[Lane; 3]; 4] = [
    [Lane::Hinted, Lane::Watched, Lane::Rest],
    [Lane::Watched, Lane::Hinted, Lane::Rest],
    [Lane::Hinted, Lane::Watched, Lane::Rest],
    [Lane::Rest, Lane::Watched, Lane::Hinted],
];

/// What lies ahead of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    /// Its upstream is asked then.
    poll_at: Option<Timestamp>,
    /// Its name is released then, unless it is confirmed before.
    lapse_at: Option<Timestamp>,
    polled_at: Option<Timestamp>,
    failures: u32,
    under_way: bool,
    lane: Lane,
}

/// One visit to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Due {
    pub(crate) account: AccountId,
    /// Whether to ask the upstream; otherwise only the deadline is looked at.
    pub(crate) poll: bool,
    /// How many polls in a row have failed.
    pub(crate) failures: u32,
}

/// What comes after a visit.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Next {
    pub(crate) poll_at: Option<Timestamp>,
    pub(crate) lapse_at: Option<Timestamp>,
    pub(crate) failures: u32,
    /// Whether its name changed lately.
    pub(crate) renamed: bool,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Load {
    /// Accounts that are polled.
    pub(crate) accounts: usize,
    /// For how long the one that waits longest has been due.
    pub(crate) lag: Duration,
    /// How long it takes to ask about all of them: the interval, or more where the budget does not pay for it.
    pub(crate) interval: Duration,
}

impl Schedule {
    pub(crate) fn new(settings: &MirrorSettings, now: Timestamp) -> Self {
        let (touch, touched) = mpsc::channel(MOST_TOUCHED);
        let plan = Plan {
            loaded: false,
            visits: HashMap::new(),
            polls: Default::default(),
            lapses: BTreeSet::new(),
            under_way: 0,
            budget: Budget::new(settings.polls_per_minute, now),
            turn: 0,
            touched,
        };
        Self { plan: Mutex::new(plan), touch, changed: watch::Sender::new(0) }
    }

    /// Everything that is stored has been planned.
    pub(crate) fn loaded(&self) {
        self.change(|plan| plan.loaded = true);
    }

    /// Plans an account, in place of whatever was planned for it.
    pub(crate) fn plan(&self, account: &AccountId, next: Next) {
        self.change(|plan| {
            plan.update(account, |visit| {
                (visit.poll_at, visit.lapse_at) = (next.poll_at, next.lapse_at);
                visit.failures = next.failures;
                visit.lane = visit.lane.max(if next.renamed { Lane::Watched } else { Lane::Rest });
            });
        });
    }

    /// The account is gone.
    pub(crate) fn forget(&self, account: &AccountId) {
        self.change(|plan| {
            plan.update(account, |visit| (visit.poll_at, visit.lapse_at) = (None, None));
            if plan.visits.get(account).is_some_and(|visit| !visit.under_way) {
                plan.visits.remove(account);
            }
        });
    }

    /// Something may have changed: poll now, or once more after the poll that is under way.
    pub(crate) fn hint(&self, account: &AccountId, now: Timestamp) {
        self.change(|plan| {
            // An account nobody polls (no token) has nothing to be asked with.
            if plan.is_polled(account) {
                plan.update(account, |visit| {
                    let soonest = visit.polled_at.map_or(now, |polled| now.max(after(polled, HINT_GAP)));
                    visit.poll_at = Some(visit.poll_at.map_or(soonest, |at| at.min(soonest)));
                    visit.lane = Lane::Hinted;
                });
            }
        });
    }

    /// Somebody looked it up. Never waits and never wakes anybody: it counts when the next poll is chosen.
    ///
    /// What the resolver remembers is not asked again, so this is no count of lookups: it says that an answer about the
    /// account was made, for which somebody is waiting or which will be given again and again until it is purged.
    pub(crate) fn touch(&self, account: &AccountId) {
        // Full: enough is known to choose by.
        let _ = self.touch.try_send(account.clone());
    }

    /// No poll of anybody before `until`.
    pub(crate) fn pause(&self, until: Timestamp) {
        self.change(|plan| plan.budget.pause(until));
    }

    /// The upstream said that we ask too often: see [`Budget::slow_down`].
    pub(crate) fn slow_down(&self, now: Timestamp, wish: Option<Duration>, jitter: u8) -> Timestamp {
        self.change(|plan| plan.budget.slow_down(now, wish, jitter))
    }

    /// The upstream answered.
    pub(crate) fn answered(&self, now: Timestamp) {
        self.lock().budget.answered(now);
    }

    /// Takes what is due now, if anything is; it is under way until [`Schedule::done`].
    pub(crate) fn take(&self, now: Timestamp) -> Option<Due> {
        let due = self.lock().take(now)?;
        self.notify();
        Some(due)
    }

    /// A visit is over.
    pub(crate) fn done(&self, account: &AccountId, next: Next) {
        self.change(|plan| {
            plan.under_way = plan.under_way.saturating_sub(1);
            plan.update(account, |visit| {
                visit.under_way = false;
                // A deadline planned meanwhile stays: looked at too early, it corrects itself.
                visit.lapse_at = next.lapse_at.or(visit.lapse_at);
                visit.failures = next.failures;
                // What was asked for meanwhile comes first: a poll that began has left nothing here itself.
                visit.poll_at = visit.poll_at.or(next.poll_at);
                visit.lane = visit.lane.max(if next.renamed { Lane::Watched } else { Lane::Rest });
            });
            if plan.visits.get(account).is_some_and(|visit| visit.is_over()) {
                plan.visits.remove(account);
            }
        });
    }

    /// When something can be done next.
    pub(crate) fn next(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().next(now)
    }

    /// Ready when the plan changes after this call.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether everything that is stored has been planned.
    pub(crate) fn is_loaded(&self) -> bool {
        self.lock().loaded
    }

    /// Whether nothing can be done at `now` and nothing is under way.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        let plan = self.lock();
        plan.loaded && plan.under_way == 0 && plan.next(now).is_none_or(|at| at > now)
    }

    /// How much there is to do, for accounts asked about every `interval`.
    pub(crate) fn load(&self, now: Timestamp, interval: Duration) -> Load {
        let plan = self.lock();
        let accounts = plan.polls.iter().map(BTreeSet::len).sum::<usize>() + plan.under_way;
        let first = plan.polls.iter().filter_map(|lane| lane.first()).map(|(at, _)| *at).min();
        let lag = first.and_then(|at| Duration::try_from(now.duration_since(at)).ok()).unwrap_or_default();
        Load { accounts, lag, interval: interval.max(plan.budget.time_for(accounts)) }
    }

    fn change<T>(&self, change: impl FnOnce(&mut Plan) -> T) -> T {
        let result = change(&mut self.lock());
        self.notify();
        result
    }

    fn notify(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Plan {
    fn take(&mut self, now: Timestamp) -> Option<Due> {
        while let Ok(account) = self.touched.try_recv() {
            if self.is_polled(&account) {
                self.update(&account, |visit| visit.lane = visit.lane.max(Lane::Watched));
            }
        }
        // A deadline waits for nothing; whoever can be asked once more before the name is released is.
        let lapsed = self.lapses.first().filter(|(at, _)| *at <= now).map(|(_, account)| account.clone());
        let (account, poll) = match lapsed {
            Some(account) => {
                let due = self.visits.get(&account).and_then(|it| it.poll_at).is_some_and(|at| at <= now);
                (account, due && self.budget.take(now).is_ok())
            }
            None => {
                let account = self.first_to_poll(now)?;
                self.budget.take(now).ok()?;
                self.turn = (self.turn + 1) % TURNS.len();
                (account, true)
            }
        };
        self.under_way += 1;
        let mut failures = 0;
        self.update(&account, |visit| {
            visit.under_way = true;
            failures = visit.failures;
            visit.lapse_at = visit.lapse_at.filter(|at| *at > now);
            if poll {
                (visit.poll_at, visit.polled_at, visit.lane) = (None, Some(now), Lane::Rest);
            }
        });
        Some(Due { account, poll, failures })
    }

    /// Whoever has waited longest in the first lane in which somebody is due.
    fn first_to_poll(&self, now: Timestamp) -> Option<AccountId> {
        let first = |lane: Lane| self.polls[lane as usize].first().filter(|(at, _)| *at <= now);
        TURNS[self.turn].into_iter().find_map(first).map(|(_, account)| account.clone())
    }

    fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let poll = self.polls.iter().filter_map(|lane| lane.first()).map(|(at, _)| *at).min();
        let poll = poll.map(|at| at.max(self.budget.ready(now)));
        let lapse = self.lapses.first().map(|(at, _)| *at);
        poll.into_iter().chain(lapse).min()
    }

    fn is_polled(&self, account: &AccountId) -> bool {
        self.visits.get(account).is_some_and(|visit| visit.poll_at.is_some() || visit.under_way)
    }

    fn update(&mut self, account: &AccountId, change: impl FnOnce(&mut Visit)) {
        let visit = self.visits.entry(account.clone()).or_default();
        if let Some(at) = visit.poll_at {
            self.polls[visit.lane as usize].remove(&(at, account.clone()));
        }
        if let Some(at) = visit.lapse_at {
            self.lapses.remove(&(at, account.clone()));
        }
        change(visit);
        if visit.under_way {
            return;
        }
        if let Some(at) = visit.poll_at {
            self.polls[visit.lane as usize].insert((at, account.clone()));
        }
        if let Some(at) = visit.lapse_at {
            self.lapses.insert((at, account.clone()));
        }
    }
}

impl Visit {
    fn is_over(&self) -> bool {
        self.poll_at.is_none() && self.lapse_at.is_none()
    }
}

#[cfg(test)]
mod tests;
