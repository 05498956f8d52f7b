//! Every question and every answer, each with its transcript. The stylesheet stacks the table on a phone.

use maud::{Markup, html};
use namesake::lab::{ColumnInfo, Report, RowReport, Section, TranscriptLine};

use super::{class, grade_badge, name};
use crate::lab::{heading, mark_words};

const SECTIONS: [Section; 5] =
    [Section::Rules, Section::Beliefs, Section::Names, Section::Failures, Section::Power];

pub(super) fn section(report: &Report, asked: &[String]) -> Markup {
    let is_shown = |column: &&ColumnInfo| asked.is_empty() || asked.contains(&column.id);
    let columns: Vec<_> = report.columns.iter().filter(is_shown).collect();
    html! {
        section.everything aria-labelledby="table" {
            h2 #table { "Everything" }
            p {
                "Every question that was asked, and every answer. " b { "Observed" } " was tried here, and the transcript shows how; "
                b { "documented" } " is said by its source; " b { "your number" } " only you know; " b { "unknown" } " is neither tried nor said anywhere."
            }
            @for wrong in &report.contradictions {
                p.notice { "Not so: row " (wrong.row) ", column " (wrong.column) ". The policy declares “" (wrong.declared) "”; observed: " (wrong.observed) }
            }
            (filter(report, &columns))
            // The roles stay explicit: browsers drop a table's meaning when it is displayed as anything else.
            table.rules.answers role="table" aria-labelledby="table" {
                thead role="rowgroup" {
                    tr role="row" {
                        th role="columnheader" scope="col" { "Question" }
                        @for column in &columns { th role="columnheader" scope="col" class=(class(column)) { (name(column)) } }
                    }
                }
                @for section in SECTIONS {
                    tbody role="rowgroup" {
                        tr.heading role="row" {
                            th role="rowheader" scope="rowgroup" colspan=(columns.len() + 1) { (heading(section)) }
                        }
                        @for row in report.rows.iter().filter(|row| row.section == section) { (answers(row, &columns)) }
                    }
                }
            }
        }
    }
}

/// Shows or hides a column by an address.
fn filter(report: &Report, shown: &[&ColumnInfo]) -> Markup {
    let without = |id: &str| {
        shown.iter().map(|column| column.id.as_str()).filter(|other| *other != id).collect::<Vec<_>>()
    };
    html! {
        nav.choices aria-label="Columns of the table" {
            @for column in &report.columns {
                @let visible = shown.iter().any(|other| other.id == column.id);
                @if !visible {
                    a.button href={ "/compare?columns=" (in_order(report, &[without(""), vec![&column.id]].concat())) "#table" } { "Show " (column.id) }
                } @else if shown.len() > 1 {
                    a.button href={ "/compare?columns=" (in_order(report, &without(&column.id))) "#table" } { "Hide " (column.id) }
                }
            }
            @if shown.len() < report.columns.len() { a.button href="/compare#table" { "Show all" } }
        }
    }
}

fn in_order(report: &Report, wanted: &[&str]) -> String {
    let ids = report.columns.iter().map(|column| column.id.as_str());
    ids.filter(|id| wanted.contains(id)).collect::<Vec<_>>().join(",")
}

fn answers(row: &RowReport, columns: &[&ColumnInfo]) -> Markup {
    html! {
        tr role="row" id={ "row-" (row.id) } {
            th role="rowheader" scope="row" {
                a.anchor href={ "#row-" (row.id) } { (row.question) }
                @if let Some(mark) = row.mark { span.hint { "A common belief: " (mark_words(mark)) } }
                @if row.verdict { span.hint { "One of those that decide" } }
            }
            @for column in columns { td role="cell" class=(class(column)) { (cell(row, column)) } }
        }
    }
}

fn cell(row: &RowReport, column: &ColumnInfo) -> Markup {
    let id = &column.id;
    html! {
        span.of aria-hidden="true" { b { (id) } " " (column.title) }
        @if let Some(seen) = row.observed.get(id) { p { (seen) } }
        @if let Some(why) = row.not_tried.get(id) { p { "Not tried: " (why) } }
        p { (grade_badge(row, id)) }
        @if let Some(said) = row.documented.get(id) {
            p.hint { (said.text) " (" (source(&said.source)) ", checked " (said.checked) ")" }
        }
        @if let Some(declared) = row.declared.get(id) { p.hint { "Declared: " (declared) } }
        @if let Some(lines) = row.transcript.get(id) { (transcript(row, id, lines)) }
    }
}

fn transcript(row: &RowReport, column: &str, lines: &[TranscriptLine]) -> Markup {
    html! {
        details {
            summary { "Transcript" span.unseen { " of " (column) ": " (row.question) } }
            ol.transcript { @for line in lines { li { span.at { (line.at_seconds) " s" } " " (line.text) } } }
        }
    }
}

/// A link only if it is one: a specification may be named by its title.
fn source(source: &str) -> Markup {
    match source.strip_prefix("https://") {
        Some(rest) => html! { a href=(source) rel="noreferrer" { (rest.split('/').next().unwrap_or(rest)) } },
        None => html! { (source) },
    }
}
