//! Two sheets for a meeting: what is known, and blank lines for what only people can decide.

use maud::{Markup, html};
use namesake::lab::{Report, RowReport};

use super::{Page, answer, class, grade, layout, name};
use crate::lab::{grade_words, heading, losses};

/// The question of the paper.
pub(crate) const QUESTION: &str = "Under which policy do we name people?";

/// The page `/compare/paper`.
#[must_use]
pub fn paper(report: &Report) -> Markup {
    let body = html! {
        div.paper {
            p.eyebrow { a href="/compare" { "Comparison" } }
            h1 { (QUESTION) }
            p.screen {
                "Two sheets of A4 when printed. The same " a href="/v1/compare" download="comparison.json" { "as data" }
                ", or as Markdown from " code { "namesake compare --markdown" } "; " code { "namesake compare --verify FILE" }
                " runs either again and says whether it is so."
            }
            section aria-labelledby="recommendation" {
                h2 #recommendation { "Recommendation" }
                p.blank { span.unseen { "Left blank." } }
                p.blank { span.unseen { "Left blank." } }
            }
            section aria-labelledby="verdicts" {
                h2 #verdicts { "Rows that decide" }
                (verdicts(report))
            }
            section aria-labelledby="risks" {
                h2 #risks { "Accepted risks" }
                p { "Whoever chooses a column accepts, and signs for:" }
                (risks(report))
            }
            section aria-labelledby="rows" {
                h2 #rows { "All rows" }
                p { "Behind each column's letter: o observed, d documented, y your number, u unknown." }
                ul.one-liners {
                    @for row in &report.rows { li { (one_line(report, row)) } }
                }
            }
            section aria-labelledby="assumptions" {
                h2 #assumptions { "Assumptions" }
                ul {
                    @for column in &report.columns { @if let Some(limits) = &column.limits { li { b { (column.id) } ": " (limits) } } }
                    li { "Settings: " @for (place, (name, value)) in report.settings.iter().enumerate() { @if place > 0 { ", " } code { (name) "=" (value) } } }
                    li { "Code " (report.commit) ", seed " (report.seed) "." }
                }
            }
        }
    };
    layout(QUESTION, Page::Compare, &body)
}

fn verdicts(report: &Report) -> Markup {
    html! {
        table.rules role="table" aria-labelledby="verdicts" {
            thead role="rowgroup" {
                tr role="row" {
                    th role="columnheader" scope="col" { "Question" }
                    @for column in &report.columns { th role="columnheader" scope="col" class=(class(column)) { (name(column)) } }
                }
            }
            tbody role="rowgroup" {
                @for row in report.rows.iter().filter(|row| row.verdict) {
                    tr role="row" {
                        th role="rowheader" scope="row" { (row.question) }
                        @for column in &report.columns {
                            td role="cell" class=(class(column)) { span.of aria-hidden="true" { b { (column.id) } " " (column.title) } (answer(row, &column.id)) }
                        }
                    }
                }
            }
        }
    }
}

fn risks(report: &Report) -> Markup {
    html! {
        ul.risks {
            @for column in &report.columns {
                li {
                    b { (column.id) ", " (column.title) } ": "
                    @for (place, loss) in losses(report, &column.id).enumerate() { @if place > 0 { "; " } a href={ "/compare#row-" (loss.row) } { (loss.words) } }
                    "."
                    span.blank { span.unseen { " Left blank for a name and a date." } }
                }
            }
        }
    }
}

fn one_line(report: &Report, row: &RowReport) -> Markup {
    let grades: Vec<_> = report
        .columns
        .iter()
        .map(|column| format!("{}\u{a0}{:.1}", column.id, grade_words(grade(row, &column.id))))
        .collect();
    html! { span.unseen { (heading(row.section)) ": " } a href={ "/compare#row-" (row.id) } { (row.question) } " " span.hint { (grades.join(" · ")) } }
}
