//! What was checked, what was not and why, and the one way to say that a rule is broken.

#![expect(clippy::panic, reason = "a kit reports a broken rule by failing the test that runs it")]

use std::{collections::BTreeSet, fmt};

use super::Excuse;

/// A rule of [`HandleResolver`](crate::HandleResolver), by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// `Found` carries the handle asked for.
    R1,
    /// … and the account that holds it.
    R2,
    /// Absence is `Ok(Absent)`.
    R3,
    /// Outside the namespace: `Pass`, without I/O; inside: never.
    R4,
    /// The profile of a handle's account shows that handle, also after a rename.
    R5,
    /// What the policy claims is what happens.
    R6,
    /// Concurrent callers agree, and nobody panics.
    R7,
    /// Dropping a call at any await harms no later call.
    R8,
    /// Failures are classified, and never reported as absence.
    R9,
}

impl Rule {
    /// All of them, in order.
    pub const ALL: [Self; 9] =
        [Self::R1, Self::R2, Self::R3, Self::R4, Self::R5, Self::R6, Self::R7, Self::R8, Self::R9];
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// What [`check`](super::check) did, for a backend that kept every rule it looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use = "what was excused is said only here"]
pub struct Report {
    /// The rules of which at least a part was checked.
    pub checked: BTreeSet<Rule>,
    /// What was not checked, and why not.
    pub excused: Vec<Excused>,
}

/// A part of a rule that was not checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excused {
    /// Of which rule.
    pub rule: Rule,
    /// What was left out.
    pub part: String,
    /// The reason, in words.
    pub reason: String,
}

impl Report {
    /// Whether every rule was checked and nothing was excused.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.excused.is_empty() && self.checked.len() == Rule::ALL.len()
    }

    pub(super) fn checked(&mut self, rule: Rule) {
        self.checked.insert(rule);
    }

    pub(super) fn excused(&mut self, rule: Rule, part: impl Into<String>, excuse: &Excuse) {
        let reason = excuse.to_string();
        if reason.trim().is_empty() {
            inconsistent("an excuse needs a reason: expected words, got an empty text");
        }
        self.excused.push(Excused { rule, part: part.into(), reason });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("checked:")?;
        self.checked.iter().try_for_each(|rule| write!(f, " {rule}"))?;
        self.excused
            .iter()
            .try_for_each(|Excused { rule, part, reason }| write!(f, "\nexcused: {rule}, {part}: {reason}"))
    }
}

/// Ends the check: the backend breaks `rule`.
pub(super) fn broken(rule: Rule, what: impl fmt::Display) -> ! {
    panic!("{rule}: {what}")
}

/// Ends the check: the fixture contradicts itself, so that nothing can be said about the backend.
pub(super) fn inconsistent(what: impl fmt::Display) -> ! {
    panic!("fixture: {what}")
}
