//! The whole way to an answer, for the person whose handle does not resolve.

use maud::{Markup, html};
use namesake::{Advice, Record, Step, StepOutcome};

use super::{
    kinds::ProblemKind,
    layout::{Page, layout},
    links,
    parts::{self, Follows},
    words,
};
use crate::api::Explanation;

/// The page of `/v1/explain`: verdict, what to change, every question on the way; `follows` is what the scheme promises.
#[must_use]
pub fn explain(explanation: &Explanation, follows: Option<Follows>) -> Markup {
    let body = html! {
        p.eyebrow { "Explained" }
        h1 { "How " bdi { "@" (explanation.handle) } " resolves" }
        (verdict(explanation))
        @if !explanation.advice.is_empty() {
            section aria-labelledby="advice" {
                h2 #advice { "What to change" }
                p.hint { "One click on a value selects all of it, ready to copy." }
                ol.advice { @for advice in &explanation.advice { li { (advise(advice)) } } }
            }
        }
        section aria-labelledby="chain" {
            h2 #chain { "Every question, and its answer" }
            @if explanation.steps.is_empty() {
                p { "Nobody was asked: the name alone decided." }
            } @else {
                ol.chain { @for step in &explanation.steps { (link(step)) } }
            }
            p.hint { "All of it took " (explanation.took_ms) " ms. Asked afresh, past the cache." }
        }
        section aria-labelledby="remembered" {
            h2 #remembered { "What lookups are told at present" }
            @match explanation.remembered {
                Some(fresh) => p {
                    @if fresh.stale { strong.stale { "Stale" } " " }
                    "The remembered answer is " (words::freshness(fresh, follows.filter(|_| explanation.problem.is_none())))
                },
                None => p { "Nothing is remembered: the next lookup asks the sources." },
            }
        }
        p.actions {
            a.button href=(links::handle_path(&explanation.handle, explanation.scheme.as_deref())) { @if explanation.resolution.is_some() { "Open the profile" } @else { "Look it up" } }
            a.button href=(links::explain_path(&explanation.handle, explanation.scheme.as_deref())) { "Ask again" }
        }
    };
    layout(&format!("How @{} resolves", explanation.handle), Page::Explain, &body)
}

fn verdict(explanation: &Explanation) -> Markup {
    let outcome = match (&explanation.resolution, &explanation.problem) {
        (Some(_), _) => StepOutcome::Found,
        (None, Some(problem)) if problem.status < 500 => StepOutcome::Absent,
        (None, _) => StepOutcome::Failed,
    };
    let (class, _) = words::outcome(outcome);
    html! {
        div class={ "verdict " (class) } {
            (parts::sign(outcome))
            div {
                p.lead { (explanation.verdict) }
                @if let Some(resolution) = &explanation.resolution { p { "Account " code.id { (resolution.account) } } }
                @if let Some(problem) = &explanation.problem {
                    @match ProblemKind::of(&problem.kind) {
                        Some(kind) => p { a href=(kind.path()) { (problem.title) } " (" (problem.status) ")" },
                        None => p { (problem.title) " (" (problem.status) ")" },
                    }
                }
                p.hint {
                    @match &explanation.scheme {
                        Some(scheme) => { "Decided under the rules of " b { bdi { (scheme) } } "." }
                        None => "No scheme here takes such a name.",
                    }
                }
            }
        }
    }
}

fn advise(advice: &Advice) -> Markup {
    html! {
        p { (advice.text) }
        @if let Some(record) = &advice.record { (exactly(record)) }
    }
}

/// The record as it is to be entered, each part to be copied whole.
fn exactly(record: &Record) -> Markup {
    let (name, value) = match record.kind.as_str() {
        "TXT" => ("Name", "Value"),
        "file" => ("Address", "Whole content"),
        _ => ("Where", "Value"),
    };
    html! {
        dl.record {
            dt { "Type" }
            dd { (parts::copyable(&record.kind)) }
            dt { (name) }
            dd { (parts::copyable(&record.name)) }
            dt { (value) }
            dd { (parts::copyable(&record.value)) }
        }
    }
}

fn link(step: &Step) -> Markup {
    let (class, said) = words::outcome(step.outcome);
    html! {
        li class=(class) {
            (parts::sign(step.outcome))
            div {
                p.asked {
                    b { (words::source(&step.source)) }
                    span.outcome { (said) }
                    span.at { (step.at_ms) " ms" }
                }
                p { code { (step.asked) } }
                @if !step.detail.is_empty() { p.detail dir="auto" { (step.detail) } }
            }
        }
    }
}
