//! A report for a terminal: a question, and below it each column's answer.

use std::fmt::Write as _;

use namesake::{
    escape_for_terminal,
    lab::{Grade, Report, RowReport},
};

use crate::lab::{Verdict, commit, grade_words, heading, mark_words};

pub(super) fn report(report: &Report, transcript: bool) -> String {
    let mut out = String::new();
    for column in &report.columns {
        let _ = writeln!(out, "{}  {}: {}", text(&column.id), text(&column.title), text(&column.summary));
        if let Some(limits) = &column.limits {
            let _ = writeln!(out, "   {}", text(limits));
        }
    }
    let mut section = None;
    for row in &report.rows {
        if section.replace(row.section) != Some(row.section) {
            let _ = writeln!(out, "\n{}", heading(row.section).to_uppercase());
        }
        show_row(&mut out, report, row, transcript);
    }
    let settings: Vec<_> =
        report.settings.iter().map(|(name, value)| format!("--set {name}={value}")).collect();
    let _ = writeln!(
        out,
        "\ncommit {}, seed {}, {}",
        text(&report.commit),
        report.seed,
        text(&settings.join(" "))
    );
    for wrong in &report.contradictions {
        let _ = writeln!(
            out,
            "NOT SO: {}, {}: the policy declares “{}”; observed: {}",
            text(&wrong.row),
            text(&wrong.column),
            text(&wrong.declared),
            text(&wrong.observed)
        );
    }
    out
}

fn show_row(out: &mut String, report: &Report, row: &RowReport, transcript: bool) {
    let mark = row.mark.map(|mark| format!("  ({})", mark_words(mark))).unwrap_or_default();
    let _ = writeln!(out, "\n{}  [{}]{mark}", text(&row.question), text(&row.id));
    for column in &report.columns {
        let id = &column.id;
        let grade = row.grade.get(id).copied().unwrap_or(Grade::Unknown);
        let seen = row.observed.get(id).or_else(|| row.documented.get(id).map(|said| &said.text));
        let _ = writeln!(
            out,
            "  {}  {:<11} {}",
            text(id),
            grade_words(grade),
            text(seen.map_or("-", String::as_str))
        );
        if let Some(declared) = row.declared.get(id) {
            let _ = writeln!(out, "     {:<11} {}", "declared", text(declared));
        }
        if let Some(why) = row.not_tried.get(id) {
            let _ = writeln!(out, "     {:<11} {}", "not tried", text(why));
        }
        if let Some(said) = row.documented.get(id) {
            if row.observed.contains_key(id) {
                let _ = writeln!(out, "     {:<11} {}", "documented", text(&said.text));
            }
            let _ = writeln!(out, "     {:<11} {} (checked {})", "", text(&said.source), text(&said.checked));
        }
        if transcript {
            for line in row.transcript.get(id).into_iter().flatten() {
                let _ = writeln!(out, "       {:>8} s  {}", line.at_seconds, text(&line.text));
            }
        }
    }
}

pub(super) fn verdict(verdict: &Verdict) -> String {
    if verdict.differences.is_empty() {
        return format!(
            "confirmed: a run of this program ({}) says the same in all {} cells of the report ({})\n",
            commit(),
            verdict.cells,
            text(&verdict.commit)
        );
    }
    let mut out =
        format!("not confirmed: the report is of {}, and this run of {}\n", text(&verdict.commit), commit());
    for difference in &verdict.differences {
        let _ = writeln!(out, "  {}", text(difference));
    }
    out
}

fn text(text: &str) -> impl std::fmt::Display + '_ {
    escape_for_terminal(text)
}
