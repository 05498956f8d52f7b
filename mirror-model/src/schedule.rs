//! When each account is asked about next. In memory only: it is made anew from the register at every start.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use namesake::{AccountId, Timestamp};
use tokio::sync::watch;

use crate::{
    MirrorSettings,
    budget::{Budget, after},
};

/// At most one poll a second for each account, however many hints come.
const HINT_GAP: Duration = Duration::from_secs(1);

/// Whom to visit, and when. Never locked across an await.
#[derive(Debug)]
pub(crate) struct Schedule {
    plan: Mutex<Plan>,
    /// Counts changes of the plan, for whoever waits for one.
    changed: watch::Sender<u64>,
}

#[derive(Debug)]
struct Plan {
    /// Whether the register has been read.
    loaded: bool,
    visits: HashMap<AccountId, Visit>,
    /// Every account with something ahead of it that is not under way, by when.
    order: BTreeSet<(Timestamp, AccountId)>,
    under_way: usize,
    budget: Budget,
}

/// What lies ahead of one account.
#[derive(Debug, Clone, Copy, Default)]
struct Visit {
    /// Its upstream is asked then.
    poll_at: Option<Timestamp>,
    /// Its name is released then, unless it is confirmed before.
    lapse_at: Option<Timestamp>,
    polled_at: Option<Timestamp>,
    under_way: bool,
    failures: u32,
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
#[derive(Debug, Clone, Copy)]
pub(crate) struct Next {
    pub(crate) poll_at: Option<Timestamp>,
    pub(crate) lapse_at: Option<Timestamp>,
    pub(crate) failures: u32,
}

impl Schedule {
    pub(crate) fn new(settings: &MirrorSettings, now: Timestamp) -> Self {
        let plan = Plan {
            loaded: false,
            visits: HashMap::new(),
            order: BTreeSet::new(),
            under_way: 0,
            budget: Budget::new(settings.polls_per_minute, now),
        };
        Self { plan: Mutex::new(plan), changed: watch::Sender::new(0) }
    }

    /// Everything that is stored has been planned.
    pub(crate) fn loaded(&self) {
        self.change(|plan| plan.loaded = true);
    }

    /// Plans an account, in place of whatever was planned for it.
    pub(crate) fn plan(&self, account: &AccountId, poll_at: Option<Timestamp>, lapse_at: Option<Timestamp>) {
        self.change(|plan| {
            plan.update(account, |visit| (visit.poll_at, visit.lapse_at) = (poll_at, lapse_at));
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
            let known =
                plan.visits.get(account).is_some_and(|visit| visit.poll_at.is_some() || visit.under_way);
            if known {
                plan.update(account, |visit| {
                    let soonest = visit.polled_at.map_or(now, |polled| now.max(after(polled, HINT_GAP)));
                    visit.poll_at = Some(visit.poll_at.map_or(soonest, |at| at.min(soonest)));
                });
            }
        });
    }

    /// No poll of anybody before `until`.
    pub(crate) fn pause(&self, until: Timestamp) {
        self.change(|plan| plan.budget.pause(until));
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
            });
            if plan.visits.get(account).is_some_and(|visit| visit.wake().is_none()) {
                plan.visits.remove(account);
            }
        });
    }

    /// When something is due next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.lock().order.first().map(|(at, _)| *at)
    }

    /// Ready when the plan changes after this call.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Whether nothing is due at `now` and nothing is under way.
    pub(crate) fn is_settled(&self, now: Timestamp) -> bool {
        let plan = self.lock();
        plan.loaded && plan.under_way == 0 && plan.order.first().is_none_or(|(at, _)| *at > now)
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
        loop {
            let (at, account) = self.order.first()?.clone();
            if at > now {
                return None;
            }
            let visit = self.visits.get(&account).copied().unwrap_or_default();
            let poll = visit.poll_at.is_some_and(|at| at <= now);
            if poll && let Err(later) = self.budget.take(now) {
                // No budget: the poll waits for it. A deadline does not.
                self.update(&account, |visit| visit.poll_at = Some(later));
                continue;
            }
            self.under_way += 1;
            self.update(&account, |visit| {
                visit.under_way = true;
                visit.lapse_at = visit.lapse_at.filter(|at| *at > now);
                if poll {
                    (visit.poll_at, visit.polled_at) = (None, Some(now));
                }
            });
            return Some(Due { account, poll, failures: visit.failures });
        }
    }

    fn update(&mut self, account: &AccountId, change: impl FnOnce(&mut Visit)) {
        let visit = self.visits.entry(account.clone()).or_default();
        if let Some(at) = visit.wake() {
            self.order.remove(&(at, account.clone()));
        }
        change(visit);
        if let Some(at) = visit.wake().filter(|_| !visit.under_way) {
            self.order.insert((at, account.clone()));
        }
    }
}

impl Visit {
    fn wake(&self) -> Option<Timestamp> {
        [self.poll_at, self.lapse_at].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::{AccountId, Scheme, Timestamp};

    use super::{Due, Next, Schedule};
    use crate::{MirrorSettings, budget::after};

    const SECOND: Duration = Duration::from_secs(1);
    const NEVER: Next = Next { poll_at: None, lapse_at: None, failures: 0 };

    fn schedule(polls_per_minute: u32) -> (Schedule, AccountId, Timestamp) {
        let url = "http://127.0.0.1/".parse().unwrap();
        let mut settings = MirrorSettings::new(Scheme::parse("threads").unwrap(), url);
        settings.polls_per_minute = polls_per_minute;
        let now = Timestamp::from_second(1_000).unwrap();
        (Schedule::new(&settings, now), AccountId::parse("threads:a").unwrap(), now)
    }

    #[test]
    fn a_hint_during_a_poll_means_once_more_after_it_and_a_second_later() {
        let (schedule, account, now) = schedule(60);
        schedule.loaded();
        schedule.plan(&account, Some(now), None);
        let due = Due { account: account.clone(), poll: true, failures: 0 };
        assert_eq!(schedule.take(now), Some(due.clone()));
        for _ in 0..9 {
            schedule.hint(&account, now);
        }
        assert_eq!(schedule.take(after(now, SECOND)), None, "it is under way");
        assert!(!schedule.is_settled(now));
        schedule.done(&account, Next { poll_at: Some(after(now, SECOND * 300)), ..NEVER });
        assert!(schedule.is_settled(now));
        assert_eq!(schedule.take(now), None);
        assert_eq!(schedule.take(after(now, SECOND)), Some(due));
        schedule.done(&account, Next { poll_at: Some(after(now, SECOND * 300)), ..NEVER });
        assert_eq!(schedule.next(), Some(after(now, SECOND * 300)));
    }

    #[test]
    fn a_deadline_does_not_wait_for_the_budget_and_keeps_the_next_poll() {
        let (schedule, account, now) = schedule(1);
        let other = AccountId::parse("threads:b").unwrap();
        schedule.plan(&other, Some(now), None);
        assert!(schedule.take(now).is_some_and(|due| due.poll));
        schedule.plan(&account, Some(now), Some(now));
        assert_eq!(schedule.take(now), Some(Due { account: account.clone(), poll: false, failures: 0 }));
        schedule.done(&account, NEVER);
        assert_eq!(schedule.next(), Some(after(now, SECOND * 60)));
    }

    #[test]
    fn who_is_forgotten_is_never_visited() {
        let (schedule, account, now) = schedule(60);
        schedule.plan(&account, Some(now), Some(now));
        schedule.forget(&account);
        schedule.hint(&account, now);
        assert_eq!(schedule.take(after(now, SECOND)), None);
    }
}
