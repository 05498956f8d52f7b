//! `namesake compare`: the policies side by side, observed.

mod markdown;
mod table;

use std::fs;

use namesake::lab::Settings;

use super::{CommandError, Outcome, args::Compare, print, print_json};
use crate::lab::{self, Question};

pub(super) async fn compare(asked: &Compare) -> Result<Outcome, CommandError> {
    if let Some(file) = &asked.verify {
        let failed = |source| CommandError::Read { file: file.display().to_string(), source };
        return verify(&fs::read_to_string(file).map_err(failed)?).await;
    }
    let mut settings = Settings::default();
    for text in &asked.settings {
        let (name, value) = Settings::parse(text).map_err(refused)?;
        settings = settings.with(&name, &value);
    }
    let question = Question { settings, seed: asked.seed, row: asked.row.clone() };
    let report = lab::observe(lab::columns(), question).await.map_err(refused)?;
    match (asked.json, asked.markdown) {
        (true, _) => print_json(&report),
        (_, true) => print(&markdown::report(&report, asked.transcript)?),
        _ => print(&table::report(&report, asked.transcript)),
    }?;
    Ok(if report.contradictions.is_empty() { Outcome::Done } else { Outcome::NotFound })
}

async fn verify(text: &str) -> Result<Outcome, CommandError> {
    let verdict = lab::verify(lab::columns(), text).await.map_err(refused)?;
    print(&table::verdict(&verdict))?;
    Ok(if verdict.differences.is_empty() { Outcome::Done } else { Outcome::NotFound })
}

#[expect(clippy::needless_pass_by_value, reason = "it maps errors")]
fn refused(error: namesake::lab::LabError) -> CommandError {
    CommandError::Compare(error.to_string())
}
