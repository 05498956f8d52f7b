//! What backends were asked and how that went, counted. Labels are bounded.
//!
//! To find a counter takes far longer than to count, so those that every lookup needs are looked for once.

use std::{sync::OnceLock, time::Duration};

use metrics::{Counter, Histogram};

/// What a backend is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    Resolve,
    ResolveWithProfile,
    Profile,
    DidOf,
    DocumentOf,
    ClaimsOf,
}

impl Operation {
    /// The last one counts them.
    const COUNT: usize = Self::ClaimsOf as usize + 1;

    /// The word used in metrics and logs.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::ResolveWithProfile => "resolve-with-profile",
            Self::Profile => "profile",
            Self::DidOf => "did-of",
            Self::DocumentOf => "document-of",
            Self::ClaimsOf => "claims-of",
        }
    }
}

/// The counts of one backend.
#[derive(Debug)]
pub(crate) struct Tally {
    scheme: String,
    operations: [Counts; Operation::COUNT],
}

#[derive(Debug, Default)]
struct Counts {
    found: OnceLock<Counter>,
    absent: OnceLock<Counter>,
    seconds: OnceLock<Histogram>,
}

impl Tally {
    pub(crate) fn new(scheme: String) -> Self {
        Self { scheme, operations: Default::default() }
    }

    /// Who is counted.
    pub(crate) fn scheme(&self) -> &str {
        &self.scheme
    }

    /// One answer, and how long it took.
    pub(crate) fn count(&self, operation: Operation, outcome: &'static str, took: Duration) {
        let counter = || {
            metrics::counter!("namesake_backend_answers_total",
                "scheme" => self.scheme.clone(), "operation" => operation.as_str(), "outcome" => outcome)
        };
        let histogram = || {
            metrics::histogram!("namesake_backend_seconds",
                "scheme" => self.scheme.clone(), "operation" => operation.as_str())
        };
        let Some(counts) = self.operations.get(operation as usize) else { return };
        match outcome {
            "found" => counts.found.get_or_init(counter).increment(1),
            "absent" => counts.absent.get_or_init(counter).increment(1),
            _ => counter().increment(1),
        }
        counts.seconds.get_or_init(histogram).record(took.as_secs_f64());
    }
}
