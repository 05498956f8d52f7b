//! The policy lab, put together: every column behind this service, with a clock of its own.
//!
//! ```text
//!   service    this resolver in front of a column's backend: directory, cache and all
//!   usernames  the column of a backend from outside: names in a table
//!   (the columns of the two models are in their crates)
//!   run        all of it, on a thread of its own, and what came of it
//!   verify     whether a report says what a run of this code says
//! ```

mod run;
mod service;
mod usernames;
mod verify;

use std::sync::Arc;

use namesake::lab::{Column, Service};
use namesake_independent::lab::{IndependentColumn, Way};
use namesake_mirror::lab::MirrorColumn;

pub use self::{
    run::{Question, commit, observe},
    service::InFront,
    usernames::UsernamesColumn,
    verify::{Verdict, verify},
};

/// All columns, in the order of the comparison.
#[must_use]
pub fn columns() -> Vec<Box<dyn Column>> {
    let service = || Arc::new(InFront) as Arc<dyn Service>;
    vec![
        Box::new(MirrorColumn::new(service())),
        Box::new(IndependentColumn::new(service(), Way::BelowPlatform)),
        Box::new(IndependentColumn::new(service(), Way::OwnDomain)),
        Box::new(UsernamesColumn::new(service())),
    ]
}
