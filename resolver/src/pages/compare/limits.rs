//! What was not observed.

use maud::{Markup, html};
use namesake::lab::{ColumnInfo, Grade, Report};

use super::{class, grade, name, row_link};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="limits" {
            h2 #limits { "Limits" }
            p { "What is observed here is the code of this service in private worlds, not the world. What stands in for something else:" }
            ul.cards.columns {
                @for column in &report.columns {
                    li class=(class(column)) {
                        h3 class={ "badge " (class(column)) } { (name(column)) }
                        p { (column.limits.as_deref().unwrap_or("Nothing stands in for anything.")) }
                        (missing(report, column))
                    }
                }
            }
            (run(report))
        }
    }
}

/// The rows of which a column has no observation.
fn missing(report: &Report, column: &ColumnInfo) -> Markup {
    let missing: Vec<_> =
        report.rows.iter().filter(|row| grade(row, &column.id) != Grade::Observed).collect();
    html! {
        @if missing.is_empty() { p { "Every question was tried." } } @else {
            p { "Not observed:" }
            ul { @for row in missing { li { (row_link(row)) @if let Some(why) = row.not_tried.get(&column.id) { ": " (why) } } } }
        }
    }
}

fn run(report: &Report) -> Markup {
    html! {
        h3 { "The run" }
        dl.facts {
            dt { "Code" } dd { (report.commit) }
            dt { "Seed" } dd { (report.seed) }
            dt { "Settings" } dd { ul.plain { @for (name, value) in report.settings.iter() { li { code { (name) "=" (value) } } } } }
            dt { "The same as data" } dd { a href="/v1/compare" { "/v1/compare" } ", which " code { "namesake compare --verify FILE" } " runs again and confirms" }
        }
    }
}
