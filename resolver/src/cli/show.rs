//! What the command line prints: our JSON shapes, as text for a terminal. Text from outside is escaped, so that a
//! name can neither move the cursor nor hide or reorder what stands beside it.

use std::fmt::Write as _;

use namesake::{Advice, ProfileState, Step, StepOutcome, escape_for_terminal};

use crate::api::{Explanation, Freshness, Problem, Resolution};

/// An answer, a fact a line.
#[must_use]
pub(super) fn resolution(resolution: &Resolution) -> String {
    let mut out = String::new();
    let name = match (&resolution.handle, resolution.reason) {
        (Some(handle), _) => format!("@{handle}"),
        (None, Some(why)) => format!("(none: {})", why.as_str()),
        (None, None) => "(none)".to_owned(),
    };
    row(&mut out, "handle", &name);
    row(&mut out, "account", &resolution.account);
    row(&mut out, "scheme", &resolution.scheme);
    if let Some(proof) = &resolution.proof {
        let provisional = if proof.provisional { ", provisional: the DNS is silent" } else { "" };
        row(&mut out, "known by", &format!("{}, checked {:.0}{provisional}", proof.method, proof.checked_at));
    }
    if let Some(freshness) = &resolution.freshness {
        row(&mut out, "age", &age(freshness));
    }
    let profile = &resolution.profile;
    for (label, value) in
        [("name", &profile.display_name), ("bio", &profile.description), ("picture", &profile.avatar)]
    {
        if let Some(value) = value {
            row(&mut out, label, value);
        }
    }
    match profile.display {
        ProfileState::Current => {}
        ProfileState::Unavailable => row(&mut out, "profile", "its server did not answer in time"),
        ProfileState::Stale => {
            row(&mut out, "profile", "as it was before: its server did not answer in time");
        }
        ProfileState::NeedsLogin => row(&mut out, "profile", "its owner must sign in at the upstream again"),
    }
    row(&mut out, "page", &profile.url);
    out
}

/// A problem, and what can be done.
#[must_use]
pub(super) fn problem(problem: &Problem) -> String {
    let mut out =
        format!("{}: {}\n", escape_for_terminal(&problem.title), escape_for_terminal(&problem.detail));
    if !problem.other_schemes.is_empty() {
        let others = problem.other_schemes.join(", ");
        let _ = writeln!(
            out,
            "other schemes take this name too, ask with --scheme: {}",
            escape_for_terminal(&others)
        );
    }
    out
}

/// The whole way to an answer.
#[must_use]
pub(super) fn explanation(explanation: &Explanation) -> String {
    let mut out = format!("{}\n", escape_for_terminal(&explanation.verdict));
    if !explanation.advice.is_empty() {
        out.push_str("\nwhat to change\n");
        explanation.advice.iter().for_each(|advice| show_advice(&mut out, advice));
    }
    if !explanation.steps.is_empty() {
        out.push_str("\nhow we know\n");
        explanation.steps.iter().for_each(|step| show_step(&mut out, step));
    }
    if let Some(found) = &explanation.resolution {
        out.push_str("\nthe answer\n");
        out.push_str(&resolution(found));
    }
    let remembered = explanation.remembered.as_ref().map_or_else(|| "nothing".to_owned(), age);
    let _ =
        writeln!(out, "\ntook {} ms; remembered for lookups at present: {remembered}", explanation.took_ms);
    out
}

fn show_advice(out: &mut String, advice: &Advice) {
    let _ = writeln!(out, "  * {}", escape_for_terminal(&advice.text));
    if let Some(record) = &advice.record {
        let (kind, name) = (escape_for_terminal(&record.kind), escape_for_terminal(&record.name));
        let _ = writeln!(out, "      {name}  {kind}  {}", escape_for_terminal(&record.value));
    }
}

fn show_step(out: &mut String, step: &Step) {
    let mark = match step.outcome {
        StepOutcome::Found => "yes   ",
        StepOutcome::Absent => "no    ",
        StepOutcome::Failed => "FAILED",
        StepOutcome::Note => "note  ",
    };
    let (source, asked) = (escape_for_terminal(&step.source), escape_for_terminal(&step.asked));
    let _ = writeln!(out, "  {:>5} ms  {mark}  {source}: {asked}", step.at_ms);
    let _ = writeln!(out, "                    {}", escape_for_terminal(&step.detail));
}

fn age(freshness: &Freshness) -> String {
    let stale = if freshness.stale { ", stale: its sources fail at present" } else { "" };
    match freshness.ttl_seconds {
        Some(left) => format!("{} s old, asked again in {left} s{stale}", freshness.age_seconds),
        None => format!("{} s old, changes are told to us at once{stale}", freshness.age_seconds),
    }
}

fn row(out: &mut String, label: &str, value: &str) {
    let _ = writeln!(out, "  {label:<9} {}", escape_for_terminal(value));
}

#[cfg(test)]
mod tests {
    use super::problem;
    use crate::api::Problem;

    #[test]
    fn hostile_text_does_not_reach_the_terminal() {
        let hostile = Problem {
            kind: "/problems/handle-not-found".to_owned(),
            title: "x".to_owned(),
            status: 404,
            detail: "a\u{1b}]0;owned\u{7}\u{202e}".to_owned(),
            handle: None,
            other_schemes: vec!["\u{1b}[2J".to_owned()],
            link_at: None,
            rule: None,
            now: None,
            head: None,
        };
        let shown = problem(&hostile);
        assert!(!shown.contains('\u{1b}') && !shown.contains('\u{202e}'), "{shown:?}");
        assert!(shown.contains("\\u{1b}"), "{shown}");
    }
}
