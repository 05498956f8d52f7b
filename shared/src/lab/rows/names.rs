//! What happens to names when somebody wants another's.

use std::time::Duration;

use super::{Observation, Row};
use crate::{
    OldName, Why,
    lab::{Act, Fact, LabError, LabFuture, Outcome, Person::*, Section, Seen, Shown, Stage},
    policy::span,
};

const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);
/// How long a lookup may take to show what happened, before that is the answer.
pub(super) const SETTLED: Duration = Duration::from_secs(2 * 24 * 3600);

const fn row(
    id: &'static str,
    question: &'static str,
    scenario: for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>,
) -> Row {
    Row::new(Section::Names, id, question, scenario)
}

pub(super) const ROWS: &[Row] = &[
    row("freed-name", "A freed name: may a stranger take it on day 0, 14, 90?", freed_name).verdict(),
    row("swap", "Two people exchange their names", swap),
    row("own-domain-move", "Somebody moves to a name of their own: who gets the old one?", move_to_own_name),
    row("lapse", "What carries the name lapses, and a stranger registers it", lapse).verdict(),
    row("hijack", "Somebody gets hold of what proves a name, without leave", hijack),
    row("short-name", "Somebody wants a name of two letters", short_name),
    row("confusable", "A stranger wants a name that looks like somebody's", confusable),
    row("old-mention", "An old mention: whom does it reach?", old_mention),
    row("forget-old-name", "An old name that must be forgotten", forget_old_name),
    row("employer", "An employee leaves the employer who controls the name", employer),
];

/// Each day in a world of its own would be purer; one world in which the stranger keeps trying says the same. Where a
/// policy says how long, the stranger also tries just before and just then.
fn freed_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::Rename { who: Ann, wish: "anna" }).await? {
            return Ok(Observation::new(format!("no name is ever freed: {why}")));
        }
        let freed = stage.now();
        let mut times = vec![Duration::ZERO, DAY * 14, DAY * 90];
        if let OldName::HeldFor(declared) = stage.policy().old_name {
            times.extend([declared.saturating_sub(HOUR), declared]);
        }
        times.sort();
        times.dedup();
        let mut told = Vec::new();
        let (mut refused, mut taken) = (None, None);
        for time in times {
            let since = Duration::try_from(stage.now().duration_since(freed))?;
            stage.pass(time.saturating_sub(since)).await?;
            let day = day(time);
            if taken.is_none() {
                match stage.act(Act::Take { who: Eve, wish: "ann" }).await? {
                    Outcome::Done { .. } => taken = Some(time),
                    Outcome::Impossible { why } => {
                        refused = Some(time);
                        told.push(format!("{day}: refused, {why}"));
                        continue;
                    }
                }
            }
            let eve = stage.account(Eve)?;
            let shown = stage.until("ann", Duration::from_secs(60), SETTLED, |seen| seen.is(&eve)).await?;
            told.push(match shown {
                Some(_) => format!("{day}: the stranger has it"),
                None => format!("{day}: claimed, and not shown"),
            });
        }
        let kept = stage.shown(&ann).await?;
        let ann_keeps = matches!(kept, Shown::Profile(_));
        told.push(if ann_keeps {
            "the former holder keeps the account".to_owned()
        } else {
            "the former holder's account is gone".to_owned()
        });
        let source_decides = given_at_source(stage, &mut told).await?;
        let fact = match taken {
            _ if source_decides => Fact::OldName(OldName::SourceDecides),
            Some(Duration::ZERO) => Fact::OldName(OldName::FreeAtOnce),
            _ => Fact::HeldBack { refused, taken },
        };
        Ok(Observation::fact(told.join("; "), fact))
    })
}

/// Whether somebody outside can give the name to whom they like.
async fn given_at_source(stage: &mut Stage, told: &mut Vec<String>) -> Result<bool, LabError> {
    if !stage.act(Act::GiveAtSource { wish: "ann", to: Ben }).await?.is_done() {
        return Ok(false);
    }
    let ben = stage.account(Ben)?;
    let shown = stage.until("ann", Duration::from_secs(60), SETTLED, |seen| seen.is(&ben)).await?;
    if shown.is_some() {
        told.push("whoever controls it at its source can give it to anybody".to_owned());
    }
    Ok(shown.is_some())
}

fn day(time: Duration) -> String {
    match time.as_secs() % DAY.as_secs() {
        0 => format!("day {}", time.as_secs() / DAY.as_secs()),
        _ => format!("an hour before day {}", time.as_secs().div_ceil(DAY.as_secs())),
    }
}

fn swap(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let (ann, ben) = (stage.join(Ann, "ann").await?, stage.join(Ben, "ben").await?);
        let steps = match stage.act(Act::Swap { one: Ann, other: Ben }).await? {
            Outcome::Done { steps } => steps.len(),
            Outcome::Impossible { why } => return Ok(Observation::new(format!("not possible: {why}"))),
        };
        let one = stage.until("ben", Duration::from_secs(1), SETTLED, |seen| seen.is(&ann)).await?;
        let other = stage.until("ann", Duration::from_secs(1), SETTLED, |seen| seen.is(&ben)).await?;
        Ok(Observation::new(match (one, other) {
            (Some(one), Some(other)) => {
                format!("done in {steps} steps; both are right {}", after(one + other))
            }
            _ => "it did not settle within two days".to_owned(),
        }))
    })
}

fn move_to_own_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } =
            stage.act(Act::MoveToOwnName { who: Ann, wish: "ann-lee" }).await?
        {
            return Ok(Observation::new(format!("not possible: {why}")));
        }
        stage.until("ann", Duration::from_secs(60), SETTLED, |seen| !seen.is(&ann)).await?;
        let stranger = stage.act(Act::Take { who: Eve, wish: "ann" }).await?;
        let back = stage.act(Act::Rename { who: Ann, wish: "ann" }).await?;
        let stranger = match stranger {
            Outcome::Done { .. } => "a stranger may have the old name at once".to_owned(),
            Outcome::Impossible { why } => format!("no stranger gets the old name: {why}"),
        };
        let back = if back.is_done() {
            "whoever gave it up may have it back"
        } else {
            "whoever gave it up does not get it back"
        };
        Ok(Observation::new(format!("same account; {stranger}; {back}")))
    })
}

fn lapse(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::Lapse { wish: "ann" }).await? {
            return Ok(Observation::new(format!("cannot happen: {why}")));
        }
        let gone = stage.until("ann", Duration::from_secs(60), SETTLED, |seen| !seen.is(&ann)).await?;
        let taken = stage.act(Act::Take { who: Eve, wish: "ann" }).await?;
        let gone = match gone {
            Some(time) => format!("the name stops {}", after(time)),
            None => "the name goes on being answered for two days".to_owned(),
        };
        if let Outcome::Impossible { why } = taken {
            return Ok(Observation::new(format!("{gone}; a stranger does not get it: {why}")));
        }
        let eve = stage.account(Eve)?;
        let shown = stage.until("ann", Duration::from_secs(600), SETTLED, |seen| seen.is(&eve)).await?;
        let kept = stage.shown(&ann).await?;
        let kept = matches!(kept, Shown::Profile(_));
        let shown = match shown {
            Some(time) => format!("the stranger is answered {}", after(time)),
            None => "the stranger is never answered".to_owned(),
        };
        let kept = if kept { "the account stays with its holder" } else { "the account is gone" };
        Ok(Observation::new(format!("{gone}; {shown}; {kept}")))
    })
}

fn hijack(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        let how = match stage.act(Act::Hijack { wish: "ann", by: Eve }).await? {
            Outcome::Done { steps } => steps.join("; "),
            Outcome::Impossible { why } => return Ok(Observation::new(format!("cannot happen: {why}"))),
        };
        let lost = stage.until("ann", Duration::from_secs(60), DAY, |seen| !seen.is(&ann)).await?;
        let stolen = stage.who("ann").await?;
        let thief = matches!(&stolen, Seen::Held { account, .. } if *account != ann);
        let mended = match stage.act(Act::Recover { wish: "ann", who: Ann }).await? {
            Outcome::Done { steps } => steps.join("; "),
            Outcome::Impossible { why } => {
                return Ok(Observation::new(format!("{how}; it cannot be mended: {why}")));
            }
        };
        let back = stage.until("ann", Duration::from_secs(60), SETTLED, |seen| seen.is(&ann)).await?;
        let lost = match (lost, thief) {
            (None, _) => "lookups show the same account all the while".to_owned(),
            (Some(time), true) => format!("the thief is answered {}, under another account", after(time)),
            (Some(time), false) => format!("the name stops being answered {}", after(time)),
        };
        let back = match back {
            Some(time) => format!("right again {}", after(time)),
            None => "not right again within two days".to_owned(),
        };
        Ok(Observation::new(format!("{how}; {lost}. Mended: {mended}; {back}")))
    })
}

fn confusable(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let asked = stage.act(Act::TakeConfusable { who: Eve, of: "ann" }).await?;
        let still = stage.who("ann").await?.is(&ann);
        Ok(Observation::new(match asked {
            Outcome::Impossible { why } => format!("refused: {why}"),
            Outcome::Done { steps } if still => {
                format!("given, as another name: {}; @ann is not touched", steps.join("; "))
            }
            Outcome::Done { .. } => "given, and it took the name over".to_owned(),
        }))
    })
}

fn short_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        Ok(Observation::new(match stage.act(Act::TakeShort { who: Ann }).await? {
            Outcome::Done { .. } => "given".to_owned(),
            Outcome::Impossible { why } => format!("refused: {why}"),
        }))
    })
}

fn old_mention(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if stage.act(Act::Rename { who: Ann, wish: "anna" }).await?.is_done() {
            stage.until("anna", Duration::from_secs(1), SETTLED, |seen| seen.is(&ann)).await?;
        }
        stage.pass(DAY * 100).await?;
        let taken = stage.act(Act::Take { who: Eve, wish: "ann" }).await?.is_done();
        if taken {
            let eve = stage.account(Eve)?;
            stage.until("ann", Duration::from_secs(600), SETTLED, |seen| seen.is(&eve)).await?;
        }
        let seen = stage.who("ann").await?;
        let by_name = whom(stage, &seen);
        let shown = stage.shown(&ann).await?;
        let by_id = match shown {
            Shown::Profile(profile) => match &profile.handle {
                Some(handle) => format!("the same person, now @{handle}"),
                None => "the same person, without a name".to_owned(),
            },
            _ => "nobody".to_owned(),
        };
        Ok(Observation::new(format!("written as a name it reaches {by_name}; kept as an account, {by_id}")))
    })
}

fn forget_old_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        if let Outcome::Impossible { why } = stage.act(Act::Rename { who: Ann, wish: "anna" }).await? {
            return Ok(Observation::new(format!("there is no old name: {why}")));
        }
        stage.until("anna", Duration::from_secs(1), SETTLED, |seen| seen.is(&ann)).await?;
        told(stage, Act::ForgetOldName { who: Ann }).await
    })
}

fn employer(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.who("ann").await?;
        let how = match stage.act(Act::LeaveEmployer { who: Ann, wish: "ann" }).await? {
            Outcome::Done { steps } => steps.join("; "),
            Outcome::Impossible { why } => {
                return Ok(Observation::new(format!("no employer controls a name: {why}")));
            }
        };
        let gone = stage.until("ann", Duration::from_secs(600), SETTLED, |seen| !seen.is(&ann)).await?;
        let again = stage.act(Act::Rename { who: Ann, wish: "anna" }).await?;
        let gone = match gone {
            Some(time) => format!("the name stops {}", after(time)),
            None => "the name goes on being answered for two days".to_owned(),
        };
        let again = match again {
            Outcome::Done { .. } => "the account stays hers and takes another name".to_owned(),
            Outcome::Impossible { why } => format!("she cannot take another name: {why}"),
        };
        Ok(Observation::new(format!("{how}; {gone}; {again}")))
    })
}

/// What became of an act, as the answer.
pub(super) async fn told(stage: &mut Stage, act: Act) -> Result<Observation, LabError> {
    Ok(Observation::new(match stage.act(act).await? {
        Outcome::Done { steps } => steps.join("; "),
        Outcome::Impossible { why } => format!("not possible: {why}"),
    }))
}

pub(super) fn after(time: Duration) -> String {
    if time.is_zero() { "at once".to_owned() } else { format!("after {}", span(time)) }
}

fn whom(stage: &Stage, seen: &Seen) -> String {
    match seen {
        Seen::Held { account, .. } => stage.name_of(account),
        Seen::Nobody(Why::Released) => "nobody, and says that it was given up".to_owned(),
        Seen::Nobody(_) => "nobody".to_owned(),
        Seen::Failed(_) => "nobody can say whom".to_owned(),
    }
}
