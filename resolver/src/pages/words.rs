//! Facts in words: evidence, times, reasons.

use maud::{Markup, html};
use namesake::{ProfileState, StepOutcome, Timestamp, Why};

use super::parts::Follows;
use crate::api::{Freshness, ProofBody};

/// How a handle is known, as the rest of a sentence that begins with "Proved by".
///
/// The atproto methods hold only when the account's document names the handle in return.
pub(super) fn evidence(handle: &str, account: &str, scheme: &str, proof: &ProofBody) -> Markup {
    let in_return = if account.starts_with("did:") {
        "; the account's own document names the handle in return"
    } else {
        ""
    };
    html! {
        @match proof.method.as_str() {
            "dns-txt" => { "a DNS TXT record at " code { "_atproto." (handle) } (in_return) }
            "https-well-known" => { "a file at " code { "https://" (handle) "/.well-known/atproto-did" } (in_return) }
            "upstream" => { "the linked account at " b { (scheme) } ", which goes by this name" }
            other => { "the evidence " code { (other) } }
        }
        "."
    }
}

/// A moment, absolute, for people and for machines.
pub(super) fn moment(at: Timestamp) -> Markup {
    html! { time datetime=(at) { (at.strftime("%H:%M:%S UTC, %-d %b %Y")) } }
}

/// How old an answer is and what that means, in a sentence. What is kept until it changes is known to change at once where it
/// changes here, and as a mirror promises where it `follows` somebody else.
pub(super) fn freshness(fresh: Freshness, follows: Option<Follows>) -> String {
    let age = span(fresh.age_seconds);
    match (fresh.stale, fresh.ttl_seconds, follows) {
        (true, ..) => format!("{age} old, and past its time: the sources do not answer at present."),
        (false, Some(ttl), _) => format!("{age} old, and good for another {}.", span(ttl)),
        (false, None, None) => format!("{age} old, and kept until it changes: we are told at once."),
        (false, None, Some(follows)) if follows.keeps_up(fresh.age_seconds) => format!(
            "{age} old, as it was last confirmed; a change there shows here within {}.",
            span(follows.within_seconds)
        ),
        (false, None, Some(follows)) => format!(
            "{age} old, and not confirmed since then: it is answered for {} after that at most.",
            span(follows.unconfirmed_seconds)
        ),
    }
}

/// A length of time in its largest whole unit.
pub(super) fn span(seconds: u64) -> String {
    let (count, unit) = match seconds {
        0..120 => (seconds, "second"),
        120..7_200 => (seconds / 60, "minute"),
        7_200..172_800 => (seconds / 3_600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

/// Why an account has no handle.
pub(super) const fn no_handle(why: Option<Why>) -> &'static str {
    match why {
        Some(Why::Released) => "It gave up its name, or the name could not be confirmed for too long.",
        Some(Why::Unproven) => "It claims a name, and the proof does not hold.",
        Some(Why::Deactivated) => "The account was closed.",
        Some(Why::Unknown) | None => "Nothing confirms a name for this account at present.",
    }
}

/// What is missing from a profile, and who can mend it.
pub(super) const fn state(state: ProfileState) -> Option<(&'static str, &'static str)> {
    match state {
        ProfileState::Current => None,
        ProfileState::Unavailable => Some((
            "Profile unavailable",
            "The place that keeps the name, words and picture did not answer in time. The identity below stands; \
             try again in a minute for the rest.",
        )),
        ProfileState::Stale => Some((
            "Profile not confirmed",
            "The place that keeps the name, words and picture did not answer in time: what you see is how they were \
             before. The identity below stands.",
        )),
        ProfileState::NeedsLogin => Some((
            "Needs login",
            "The link to the account upstream has lapsed. Its owner signs in there again, and the handle returns. \
             The account itself is kept.",
        )),
    }
}

/// Who was asked, as people call it.
pub(super) fn source(source: &str) -> &str {
    match source {
        "dns" => "DNS",
        "https" => "HTTPS",
        "scheme" => "Scheme",
        "directory" => "DID directory",
        "plc-log" => "The DID's signed log",
        "did-web" => "The DID's own web server",
        "document" => "DID document",
        "pds" => "Personal data server",
        "upstream" => "Upstream",
        "store" => "Our register",
        "cache" => "Our cache",
        "verdict" => "Verdict",
        other => other,
    }
}

/// How a step went: the class that colours it, and the words that say it.
pub(super) const fn outcome(outcome: StepOutcome) -> (&'static str, &'static str) {
    match outcome {
        StepOutcome::Found => ("found", "Yes"),
        StepOutcome::Absent => ("absent", "No"),
        StepOutcome::Failed => ("failed", "No usable answer"),
        StepOutcome::Note => ("note", "Note"),
    }
}

#[cfg(test)]
mod tests {
    use super::{freshness, moment, span};
    use crate::{api::Freshness, pages::Follows};

    #[test]
    fn spans_are_in_their_largest_whole_unit() {
        let spans = [
            (0, "0 seconds"),
            (1, "1 second"),
            (120, "2 minutes"),
            (7_200, "2 hours"),
            (90_000_000, "1041 days"),
        ];
        for (seconds, words) in spans {
            assert_eq!(span(seconds), words);
        }
    }

    #[test]
    fn a_stale_answer_says_so() {
        let stale = Freshness { age_seconds: 180, ttl_seconds: Some(0), stale: true };
        assert_eq!(
            freshness(stale, None),
            "3 minutes old, and past its time: the sources do not answer at present."
        );
    }

    #[test]
    fn what_follows_somebody_else_promises_no_more_than_it_keeps() {
        let follows = Follows { within_seconds: 300, unconfirmed_seconds: 86_400 };
        let at = |age_seconds, follows| {
            freshness(Freshness { age_seconds, ttl_seconds: None, stale: false }, follows)
        };
        assert_eq!(
            at(20, Some(follows)),
            "20 seconds old, as it was last confirmed; a change there shows here within 5 minutes."
        );
        assert_eq!(
            at(10_800, Some(follows)),
            "3 hours old, and not confirmed since then: it is answered for 24 hours after that at most."
        );
        assert!(at(20, None).ends_with("we are told at once."));
    }

    #[test]
    fn a_moment_is_absolute_and_machine_readable() {
        let at = "2026-11-22T15:02:11Z".parse().unwrap();
        let expected = r#"<time datetime="2026-11-22T15:02:11Z">15:02:11 UTC, 22 Nov 2026</time>"#;
        assert_eq!(moment(at).into_string(), expected);
    }
}
