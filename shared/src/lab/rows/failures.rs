//! What happens when something fails, or somebody is not there.

use std::time::Duration;

use super::{
    Observation, Row,
    names::{after, told},
};
use crate::lab::{Act, Fact, LabFuture, Outcome, Person::*, Section, Seen, Shown, Stage};
use crate::policy::span;

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

const fn row(
    id: &'static str,
    question: &'static str,
    scenario: for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>,
) -> Row {
    Row::new(Section::Failures, id, question, scenario)
}

pub(super) const ROWS: &[Row] = &[
    row("outage-hour", "What names are asked of is down for an hour", outage_of_an_hour),
    row("outage-week", "What names are asked of is down for a week", outage_of_a_week).verdict(),
    row("ban-user", "The upstream bans a user", ban_user),
    row("ban-service", "The upstream bans this service", ban_service).verdict(),
    row("dormant", "Somebody does nothing for 90 days", dormant),
    row("lost-key", "Somebody loses key or password", lost_key),
    row("lost-mail", "Somebody loses the mailbox they signed up with", lost_mail),
];

fn outage_of_an_hour(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        stage.act(Act::SourceDown { down: true }).await?;
        stage.pass(HOUR).await?;
        let during = stage.who("ann").await?;
        stage.act(Act::SourceDown { down: false }).await?;
        let back = stage
            .until(
                "ann",
                Duration::from_secs(1),
                DAY,
                |seen| matches!(seen, Seen::Held { account, stale: false } if *account == ann),
            )
            .await?;
        let back = back.map_or_else(
            || "not fresh again within a day".to_owned(),
            |time| format!("fresh again {}", after(time)),
        );
        Ok(Observation::new(format!("after an hour: {}; {back}", state(&during))))
    })
}

fn outage_of_a_week(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        stage.act(Act::SourceDown { down: true }).await?;
        let ended = stage.until("ann", Fact::UNCONFIRMED_STEP, DAY * 7, |seen| !seen.is(&ann)).await?;
        let then = stage.who("ann").await?;
        stage.act(Act::SourceDown { down: false }).await?;
        let back = stage.until("ann", Duration::from_secs(1), DAY, |seen| seen.is(&ann)).await?;
        let back = back.map_or_else(
            || "not back within a day".to_owned(),
            |time| match time.is_zero() {
                true => "back at once when it ended".to_owned(),
                false => format!("back {} after it ended", span(time)),
            },
        );
        let text = match ended {
            Some(time) => format!("answered for {}, then {}; {back}", span(time), state(&then)),
            None => format!("answered all week; {back}"),
        };
        Ok(match ended {
            Some(time) => Observation::fact(text, Fact::UnconfirmedFor(Some(time))),
            // Nothing outside was asked at all: there is nothing to be unconfirmed.
            None => Observation::new(text),
        })
    })
}

fn ban_user(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::BanUser { who: Ann }).await? {
            return Ok(Observation::new(format!("nobody can: {why}")));
        }
        let gone = stage.until("ann", HOUR, DAY * 3, |seen| !seen.is(&ann)).await?;
        let shown = stage.shown(&ann).await?;
        let gone = match gone {
            Some(time) => format!("the name stops {}", after(time)),
            None => "the name goes on".to_owned(),
        };
        let shown = match shown {
            Shown::Profile(_) => "the account here stays",
            _ => "the account is gone",
        };
        Ok(Observation::new(format!("{gone}; {shown}")))
    })
}

fn ban_service(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::BanService).await? {
            return Ok(Observation::new(format!("nobody can: {why}")));
        }
        let gone = stage.until("ann", HOUR, DAY * 3, |seen| !seen.is(&ann)).await?;
        let newcomer = stage.act(Act::Join { who: Ben, wish: "ben" }).await?;
        let gone = match gone {
            Some(time) => format!("every name stops {}", after(time)),
            None => "names go on".to_owned(),
        };
        let newcomer = if newcomer.is_done() { "people can still sign up" } else { "nobody can sign up" };
        Ok(Observation::new(format!("{gone}; {newcomer}")))
    })
}

fn dormant(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.act(Act::Dormant { who: Ann, days: 90 }).await?;
        let seen = stage.who("ann").await?;
        let shown = stage.shown(&ann).await?;
        let login =
            matches!(&shown, Shown::Profile(profile) if profile.state == crate::ProfileState::NeedsLogin);
        Ok(Observation::new(match (seen.is(&ann), login) {
            (true, false) => "nothing changes",
            (true, true) => "the name is answered, and the profile asks for a new login",
            (false, true) => "the name stopped until they sign in again; the account stays",
            (false, false) => "the name stopped",
        }))
    })
}

fn lost_key(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        told(stage, Act::LoseKey { who: Ann }).await
    })
}

fn lost_mail(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        told(stage, Act::LoseMail { who: Ann }).await
    })
}

fn state(seen: &Seen) -> &'static str {
    match seen {
        Seen::Held { stale: false, .. } => "answered as ever",
        Seen::Held { stale: true, .. } => "answered, marked stale",
        Seen::Nobody(_) => "released",
        Seen::Failed(_) => "no answer",
    }
}
