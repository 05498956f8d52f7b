//! The questions, and the scenario that answers each.

mod beliefs;
mod failures;
mod names;
mod power;
mod rules;

use serde::{Deserialize, Serialize};

use super::{Fact, LabFuture, Section, Stage};

/// One question to every column.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// Its name in links and on the command line.
    pub id: &'static str,
    /// Which group it belongs to.
    pub section: Section,
    /// The question.
    pub question: &'static str,
    /// Whether it is one of those that decide most.
    pub verdict: bool,
    /// For a common belief: whether it holds.
    pub mark: Option<Mark>,
    /// How the answer is found; `None` where it cannot be tried.
    pub scenario: Option<Scenario>,
    /// Whether the answer is a number of the reader's.
    pub asks_reader: bool,
}

/// Plays a scenario, and says in a sentence what came of it.
pub type Scenario = for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>;

/// What came of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// In a sentence.
    pub text: String,
    /// In the terms of the policy, where it has a field for it.
    pub fact: Option<Fact>,
}

/// Whether a common belief holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It does.
    Holds,
    /// It did.
    Outdated,
    /// No source says so.
    Unconfirmed,
}

/// All rows, in the order in which a reader meets them.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    [rules::ROWS, beliefs::ROWS, names::ROWS, failures::ROWS, power::ROWS].into_iter().flatten()
}

impl Row {
    const fn new(section: Section, id: &'static str, question: &'static str, scenario: Scenario) -> Self {
        Self {
            id,
            section,
            question,
            verdict: false,
            mark: None,
            scenario: Some(scenario),
            asks_reader: false,
        }
    }

    /// One of those that decide most.
    const fn verdict(mut self) -> Self {
        self.verdict = true;
        self
    }

    const fn marked(mut self, mark: Mark) -> Self {
        self.mark = Some(mark);
        self
    }
}

impl Observation {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), fact: None }
    }

    fn fact(text: impl Into<String>, fact: Fact) -> Self {
        Self { text: text.into(), fact: Some(fact) }
    }
}
