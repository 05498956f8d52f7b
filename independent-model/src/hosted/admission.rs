//! How often, how large, of which form, and when the recovery key must sign. Pure.

use std::time::Duration;

use namesake::Timestamp;
use serde_json::Value;

use super::{HostedSettings, Rejection, Rule, records::Account};
use crate::{
    Hostname,
    webvh::{Entry, Fault, Head, KeyHash},
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// How many entries of the greatest size find room in a log that is full for every key but the recovery key: to take
/// an account over, to give it other keys, and the two that close it.
const KEPT_FOR_RECOVERY: usize = 4;

/// Who signed an entry, as far as our rules tell signers apart.
///
/// The owner must always be able to take an account back from a thief who has the next key. So an entry by the recovery
/// key is neither counted nor limited in time, wipes out what was counted, and has a part of the log for itself. The
/// same goes for the entry that ends a log: there is only one. All this comes before the signature is checked: it is
/// about the key that the entry *names*, and worth nothing unless the signature is that key's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signer {
    /// The recovery key.
    Recovery,
    /// Any other.
    Other,
}

impl Signer {
    pub(super) fn of<D>(head: &Head<D>, entry: &Entry) -> Self {
        if recovery(&head.next_key_hashes) == Some(&entry.signer) { Self::Recovery } else { Self::Other }
    }
}

/// The commitment to the recovery key: the last, wherever there are two or more.
fn recovery(hashes: &[KeyHash]) -> Option<&KeyHash> {
    hashes.last().filter(|_| hashes.len() >= 2)
}

/// An entry that the recovery key did not sign must commit to it again.
pub(super) fn keeps_recovery<D>(head: &Head<D>, entry: &Entry, signer: Signer) -> Result<(), Rule> {
    let Some(kept) = recovery(&head.next_key_hashes).filter(|_| signer == Signer::Other) else {
        return Ok(());
    };
    let next = entry.parameters.next_key_hashes.as_deref().unwrap_or_default();
    if recovery(next) == Some(kept) { Ok(()) } else { Err(Rule::Recovery) }
}

/// Whether `versionTime` has the form that everybody reads.
pub(super) fn time_is_plain(entry: &Entry) -> Result<(), Rule> {
    // Members are sorted: the time is the last of an entry in canonical form.
    let plain = format!(r#""versionTime":"{}"}}"#, entry.time);
    let whole = entry.time.subsec_nanosecond() == 0;
    if whole && entry.line().ends_with(&plain) { Ok(()) } else { Err(Rule::TimeForm) }
}

/// The moment by which an entry is judged: our clock, as far as others may be ahead of it.
pub(super) fn latest(settings: &HostedSettings, now: Timestamp) -> Timestamp {
    now.saturating_add(settings.clock_tolerance).unwrap_or(Timestamp::MAX)
}

/// Whether an entry was made about now: an author's word alone would let anybody invent who went by which name when.
pub(super) fn is_of_now(settings: &HostedSettings, entry: &Entry, now: Timestamp) -> Result<(), Rejection> {
    if entry.time > latest(settings, now) {
        return Err(Rejection::Invalid(Fault::Future));
    }
    let until = entry.time.saturating_add(settings.max_entry_age).unwrap_or(Timestamp::MAX);
    if until < now { Err(Rejection::Refused(Rule::TooOld)) } else { Ok(()) }
}

/// Whether the log of `account` has room for `entry`.
pub(super) fn has_room<D>(
    settings: &HostedSettings,
    account: &Account<D>,
    entry: &Entry,
    signer: Signer,
) -> Result<(), Rule> {
    let kept = match signer {
        Signer::Other if !ends(entry) => KEPT_FOR_RECOVERY * settings.largest_entry(),
        Signer::Other | Signer::Recovery => 0,
    };
    let most = settings.max_log_bytes.saturating_sub(kept);
    if account.log_bytes + bytes(entry) <= most { Ok(()) } else { Err(Rule::LogSize) }
}

/// Whether an account may post one more entry, by the times of those that were taken.
pub(super) fn may_post<D>(
    settings: &HostedSettings,
    account: &Account<D>,
    entry: &Entry,
    signer: Signer,
    now: Timestamp,
) -> Result<(), Rejection> {
    if signer == Signer::Recovery || ends(entry) {
        return Ok(());
    }
    let limits = [
        (HOUR, settings.entries_per_hour),
        (DAY, settings.entries_per_day),
        (WEEK, settings.entries_per_week),
    ];
    let wait = limits.into_iter().filter_map(|(span, most)| wait(&account.entries, now, span, most)).max();
    wait.map_or(Ok(()), |retry_after| Err(Rejection::TooMany { retry_after }))
}

/// Whether an account may post one more profile.
pub(super) fn may_show(
    settings: &HostedSettings,
    account: &Account,
    now: Timestamp,
) -> Result<(), Rejection> {
    match wait(&account.profiles, now, HOUR, settings.profiles_per_hour) {
        Some(retry_after) => Err(Rejection::TooMany { retry_after }),
        None => Ok(()),
    }
}

/// The account after `entry`, which led to `head`.
pub(super) fn after<D, E>(
    account: &Account<D>,
    entry: &Entry,
    head: Head<E>,
    signer: Signer,
    now: Timestamp,
) -> Account<E> {
    let log_bytes = account.log_bytes + bytes(entry);
    let profile = account.profile.clone();
    match signer {
        Signer::Other => {
            let (entries, profiles) = (counted(&account.entries, now, WEEK), account.profiles.clone());
            Account { head, log_bytes, entries, rev: account.rev, profile, profiles }
        }
        // Whoever had the account meanwhile may have used up everything, revisions of the profile included.
        Signer::Recovery => {
            Account { head, log_bytes, entries: Vec::new(), rev: 0, profile, profiles: Vec::new() }
        }
    }
}

/// The account that `entry` begins.
pub(super) fn begun(entry: &Entry, head: Head, now: Timestamp) -> Account {
    let (entries, log_bytes) = (vec![now], bytes(entry));
    Account { head, log_bytes, entries, rev: 0, profile: None, profiles: Vec::new() }
}

/// The account with a profile of this revision.
pub(super) fn shown(account: &Account, rev: u64, record: Value, now: Timestamp) -> Account {
    let profiles = counted(&account.profiles, now, HOUR);
    Account { rev, profile: Some(record), profiles, ..account.clone() }
}

/// The name that an account at `host` goes by after `entry`, if what it says of itself has the form that accounts here
/// have: it names its `did:web` once, and one handle at the most.
pub(super) fn claim(entry: &Entry, host: &Hostname) -> Result<Option<Hostname>, Rule> {
    let listed = entry.state.get("alsoKnownAs").and_then(Value::as_array);
    let aliases = || listed.into_iter().flatten().filter_map(Value::as_str);
    let web = format!("did:web:{host}");
    if aliases().filter(|alias| *alias == web).count() != 1 {
        return Err(Rule::WebAlias);
    }
    let mut names = aliases().filter_map(|alias| alias.strip_prefix("at://"));
    let (name, second) = (names.next(), names.next());
    let name = name.map(|name| match Hostname::parse(name) {
        Ok(parsed) if parsed.as_str() == name => Ok(parsed),
        _ => Err(Rule::HandleAlias),
    });
    match (name.transpose()?, second) {
        (_, Some(_)) => Err(Rule::HandleAlias),
        (name, None) => Ok(name.filter(|_| !ends(entry))),
    }
}

fn ends(entry: &Entry) -> bool {
    entry.parameters.deactivated == Some(true)
}

/// With its line break.
fn bytes(entry: &Entry) -> usize {
    entry.line().len() + 1
}

/// How long the next must wait, if only so many are taken in such a span.
fn wait(taken: &[Timestamp], now: Timestamp, span: Duration, most: u32) -> Option<Duration> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    // The times are in order; the one that must leave the span first is `most` from the end.
    let place = taken.len().checked_sub(most)?;
    let Some(oldest) = taken.get(place) else { return Some(span) };
    let left = Duration::try_from(oldest.saturating_add(span).ok()?.duration_since(now)).ok()?;
    (!left.is_zero()).then_some(left)
}

/// The times within the last `span`, and now.
fn counted(taken: &[Timestamp], now: Timestamp, span: Duration) -> Vec<Timestamp> {
    let recent = taken.iter().copied().filter(|at| at.saturating_add(span).is_ok_and(|until| until > now));
    recent.chain([now]).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use namesake::Timestamp;

    use super::{counted, wait};

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn the_next_waits_for_the_oldest_that_counts() {
        let span = Duration::from_secs(100);
        let taken = [at(0), at(10), at(20)];
        assert_eq!(wait(&taken, at(20), span, 4), None);
        assert_eq!(wait(&taken, at(20), span, 3), Some(Duration::from_secs(80)));
        assert_eq!(wait(&taken, at(20), span, 2), Some(Duration::from_secs(90)));
        assert_eq!(wait(&taken, at(99), span, 3), Some(Duration::from_secs(1)));
        assert_eq!(wait(&taken, at(100), span, 3), None);
        assert_eq!(wait(&[], at(0), span, 1), None);
        assert_eq!(wait(&[], at(0), span, 0), Some(span), "a limit of nothing lets nothing through");
    }

    #[test]
    fn only_what_counts_is_kept() {
        let taken = [at(0), at(10), at(20)];
        assert_eq!(counted(&taken, at(110), Duration::from_secs(100)), [at(20), at(110)]);
    }
}
