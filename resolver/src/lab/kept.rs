//! The comparison that a service shows: made once, in the background.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::HeaderValue;
use namesake::lab::Report;

use super::{
    columns,
    run::{Question, SEED, in_the_background},
};
use crate::prepared;

/// The report with all settings as they are by themselves, once it is there.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    begun: AtomicBool,
    /// `None` inside: it could not be made.
    made: OnceLock<Option<Made>>,
}

/// The report, and its bytes.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) report: Report,
    pub(crate) body: Bytes,
    pub(crate) etag: HeaderValue,
}

/// Whether there is a report.
#[derive(Debug)]
pub(crate) enum State<'a> {
    Made(&'a Made),
    UnderWay,
    Failed,
}

impl Kept {
    /// Begins to make it, unless somebody did.
    pub(crate) fn begin(self: &Arc<Self>) {
        if self.begun.swap(true, Ordering::Relaxed) {
            return;
        }
        let kept = Arc::clone(self);
        let question = Question { seed: SEED, ..Question::default() };
        let begun = in_the_background(columns(), question, move |report| {
            let made = report.and_then(|report| {
                let body = Bytes::from(serde_json::to_vec(&report)?);
                Ok(Made { etag: prepared::weak_etag(&body), report, body })
            });
            if let Err(error) = &made {
                tracing::error!(error = %error, "lab.failed");
            }
            let _ = kept.made.set(made.ok());
        });
        if let Err(error) = begun {
            tracing::error!(error = &error as &dyn std::error::Error, "lab.not_begun");
            let _ = self.made.set(None);
        }
    }

    /// What there is.
    pub(crate) fn state(&self) -> State<'_> {
        match self.made.get() {
            Some(Some(made)) => State::Made(made),
            Some(None) => State::Failed,
            None => State::UnderWay,
        }
    }
}
