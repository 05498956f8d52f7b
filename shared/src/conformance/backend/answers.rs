//! R1, R2, R3, R5: what a backend says when its source is well and nothing changes.

use super::{
    Held, Report, Rule,
    question::{profile_in_words, resolved_in_words},
    report::broken,
    subject::Subject,
};
use crate::{FieldRule, Lookup};

/// R1 and R2: every held handle is found, as itself, with its holder. R6: under the scheme the policy names.
pub(super) async fn held_handles_are_found(subject: &Subject, report: &mut Report) {
    for held in &subject.held {
        is_found(subject, Rule::R1, held).await;
    }
    report.checked(Rule::R1);
    report.checked(Rule::R2);
}

/// That `held` is found. A handle that is not found at all breaks `rule`.
pub(super) async fn is_found(subject: &Subject, rule: Rule, Held { handle, account }: &Held) {
    let said = subject.resolve(rule, handle).await;
    let words = resolved_in_words(&said);
    let identity = match said {
        Ok(Lookup::Found { value, .. }) => value,
        Ok(Lookup::Pass) => broken(
            Rule::R4,
            format!("resolve({handle:?}): expected an answer inside the namespace, got {words}"),
        ),
        _ => broken(rule, format!("resolve({handle:?}): expected it to be found, got {words}")),
    };
    if identity.handle != *handle {
        broken(Rule::R1, format!("resolve({handle:?}): expected the handle asked for, got {words}"));
    }
    if identity.account != *account {
        let rule = if rule == Rule::R1 { Rule::R2 } else { rule };
        broken(rule, format!("resolve({handle:?}): expected the account {account}, got {words}"));
    }
    let scheme = &subject.backend.policy().scheme;
    if identity.scheme != *scheme {
        broken(Rule::R6, format!("resolve({handle:?}): expected the policy's scheme, {scheme}, got {words}"));
    }
    if !account.is_did() && !account.as_str().starts_with(&format!("{scheme}:")) {
        broken(
            Rule::R6,
            format!("resolve({handle:?}): expected a DID or an id under {scheme}:, got {words}"),
        );
    }
}

/// R3: a handle and an account that nobody has are a definite no.
pub(super) async fn absence_is_an_answer(subject: &Subject, report: &mut Report) {
    handle_is_absent(subject, Rule::R3).await;
    let account = &subject.absent_account;
    let said = subject.profile(Rule::R3, account).await;
    match said {
        Ok(Lookup::Absent { .. }) => report.checked(Rule::R3),
        Ok(Lookup::Pass) => {
            broken(Rule::R4, format!("profile({account}): expected an answer for its own kind, got pass"))
        }
        _ => broken(
            Rule::R3,
            format!("profile({account}): expected Ok(Absent), got {}", profile_in_words(&said)),
        ),
    }
}

/// That the handle nobody holds is absent; anything else breaks `rule`.
pub(super) async fn handle_is_absent(subject: &Subject, rule: Rule) {
    let handle = &subject.absent;
    let said = subject.resolve(rule, handle).await;
    match said {
        Ok(Lookup::Absent { .. }) => {}
        Ok(Lookup::Pass) => broken(
            Rule::R4,
            format!("resolve({handle:?}): expected an answer inside the namespace, got pass"),
        ),
        _ => broken(
            rule,
            format!("resolve({handle:?}): expected Ok(Absent), got {}", resolved_in_words(&said)),
        ),
    }
}

/// R5: the profile of a handle's account shows that handle.
pub(super) async fn profiles_lead_back(subject: &Subject, report: &mut Report) {
    for held in &subject.held {
        leads_back(subject, Rule::R5, held).await;
    }
    report.checked(Rule::R5);
}

/// That the profile of `held` is found and shows its handle; anything else breaks `rule`. R6: no field the policy
/// says this scheme has not.
pub(super) async fn leads_back(subject: &Subject, rule: Rule, Held { handle, account }: &Held) {
    let said = subject.profile(rule, account).await;
    let words = profile_in_words(&said);
    let Ok(Lookup::Found { value: profile, .. }) = said else {
        broken(rule, format!("profile({account}): expected the profile of {handle:?}, got {words}"));
    };
    if profile.account != *account || profile.handle.as_ref() != Some(handle) {
        broken(rule, format!("profile({account}): expected that account with {handle:?}, got {words}"));
    }
    let policy = subject.backend.policy();
    for (field, declared, is_shown) in [
        ("display name", policy.display_name, profile.display_name.is_some()),
        ("bio", policy.bio, profile.bio.is_some()),
        ("picture", policy.picture, profile.avatar.is_some()),
    ] {
        if is_shown && declared == FieldRule::Unsupported {
            broken(
                Rule::R6,
                format!("profile({account}): expected no {field}, as the policy says, got {words}"),
            );
        }
    }
}
