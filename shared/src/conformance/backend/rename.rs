//! R5, after a rename: the new handle leads to the same account, and the old one no longer does.

use super::{
    Fixture, Held, Renamed, Report, Rule, answers,
    question::resolved_in_words,
    report::{broken, inconsistent},
    subject::{Subject, within},
};
use crate::{Bound, ChangedBy, Lookup};

/// R5: renames somebody, lets the backend notice, and asks for both names and everybody else's.
pub(super) async fn is_followed(fixture: &impl Fixture, subject: &Subject, report: &mut Report) {
    let policy = subject.backend.policy();
    let renamed = match within(Rule::R5, "the fixture's rename()", fixture.rename()).await {
        Ok(renamed) => renamed,
        Err(excuse) if policy.changed_by == ChangedBy::Nobody => {
            return report.excused(Rule::R5, "after a rename", &excuse);
        }
        Err(excuse) => broken(
            Rule::R6,
            format!(
                "policy: expected a handle that changes ({:?}), but the fixture says: {excuse}",
                policy.changed_by
            ),
        ),
    };
    let Renamed { old, new } = renamed;
    let before = subject.held.iter().find(|held| held.handle == old).cloned();
    let is_news = subject.held.iter().all(|held| held.handle != new);
    let Some(before) = before.filter(|_| is_news) else {
        inconsistent(format!("expected one held handle to become a new one, got {old:?} become {new:?}"));
    };
    if policy.visible_within != Bound::Immediately {
        within(Rule::R5, "the fixture's settle()", fixture.settle()).await;
    }
    no_longer_names(subject, &before).await;
    let others = subject.held.iter().filter(|held| held.handle != before.handle).cloned();
    for held in others.chain([Held { handle: new, account: before.account.clone() }]) {
        answers::is_found(subject, Rule::R5, &held).await;
        answers::leads_back(subject, Rule::R5, &held).await;
    }
}

/// The old handle is absent, or somebody else's by now.
async fn no_longer_names(subject: &Subject, Held { handle, account }: &Held) {
    let said = subject.resolve(Rule::R5, handle).await;
    let names_somebody_else = match &said {
        Ok(Lookup::Found { value, .. }) => value.account != *account,
        Ok(Lookup::Absent { .. }) => true,
        Ok(Lookup::Pass) | Err(_) => false,
    };
    if !names_somebody_else {
        let words = resolved_in_words(&said);
        broken(
            Rule::R5,
            format!("resolve({handle:?}), renamed: expected it no longer to name {account}, got {words}"),
        );
    }
}
