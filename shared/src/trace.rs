//! The steps of one lookup, for whoever asked to have it explained.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::ResolveError;

/// Collects the steps of one lookup; costs nothing when nobody listens.
///
/// Messages are built only when the trace is on, so a backend may describe its steps freely.
#[derive(Debug)]
pub struct Trace(Option<Listener>);

#[derive(Debug)]
struct Listener {
    begun: Instant,
    /// Whether they run this service, and may know what it is made of.
    is_operator: bool,
    notes: Mutex<Notes>,
}

#[derive(Debug, Default)]
struct Notes {
    steps: Vec<Step>,
    advice: Vec<Advice>,
}

/// One thing that was asked, and what came back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Milliseconds since the lookup began, when the answer came.
    pub at_ms: u64,
    /// Who was asked: `dns`, `https`, `directory`, `document`, `pds`, `upstream`, `store`, `verdict`, …
    pub source: String,
    /// What was asked of it.
    pub asked: String,
    /// How it went.
    pub outcome: StepOutcome,
    /// What came back, in words.
    pub detail: String,
}

/// How one step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepOutcome {
    /// It said yes.
    Found,
    /// It said no.
    Absent,
    /// It did not say, or what it said cannot be used.
    Failed,
    /// Worth knowing; decides nothing.
    Note,
}

impl StepOutcome {
    /// How a step went that gave this.
    #[must_use]
    pub const fn of<T, E>(answer: &Result<Option<T>, E>) -> Self {
        match answer {
            Ok(Some(_)) => Self::Found,
            Ok(None) => Self::Absent,
            Err(_) => Self::Failed,
        }
    }
}

/// What to change, for a person whose handle does not resolve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Advice {
    /// One or two sentences.
    pub text: String,
    /// The record to create or to change to, if that is the remedy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// A DNS record or a file, exactly as it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// `TXT` or `file`.
    pub kind: String,
    /// The record's absolute name, or the file's URL.
    pub name: String,
    /// Its whole value.
    pub value: String,
}

impl Trace {
    /// Nobody listens.
    pub const OFF: Self = Self(None);

    /// Somebody wants to have this lookup explained.
    #[must_use]
    pub fn on() -> Self {
        Self::heard_by(false)
    }

    /// The operator wants to have this lookup explained, and may also read the causes of failures.
    #[must_use]
    pub fn for_operator() -> Self {
        Self::heard_by(true)
    }

    fn heard_by(is_operator: bool) -> Self {
        Self(Some(Listener { begun: Instant::now(), is_operator, notes: Mutex::default() }))
    }

    /// Whether somebody listens. A backend then asks every source, also where the first answer would do.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// Records a step: who was asked, what, how it went, and what came back.
    pub fn step(
        &self,
        source: &'static str,
        asked: impl FnOnce() -> String,
        outcome: StepOutcome,
        detail: impl FnOnce() -> String,
    ) {
        if let Some(listener) = &self.0 {
            let step = Step {
                at_ms: millis(listener.begun.elapsed()),
                source: source.to_owned(),
                asked: asked(),
                outcome,
                detail: detail(),
            };
            listener.notes.lock().unwrap_or_else(PoisonError::into_inner).steps.push(step);
        }
    }

    /// A failure in words for whoever listens: its causes are for the operator alone.
    #[must_use]
    pub fn words(&self, error: &ResolveError) -> String {
        self.with_cause(error.message(), error.causes())
    }

    /// A text for whoever listens, with what is for the operator alone.
    #[must_use]
    pub fn with_cause(&self, text: &str, cause: Option<impl fmt::Display>) -> String {
        match cause.filter(|_| self.0.as_ref().is_some_and(|listener| listener.is_operator)) {
            Some(cause) => format!("{text}: {cause}"),
            None => text.to_owned(),
        }
    }

    /// Records what the holder of the handle should change.
    pub fn advise(&self, advice: impl FnOnce() -> Advice) {
        if let Some(listener) = &self.0 {
            let advice = advice();
            listener.notes.lock().unwrap_or_else(PoisonError::into_inner).advice.push(advice);
        }
    }

    /// The steps so far, in the order they ended, and the advice.
    #[must_use]
    pub fn finish(&self) -> (Vec<Step>, Vec<Advice>) {
        match &self.0 {
            Some(listener) => {
                let notes = listener.notes.lock().unwrap_or_else(PoisonError::into_inner);
                (notes.steps.clone(), notes.advice.clone())
            }
            None => Default::default(),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::Trace;
    use crate::{ErrorKind, ResolveError};

    #[test]
    fn the_cause_of_a_failure_is_for_the_operator_alone() {
        let error =
            ResolveError::caused(ErrorKind::Unavailable, "the directory is down", "127.0.0.1:80: refused");
        for trace in [Trace::OFF, Trace::on()] {
            assert_eq!(trace.words(&error), "the directory is down");
        }
        assert_eq!(Trace::for_operator().words(&error), "the directory is down: 127.0.0.1:80: refused");
        let uncaused = ResolveError::new(ErrorKind::Timeout, "too late");
        assert_eq!(Trace::for_operator().words(&uncaused), "too late");
    }
}
