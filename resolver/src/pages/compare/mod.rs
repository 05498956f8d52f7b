//! The comparison: the policies side by side, as they were observed.
//!
//! | part | file |
//! |---|---|
//! | a few questions that lead to a column | `tree` |
//! | the rows that decide, and what each column gives up | `verdicts` |
//! | what happens, step by step, in two lanes | `stories` |
//! | every question, with its transcript | `table` |
//! | a calculator for the reader's own numbers | `costs` |
//! | what was not observed | `limits` |
//! | two sheets for a meeting | `paper` |

mod costs;
mod limits;
mod paper;
mod stories;
mod table;
mod tree;
mod verdicts;

use maud::{Markup, html};
use namesake::lab::{ColumnInfo, Grade, Report, RowReport};

pub(crate) use self::paper::QUESTION as PAPER_QUESTION;
pub use self::{
    costs::Numbers,
    paper::paper,
    stories::{Played, Plot, StoryView, lane, plot, plots, story},
};
use super::layout::{Page, layout, refreshing_layout};
use crate::lab::grade_words;

const TITLE: &str = "The policies side by side";

/// How often a reader's browser asks again while the comparison is being made.
const REFRESH_SECONDS: u32 = 3;

/// What the comparison shows.
#[derive(Debug, Clone, Copy)]
pub struct CompareView<'a> {
    /// What was observed.
    pub report: &'a Report,
    /// The columns of the table, by id; empty: all of them.
    pub columns: &'a [String],
    /// What the reader typed into the calculator.
    pub numbers: &'a Numbers,
}

/// The page `/compare`.
#[must_use]
pub fn compare(view: &CompareView<'_>) -> Markup {
    let report = view.report;
    let body = html! {
        p.eyebrow { "Comparison" }
        h1 { (TITLE) }
        p.lead {
            "How should people be named? What is marked observed was tried: a script drove the real code in a private "
            "world, and the answer is what came of it. There is no overall score, since every column loses something."
        }
        nav.contents aria-label="On this page" {
            ul {
                @for (id, name) in [
                    ("decide", "Decide"), ("verdicts", "Rows that decide"), ("losses", "What each gives up"),
                    ("stories", "Stories"), ("table", "Everything"), ("costs", "Costs"), ("limits", "Limits"),
                ] { li { a href={ "#" (id) } { (name) } } }
                li { a href="/compare/paper" { "On paper" } }
            }
        }
        (columns(report))
        (tree::section(report))
        (verdicts::section(report))
        (stories::section())
        (table::section(report, view.columns))
        (costs::section(report, view.columns, view.numbers))
        (limits::section(report))
    };
    layout(TITLE, Page::Compare, &body)
}

/// While the comparison is being made.
#[must_use]
pub fn compare_under_way() -> Markup {
    let body = html! {
        p.eyebrow { "Comparison" }
        h1 { (TITLE) }
        p.lead role="status" { "The policies are being tried. That takes a few seconds; this page then shows itself anew." }
        p { a.button href="/compare" { "Look again" } }
    };
    refreshing_layout(TITLE, Page::Compare, REFRESH_SECONDS, &body)
}

/// When it could not be made.
#[must_use]
pub fn compare_failed() -> Markup {
    let body = html! {
        p.eyebrow { "Comparison" }
        h1 { (TITLE) }
        p.lead { "The policies could not be tried. What went wrong is in the log of this service." }
        p { "What they declare is there: " a href="/v1/policies" { "the declared rules" } "." }
    };
    layout(TITLE, Page::Compare, &body)
}

fn columns(report: &Report) -> Markup {
    html! {
        ul.cards.columns {
            @for column in &report.columns {
                li class=(class(column)) {
                    p class={ "badge " (class(column)) } { (name(column)) }
                    p { (column.summary) }
                }
            }
        }
    }
}

/// The class that gives a column its colour; letter and title beside it say the same.
fn class(column: &ColumnInfo) -> &'static str {
    match column.title.split([',', ' ']).next() {
        Some("Mirror") => "mirror",
        Some("Independent") => "independent",
        _ => "other",
    }
}

/// A column's letter and title.
fn name(column: &ColumnInfo) -> Markup {
    html! { span.glyph aria-hidden="true" {} b { (column.id) } " " span { (column.title) } }
}

/// A column's answer to a row, in a sentence, and what stands behind it.
fn answer(row: &RowReport, column: &str) -> Markup {
    let text = row.observed.get(column).or_else(|| row.documented.get(column).map(|said| &said.text));
    html! {
        @match (text, row.not_tried.get(column), grade(row, column)) {
            (Some(text), ..) => span { (text) },
            (None, Some(why), _) => span { "Not tried: " (why) },
            (None, None, Grade::YourNumber) => span { "Only you can say" },
            (None, None, _) => span { "Not known" },
        }
        " " (grade_badge(row, column))
    }
}

fn grade(row: &RowReport, column: &str) -> Grade {
    row.grade.get(column).copied().unwrap_or(Grade::Unknown)
}

fn grade_badge(row: &RowReport, column: &str) -> Markup {
    let grade = grade(row, column);
    let class = match grade {
        Grade::Observed => "observed",
        Grade::Documented => "documented",
        Grade::YourNumber => "yours",
        Grade::Unknown => "unknown",
    };
    html! { span class={ "grade " (class) } { (grade_words(grade)) } }
}

/// The address of a row in the table.
fn row_link(row: &RowReport) -> Markup {
    html! { a href={ "/compare#row-" (row.id) } { (row.question) } }
}

fn row<'a>(report: &'a Report, id: &str) -> Option<&'a RowReport> {
    report.rows.iter().find(|row| row.id == id)
}
