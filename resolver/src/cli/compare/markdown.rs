//! A report as a decision paper in Markdown, the same as `/compare/paper`: what is known, blank lines for what people
//! decide, and the report itself in a comment, for `--verify`.

use std::{collections::BTreeMap, fmt::Write as _};

use namesake::lab::{Grade, Report, RowReport};

use crate::{
    cli::CommandError,
    lab::{grade_words, heading, losses, mark_words},
    pages::PAPER_QUESTION,
};

const BLANK: &str = "\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_";

pub(super) fn report(report: &Report, transcript: bool) -> Result<String, CommandError> {
    let mut out = format!("# {PAPER_QUESTION}\n\n");
    for column in &report.columns {
        let _ =
            writeln!(out, "- **{}, {}**: {}", text(&column.id), text(&column.title), text(&column.summary));
    }
    // One row alone decides nothing.
    if report.rows.len() > 1 {
        let _ = writeln!(out, "\n## Recommendation\n\n{BLANK}\n\n## Rows that decide\n");
        table(&mut out, report, |row| row.verdict);
        risks(&mut out, report);
    }
    let mut section = None;
    for row in &report.rows {
        if section.replace(row.section) != Some(row.section) {
            let _ = writeln!(out, "\n## {}\n", heading(row.section));
            table(&mut out, report, |other| other.section == row.section);
        }
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
    assumptions(&mut out, report);
    let json = embedded(report).map_err(|error| CommandError::Print(error.into()))?;
    let _ = writeln!(out, "<!-- {json} -->");
    Ok(out)
}

/// Those of the rows that are wanted, a line each.
fn table(out: &mut String, report: &Report, wanted: impl Fn(&RowReport) -> bool) {
    let titles: Vec<_> = report
        .columns
        .iter()
        .map(|column| format!("{}, {}", text(&column.id), text(&column.title)))
        .collect();
    let _ = writeln!(out, "| | {} |", titles.join(" | "));
    let _ = writeln!(out, "|---|{}", "---|".repeat(titles.len()));
    for row in report.rows.iter().filter(|row| wanted(row)) {
        let mark = row.mark.map(|mark| format!(" ({})", mark_words(mark))).unwrap_or_default();
        let cells: Vec<_> = report.columns.iter().map(|column| cell(row, &column.id)).collect();
        let _ = writeln!(out, "| {}{mark} | {} |", text(&row.question), cells.join(" | "));
    }
}

fn risks(out: &mut String, report: &Report) {
    out.push_str("\n## Accepted risks\n\nWhoever chooses a column accepts, and signs for:\n\n");
    for column in &report.columns {
        let losses: Vec<_> =
            losses(report, &column.id).map(|loss| format!("{} ({})", loss.words, text(loss.row))).collect();
        let _ = writeln!(
            out,
            "- **{}, {}**: {}. {BLANK}",
            text(&column.id),
            text(&column.title),
            losses.join("; ")
        );
    }
}

fn assumptions(out: &mut String, report: &Report) {
    out.push_str("\n## Assumptions\n\n");
    for column in &report.columns {
        if let Some(limits) = &column.limits {
            let _ = writeln!(out, "- {}: {}", text(&column.id), text(limits));
        }
    }
    let setting = |(name, value): (&str, &str)| {
        format!("`{}`", format!("{name}={value}").replace(['`', '\n', '\r'], " "))
    };
    let settings: Vec<_> = report.settings.iter().map(setting).collect();
    let _ = writeln!(
        out,
        "- {}\n- Commit {}, seed {}. `namesake compare --verify` on this file tells whether it is so.\n",
        settings.join(", "),
        text(&report.commit),
        report.seed
    );
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

#[cfg(test)]
mod tests {
    use namesake::lab::Report;
    use serde_json::json;

    /// A report in which every text is this one.
    fn report(hostile: &str) -> Report {
        let of_column = |value: serde_json::Value| json!({ hostile: value });
        serde_json::from_value(json!({
            "commit": hostile,
            "seed": 7,
            "settings": { "mirror.poll_seconds": hostile },
            "columns": [{ "id": hostile, "title": hostile, "summary": hostile, "limits": hostile }],
            "rows": [{
                "id": hostile,
                "section": "names",
                "question": hostile,
                "verdict": true,
                "declared": of_column(hostile.into()),
                "observed": of_column(hostile.into()),
                "grade": of_column("observed".into()),
                "documented": of_column(json!({ "text": hostile, "source": hostile, "checked": hostile })),
                "transcript": of_column(json!([{ "atSeconds": 1, "text": hostile }])),
            }],
            "contradictions": [{ "row": hostile, "column": hostile, "declared": hostile, "observed": hostile }],
        }))
        .unwrap()
    }

    #[test]
    fn text_stays_text_in_its_cell() {
        for hostile in [
            "<script>zqx(1)</script>",
            "a | b || c\\|",
            "a\r\n\r\n# zqx",
            "a\n| zqx |",
            "[zqx](javascript:zqx(1))",
            "![zqx](https://zqx.example/x.png)",
            "--><script>zqx(1)</script><!--",
            "`zqx` ``zqx``",
            "*zqx* __zqx__ \\*zqx*",
        ] {
            let written = super::report(&report(hostile), true).unwrap();
            let (text, comment) = written.rsplit_once("<!-- ").unwrap();
            let comment = comment.strip_suffix(" -->\n").unwrap();
            assert!(!comment.contains('>'), "{comment}");
            let mut read = report(hostile);
            read.rows[0].transcript.clear();
            assert_eq!(
                serde_json::from_str::<Report>(comment).unwrap(),
                read,
                "what is in the comment is the report"
            );
            // Nothing in a code span means anything.
            let (text, span) = text.split_once("- `mirror.poll_seconds=").unwrap();
            assert_eq!(span.lines().next().unwrap().matches('`').count(), 1, "{span}");
            // Of our own there is one address in angle brackets a cell, and none in square ones.
            let unescaped = text.replace("\\\\", "").replace("\\<", "").replace("\\[", "").replace("(<", "(");
            assert!(!unescaped.contains(['<', '[']), "{hostile:?}: {text}");
            let rows = text
                .lines()
                .filter(|line| line.starts_with("| ") && line.contains("zqx"))
                .collect::<Vec<_>>();
            for row in rows {
                let bars = row.replace("\\\\", "").replace("\\|", "").matches('|').count();
                assert_eq!(bars, 3, "{hostile:?}: {row}");
            }
            assert!(
                !text.lines().any(|line| line.starts_with("# zqx") || line.starts_with("| zqx |")),
                "{text}"
            );
        }
    }
}
