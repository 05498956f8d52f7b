//! The page of a mirror, `/mirror/{name}`: what linking means, for whoever is not signed in; one's own profile, for
//! whoever is. Works without scripts: links, forms, and an answer in words to each of them.

mod owner;
mod terms;
mod visitor;

use maud::{Markup, html};
use namesake::{Bio, DisplayName};

pub use self::{
    owner::{OwnerView, mirror_owner},
    terms::MirrorTerms,
    visitor::{VisitorView, mirror_visitor},
};
use super::problem;
use crate::api::Problem;

/// What the browser just did, said once in words of ours: an address that anybody can make carries no others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Linked an account that was not here before.
    Linked,
    /// Signed in as an account that was.
    SignedIn,
    /// Ended the sign-in.
    SignedOut,
    /// Changed the texts.
    Saved,
    /// Deleted the account.
    Deleted,
}

impl Done {
    const ALL: [Self; 5] = [Self::Linked, Self::SignedIn, Self::SignedOut, Self::Saved, Self::Deleted];

    /// How it is named in the page's address (`?done=`).
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::SignedIn => "signed-in",
            Self::SignedOut => "signed-out",
            Self::Saved => "saved",
            Self::Deleted => "deleted",
        }
    }

    /// What a name stands for.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|done| done.name() == name)
    }
}

/// One's own texts as a form has them, whether stored or only typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    /// The display name.
    pub display_name: String,
    /// The bio.
    pub description: String,
}

/// What became of the last thing that was done here.
fn outcome(done: Option<&str>, problem: Option<&Problem>) -> Markup {
    html! {
        @if let Some(done) = done { p.done role="status" { (done) } }
        @if let Some(problem) = problem {
            div.refused role="alert" { (problem::body(problem, problem::Place::Below)) }
        }
    }
}

/// The two fields, each with how much of it is used up. `maxlength` keeps out what could never be kept: browsers count in
/// other units than we do, and it must not stop anybody within the limit.
fn text_fields(texts: &Texts, read_only: bool) -> Markup {
    let (name, bio) = (&texts.display_name, &texts.description);
    html! {
        div {
            label for="display-name" { "Display name" }
            input #display-name name="displayName" type="text" value=(name) readonly[read_only]
                maxlength=(DisplayName::MAX_BYTES) autocomplete="off" aria-describedby="display-name-hint";
            p.hint #display-name-hint {
                (used(DisplayName::length(name), DisplayName::MAX_GRAPHEMES)) " One line. Empty: your handle stands in its place."
            }
        }
        div {
            label for="description" { "Bio" }
            // A line break right behind the tag is not part of the text; one of the text's own would be lost.
            textarea #description name="description" rows="5" readonly[read_only]
                maxlength=(Bio::MAX_BYTES) aria-describedby="description-hint" {
                "\n" (bio)
            }
            p.hint #description-hint { (used(Bio::length(bio), Bio::MAX_GRAPHEMES)) " Line breaks stay." }
        }
    }
}

/// How much of a field is used up, as it was when the page was made.
fn used(length: usize, most: usize) -> Markup {
    html! {
        span.used {
            (length) " of " (most) " characters"
            @if let Some(over) = length.checked_sub(most).filter(|over| *over > 0) { ": " strong { (over) " too many" } }
            "."
        }
    }
}
