//! Whether a backend keeps the rules R1 to R9 of [`HandleResolver`](crate::HandleResolver).
//!
//! The author of a backend writes a [`Fixture`], which puts the backend into a small world of its own and says
//! what is true there; [`check`] asks the backend and compares. The world's source counts the questions to it and
//! can be broken: see [`Faults`]. For many backends a [`World`] will do, as in `shared/examples/nip05.rs`.
//!
//! ```no_run
//! use namesake::conformance::backend::{Fixture, check};
//!
//! # async fn a_backend_keeps_the_rules(fixture: impl Fixture) {
//! // #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
//! let report = check(&fixture).await;
//! assert!(report.is_complete(), "{report}");
//! # }
//! ```
//!
//! What is checked, in this order:
//!
//! | rule | the kit |
//! |---|---|
//! | R6 | reads the policy, twice: its path has `{handle}`, its namespace holds what the fixture says it holds |
//! | R1, R2 | resolves every held handle: the handle asked for, the account the fixture names, the policy's scheme |
//! | R3 | asks for a handle and an account that nobody has |
//! | R4 | asks for handles and an account from elsewhere, and counts how often the source was asked meanwhile |
//! | R5 | asks for the profile of every holder |
//! | R7 | repeats all of it from 64 tasks at once, half of them with a trace |
//! | R8 | drops calls at their first await, their second, … until they end before they are dropped |
//! | R9 | breaks the source both ways, asks, mends it, asks again |
//! | R5 | renames somebody |
//! | R6 | reads the policy again: it is what it was |
//!
//! Of R6 that is only what can be seen without knowing the scheme. The rest (how soon a change shows, what becomes
//! of an old name, what comes back after a deletion, …) takes a scenario of its own: the policy lab plays those.
//!
//! Nothing is skipped in silence: what a fixture cannot do, or a backend gives no occasion for, stands in the
//! [`Report`] with its reason. A broken rule is a panic whose message begins with the rule's number; a fixture that
//! contradicts itself is a panic that begins with `fixture:`.

mod answers;
mod callers;
mod dropped;
mod failures;
mod fixture;
mod namespace;
mod policy;
mod question;
mod rename;
mod report;
mod subject;
mod upstream;

pub use fixture::{Excuse, Facts, Fixture, Held, Renamed, World};
pub use report::{Excused, Report, Rule};
pub use subject::DEADLINE;
pub use upstream::{Breakage, Faults, Upstream};

use subject::Subject;

/// Checks every rule, and says what was checked and what the fixture was excused from.
///
/// Runs on the caller's tokio runtime, which needs its timer. Give it several threads: on one, concurrent callers
/// only take turns, and the report says so. Each call of the backend and each hook of the fixture has [`DEADLINE`].
///
/// # Panics
/// When a rule is broken: the message begins with its number, as in `R4: …`. When the fixture contradicts itself:
/// the message begins with `fixture:`.
pub async fn check(fixture: &impl Fixture) -> Report {
    let subject = Subject::of(fixture);
    let mut report = Report::default();
    let declared = policy::is_well_formed(&subject);
    answers::held_handles_are_found(&subject, &mut report).await;
    answers::absence_is_an_answer(&subject, &mut report).await;
    namespace::the_rest_is_passed_without_io(fixture, &subject, &mut report).await;
    answers::profiles_lead_back(&subject, &mut report).await;
    callers::agree(&subject, &mut report).await;
    dropped::harms_no_later_call(&subject, &mut report).await;
    failures::are_classified(fixture, &subject, &mut report).await;
    rename::is_followed(fixture, &subject, &mut report).await;
    policy::is_constant(&subject, &declared, &mut report);
    report
}
