//! The policy lab, put together: every column behind this service, with a clock of its own.
//!
//! ```text
//!   service    this resolver in front of a column's backend: directory, cache and all
//!   usernames  the column of a backend from outside: names in a table
//!   (the columns of the two models are in their crates)
//!   crossing   moving somebody from one column to another: reversing the policy
//!   run        all of it, on a thread of its own, and what came of it
//!   kept       the run that a service shows
//!   plays      a row played anew for a reader of it
//!   losses     what each column gives up
//!   words      what grades, marks and sections are called
//!   verify     whether a report says what a run of this code says
//! ```

mod crossing;
mod kept;
mod losses;
mod plays;
mod run;
mod service;
mod usernames;
mod verify;
mod words;

use std::sync::Arc;

use self::crossing::Crossing;
pub(crate) use self::{
    kept::{Kept, State},
    losses::losses,
    plays::{NotPlayed, PLAYS_AT_ONCE, Plays},
    words::{grade_words, heading, mark_words},
};
use namesake::lab::{Column, Service};
use namesake_independent::lab::{IndependentColumn, Way};
use namesake_mirror::lab::MirrorColumn;

pub use self::{
    run::{Question, SEED, commit, observe},
    service::InFront,
    usernames::UsernamesColumn,
    verify::{Verdict, verify},
};

/// All columns, in the order of the comparison.
#[must_use]
pub fn columns() -> Vec<Box<dyn Column>> {
    let service = || Arc::new(InFront) as Arc<dyn Service>;
    let mirror: Arc<dyn Column> = Arc::new(MirrorColumn::new(service()));
    let own_domain: Arc<dyn Column> = Arc::new(IndependentColumn::new(service(), Way::OwnDomain));
    let crossing = |column, into: &Arc<dyn Column>| Box::new(Crossing::new(column, Arc::clone(into))) as _;
    vec![
        crossing(Arc::clone(&mirror), &own_domain),
        crossing(Arc::new(IndependentColumn::new(service(), Way::BelowPlatform)), &mirror),
        crossing(Arc::clone(&own_domain), &mirror),
        crossing(Arc::new(UsernamesColumn::new(service())), &own_domain),
    ]
}
