//! Who a handle is: the profile page, and the same facts as a card.

use maud::{Markup, html};

use super::{
    layout::{Page, layout},
    links,
    parts::{self, SchemeView},
    words,
};
use crate::api::{Freshness, Resolution};

/// What an answer page needs beside the answer.
#[derive(Debug, Clone, Copy)]
pub struct AnswerContext<'a> {
    /// The scheme that answered.
    pub scheme: &'a SchemeView,
    /// Other schemes under which somebody goes by the same name.
    pub other_schemes: &'a [String],
    /// How old the answer is, for a page written for one asker. `None` for prepared pages, whose bytes outlive the
    /// moment: those give absolute times only.
    pub freshness: Option<Freshness>,
}

/// The profile page of a handle or an account.
#[must_use]
pub fn answer(resolution: &Resolution, context: AnswerContext<'_>) -> Markup {
    let handle = resolution.handle.as_deref();
    let shown = resolution.profile.display_name.as_deref();
    let title = match (shown, handle) {
        (Some(name), Some(handle)) => format!("{name} (@{handle})"),
        (None, Some(handle)) => format!("@{handle}"),
        (Some(name), None) => name.to_owned(),
        (None, None) => "An account without a handle".to_owned(),
    };
    let body = html! {
        article class={ "entry " (parts::model_class(context.scheme.model)) } {
            header.who {
                (parts::portrait(resolution))
                div {
                    h1 { (name_of(resolution)) }
                    @if shown.is_some() { p.handle { (handle_of(handle)) } }
                    @if let Some(shown) = &resolution.display_handle { p.hint { "also written " bdi { "@" (shown) } } }
                }
                (parts::badge(context.scheme))
            }
            @if let Some((what, remedy)) = words::state(resolution.profile.display) {
                p.notice { strong { (what) "." } " " (remedy) }
            }
            @if let Some(bio) = &resolution.profile.description { p.bio dir="auto" { (bio) } }
            (facts(resolution, context))
        }
        @if let Some(handle) = handle {
            nav.actions aria-label="About this answer" {
                a.button href=(links::explain_path(handle, Some(&resolution.scheme))) { "Show every step" }
                a.button href="/compare" { "Compare the rules" }
            }
            @if !context.other_schemes.is_empty() {
                section {
                    h2 { "The same name under other rules" }
                    p { "There is somebody of this name here under other rules too, who may be somebody else." }
                    (parts::other_schemes(handle, context.other_schemes))
                }
            }
        }
    };
    layout(&title, Page::Answer, &body)
}

/// The answer in short, for the search page and the explanation.
pub(super) fn card(resolution: &Resolution, context: AnswerContext<'_>) -> Markup {
    let handle = resolution.handle.as_deref();
    html! {
        article class={ "entry " (parts::model_class(context.scheme.model)) } {
            header.who {
                (parts::portrait(resolution))
                div {
                    h2 { (name_of(resolution)) }
                    @if resolution.profile.display_name.is_some() { p.handle { (handle_of(handle)) } }
                    @if let Some(shown) = &resolution.display_handle { p.hint { "also written " bdi { "@" (shown) } } }
                }
                (parts::badge(context.scheme))
            }
            (facts(resolution, context))
            p.actions {
                @if let Some(url) = links::safe(&resolution.profile.url) { a.button.strong href=(url) { "Open the profile" } }
                @if let Some(handle) = handle {
                    a.button href=(links::explain_path(handle, Some(&resolution.scheme))) { "Show every step" }
                }
            }
        }
    }
}

fn name_of(resolution: &Resolution) -> Markup {
    html! {
        @match &resolution.profile.display_name {
            Some(name) => bdi { (name) },
            None => (handle_of(resolution.handle.as_deref())),
        }
    }
}

fn handle_of(handle: Option<&str>) -> Markup {
    html! {
        @match handle { Some(handle) => { bdi { "@" (handle) } }, None => "No handle" }
    }
}

/// Who, how known, how old: always in this order, always under these names.
fn facts(resolution: &Resolution, context: AnswerContext<'_>) -> Markup {
    html! {
        dl.facts {
            dt { "Who" }
            dd {
                code.id { (resolution.account) }
                span.hint { "The account itself. This stays when the handle changes." }
            }
            dt { "Under which rules" }
            dd {
                bdi { (context.scheme.name) }
                @if !context.scheme.summary.is_empty() { span.hint { (context.scheme.summary) } }
            }
            dt { "How we know" }
            dd { (known(resolution)) }
            dt { "How old" }
            dd { (age(resolution, context)) }
            @if let Some(url) = links::safe(&resolution.profile.url) {
                dt { "Address" }
                dd { a href=(url) { (url) } }
            }
        }
    }
}

fn known(resolution: &Resolution) -> Markup {
    html! {
        @match (&resolution.handle, &resolution.proof) {
            (Some(handle), Some(proof)) => {
                "Proved by " (words::evidence(handle, &resolution.account, &resolution.scheme, proof))
                @if proof.provisional {
                    span.hint { b { "Provisional." } " A stronger source was silent, so this is kept for a short time only." }
                }
            }
            (Some(_), None) => "No proof was given.",
            (None, _) => { b { "No handle." } " " (words::no_handle(resolution.reason)) }
        }
    }
}

fn age(resolution: &Resolution, context: AnswerContext<'_>) -> Markup {
    let freshness = context.freshness.or(resolution.freshness);
    // Without a handle there is nothing to confirm.
    let follows = context.scheme.follows.filter(|_| resolution.handle.is_some());
    let checked = resolution.proof.as_ref().map(|proof| proof.checked_at);
    html! {
        @if let Some(at) = checked { "Checked at " (words::moment(at)) "." }
        @if let Some(fresh) = freshness {
            span.hint {
                @if fresh.stale { strong.stale { "Stale" } " " }
                (words::freshness(fresh, follows))
            }
        }
        @if checked.is_none() && freshness.is_none() { "As our register has it now." }
    }
}
