//! The front page: ask, and see at a glance what this is.

use maud::{Markup, html};

use super::{
    answer::{AnswerContext, card},
    assets::MARK_PATH,
    layout::{Page, layout},
    links,
    parts::{self, SchemeView},
    picture::picture,
    problem,
};
use crate::api::{Freshness, Problem, Resolution};

/// What the front page shows.
#[derive(Debug, Clone)]
pub struct LandingView {
    /// This service's own address, without a slash at its end: for the lines to copy.
    pub public_url: String,
    /// What was asked.
    pub query: Option<String>,
    /// What is served, in the order in which it is asked.
    pub schemes: Vec<SchemeView>,
    /// What came of the query.
    pub outcome: Option<OutcomeView>,
}

/// What came of a query.
#[derive(Debug, Clone)]
pub enum OutcomeView {
    /// Somebody.
    Answer {
        /// Who.
        resolution: Box<Resolution>,
        /// The scheme that answered.
        scheme: SchemeView,
        /// How old the answer is.
        freshness: Option<Freshness>,
    },
    /// Nobody, or no answer.
    Problem(Problem),
}

/// The page `/`.
#[must_use]
pub fn landing(view: &LandingView) -> Markup {
    let title = match &view.query {
        Some(query) => format!("{query}: who is that?"),
        None => "Who is @handle?".to_owned(),
    };
    let body = html! {
        section.hero {
            div {
                h1 { "Who is " span.at { "@handle" } "?" }
                p.lead { "Under which rules, and how do you know? Ask; every answer comes with its proof and its age." }
                (parts::search(view.query.as_deref()))
                @if view.outcome.is_none() { (examples(&view.schemes)) }
            }
            @if view.outcome.is_none() { img.big src=(MARK_PATH) alt="" width="176" height="176"; }
        }
        @if let Some(outcome) = &view.outcome { section #answer aria-label="Answer" { (came_of_it(outcome)) } }
        section aria-labelledby="picture" {
            h2 #picture { "One question, two sets of rules" }
            (picture())
        }
        @if !view.schemes.is_empty() { (served(&view.schemes)) }
        (ways(view))
    };
    layout(&title, Page::Landing, &body)
}

fn came_of_it(outcome: &OutcomeView) -> Markup {
    match outcome {
        OutcomeView::Answer { resolution, scheme, freshness } => {
            card(resolution, AnswerContext { scheme, other_schemes: &[], freshness: *freshness })
        }
        OutcomeView::Problem(found) => problem::body(found, problem::Place::Below),
    }
}

fn examples(schemes: &[SchemeView]) -> Markup {
    html! {
        @if schemes.iter().any(|scheme| scheme.example.is_some()) {
            p.examples {
                "Try "
                @for (scheme, example) in schemes.iter().filter_map(|s| Some((s, s.example.as_deref()?))) {
                    a class={ "chip " (parts::model_class(scheme.model)) } href=(links::handle_path(example, None)) {
                        "@" (example)
                    }
                    " "
                }
            }
        }
    }
}

fn served(schemes: &[SchemeView]) -> Markup {
    html! {
        section aria-labelledby="served" {
            h2 #served { "Served here" }
            ul.cards {
                @for scheme in schemes {
                    li class=(parts::model_class(scheme.model)) {
                        h3 { bdi { (scheme.name) } }
                        (parts::badge(scheme))
                        p { (scheme.summary) }
                        @if scheme.linkable {
                            p { a href=(links::mirror_path(&scheme.name)) { "Link your account, or see what that means" } }
                        }
                        @if let Some(example) = &scheme.example {
                            p { "For example " a href=(links::handle_path(example, Some(&scheme.name))) { "@" (example) } }
                        }
                    }
                }
            }
        }
    }
}

fn ways(view: &LandingView) -> Markup {
    let at = &view.public_url;
    let example =
        view.schemes.iter().find_map(|scheme| scheme.example.as_deref()).unwrap_or("alice.example.com");
    let lookup = format!("curl {at}{}", links::handle_path(example, None));
    let why = format!("curl '{at}{}'", links::explain_path(example, None));
    html! {
        section aria-labelledby="ways" {
            h2 #ways { "Three ways to use it" }
            ul.cards.ways {
                li {
                    div {
                        h3 { "You operate" }
                        p { "Handles in, people out; JSON unless a browser asks. The second line says why an answer is what it is." }
                    }
                    div { (parts::copyable(&lookup)) (parts::copyable(&why)) }
                }
                li {
                    div {
                        h3 { "You decide" }
                        p { "Mirrored names or independent ones? " a href="/compare" { "See what each promises" } ", and what was seen to happen." }
                    }
                    div { (parts::copyable(&format!("curl {at}/v1/policies"))) }
                }
                li {
                    div {
                        h3 { "You extend" }
                        p { "A third scheme is a type with three methods. A kit checks that it keeps the numbered rules." }
                    }
                    div { (parts::copyable("Namesake::builder()\n    .backend(yours)\n    .serve(listener, shutdown)")) }
                }
            }
        }
    }
}
