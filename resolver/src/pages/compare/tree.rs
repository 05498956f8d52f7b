//! A few questions that lead to a column: nested disclosures, which work without a script and from the keyboard.

use maud::{Markup, html};
use namesake::lab::Report;

use super::{answer, class, name, row, row_link};
use crate::lab::losses;

/// A question, or where the answers led.
enum Node {
    Ask { question: &'static str, yes: &'static Node, no: &'static Node },
    Take { column: &'static str, because: &'static [&'static str] },
}

use Node::{Ask, Take};

const TREE: &Node = &Ask {
    question: "Must a person be found here under the name they have at one certain platform, also after it changes there?",
    yes: &Take { column: "A", because: &["same-name", "source-of-name"] },
    no: &Ask {
        question: "Must somebody who leaves be able to take the name along?",
        yes: &Take { column: "C", because: &["leave-with-name", "verify-without-us"] },
        no: &Ask {
            question: "Must others be able to check whose a name is, without trusting you?",
            yes: &Take { column: "B", because: &["verify-without-us", "lapse"] },
            no: &Ask {
                question: "Must you be able to hand a name over yourself, when a court orders it?",
                yes: &Take { column: "D", because: &["order"] },
                no: &Take { column: "B", because: &["order", "outage-week", "ban-user"] },
            },
        },
    },
};

pub(super) fn section(report: &Report) -> Markup {
    html! {
        section aria-labelledby="decide" {
            h2 #decide { "Decide" }
            p { "At most four questions. Each answer names a column, the rows that speak for it, and what it costs." }
            div.tree { (node(report, TREE)) }
        }
    }
}

fn node(report: &Report, here: &Node) -> Markup {
    match here {
        Ask { question, yes, no } => html! {
            p.ask { (question) }
            @for (word, next) in [("Yes", yes), ("No", no)] {
                details {
                    summary { (word) span.unseen { ": " (question) } }
                    (node(report, next))
                }
            }
        },
        Take { column, because } => leaf(report, column, because),
    }
}

fn leaf(report: &Report, id: &str, because: &[&str]) -> Markup {
    let Some(column) = report.columns.iter().find(|column| column.id == id) else {
        return html! { p { "Column " (id) ", which is not part of this comparison." } };
    };
    html! {
        div class={ "leaf " (class(column)) } {
            p class={ "badge " (class(column)) } { (name(column)) }
            p { "These rows speak for it:" }
            ul { @for row in because.iter().filter_map(|id| row(report, id)) { li { (row_link(row)) " " (answer(row, id)) } } }
            p { "What it costs:" }
            ul { @for loss in losses(report, id) { li { a href={ "/compare#row-" (loss.row) } { (loss.words) } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn leaves(node: &Node, depth: usize, found: &mut Vec<(&'static str, &'static [&'static str], usize)>) {
        match node {
            Ask { yes, no, .. } => {
                leaves(yes, depth + 1, found);
                leaves(no, depth + 1, found);
            }
            Take { column, because } => found.push((column, because, depth)),
        }
    }

    #[test]
    fn every_column_can_be_reached_and_every_reason_is_a_row() {
        let mut found = Vec::new();
        leaves(TREE, 0, &mut found);
        let columns: BTreeSet<_> = crate::lab::columns().iter().map(|column| column.info().id).collect();
        let reached: BTreeSet<_> = found.iter().map(|(column, ..)| (*column).to_owned()).collect();
        assert_eq!(reached, columns);
        for (column, because, depth) in found {
            assert!(depth <= 4, "the text says at most four questions");
            for id in because {
                assert!(namesake::lab::rows().any(|row| row.id == *id), "{column}: no row {id}");
            }
        }
    }
}
