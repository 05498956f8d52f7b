//! R6, as far as it can be checked without knowing the scheme; the policy lab checks the rest.

use super::{Report, Rule, report::broken, subject::Subject};

/// The policy as text, to be compared later: it has no equality, because a namespace is a function.
pub(super) struct Declared(String);

/// R6: the namespace agrees with the fixture's world, and the path of a profile has a place for the handle.
pub(super) fn is_well_formed(subject: &Subject) -> Declared {
    let policy = subject.backend.policy();
    let path = &policy.profile_path;
    if !path.starts_with('/') || path.matches("{handle}").count() != 1 {
        broken(Rule::R6, format!("policy: expected a profile path with one {{handle}} in it, got {path:?}"));
    }
    namespace_agrees(subject);
    Declared(format!("{policy:?}"))
}

/// R6: the policy still says what it said.
pub(super) fn is_constant(subject: &Subject, Declared(before): &Declared, report: &mut Report) {
    let now = format!("{:?}", subject.backend.policy());
    if now != *before {
        broken(Rule::R6, format!("policy: expected a constant, but it was {before} and is {now}"));
    }
    namespace_agrees(subject);
    report.checked(Rule::R6);
}

/// What the namespace claims for each name is what R4 then finds to happen.
fn namespace_agrees(subject: &Subject) {
    let namespace = &subject.backend.policy().namespace;
    let inside = subject.held.iter().map(|held| &held.handle).chain([&subject.absent]);
    for (handle, expected) in inside.map(|handle| (handle, true)).chain([(&subject.foreign, false)]) {
        let does = if expected { namespace.holds(handle) } else { namespace.takes(handle) };
        if does != expected {
            let (expected, got) = if expected { ("hold", "it does not") } else { ("leave out", "it does") };
            let words = namespace.words();
            broken(
                Rule::R6,
                format!("policy: expected the namespace ({words}) to {expected} {handle:?}: {got}"),
            );
        }
    }
}
