//! A policy's fields in words: the rows of the comparison.

use namesake::{Bound, ChangedBy, FieldRule, Link, OldName, Policy, Recreation, Source, Uniqueness};

use super::words::span;

/// One row: what is asked of every policy, and how it answers.
pub(super) struct Row {
    /// The question.
    pub(super) question: &'static str,
    /// A policy's answer.
    pub(super) answer: fn(&Policy) -> String,
}

const UNSTATED: &str = "Not promised";

/// The rows, in the order in which somebody meets the questions.
pub(super) const ROWS: &[Row] = &[
    Row { question: "Which names", answer: |policy| policy.namespace.words().to_owned() },
    Row { question: "Where a handle comes from", answer: |policy| source(policy.source).to_owned() },
    Row { question: "Who can change it", answer: |policy| changed_by(policy.changed_by).to_owned() },
    Row { question: "A change is visible", answer: |policy| bound(policy.visible_within) },
    Row { question: "The old name", answer: |policy| old_name(policy.old_name).to_owned() },
    Row { question: "While the source cannot be asked", answer: unconfirmed },
    Row {
        question: "No two accounts, one handle",
        answer: |policy| uniqueness(policy.uniqueness).to_owned(),
    },
    Row { question: "An account elsewhere", answer: |policy| link(policy.link).to_owned() },
    Row { question: "Display name", answer: |policy| field(policy.display_name).to_owned() },
    Row { question: "Bio", answer: |policy| field(policy.bio).to_owned() },
    Row { question: "Picture", answer: |policy| field(policy.picture).to_owned() },
    Row { question: "Delete, and come back", answer: |policy| recreation(policy.recreation).to_owned() },
    Row { question: "Address of a profile", answer: |policy| policy.profile_path.clone() },
];

fn source(source: Source) -> &'static str {
    match source {
        Source::Upstream => "It is what the account upstream is called",
        Source::Holder => "The holder chose it",
        Source::Operator => "The operator gave it",
        _ => UNSTATED,
    }
}

fn changed_by(who: ChangedBy) -> &'static str {
    match who {
        ChangedBy::Holder => "The holder, at any time",
        ChangedBy::Upstream => "Only by renaming the account upstream; never here",
        ChangedBy::Operator => "The operator",
        ChangedBy::Nobody => "Nobody",
        _ => UNSTATED,
    }
}

fn bound(bound: Bound) -> String {
    match bound {
        Bound::Immediately => "At once".to_owned(),
        Bound::Within(time) => format!("Within {}", span(time.as_secs())),
        _ => UNSTATED.to_owned(),
    }
}

fn old_name(old: OldName) -> &'static str {
    match old {
        OldName::FreeAtOnce => "Anybody may have it at once",
        OldName::SourceDecides => "Whoever controls it at its source decides; nothing is held back here",
        OldName::HeldFor(_) => {
            "A name given here is held back for a while, then anybody may have it; of any other, whoever controls it at \
             its source decides"
        }
        OldName::NeverReused => "Nobody else ever gets it",
        _ => UNSTATED,
    }
}

fn unconfirmed(policy: &Policy) -> String {
    match policy.unconfirmed_for {
        Some(time) => format!("Still answered for {}", span(time.as_secs())),
        None => UNSTATED.to_owned(),
    }
}

fn uniqueness(uniqueness: Uniqueness) -> &'static str {
    match uniqueness {
        Uniqueness::UpstreamThenRegister => {
            "The upstream sees to it; our register follows the latest confirmation"
        }
        Uniqueness::Dns => "DNS sees to it: a name has one owner",
        Uniqueness::DnsAndRegister => {
            "DNS sees to it: a name has one owner; for the names given here, our register does"
        }
        Uniqueness::Source => "The scheme's own source sees to it",
        _ => UNSTATED,
    }
}

fn link(link: Link) -> &'static str {
    match link {
        Link::None => "None is needed",
        Link::OnePermanent => "Exactly one, for good",
        _ => UNSTATED,
    }
}

fn field(rule: FieldRule) -> &'static str {
    match rule {
        FieldRule::Upstream => "Always what the upstream shows",
        FieldRule::CopiedThenOwn => "Copied when the account is linked, the holder's own from then on",
        FieldRule::Own => "The holder's own",
        FieldRule::Unsupported => "This scheme has none",
        _ => UNSTATED,
    }
}

fn recreation(recreation: Recreation) -> &'static str {
    match recreation {
        Recreation::NewAccountCurrentHandle => {
            "A new account under the upstream's handle of that day; nothing of the old"
        }
        Recreation::IdentifierIsGone => "The same identifier cannot come back",
        _ => UNSTATED,
    }
}
