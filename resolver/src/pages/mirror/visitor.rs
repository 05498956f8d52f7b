//! Before linking: what will be copied, what stays locked, what happens when, and how to leave.

use maud::{Markup, html};

use super::{
    super::layout::{Page, layout},
    Done, MirrorTerms, Texts, outcome, text_fields,
};
use crate::api::Problem;

/// What somebody sees who is not signed in.
#[derive(Debug, Clone)]
pub struct VisitorView {
    /// The mirror.
    pub terms: MirrorTerms,
    /// What they just did.
    pub done: Option<Done>,
    /// Why what they sent was not done.
    pub problem: Option<Problem>,
    /// What they typed into a form that was not taken, so that it is not lost with a sign-in that ended meanwhile.
    pub typed: Option<Texts>,
}

/// The page `/mirror/{name}` for whoever is not signed in.
#[must_use]
pub fn mirror_visitor(view: &VisitorView) -> Markup {
    let terms = &view.terms;
    let provider = &terms.provider;
    let body = html! {
        h1 { "Go by your " bdi { (provider) } " name" }
        (outcome(view.done.and_then(done), view.problem.as_ref()))
        @if let Some(typed) = &view.typed { (not_lost(typed)) }
        p.lead {
            "Link your account at " bdi { (provider) } ", and your handle here is what you are called there, now and after every rename. "
            "Read what that means; then it is one click and a sign-in there."
        }
        (begin(terms, "Link or sign in at "))
        section aria-labelledby="copied" {
            h2 #copied { "What comes along" }
            article.entry.mirror { (what_comes_along(terms)) }
        }
        section aria-labelledby="when" {
            h2 #when { "What happens when …" }
            article.entry.mirror { (what_happens(terms)) }
        }
        section aria-labelledby="leaving" {
            h2 #leaving { "How to leave" }
            (how_to_leave(terms))
            (begin(terms, "Link or sign in at "))
        }
    };
    layout(&format!("Link your {provider} account"), Page::Mirror, &body)
}

const fn done(done: Done) -> Option<&'static str> {
    match done {
        Done::SignedOut => {
            Some("Signed out. Your account here and its handle stay; sign in again whenever you like.")
        }
        Done::Deleted => {
            Some("Your account was deleted. Nothing of it is kept here, and this browser is signed out.")
        }
        Done::Linked | Done::SignedIn | Done::Saved => None,
    }
}

/// The way to the upstream.
pub(super) fn begin(terms: &MirrorTerms, words: &str) -> Markup {
    html! {
        p.actions {
            a.button.strong href=(terms.connect()) rel="nofollow" { (words) bdi { (terms.provider) } }
            span.hint { "You give your password there, never here." }
        }
    }
}

fn what_comes_along(terms: &MirrorTerms) -> Markup {
    let provider = &terms.provider;
    html! {
        dl.facts {
            dt { "Handle" }
            dd {
                b { "Locked." } " Always your username at " bdi { (provider) } ". Nobody sets it here, you included."
                span.hint { "A name that depends on nobody else is " a href="/compare" { "an independent handle" } "." }
            }
            dt { "Display name" }
            dd { b { "Copied once," } " when you link. From then on it is yours to change here, and changes there do not touch it." }
            dt { "Bio" }
            @if terms.copies_bio {
                dd { b { "Copied once," } " like the display name." }
            } @else {
                dd { b { "Yours." } " It begins empty, since " bdi { (provider) } " does not hand one out." }
            }
            dt { "Picture" }
            dd { b { "Always the one at " bdi { (provider) } "." } " Only its address is kept here." }
            dt { "Account" }
            dd { b { "Made here," } " with an identifier of its own that stays when the handle changes." }
            dt { "Kept here" }
            dd {
                "The texts above, the names you go and went by, and an encrypted permission to ask " bdi { (provider) }
                " what you are called. In your browser: one cookie that says who is signed in."
                span.hint { "Asked at " code { (terms.origin) } }
            }
        }
    }
}

fn what_happens(terms: &MirrorTerms) -> Markup {
    let provider = &terms.provider;
    html! {
        dl.facts {
            dt { "You rename there" }
            dd { "The new name shows here within " (terms.visible_within()) ". The old one stops leading to you; it is not forwarded." }
            dt { "Somebody takes your old name there" }
            dd { "If they link, it is theirs here too: a name belongs to whom " bdi { (provider) } " says, never to whoever was first here." }
            dt { "You are banned or gone there" }
            dd {
                "Your name can be confirmed no more. At most " (terms.unconfirmed_for()) " after the last confirmation it stops leading to you. "
                "Your account and its texts stay, marked " i { "needs login" } "; sign in again and the name is back."
            }
            dt { bdi { (provider) } " is down" }
            dd { "Nothing, for " (terms.unconfirmed_for()) ": the last confirmed name counts. A question without an answer is never taken for a rename." }
            dt { "You link a second account" }
            dd { "A link is for good, and one to one. Another account at " bdi { (provider) } " becomes another account here; it never replaces this one." }
        }
    }
}

fn how_to_leave(terms: &MirrorTerms) -> Markup {
    html! {
        ul {
            li { "Sign in, and delete your account at the bottom of this page. It is done at once." }
            @if terms.passes_departures_on {
                li { "Or remove the app at " bdi { (terms.provider) } ": your name is released at once. Ask there for the deletion of your data, and all of it goes." }
            } @else {
                li { "Cutting the link at " bdi { (terms.provider) } " alone deletes nothing here: the name is released at most " (terms.unconfirmed_for()) " later, and the texts stay." }
            }
        }
        p {
            "Everything goes: texts, names, the link, the permission, the sign-in. What referred to the account then leads nowhere. "
            "Link again later, and it is a new account, with the name you have on that day."
        }
    }
}

fn not_lost(typed: &Texts) -> Markup {
    html! {
        section.typed aria-labelledby="typed" {
            h2 #typed { "What you typed" }
            p { "It was not saved. Copy it, sign in again below, and paste it." }
            div.own { (text_fields(typed, true)) }
        }
    }
}
