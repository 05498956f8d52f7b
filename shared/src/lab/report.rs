//! All cells, as data; and how they are filled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Column, ColumnInfo, Documented, Fact, LabError, Mark, NotPlayed, Observation, Row, Settings, Stage, rows,
};

/// The whole comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The commit of the code that was observed.
    pub commit: String,
    /// What every private world's randomness began with.
    pub seed: u64,
    /// The settings of all columns.
    pub settings: Settings,
    /// The columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// The rows, in order.
    pub rows: Vec<RowReport>,
    /// Where a policy says what is not so; empty in a run that passes.
    pub contradictions: Vec<Contradiction>,
}

impl Report {
    /// The same with one row, if there is one of this id.
    #[must_use]
    pub fn only(&self, id: &str) -> Option<Self> {
        let row = self.rows.iter().find(|row| row.id == id)?.clone();
        let contradictions = self.contradictions.iter().filter(|wrong| wrong.row == id).cloned().collect();
        Some(Self {
            commit: self.commit.clone(),
            settings: self.settings.clone(),
            columns: self.columns.clone(),
            rows: vec![row],
            contradictions,
            ..*self
        })
    }
}

/// One question, and every column's answer, by the column's id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RowReport {
    /// Its name in links: `who-can-change`.
    pub id: String,
    /// Which group of questions it belongs to.
    pub section: Section,
    /// The question.
    pub question: String,
    /// Whether it is one of those that decide most.
    pub verdict: bool,
    /// For a common belief: whether it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mark: Option<Mark>,
    /// What the policies declare about it.
    pub declared: BTreeMap<String, String>,
    /// What happened.
    pub observed: BTreeMap<String, String>,
    /// Why it was not tried, where it was not.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_tried: BTreeMap<String, String>,
    /// What stands behind each cell.
    pub grade: BTreeMap<String, Grade>,
    /// What is known from elsewhere, with its source.
    pub documented: BTreeMap<String, Documented>,
    /// What was done and seen; a paper may leave it out.
    #[serde(default)]
    pub transcript: BTreeMap<String, Vec<TranscriptLine>>,
}

/// A group of questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Section {
    /// What the rules are.
    Rules,
    /// What people believe about them.
    Beliefs,
    /// What happens to names when somebody wants another's.
    Names,
    /// What happens when something fails.
    Failures,
    /// Who has the last word.
    Power,
}

/// What stands behind a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// It was tried here; the transcript shows how.
    Observed,
    /// It is said on a page of the vendor, or in a specification.
    Documented,
    /// It depends on a number that only the reader knows.
    YourNumber,
    /// Neither tried nor said anywhere.
    Unknown,
}

/// One thing that was done or seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TranscriptLine {
    /// Seconds of the private world since the scenario began.
    pub at_seconds: u64,
    /// What.
    pub text: String,
}

/// A policy that says what is not so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contradiction {
    /// The row.
    pub row: String,
    /// The column.
    pub column: String,
    /// What the policy declares.
    pub declared: String,
    /// What was observed.
    pub observed: String,
}

/// Asks every column every question, or only those whose ids are in `only`.
///
/// # Errors
/// When a scenario could not be played, a setting is unknown, or no row has an id in `only`.
pub async fn run(
    columns: &[&dyn Column],
    changes: &Settings,
    seed: u64,
    commit: &str,
    only: Option<&str>,
) -> Result<Report, LabError> {
    let settings = Settings::of(columns, changes)?;
    let mut report = Report {
        commit: commit.to_owned(),
        seed,
        columns: columns.iter().map(|column| column.info()).collect(),
        rows: Vec::new(),
        contradictions: Vec::new(),
        settings,
    };
    for row in rows().filter(|row| only.is_none_or(|id| id == row.id)) {
        let (row, contradictions) = run_row(row, columns, &report.settings, seed).await?;
        report.rows.push(row);
        report.contradictions.extend(contradictions);
    }
    match (report.rows.is_empty(), only) {
        (true, Some(id)) => Err(format!("no row is called {id:?}").into()),
        _ => Ok(report),
    }
}

/// Asks every column one question.
///
/// # Errors
/// When a scenario could not be played.
pub async fn run_row(
    row: &Row,
    columns: &[&dyn Column],
    settings: &Settings,
    seed: u64,
) -> Result<(RowReport, Vec<Contradiction>), LabError> {
    let mut report = RowReport {
        id: row.id.to_owned(),
        section: row.section,
        question: row.question.to_owned(),
        verdict: row.verdict,
        mark: row.mark,
        declared: BTreeMap::new(),
        observed: BTreeMap::new(),
        not_tried: BTreeMap::new(),
        grade: BTreeMap::new(),
        documented: BTreeMap::new(),
        transcript: BTreeMap::new(),
    };
    let mut contradictions = Vec::new();
    for column in columns {
        let id = column.info().id;
        let documented = column.documented(row.id);
        let mut grade = match (&documented, row.asks_reader) {
            (_, true) => Grade::YourNumber,
            (Some(_), false) => Grade::Documented,
            (None, false) => Grade::Unknown,
        };
        if let Some(scenario) = row.scenario {
            let mut stage = Stage::new(column.begin(settings, seed).await?);
            match scenario(&mut stage).await {
                Ok(Observation { text, fact }) => {
                    if let Some(fact) = fact {
                        let declared = fact.declared_by(stage.policy());
                        contradictions.extend(contradiction(row, &id, &fact, &declared, &text, &stage));
                        report.declared.insert(id.clone(), declared);
                    }
                    grade = Grade::Observed;
                    report.observed.insert(id.clone(), text);
                    report.transcript.insert(id.clone(), stage.into_transcript());
                }
                Err(error) => {
                    let not_played = error.downcast::<NotPlayed>();
                    let NotPlayed(why) =
                        *not_played.map_err(|error| format!("row {}, column {id}: {error}", row.id))?;
                    report.not_tried.insert(id.clone(), why);
                }
            }
        }
        report.grade.insert(id.clone(), grade);
        report.documented.extend(documented.map(|documented| (id, documented)));
    }
    Ok((report, contradictions))
}

fn contradiction(
    row: &Row,
    column: &str,
    fact: &Fact,
    declared: &str,
    observed: &str,
    stage: &Stage,
) -> Option<Contradiction> {
    (!fact.agrees_with(stage.policy())).then(|| Contradiction {
        row: row.id.to_owned(),
        column: column.to_owned(),
        declared: declared.to_owned(),
        observed: observed.to_owned(),
    })
}
