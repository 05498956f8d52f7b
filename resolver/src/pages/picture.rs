//! The picture of how a question becomes an answer: a list that the stylesheet draws.

use maud::{Markup, html};

/// Handle, directory, two models, answer.
pub(super) fn picture() -> Markup {
    html! {
        ol.picture {
            li {
                b { "A name" }
                span { code { "@alice" } ", " code { "alice.example.com" } ", an account id, the address of a profile" }
            }
            li {
                b { "The directory" }
                span { "The form of the name alone says whose rules hold. Nobody is asked yet." }
            }
            li.models {
                div.mirror {
                    b { "Mirror" }
                    span { "The handle is what the linked account upstream is called. It follows renames; it is read-only here." }
                }
                div.independent {
                    b { "Independent" }
                    span { "The handle is what its holder claims and DNS confirms. It changes when the holder says so." }
                }
            }
            li {
                b { "An answer" }
                span { "Who it is, how that is known, and how old the knowledge is." }
            }
        }
    }
}
