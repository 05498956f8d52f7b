//! R9: failures are classified, never reported as absence, and gone once the source is well again.

use std::sync::Arc;

use super::{
    Breakage, Fixture, Held, Report, Rule, Upstream, answers, namespace,
    question::{profile_in_words, resolved_in_words},
    report::broken,
    subject::{Said, Subject, within},
};
use crate::{ErrorKind, Handle, Lookup, Profile, ProfileState};

/// R9: breaks the source in both ways, and mends it.
pub(super) async fn are_classified(fixture: &impl Fixture, subject: &Subject, report: &mut Report) {
    for how in [Breakage::Down, Breakage::Nonsense] {
        match within(Rule::R9, "the upstream's fail()", fixture.upstream().fail(how)).await {
            Ok(()) => {
                is_classified(fixture, subject, how).await;
                report.checked(Rule::R9);
            }
            Err(excuse) => report.excused(Rule::R9, format!("a source that is {how}"), &excuse),
        }
    }
}

async fn is_classified(fixture: &impl Fixture, subject: &Subject, how: Breakage) {
    for Held { handle, account } in &subject.held {
        handle_fails(subject, how, handle).await;
        let said = subject.profile(Rule::R9, account).await;
        if !is_expected(&said, how) && !is_honest_profile(&said, how) {
            let (expected, words) = (expected(how), profile_in_words(&said));
            broken(Rule::R9, format!("profile({account}), source {how}: expected {expected}, got {words}"));
        }
    }
    if how == Breakage::Down {
        // Nonsense may be about the held handles alone. Silence is about everybody: nobody can tell that a
        // handle is held by nobody.
        handle_fails(subject, how, &subject.absent).await;
    }
    namespace::handle_is_passed(fixture, subject, &subject.foreign).await;
    within(Rule::R9, "the upstream's mend()", fixture.upstream().mend()).await;
    for held in &subject.held {
        answers::is_found(subject, Rule::R9, held).await;
        answers::leads_back(subject, Rule::R9, held).await;
    }
    answers::handle_is_absent(subject, Rule::R9).await;
}

async fn handle_fails(subject: &Subject, how: Breakage, handle: &Handle) {
    let said = subject.resolve(Rule::R9, handle).await;
    if !is_expected(&said, how) {
        let (expected, words) = (expected(how), resolved_in_words(&said));
        broken(Rule::R9, format!("resolve({handle:?}), source {how}: expected {expected}, got {words}"));
    }
}

fn is_expected<T>(said: &Said<T>, how: Breakage) -> bool {
    match (said, how) {
        (Err(error), Breakage::Down) => error.kind().is_temporary(),
        (Err(error), Breakage::Nonsense) => error.kind() == ErrorKind::BadAnswer,
        (Ok(_), _) => false,
    }
}

/// A profile may be found without its decoration; where the source talks nonsense, also without a proved handle.
fn is_honest_profile(said: &Said<Arc<Profile>>, how: Breakage) -> bool {
    let Ok(Lookup::Found { value: profile, .. }) = said else { return false };
    profile.state == ProfileState::Unavailable || (how == Breakage::Nonsense && profile.handle.is_none())
}

fn expected(how: Breakage) -> &'static str {
    match how {
        Breakage::Down => "a temporary failure (throttled, timeout or unavailable), never absence",
        Breakage::Nonsense => "a failure of the kind bad-answer, never absence",
    }
}
