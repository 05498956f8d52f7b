//! The rows that decide most, and what each column gives up.

use maud::{Markup, html};
use namesake::lab::{Report, RowReport};

use super::{answer, class, name, row_link};
use crate::lab::losses;

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="verdicts" {
            h2 #verdicts { "Rows that decide" }
            p { "The questions on which the columns differ most, each with its answers and what stands behind them." }
            div.verdicts { @for row in report.rows.iter().filter(|row| row.verdict) { (card(report, row)) } }
        }
        section aria-labelledby="losses" {
            h2 #losses { "What each gives up" }
            p { "No column wins every row. Whoever chooses one accepts this, as it was observed:" }
            ul.cards.columns {
                @for column in &report.columns {
                    li class=(class(column)) {
                        h3 class={ "badge " (class(column)) } { (name(column)) }
                        ul { @for loss in losses(report, &column.id) { li { a href={ "#row-" (loss.row) } { (loss.words) } } } }
                    }
                }
            }
        }
    }
}

fn card(report: &Report, row: &RowReport) -> Markup {
    html! {
        article.card {
            h3 { (row_link(row)) }
            dl.lines {
                @for column in &report.columns {
                    div class=(class(column)) {
                        dt { span aria-hidden="true" { (column.id) } span.unseen { (column.id) ", " (column.title) } }
                        dd { (answer(row, &column.id)) }
                    }
                }
            }
        }
    }
}
