//! Pieces that several pages share.

use maud::{Markup, html};
use namesake::{AvatarUrl, Model, Policy, StepOutcome};

use super::links;
use crate::api::Resolution;

/// A scheme as the pages show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemeView {
    /// The backend's name.
    pub name: String,
    /// The family it belongs to; each has a colour, always beside words that say the same.
    pub model: Model,
    /// The scheme in one sentence.
    pub summary: String,
    /// A handle to try.
    pub example: Option<String>,
    /// Whether people link their accounts here: then it has a page that says what that means.
    pub linkable: bool,
    /// What it promises of names that follow somebody else.
    pub follows: Option<Follows>,
}

/// What a mirror promises of its names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Follows {
    /// Within how long a change at the upstream shows here, in seconds, where no webhook tells of it sooner.
    pub within_seconds: u64,
    /// For how long after its last confirmation a name is answered, in seconds.
    pub unconfirmed_seconds: u64,
}

impl Follows {
    /// Whether a confirmation of this age is as new as it can be expected to be: one poll may be under way.
    pub(super) const fn keeps_up(self, age_seconds: u64) -> bool {
        age_seconds <= self.within_seconds.saturating_mul(2)
    }
}

impl SchemeView {
    /// What a policy says of itself; `example` is a handle to try.
    #[must_use]
    pub fn new(policy: &Policy, example: Option<String>) -> Self {
        let name = policy.scheme.to_string();
        Self {
            name,
            model: policy.model,
            summary: policy.summary.clone(),
            example,
            linkable: false,
            follows: None,
        }
    }
}

/// The class that gives a model its colour.
pub(super) const fn model_class(model: Model) -> &'static str {
    match model {
        Model::Mirror => "mirror",
        Model::Independent => "independent",
        _ => "other",
    }
}

/// The model's name, for people.
pub(super) const fn model_name(model: Model) -> &'static str {
    match model {
        Model::Mirror => "Mirror",
        Model::Independent => "Independent",
        _ => "Other",
    }
}

/// Scheme and model, with what that means for the handle.
pub(super) fn badge(scheme: &SchemeView) -> Markup {
    html! {
        p class={ "badge " (model_class(scheme.model)) } {
            span.glyph aria-hidden="true" {}
            b { (model_name(scheme.model)) }
            span {
                @match scheme.model {
                    Model::Mirror => { "read-only here; follows " bdi { (scheme.name) } }
                    Model::Independent => "held by DNS",
                    _ => { bdi { (scheme.name) } }
                }
            }
        }
    }
}

/// The account's picture over a tile with its initial, which is what stays when there is none or it does not load.
///
/// The address was checked when it came in; it is checked once more here, where it becomes one that browsers fetch.
pub(super) fn portrait(resolution: &Resolution) -> Markup {
    let profile = &resolution.profile;
    let named = profile.display_name.as_deref().or(resolution.handle.as_deref());
    let initial = named.and_then(|name| name.chars().find(|c| c.is_alphanumeric()));
    let avatar = profile.avatar.as_deref().and_then(AvatarUrl::clean);
    html! {
        div.portrait {
            span aria-hidden="true" { @match initial { Some(c) => (c.to_uppercase()), None => "@" } }
            @if let Some(avatar) = avatar {
                img src=(avatar.as_str()) alt="" referrerpolicy="no-referrer" decoding="async";
            }
        }
    }
}

/// The search box in the middle of a page.
pub(super) fn search(query: Option<&str>) -> Markup {
    html! {
        form.search role="search" action="/" method="get" {
            label for="q" { "A handle, an account id, or the address of a profile" }
            div.field {
                (search_input("q", query, "@alice.example.com"))
                button type="submit" { "Look up" }
            }
        }
    }
}

/// The search box in the head of a page.
pub(super) fn search_compact() -> Markup {
    html! {
        form.search.compact role="search" action="/" method="get" {
            label.unseen for="q-top" { "Look up another handle" }
            div.field {
                (search_input("q-top", None, "@handle"))
                button type="submit" { "Look up" }
            }
        }
    }
}

fn search_input(id: &str, query: Option<&str>, placeholder: &str) -> Markup {
    html! {
        input id=(id) name="q" type="search" value=[query] required maxlength="2100"
            placeholder=(placeholder) autocomplete="off" autocapitalize="none" autocorrect="off"
            spellcheck="false" enterkeyhint="search";
    }
}

/// Links to the same name under other schemes.
pub(super) fn other_schemes(handle: &str, schemes: &[String]) -> Markup {
    html! {
        @if !schemes.is_empty() {
            ul.choices {
                @for scheme in schemes {
                    li {
                        a.button href=(links::handle_path(handle, Some(scheme))) {
                            "@" bdi { (handle) } " under " bdi { (scheme) }
                        }
                    }
                }
            }
        }
    }
}

/// Text to be copied whole: one click selects all of it.
pub(super) fn copyable(text: &str) -> Markup {
    html! { pre.copy { code { (text) } } }
}

/// The sign of an outcome; the words beside it say the same.
pub(super) fn sign(outcome: StepOutcome) -> Markup {
    let path = match outcome {
        StepOutcome::Found => "M5 10.5l3.5 3.5L15 7",
        StepOutcome::Absent => "M5.5 10h9",
        StepOutcome::Failed => "M6 6l8 8M14 6l-8 8",
        StepOutcome::Note => "M10 9v5.5M10 5.5v.5",
    };
    html! {
        svg.sign viewBox="0 0 20 20" width="20" height="20" aria-hidden="true" focusable="false" {
            path d=(path) fill="none" stroke="currentColor" stroke-width="2.2" stroke-linecap="round"
                stroke-linejoin="round" {}
        }
    }
}
