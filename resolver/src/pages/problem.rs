//! What went wrong, for browsers: what happened here, and the page that explains the kind.

use maud::{Markup, html};

use super::{
    kinds::ProblemKind,
    layout::{Page, layout},
    links, parts,
};
use crate::api::Problem;

/// The page of one problem: what happened, what to do about it, where else to look; and the page to go back to, if there
/// is one.
#[must_use]
pub fn problem(problem: &Problem, back: Option<&str>) -> Markup {
    let body = html! {
        (body(problem, Place::Alone))
        @if let Some(back) = back {
            p.actions { a.button.strong href=(back) { "Back to the page of this mirror" } }
        }
        section aria-label="Look up" { (parts::search(problem.handle.as_deref())) }
    };
    layout(&problem.title, Page::Problem, &body)
}

/// Where a problem is shown, which decides the level of its headings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    /// On a page of its own.
    Alone,
    /// Below the heading of another page.
    Below,
}

impl Place {
    fn heading(self, text: &str) -> Markup {
        match self {
            Self::Alone => html! { h1 { (text) } },
            Self::Below => html! { h2 { (text) } },
        }
    }

    fn subheading(self, text: &str) -> Markup {
        match self {
            Self::Alone => html! { h2.small { (text) } },
            Self::Below => html! { h3.small { (text) } },
        }
    }
}

/// What happened and what to do about it, on its own page or on another.
pub(super) fn body(problem: &Problem, place: Place) -> Markup {
    let kind = ProblemKind::of(&problem.kind);
    let handle = problem.handle.as_deref();
    html! {
        article.entry.trouble {
            p.eyebrow { (problem.status) @if let Some(kind) = kind { " · " code { (kind.name) } } }
            (place.heading(&problem.title))
            @if let Some(handle) = handle { p.handle { bdi { "@" (handle) } } }
            p.lead { (problem.detail) }
            @if let Some(kind) = kind {
                (place.subheading("What to do"))
                ul {
                    @match &problem.link_at {
                        Some(_) if kind.name == "handle-not-found" => {
                            li { "Check the spelling: one letter makes it another name." }
                            li { "If it is yours there, link it. You sign in there, and nothing is to be published anywhere." }
                        }
                        _ => @for remedy in kind.remedies { li { (remedy) } },
                    }
                }
            }
            @if let Some(handle) = handle && !problem.other_schemes.is_empty() {
                (place.subheading("Try other rules"))
                p { "There is somebody of this name here:" }
                (parts::other_schemes(handle, &problem.other_schemes))
            }
            p.actions {
                @if let Some(link_at) = problem.link_at.as_deref() { a.button.strong href=(link_at) { "Link an account, or sign in" } }
                @if let Some(handle) = handle && kind.is_none_or(|kind| kind.explains) {
                    a.button href=(links::explain_path(handle, None)) { "Show every step" }
                }
                @if let Some(kind) = kind { a href=(kind.path()) { "About this kind of problem" } }
            }
        }
    }
}

/// The page `/problems/{name}`; `None` when there is no such kind.
#[must_use]
pub fn problem_kind(name: &str) -> Option<Markup> {
    let kind = ProblemKind::named(name)?;
    let body = html! {
        article.entry.trouble {
            p.eyebrow { "Problem · " (kind.status) " · " code { (kind.name) } }
            h1 { (kind.title) }
            p.lead { (kind.cause) }
            h2.small { "What to do" }
            ul { @for remedy in kind.remedies { li { (remedy) } } }
        }
        p.hint {
            "In JSON this problem is an RFC 9457 document of the type " code { (kind.path()) } ", and its "
            code { "detail" } " says what happened in the case at hand."
        }
        section aria-label="Look up" { (parts::search(None)) }
    };
    Some(layout(kind.title, Page::Problem, &body))
}
