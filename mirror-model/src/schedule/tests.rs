use std::time::Duration;

use namesake::{AccountId, Scheme, Timestamp};

use super::{Due, Next, Schedule};
use crate::{MirrorSettings, budget::after};

const SECOND: Duration = Duration::from_secs(1);
const NEVER: Next = Next { poll_at: None, lapse_at: None, failures: 0, renamed: false };

fn schedule(polls_per_minute: u32) -> (Schedule, AccountId, Timestamp) {
    let url = "http://127.0.0.1/".parse().unwrap();
    let mut settings = MirrorSettings::new(Scheme::parse("threads").unwrap(), url);
    settings.polls_per_minute = polls_per_minute;
    let now = Timestamp::from_second(1_000).unwrap();
    (Schedule::new(&settings, now), AccountId::parse("threads:a").unwrap(), now)
}

fn poll(at: Timestamp) -> Next {
    Next { poll_at: Some(at), ..NEVER }
}

fn account(number: u32) -> AccountId {
    AccountId::parse(&format!("threads:{number:032}")).unwrap()
}

fn number(account: &AccountId) -> u32 {
    account.as_str().trim_start_matches("threads:").parse().unwrap()
}

#[test]
fn a_hint_during_a_poll_means_once_more_after_it_and_a_second_later() {
    let (schedule, account, now) = schedule(60);
    schedule.loaded();
    schedule.plan(&account, poll(now));
    let due = Due { account: account.clone(), poll: true, failures: 0 };
    assert_eq!(schedule.take(now), Some(due.clone()));
    for _ in 0..9 {
        schedule.hint(&account, now);
    }
    assert_eq!(schedule.take(after(now, SECOND)), None, "it is under way");
    assert!(!schedule.is_settled(now));
    schedule.done(&account, poll(after(now, SECOND * 300)));
    assert!(schedule.is_settled(now));
    assert_eq!(schedule.take(now), None);
    assert_eq!(schedule.take(after(now, SECOND)), Some(due));
    schedule.done(&account, poll(after(now, SECOND * 300)));
    assert_eq!(schedule.next(now), Some(after(now, SECOND * 300)));
}

#[test]
fn a_deadline_does_not_wait_for_the_budget_and_keeps_the_next_poll() {
    let (schedule, account, now) = schedule(1);
    let other = AccountId::parse("threads:b").unwrap();
    schedule.plan(&other, poll(now));
    assert!(schedule.take(now).is_some_and(|due| due.poll));
    schedule.plan(&account, Next { lapse_at: Some(now), ..poll(now) });
    assert_eq!(schedule.take(now), Some(Due { account: account.clone(), poll: false, failures: 0 }));
    schedule.done(&account, NEVER);
    assert_eq!(schedule.next(now), Some(after(now, SECOND * 60)));
}

#[test]
fn who_is_forgotten_is_never_visited() {
    let (schedule, account, now) = schedule(60);
    schedule.plan(&account, Next { lapse_at: Some(now), ..poll(now) });
    schedule.forget(&account);
    schedule.hint(&account, now);
    assert_eq!(schedule.take(after(now, SECOND)), None);
}

/// Polls all that can be polled until `end`, each taking no time, and the next one an interval later. Says whom, in
/// order, and when.
fn run(
    schedule: &Schedule,
    from: Timestamp,
    end: Timestamp,
    interval: Duration,
) -> Vec<(Timestamp, AccountId)> {
    let mut polled = Vec::new();
    let mut now = from;
    loop {
        while let Some(due) = schedule.take(now) {
            schedule.done(&due.account, poll(after(now, interval)));
            polled.push((now, due.account));
        }
        match schedule.next(now) {
            Some(next) if next < end => now = next,
            _ => return polled,
        }
    }
}

const LINKS: u32 = 200_000;
const INTERVAL: Duration = Duration::from_secs(300);

#[test]
fn with_too_many_for_the_budget_the_interval_grows_for_all_alike() {
    // 200,000 at 60,000 a minute: less than an interval; at 8,000 a minute: twenty-five minutes.
    for (per_minute, interval) in [(60_000, 300), (8_000, 1_500)] {
        let (schedule, _, start) = schedule(per_minute);
        (0..LINKS).for_each(|number| schedule.plan(&account(number), poll(start)));
        let load = schedule.load(start, INTERVAL);
        assert_eq!((load.accounts, load.interval), (200_000, SECOND * interval), "and says so");
        let minute = SECOND * 60;
        let end = after(start, SECOND * interval);
        let polled = run(&schedule, start, end, INTERVAL);

        let mut times = vec![0; LINKS as usize];
        polled.iter().for_each(|(_, account)| times[number(account) as usize] += 1);
        let twice = times.iter().filter(|times| **times == 2).count();
        assert!(times.iter().all(|times| (1..=2).contains(times)), "everybody in their turn, none left out");
        assert!(twice <= per_minute as usize / 6, "nobody again before, but for what was saved up: {twice}");
        let mut from = start;
        while from < end {
            let to = after(from, minute);
            let polls = polled.iter().filter(|(at, _)| *at >= from && *at < to).count();
            assert!(polls <= per_minute as usize * 7 / 6, "{polls} polls in the minute from {from}");
            from = to;
        }
    }
}

#[test]
fn hints_come_first_within_the_budget_and_starve_nobody() {
    let (schedule, _, start) = schedule(60);
    (0..60).for_each(|number| schedule.plan(&account(number), poll(start)));
    assert_eq!(run(&schedule, start, start, INTERVAL).len(), 10, "what was saved up is spent");
    (100..1_000).for_each(|number| schedule.plan(&account(number), poll(start)));
    let hinted = |number: u32| number < 60;

    // Sixty accounts of which somebody says again and again that they changed.
    let (mut now, mut polled) = (start, Vec::new());
    // From now on one a second.
    for _ in 0..240 {
        now = after(now, SECOND);
        (0..60).for_each(|number| schedule.hint(&account(number), now));
        let due = schedule.take(now).expect("there is always something to do");
        assert_eq!(schedule.take(now), None, "one a second, whoever jumps the queue");
        polled.push(number(&due.account));
        schedule.done(&due.account, poll(after(now, INTERVAL)));
    }
    let first = polled.iter().filter(|number| hinted(**number)).count();
    assert_eq!((first, polled.len() - first), (180, 60), "three of four, and the fourth for the others");
}

#[test]
fn renamed_and_looked_up_come_before_the_rest() {
    let (schedule, _, start) = schedule(60);
    (0..1_000).for_each(|number| schedule.plan(&account(number), poll(start)));
    schedule.plan(&account(998), Next { renamed: true, ..poll(start) });
    schedule.touch(&account(999));
    let polled = run(&schedule, start, start, INTERVAL);
    let place = |number| polled.iter().position(|(_, polled)| *polled == account(number));
    assert_eq!((place(998), place(999)), (Some(0), Some(1)), "of ten whom the budget pays for");

    // More lookups than are remembered harm nothing; of accounts nobody polls, neither.
    (0..100_000).for_each(|number| schedule.touch(&account(number)));
    schedule.touch(&AccountId::parse("threads:nobody").unwrap());
    assert_eq!(run(&schedule, after(start, SECOND), after(start, SECOND * 2), INTERVAL).len(), 1);
}

#[test]
fn a_link_takes_little_memory() {
    // The map's entry, and a place in two ordered sets; the id itself is shared by all of them.
    let entry = size_of::<(AccountId, super::Visit)>();
    let place = size_of::<(Timestamp, AccountId)>();
    assert!(entry + 2 * place <= 192, "{entry} and twice {place} bytes");
}
