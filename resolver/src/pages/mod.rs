//! The pages people see: pure functions from a view to markup, one page a file.
//!
//! | page | function | where it is shown |
//! |---|---|---|
//! | the search box, and what it found | [`landing()`] | `/` |
//! | who a handle is | [`answer()`] | `/@{handle}`, `/profile/…` |
//! | the whole way to the answer | [`explain()`] | `/v1/explain` |
//! | the policies side by side, as they were observed | [`compare()`] | `/compare` |
//! | one of them told step by step | [`story()`] | `/compare?story=&step=` |
//! | two sheets for a meeting | [`paper()`] | `/compare/paper` |
//! | linking, and one's own profile | [`mirror_visitor()`], [`mirror_owner()`] | `/mirror/{name}` |
//! | what became of a deletion | [`deleted()`] | `/mirror/{name}/delete` |
//! | what went wrong, and what to do | [`problem()`], [`problem_kind`] | any 4xx and 5xx; `/problems/{name}` |
//!
//! Everything is escaped where it is written (maud's default; no page opts out), text from outside is isolated in its
//! direction (`<bdi>`, `dir="auto"`), and addresses from outside are checked again before they become links. There is
//! no script, no inline style and no asset from elsewhere, which [`CONTENT_SECURITY_POLICY`] lets the browser enforce.

mod answer;
mod assets;
mod compare;
mod deleted;
mod explain;
mod kinds;
mod landing;
mod layout;
mod links;
mod mirror;
mod parts;
mod picture;
mod problem;
mod words;

pub use answer::{AnswerContext, answer};
pub use assets::{CONTENT_SECURITY_POLICY, MARK, MARK_PATH, STYLESHEET, stylesheet_path};
pub(crate) use compare::PAPER_QUESTION;
pub use compare::{
    CompareView, Numbers, Played, Plot, StoryView, compare, compare_failed, compare_under_way, lane, paper,
    plot, plots, story,
};
pub use deleted::deleted;
pub use explain::explain;
pub use kinds::{PROBLEM_KINDS, ProblemKind};
pub use landing::{LandingView, OutcomeView, landing};
pub use layout::{Page, layout};
pub use links::{explain_path, handle_path, mirror_path};
pub use mirror::{Done, MirrorTerms, OwnerView, Texts, VisitorView, mirror_owner, mirror_visitor};
pub use parts::{Follows, SchemeView};
pub use problem::{problem, problem_kind};

#[cfg(test)]
mod tests;
