//! R4: what is not the backend's is passed, and nobody is asked about it.

use super::{
    Fixture, Report, Rule, Upstream,
    question::{profile_in_words, resolved_in_words},
    report::{broken, inconsistent},
    subject::Subject,
};
use crate::{AccountId, Handle, Lookup};

/// Names of many grammars. Only those outside the namespace are asked for: the fixture's world may have no answer
/// about the others.
const NAMES: [&str; 14] = [
    "alice",
    "alice.example.com",
    "bob@example.com",
    "a",
    "0",
    "_",
    "under_score",
    "dot.",
    ".dot",
    "..",
    "a/b",
    "%2e%2e",
    "münchen",
    "例え.テスト",
];

/// Of a kind that no backend has.
const FOREIGN_ACCOUNT: &str = "conformance-kit:nobody-has-accounts-of-this-kind";

/// R4: every handle outside the namespace, and an account of another kind, is passed without I/O.
pub(super) async fn the_rest_is_passed_without_io(
    fixture: &impl Fixture,
    subject: &Subject,
    report: &mut Report,
) {
    counts_questions(fixture, subject).await;
    let namespace = &subject.backend.policy().namespace;
    let longest = "a".repeat(Handle::MAX_BYTES);
    let others = NAMES.into_iter().chain([longest.as_str()]).filter_map(|name| Handle::parse(name).ok());
    for handle in others.filter(|handle| !namespace.takes(handle)).chain([subject.foreign.clone()]) {
        handle_is_passed(fixture, subject, &handle).await;
    }
    if let Ok(account) = AccountId::parse(FOREIGN_ACCOUNT) {
        let before = fixture.upstream().calls();
        let said = subject.profile(Rule::R4, &account).await;
        if !matches!(said, Ok(Lookup::Pass)) {
            let words = profile_in_words(&said);
            broken(Rule::R4, format!("profile({account}): expected pass (not its kind), got {words}"));
        }
        nobody_was_asked(fixture, before, &format!("profile({account})"));
    }
    report.checked(Rule::R4);
}

/// That `handle`, outside the namespace, is passed without I/O.
pub(super) async fn handle_is_passed(fixture: &impl Fixture, subject: &Subject, handle: &Handle) {
    let before = fixture.upstream().calls();
    let said = subject.resolve(Rule::R4, handle).await;
    if !matches!(said, Ok(Lookup::Pass)) {
        let words = resolved_in_words(&said);
        broken(Rule::R4, format!("resolve({handle:?}): expected pass (not its namespace), got {words}"));
    }
    nobody_was_asked(fixture, before, &format!("resolve({handle:?})"));
}

fn nobody_was_asked(fixture: &impl Fixture, before: u64, call: &str) {
    let after = fixture.upstream().calls();
    if after != before {
        let times = after.saturating_sub(before);
        broken(
            Rule::R4,
            format!("{call}: expected pass without I/O, but the source was asked {times} times"),
        );
    }
}

/// A counter that stands still would make R4 hold of any backend.
async fn counts_questions(fixture: &impl Fixture, subject: &Subject) {
    let before = fixture.upstream().calls();
    for held in &subject.held {
        let _ = subject.resolve(Rule::R1, &held.handle).await;
    }
    if fixture.upstream().calls() <= before {
        inconsistent(
            "expected calls() of the upstream to grow when held handles are resolved, but it stood still",
        );
    }
}
