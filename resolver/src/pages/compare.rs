//! The rules side by side, and what was seen when they were tried.

use maud::{Markup, html};
use namesake::{Model, Policy};

use super::{
    layout::{Page, layout},
    parts,
    policy_words::ROWS,
};
use crate::api::Story;

/// What the comparison shows.
#[derive(Debug, Clone, Copy)]
pub struct CompareView<'a> {
    /// What each scheme declares.
    pub policies: &'a [&'a Policy],
    /// What was tried, and seen.
    pub stories: &'a [Story],
}

/// The page `/compare`.
#[must_use]
pub fn compare(view: &CompareView<'_>) -> Markup {
    let body = html! {
        p.eyebrow { "Comparison" }
        h1 { "The rules, side by side" }
        p.lead { "Each scheme served here declares its rules as data. Below them stands what was seen when they were tried." }
        section aria-labelledby="declared" {
            h2 #declared { "Declared" }
            @if view.policies.is_empty() { p { "No scheme is served here." } } @else { (summaries(view.policies)) (declared(view.policies)) }
        }
        section aria-labelledby="observed" {
            h2 #observed { "What happens when…" }
            @if view.stories.is_empty() {
                p { "Nothing was tried yet." }
            } @else {
                p { "Each of these was tried on a private copy of the demonstration world, with the code that answers here." }
                div.stories { @for story in view.stories { (told(story, model_of(view.policies, &story.scheme))) } }
            }
        }
    };
    layout("The rules, side by side", Page::Compare, &body)
}

fn summaries(policies: &[&Policy]) -> Markup {
    html! {
        ul.cards {
            @for policy in policies {
                li class=(parts::model_class(policy.model)) {
                    p class={ "badge " (parts::model_class(policy.model)) } {
                        (parts::label(policy.scheme.as_str(), policy.model))
                    }
                    p { (policy.summary) }
                }
            }
        }
    }
}

/// A table that the stylesheet stacks on a phone. The roles stay explicit: browsers drop a table's meaning when it is
/// displayed as anything else.
fn declared(policies: &[&Policy]) -> Markup {
    html! {
        table.rules role="table" aria-labelledby="declared" {
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { span.unseen { "Rule" } }
                    @for policy in policies {
                        th role="columnheader" scope="col" class=(parts::model_class(policy.model)) {
                            (parts::label(policy.scheme.as_str(), policy.model))
                        }
                    }
                }
            }
            tbody role="rowgroup" {
                @for row in ROWS {
                    tr role="row" {
                        th role="rowheader" scope="row" { (row.question) }
                        @for policy in policies {
                            td role="cell" class=(parts::model_class(policy.model)) {
                                span.of aria-hidden="true" { bdi { (policy.scheme) } }
                                span { ((row.answer)(policy)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn told(story: &Story, model: Model) -> Markup {
    html! {
        article class={ "entry " (parts::model_class(model)) } id={ "story-" (story.id) } {
            h3 { (story.question) }
            p class={ "badge " (parts::model_class(model)) } { (parts::label(&story.scheme, model)) }
            p { (story.observed) }
            @if !story.transcript.is_empty() {
                details {
                    summary { "What was done and seen" }
                    ol.transcript { @for line in &story.transcript { li { (line) } } }
                }
            }
        }
    }
}

fn model_of(policies: &[&Policy], scheme: &str) -> Model {
    policies
        .iter()
        .find(|policy| policy.scheme.as_str() == scheme)
        .map_or(Model::Other, |policy| policy.model)
}
