//! One's own profile: what is mirrored is shown with the reason why it cannot be changed, the rest is in forms.

use maud::{Markup, html};
use namesake::ProfileState;

use super::{
    super::{
        layout::{Page, layout},
        links, words,
    },
    Done, MirrorTerms, Texts, outcome, text_fields,
    visitor::begin,
};
use crate::api::{OwnAccount, Problem};

/// What somebody sees who is signed in.
#[derive(Debug, Clone)]
pub struct OwnerView {
    /// The mirror.
    pub terms: MirrorTerms,
    /// Their account.
    pub account: OwnAccount,
    /// What the form shows: their texts as they are, or as they typed them when they were not taken.
    pub texts: Texts,
    /// What they just did.
    pub done: Option<Done>,
    /// Why what they sent was not done.
    pub problem: Option<Problem>,
}

/// The page `/mirror/{name}` for whoever is signed in.
#[must_use]
pub fn mirror_owner(view: &OwnerView) -> Markup {
    let (terms, account) = (&view.terms, &view.account);
    let body = html! {
        h1 { "Your profile" }
        (outcome(view.done.and_then(done), view.problem.as_ref()))
        @if account.display == ProfileState::NeedsLogin { (needs_login(terms, account)) }
        article.entry.mirror {
            h2 {
                @match (&account.display_name, &account.handle) {
                    (Some(name), _) => bdi { (name) },
                    (None, Some(handle)) => bdi { "@" (handle) },
                    (None, None) => "No handle at present",
                }
            }
            (facts(terms, account))
            form.actions method="post" action=(terms.action("sign-out")) {
                button.button type="submit" { "Sign out" }
                span.hint { "Ends the sign-in in this browser. Your account, its handle and the link stay as they are." }
            }
        }
        section aria-labelledby="texts" {
            h2 #texts { "What is yours to change" }
            form.own method="post" action=(terms.action("profile")) {
                (text_fields(&view.texts, false))
                div { button.button.strong type="submit" { "Save" } }
            }
        }
        section aria-labelledby="leaving" {
            h2 #leaving { "Leave" }
            p {
                "Deletes your account here at once: texts, names, the link, the permission to ask " bdi { (terms.provider) } ", this sign-in. "
                "What referred to it then leads nowhere, and linking again makes a new account. Nothing happens at " bdi { (terms.provider) } "."
            }
            form.own method="post" action=(terms.action("leave")) {
                label.check { input type="checkbox" name="confirm" value="yes" required; span { "Yes, delete everything kept here about me." } }
                div { button.button.danger type="submit" { "Delete my account" } }
            }
        }
    };
    layout("Your profile", Page::Mirror, &body)
}

fn needs_login(terms: &MirrorTerms, account: &OwnAccount) -> Markup {
    html! {
        div.notice {
            p {
                strong { "Needs login." } " " bdi { (terms.provider) } " does not confirm your name any more. "
                @match &account.handle {
                    Some(_) => { "At most " (terms.unconfirmed_for()) " after it last did, the name stops leading to you." }
                    None => "No name leads to you at present.",
                }
                " Your account and texts are kept; sign in again, and the name is back."
            }
            (begin(terms, "Sign in again at "))
        }
    }
}

const fn done(done: Done) -> Option<&'static str> {
    match done {
        Done::Linked => Some("Linked. This is your account here; its handle follows from now on."),
        Done::SignedIn => Some("Signed in. This account was linked before, and it is the same one."),
        Done::Saved => Some("Saved. Everybody sees it now."),
        Done::SignedOut | Done::Deleted => None,
    }
}

fn facts(terms: &MirrorTerms, account: &OwnAccount) -> Markup {
    let provider = &terms.provider;
    html! {
        dl.facts {
            dt { "Handle" }
            dd {
                @match &account.handle {
                    Some(handle) => a href=(links::handle_path(handle, Some(&terms.name))) { bdi { "@" (handle) } },
                    None => b { "None at present" },
                }
                " " span.lock { "Locked" }
                span.hint {
                    "It mirrors your username at " bdi { (provider) } " and cannot be set here. Rename there, and the new name shows here within "
                    (terms.visible_within()) "."
                }
            }
            dt { "Picture" }
            dd {
                @match account.avatar.as_deref().and_then(links::safe) {
                    Some(url) => a href=(url) rel="noreferrer nofollow" { (url) },
                    None => "None",
                }
                " " span.lock { "Locked" }
                span.hint { "Always the one at " bdi { (provider) } ": change it there." }
            }
            dt { "Account" }
            dd {
                code.id { (account.account) }
                span.hint { "Stays when the handle changes. Linked at " (words::moment(account.linked_at)) "." }
            }
            dt { "Former handles" }
            dd {
                @if account.former_handles.is_empty() { "None" } @else {
                    ul.plain {
                        @for former in account.former_handles.iter().rev() {
                            li { bdi { "@" (former.handle) } span.hint { (words::moment(former.from)) " until " (words::moment(former.until)) } }
                        }
                    }
                    span.hint { "Only you see these." }
                }
            }
        }
    }
}
