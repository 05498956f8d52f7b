//! A policy's fields in words: the rows of the comparison.

use namesake::Policy;

use super::words::span;

/// One row: what is asked of every policy, and how it answers.
pub(super) struct Row {
    /// The question.
    pub(super) question: &'static str,
    /// A policy's answer.
    pub(super) answer: fn(&Policy) -> String,
}

/// The rows, in the order in which somebody meets the questions.
pub(super) const ROWS: &[Row] = &[
    Row { question: "Which names", answer: |policy| policy.namespace.words().to_owned() },
    Row { question: "Where a handle comes from", answer: |policy| capital(policy.source.words()) },
    Row { question: "Who can change it", answer: |policy| capital(policy.changed_by.words()) },
    Row { question: "A change is visible", answer: |policy| capital(&policy.visible_within.words()) },
    Row { question: "The old name", answer: |policy| capital(&policy.old_name.words()) },
    Row { question: "While the source cannot be asked", answer: unconfirmed },
    Row { question: "No two accounts, one handle", answer: |policy| capital(policy.uniqueness.words()) },
    Row { question: "An account elsewhere", answer: |policy| capital(policy.link.words()) },
    Row { question: "Display name", answer: |policy| capital(policy.display_name.words()) },
    Row { question: "Bio", answer: |policy| capital(policy.bio.words()) },
    Row { question: "Picture", answer: |policy| capital(policy.picture.words()) },
    Row { question: "Delete, and come back", answer: |policy| capital(policy.recreation.words()) },
    Row { question: "Address of a profile", answer: |policy| policy.profile_path.clone() },
];

fn unconfirmed(policy: &Policy) -> String {
    match policy.unconfirmed_for {
        Some(time) => format!("Still answered for {}", span(time.as_secs())),
        None => "Not promised".to_owned(),
    }
}

fn capital(words: &str) -> String {
    let mut characters = words.chars();
    characters.next().map(char::to_uppercase).into_iter().flatten().chain(characters).collect()
}
