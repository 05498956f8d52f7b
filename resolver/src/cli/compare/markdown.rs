//! A report as Markdown: a table for each group of questions, and the report itself in a comment, for `--verify`.

use std::{collections::BTreeMap, fmt::Write as _};

use namesake::lab::{Grade, Report, RowReport};

use super::table::{grade_words, heading, mark_words};
use crate::cli::CommandError;

pub(super) fn report(report: &Report, transcript: bool) -> Result<String, CommandError> {
    let mut out = String::from("# The policies side by side, observed\n\n");
    for column in &report.columns {
        let _ = write!(out, "- **{}, {}**: {}", text(&column.id), text(&column.title), text(&column.summary));
        out.push_str(&column.limits.as_ref().map(|limits| format!(" {}", text(limits))).unwrap_or_default());
        out.push('\n');
    }
    let mut section = None;
    for row in &report.rows {
        if section.replace(row.section) != Some(row.section) {
            let _ = writeln!(out, "\n## {}\n", heading(row.section));
            let titles: Vec<_> = report
                .columns
                .iter()
                .map(|column| format!("{}, {}", text(&column.id), text(&column.title)))
                .collect();
            let _ = writeln!(out, "| | {} |", titles.join(" | "));
            let _ = writeln!(out, "|---|{}", "---|".repeat(titles.len()));
        }
        let mark = row.mark.map(|mark| format!(" ({})", mark_words(mark))).unwrap_or_default();
        let cells: Vec<_> = report.columns.iter().map(|column| cell(row, &column.id)).collect();
        let _ = writeln!(out, "| {}{mark} | {} |", text(&row.question), cells.join(" | "));
    }
    for wrong in &report.contradictions {
        let _ = writeln!(
            out,
            "\n**Not so**: {}, {}: the policy declares “{}”; observed: {}",
            text(&wrong.row),
            text(&wrong.column),
            text(&wrong.declared),
            text(&wrong.observed)
        );
    }
    if transcript {
        transcripts(&mut out, report);
    }
    let settings: Vec<_> = report.settings.iter().map(|(name, value)| format!("`{name}={value}`")).collect();
    let _ = writeln!(
        out,
        "\nCommit {}, seed {}, {}. `namesake compare --verify` on this file tells whether it is so.\n",
        text(&report.commit),
        report.seed,
        settings.join(", ")
    );
    let json = embedded(report).map_err(|error| CommandError::Print(error.into()))?;
    let _ = writeln!(out, "<!-- {json} -->");
    Ok(out)
}

fn cell(row: &RowReport, column: &str) -> String {
    let grade = row.grade.get(column).copied().unwrap_or(Grade::Unknown);
    let mut cell = row.observed.get(column).map(|seen| text(seen)).unwrap_or_default();
    if let Some(said) = row.documented.get(column) {
        let gap = if cell.is_empty() { "" } else { ". " };
        let _ = write!(
            cell,
            "{gap}{} (<{}>, checked {})",
            text(&said.text),
            text(&said.source),
            text(&said.checked)
        );
    }
    let gap = if cell.is_empty() { "" } else { " " };
    format!("{cell}{gap}*{}*", grade_words(grade))
}

fn transcripts(out: &mut String, report: &Report) {
    out.push_str("\n## Transcripts\n");
    for row in &report.rows {
        for (column, lines) in &row.transcript {
            let _ = writeln!(out, "\n### {}, {}\n", text(&row.id), text(column));
            for line in lines {
                let _ = writeln!(out, "- {} s: {}", line.at_seconds, text(&line.text));
            }
        }
    }
}

/// The report without its transcripts, with nothing in it that would end a comment.
fn embedded(report: &Report) -> Result<String, serde_json::Error> {
    let mut report = report.clone();
    report.rows.iter_mut().for_each(|row| row.transcript = BTreeMap::new());
    Ok(serde_json::to_string(&report)?.replace('>', "\\u003e"))
}

/// Text that means nothing to Markdown.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '#' => out.extend(['\\', character]),
            _ => out.push(character),
        }
    }
    out
}
