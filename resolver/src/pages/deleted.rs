//! What became of a deletion that was asked for at the upstream.

use maud::{Markup, html};
use namesake::Timestamp;

use super::layout::{Page, layout};

/// The page a person gets to from the upstream's list of deletion requests.
#[must_use]
pub fn deleted(at: Timestamp) -> Markup {
    let body = html! {
        article.entry {
            h1 { "Your data was deleted" }
            p.lead {
                "Everything kept here about your account was deleted at "
                time datetime=(at) { (at.strftime("%H:%M:%S UTC, %-d %B %Y")) }
                "."
            }
            p { "Only this note and its code are left, without your name. Linking again makes a new account." }
        }
    };
    layout("Your data was deleted", Page::Problem, &body)
}
