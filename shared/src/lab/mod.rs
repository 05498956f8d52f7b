//! The policy lab: what each way of naming people does, tried and written down.
//!
//! A **column** is one policy: a scheme under one way of using it. A **row** is a question that every column is asked,
//! with a scenario that finds the answer: it drives the column's real backend, in a private world with a clock of its
//! own, and tells what happened. What a policy *declares* about a row is compared with what was *observed*; where they
//! differ, the run fails ([`Report::contradictions`]).
//!
//! ```text
//!   column     what a scheme brings: a fresh private world for each scenario; documented statements
//!   subject    the world: the verbs of life ([`Act`]) and the questions of a lookup
//!   service    what stands in front of a backend, so that the cache is observed too
//!   stage      drives a subject through a scenario and keeps the transcript
//!   fact       an observation in the terms of [`Policy`](crate::Policy), to be compared with it
//!   rows/      the questions, and a scenario each
//!   report     all cells, as data: what `namesake compare`, `GET /v1/compare` and `/compare` show
//! ```
//!
//! Nothing here knows a scheme: a third party's column is one more [`Column`] in the list.

mod column;
mod fact;
mod report;
mod rows;
mod service;
mod stage;
mod subject;

use std::{future::Future, pin::Pin};

pub use column::{Column, ColumnInfo, Documented, Settings};
pub use fact::Fact;
pub use report::{Contradiction, Grade, Report, RowReport, Section, TranscriptLine, run, run_row};
pub use rows::{Mark, Observation, Row, Scenario, rows};
pub use service::{MakeBackend, Remembers, Service};
pub use stage::Stage;
pub use subject::{Act, Field, Front, NotPlayed, Outcome, Person, Seen, Shown, Subject};

/// Why a scenario could not be played: a fault of the lab, not an observation.
pub type LabError = Box<dyn std::error::Error + Send + Sync>;

/// What happens in a private world: boxed, so that subjects and columns are `dyn`.
pub type LabFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, LabError>> + Send + 'a>>;
