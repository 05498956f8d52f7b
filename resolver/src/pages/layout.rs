//! The frame around every page.

use maud::{DOCTYPE, Markup, html};

use super::{
    assets::{MARK_PATH, stylesheet_path},
    parts,
};

/// Which page is shown: it marks the place in the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// `/`: has the search box in its middle rather than in its head.
    Landing,
    /// A profile.
    Answer,
    /// The whole way to an answer.
    Explain,
    /// The rules side by side.
    Compare,
    /// Linking an account, and one's own profile.
    Mirror,
    /// What went wrong: has the search box in its middle too.
    Problem,
}

impl Page {
    /// What others learn of where its reader came from (`Referrer-Policy`): nothing. A page whose forms act for their
    /// sender says it to ourselves: under `no-referrer` a browser would send them with `Origin: null` (Fetch, "append a
    /// request `Origin` header"), as a stranger's.
    #[must_use]
    pub const fn referrer_policy(self) -> &'static str {
        match self {
            Self::Mirror => "same-origin",
            _ => "no-referrer",
        }
    }
}

/// A whole document called `title`, with `body` as its main part.
#[must_use]
pub fn layout(title: &str, page: Page, body: &Markup) -> Markup {
    document(title, page, None, body)
}

/// The same, and the browser asks for it again after so many seconds.
pub(super) fn refreshing_layout(title: &str, page: Page, seconds: u32, body: &Markup) -> Markup {
    document(title, page, Some(seconds), body)
}

fn document(title: &str, page: Page, refresh: Option<u32>, body: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content=(page.referrer_policy());
                @if let Some(seconds) = refresh { meta http-equiv="refresh" content=(seconds); }
                title { (title) " · Namesake" }
                link rel="stylesheet" href=(stylesheet_path());
                link rel="icon" type="image/svg+xml" href=(MARK_PATH);
            }
            body {
                a.skip href="#main" { "Skip to the content" }
                header.top {
                    div.wrap {
                        a.brand href="/" {
                            img src=(MARK_PATH) width="32" height="32" alt="";
                            span { "Namesake" }
                        }
                        nav aria-label="Main" {
                            a href="/" aria-current=[(page == Page::Landing).then_some("page")] { "Look up" }
                            a href="/compare" aria-current=[(page == Page::Compare).then_some("page")] { "Compare" }
                            a href="/openapi.json" { "API" }
                        }
                        @if !matches!(page, Page::Landing | Page::Problem) { (parts::search_compact()) }
                    }
                }
                main.wrap #main tabindex="-1" { (body) }
                footer.bottom {
                    div.wrap {
                        p { "Who is @handle, under which rules, and how do you know?" }
                        p { a href="/v1/policies" { "Declared rules (JSON)" } " " a href="/openapi.json" { "OpenAPI" } }
                    }
                }
            }
        }
    }
}
