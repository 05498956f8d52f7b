//! What people believe about the two models, each belief tried.

use std::time::Duration;

use super::{Mark, Observation, Row};
use crate::lab::{Act, Field, LabError, LabFuture, Outcome, Person::*, Section, Shown, Stage};
use crate::policy::span;

const LOOK: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_secs(2 * 24 * 3600);

const fn row(
    mark: Mark,
    id: &'static str,
    question: &'static str,
    scenario: for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>,
) -> Row {
    Row::new(Section::Beliefs, id, question, scenario).marked(mark)
}

pub(super) const ROWS: &[Row] = &[
    row(
        Mark::Holds,
        "belief-rename-in-the-app",
        "“I can change my name in the app itself.”",
        rename_in_the_app,
    ),
    row(Mark::Holds, "belief-display-name", "“A new display name changes the handle too.”", display_name),
    row(Mark::Unconfirmed, "belief-webhook", "“A webhook announces every change of a name.”", webhook),
    row(Mark::Unconfirmed, "belief-bio", "“My bio follows the one upstream.”", bio_follows),
    row(Mark::Unconfirmed, "belief-picture", "“My picture follows the one upstream.”", picture_follows),
    row(Mark::Outdated, "belief-link", "“Every account is tied to one upstream, for good.”", tied),
    row(
        Mark::Holds,
        "belief-same-after-return",
        "“I delete, come back, and am who I was.”",
        same_after_return,
    ),
    row(
        Mark::Holds,
        "belief-domain-is-account",
        "“Whoever loses the name loses the account.”",
        name_is_account,
    ),
    row(Mark::Holds, "belief-verified", "“The platform has checked who they are, so I need not.”", verified),
    row(Mark::Unconfirmed, "belief-old-links", "“Old addresses forward to the new name.”", old_links),
];

fn rename_in_the_app(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        Ok(Observation::new(match stage.act(Act::RenameHere { who: Ann, wish: "anna" }).await? {
            Outcome::Done { .. } => "true".to_owned(),
            Outcome::Impossible { why } => format!("not true: {why}"),
        }))
    })
}

fn display_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.act(Act::EditHere { who: Ann, field: Field::DisplayName, text: "Somebody Else" }).await?;
        stage.act(Act::EditAtSource { who: Ann, field: Field::DisplayName, text: "Somebody Else" }).await?;
        stage.pass(Duration::from_secs(3600)).await?;
        let seen = stage.who("ann").await?;
        Ok(Observation::new(if seen.is(&ann) { "not true: the handle stays" } else { "true" }))
    })
}

fn webhook(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.act(Act::LoseHints { lost: true }).await?;
        if let Outcome::Impossible { why } = stage.act(Act::Rename { who: Ann, wish: "anna" }).await? {
            return Ok(Observation::new(format!("there is no change to announce: {why}")));
        }
        Ok(Observation::new(match stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await? {
            Some(time) if time.is_zero() => "none is needed: the change is known here at once".to_owned(),
            Some(time) => format!("do not count on it: without one the change was seen after {}", span(time)),
            None => "it is needed: without one the change was not seen".to_owned(),
        }))
    })
}

fn bio_follows(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(follows(stage, Field::Bio, "Written there."))
}

fn picture_follows(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(follows(stage, Field::Picture, "https://pictures.test/there.png"))
}

async fn follows(stage: &mut Stage, field: Field, text: &'static str) -> Result<Observation, LabError> {
    stage.join(Ann, "ann").await?;
    if let Outcome::Impossible { why } = stage.act(Act::EditAtSource { who: Ann, field, text }).await? {
        return Ok(Observation::new(format!("there is nothing to follow: {why}")));
    }
    stage.pass(Duration::from_secs(3600)).await?;
    let followed = stage.field(Ann, field).await?.as_deref() == Some(text);
    Ok(Observation::new(if followed { "true" } else { "not true: it stays what it was here" }))
}

fn verified(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        Ok(Observation::new(match stage.act(Act::VerifyWithoutUs { who: Ann }).await? {
            Outcome::Done { .. } => {
                "no need to believe it: anybody can check that account and name belong together. Who the person is, no check says"
            }
            Outcome::Impossible { .. } => {
                "one has to believe it: nothing here can be checked by others. Who the person is, nothing says"
            }
        }))
    })
}

fn tied(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        Ok(Observation::new(match stage.act(Act::JoinUnlinked { who: Ann, wish: "ann" }).await? {
            Outcome::Done { .. } => "not true: nothing elsewhere is needed".to_owned(),
            Outcome::Impossible { why } => format!("true of the accounts here: {why}"),
        }))
    })
}

fn same_after_return(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let before = stage.join(Ann, "ann").await?;
        stage.act(Act::Leave { who: Ann }).await?;
        if let Outcome::Impossible { why } = stage.act(Act::ComeBack { who: Ann }).await? {
            return Ok(Observation::new(format!("not true: {why}")));
        }
        let same = stage.account(Ann)? == before;
        Ok(Observation::new(if same {
            "true"
        } else {
            "not true: it is a new account, of which old references know nothing"
        }))
    })
}

fn name_is_account(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let lost = stage.act(Act::Lapse { wish: "ann" }).await?;
        if let Outcome::Impossible { why } = lost {
            return Ok(Observation::new(format!("the name cannot be lost: {why}")));
        }
        stage
            .until("ann", Duration::from_secs(600), Duration::from_secs(3 * 24 * 3600), |seen| !seen.is(&ann))
            .await?;
        Ok(Observation::new(match stage.shown(&ann).await? {
            Shown::Profile(_) => "not true: the account stays, without a name, and can take another",
            Shown::Nobody(_) => "true: the account is gone with it",
            Shown::Failed(_) => "the account could not be looked up any more",
        }))
    })
}

fn old_links(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::Rename { who: Ann, wish: "anna" }).await? {
            return Ok(Observation::new(format!("there is no new name: {why}")));
        }
        let gone = stage.until("ann", LOOK, AT_MOST, |seen| !seen.is(&ann)).await?;
        Ok(Observation::new(match gone {
            Some(_) => "not true: the old name reaches nobody, or whoever takes it",
            None => "true: the old name still reaches them",
        }))
    })
}
