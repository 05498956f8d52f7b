//! Who has the last word.

use std::time::Duration;

use super::{
    Observation, Row,
    names::{SETTLED, told},
};
use crate::lab::{Act, LabFuture, Outcome, Person::*, Section, Seen, Stage};

const fn row(
    id: &'static str,
    question: &'static str,
    scenario: for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>,
) -> Row {
    Row::new(Section::Power, id, question, scenario)
}

pub(super) const ROWS: &[Row] = &[
    row("erasure", "An erasure request: what can be erased?", erasure),
    row("order", "A court or trademark order: who can comply?", order).verdict(),
    row("verify-without-us", "Can a third party check a name without trusting us?", verify_without_us),
    row("leave-with-name", "Can one leave and take the name along?", leave_with_name),
    row("reverse", "Can the policy be reversed later?", reverse),
    Row {
        scenario: None,
        asks_reader: true,
        ..row("second-identity", "How many accounts does a person have to look after?", erasure)
    },
];

fn erasure(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let erased = stage.act(Act::Erase { who: Ann }).await?;
        stage.who("ann").await?;
        stage.shown(&ann).await?;
        Ok(Observation::new(match erased {
            Outcome::Done { steps } => steps.join("; "),
            Outcome::Impossible { why } => format!("not possible: {why}"),
        }))
    })
}

fn order(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        let done = stage.act(Act::Order { wish: "ann", to: Eve }).await?;
        if done.is_done() {
            stage.until("ann", Duration::from_secs(60), SETTLED, |seen| !seen.is(&ann)).await?;
        }
        let seen = stage.who("ann").await?;
        let holder = match &seen {
            Seen::Held { account, .. } => stage.name_of(account),
            _ => "nobody".to_owned(),
        };
        Ok(Observation::new(match done {
            Outcome::Done { steps } => format!("{}; then @ann is {holder}", steps.join("; ")),
            Outcome::Impossible { why } => format!("not we: {why}"),
        }))
    })
}

fn verify_without_us(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        told(stage, Act::VerifyWithoutUs { who: Ann }).await
    })
}

fn leave_with_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        told(stage, Act::LeaveWithName { who: Ann }).await
    })
}

fn reverse(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        told(stage, Act::ReversePolicy { who: Ann }).await
    })
}
