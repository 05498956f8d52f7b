//! Whether a report says what a run of this code says.

use namesake::lab::{Column, LabError, Report};
use serde::Deserialize as _;

use super::{Question, observe};

/// What came of comparing a report with a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The commit that the report says it is of.
    pub commit: String,
    /// How many cells were compared.
    pub cells: usize,
    /// What differs, a line each; empty: the report is confirmed.
    pub differences: Vec<String>,
}

/// Runs again with the seed and the settings of the report in `text`, and compares what was observed. The text is a
/// report in JSON, or a paper that has one in it.
///
/// # Errors
/// When there is no report in it, or it cannot be run again.
pub async fn verify(columns: Vec<Box<dyn Column>>, text: &str) -> Result<Verdict, LabError> {
    let report = find(text).ok_or("there is no report in it: a JSON object with seed, settings and rows")?;
    let row = match report.rows.as_slice() {
        [row] => Some(row.id.clone()),
        _ => None,
    };
    let question = Question { settings: report.settings.clone(), seed: report.seed, row };
    let again = observe(columns, question).await?;
    Ok(compare(&report, &again))
}

/// The first JSON object in `text` that is a report.
fn find(text: &str) -> Option<Report> {
    let begins = text.match_indices('{').map(|(place, _)| place);
    begins.into_iter().find_map(|place| {
        let mut reader = serde_json::Deserializer::from_str(text.get(place..)?);
        Report::deserialize(&mut reader).ok()
    })
}

fn compare(report: &Report, again: &Report) -> Verdict {
    let mut verdict = Verdict { commit: report.commit.clone(), cells: 0, differences: Vec::new() };
    for row in &report.rows {
        let Some(now) = again.rows.iter().find(|now| now.id == row.id) else {
            verdict.differences.push(format!("{}: there is no such row", row.id));
            continue;
        };
        for column in &report.columns {
            verdict.cells += 1;
            let id = &column.id;
            for (what, said, seen) in [
                ("declared", row.declared.get(id), now.declared.get(id)),
                ("observed", row.observed.get(id), now.observed.get(id)),
            ] {
                if said != seen {
                    let text = |text: Option<&String>| {
                        text.map_or_else(|| "nothing".to_owned(), |text| format!("{text:?}"))
                    };
                    verdict.differences.push(format!(
                        "{}, {id}, {what}: it says {}, and this run says {}",
                        row.id,
                        text(said),
                        text(seen)
                    ));
                }
            }
        }
    }
    verdict
}
