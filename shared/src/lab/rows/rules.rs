//! What the rules are.

use std::time::Duration;

use super::{Observation, Row};
use crate::{
    ChangedBy, FieldRule, Link, Recreation, Source,
    lab::{Act, Fact, Field, LabError, LabFuture, Outcome, Person::*, Section, Shown, Stage},
    policy::span,
};

/// How finely a change is looked for, and for how long at most.
const LOOK: Duration = Duration::from_secs(1);
const AT_MOST: Duration = Duration::from_secs(2 * 24 * 3600);

const fn row(
    id: &'static str,
    question: &'static str,
    scenario: for<'a> fn(&'a mut Stage) -> LabFuture<'a, Observation>,
) -> Row {
    Row::new(Section::Rules, id, question, scenario)
}

pub(super) const ROWS: &[Row] = &[
    row("source-of-name", "Where does a name come from?", source_of_name).verdict(),
    row("who-can-change", "Who can change it?", who_can_change).verdict(),
    row("time-to-change", "How many steps is a change, and when does a lookup show it?", time_to_change)
        .verdict(),
    row("time-without-hints", "And when the hint of the change is lost?", time_without_hints),
    row("display-name", "Whose is the display name?", display_name),
    row("bio", "What becomes of the bio when it is edited where the name comes from?", bio),
    row("picture", "Whose is the picture?", picture),
    row("link", "Is an account elsewhere needed, and how many can be tied to one?", link),
    row("profile-url", "What is the address of a profile, and what becomes of it on a change?", profile_url),
    row("delete-and-return", "What survives deleting the account and coming back?", delete_and_return)
        .verdict(),
    row("sign-up", "How many steps is signing up, and what is copied?", sign_up),
    row("same-name", "Is a person found here under the name they have elsewhere?", same_name),
    row("uniqueness", "Who sees to it that no two people have one name?", uniqueness),
    row("side-effects", "What else does a change touch: addresses, old mentions?", side_effects),
];

fn source_of_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        stage.join(Ann, "ann").await?;
        let here = stage.act(Act::RenameHere { who: Ann, wish: "anna" }).await?;
        let source = if here.is_done() { Source::Holder } else { Source::Upstream };
        let text = match here {
            Outcome::Done { .. } => "the holder chose it, and could choose another".to_owned(),
            Outcome::Impossible { why } => {
                format!("the account upstream is called so; here it cannot be chosen: {why}")
            }
        };
        Ok(Observation::fact(text, Fact::Source(source)))
    })
}

fn who_can_change(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let here = stage.act(Act::RenameHere { who: Ann, wish: "anna" }).await?;
        if here.is_done() {
            let new = stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await?;
            let text = match new {
                Some(_) => "the holder, here, at any time",
                None => "the holder asked for it here, and it was never seen",
            };
            return Ok(Observation::fact(text, Fact::ChangedBy(ChangedBy::Holder)));
        }
        stage.act(Act::Rename { who: Ann, wish: "anna" }).await?;
        Ok(match stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await? {
            Some(_) => {
                let text = "nobody here; whoever renames the account upstream changes it here too";
                Observation::fact(text, Fact::ChangedBy(ChangedBy::Upstream))
            }
            None => Observation::fact("nobody", Fact::ChangedBy(ChangedBy::Nobody)),
        })
    })
}

fn time_to_change(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(changed(stage, false))
}

fn time_without_hints(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(changed(stage, true))
}

async fn changed(stage: &mut Stage, without_hints: bool) -> Result<Observation, LabError> {
    let ann = stage.join(Ann, "ann").await?;
    // Somebody has looked her up before, so that what is remembered counts.
    stage.who("ann").await?;
    if without_hints {
        stage.act(Act::LoseHints { lost: true }).await?;
    }
    let steps = match stage.act(Act::Rename { who: Ann, wish: "anna" }).await? {
        Outcome::Done { steps } => steps.len(),
        Outcome::Impossible { why } => return Ok(Observation::new(format!("it cannot be changed: {why}"))),
    };
    // The old name is the harder half: an answer about it is remembered, one about the new name is not.
    let new = stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await?;
    let old = stage.until("ann", LOOK, AT_MOST, |seen| !seen.is(&ann)).await?;
    let (Some(new), Some(old)) = (new, old) else {
        return Ok(Observation::new("it was not seen within two days"));
    };
    let at =
        |time: Duration| if time.is_zero() { "at once".to_owned() } else { format!("after {}", span(time)) };
    let steps = if steps == 1 { "1 step".to_owned() } else { format!("{steps} steps") };
    let text =
        format!("{steps}; the new name is answered {}, the old one no more {}", at(new), at(new + old));
    Ok(Observation::fact(text, Fact::VisibleAfter(new + old)))
}

fn display_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let (text, rule) = whose(stage, Field::DisplayName, ["Ann of here", "Ann of there"]).await?;
        Ok(Observation::fact(text, Fact::DisplayName(rule)))
    })
}

fn bio(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let (text, rule) = whose(stage, Field::Bio, ["Written here.", "Written there."]).await?;
        Ok(Observation::fact(text, Fact::Bio(rule)))
    })
}

fn picture(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let pictures = ["https://pictures.test/here.png", "https://pictures.test/there.png"];
        let (text, rule) = whose(stage, Field::Picture, pictures).await?;
        Ok(Observation::fact(text, Fact::Picture(rule)))
    })
}

/// Edits a field here, then where the name comes from, and looks which of the two counts.
async fn whose(
    stage: &mut Stage,
    field: Field,
    [ours, theirs]: [&'static str; 2],
) -> Result<(String, FieldRule), LabError> {
    stage.join(Ann, "ann").await?;
    let copied = stage.field(Ann, field).await?.is_some();
    let here = stage.act(Act::EditHere { who: Ann, field, text: ours }).await?;
    let kept = stage.field(Ann, field).await?.as_deref() == Some(ours);
    let there = stage.act(Act::EditAtSource { who: Ann, field, text: theirs }).await?;
    stage.pass(Duration::from_secs(3600)).await?;
    let followed = stage.field(Ann, field).await?.as_deref() == Some(theirs);
    Ok(match (here.is_done() && kept, there.is_done(), followed) {
        (_, true, true) => {
            ("always what the upstream shows; an edit here is refused".to_owned(), FieldRule::Upstream)
        }
        (true, true, false) if copied => {
            let text =
                "copied at sign-up, the holder's own from then on: an edit upstream changes nothing here";
            (text.to_owned(), FieldRule::CopiedThenOwn)
        }
        (true, _, _) => ("the holder's own; nothing is copied or followed".to_owned(), FieldRule::Own),
        (false, ..) => ("this scheme has none".to_owned(), FieldRule::Unsupported),
    })
}

fn link(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let alone = stage.act(Act::JoinUnlinked { who: Ann, wish: "ann" }).await?;
        if alone.is_done() {
            return Ok(Observation::fact("none is needed", Fact::Link(Link::None)));
        }
        stage.join(Ben, "ben").await?;
        let second = stage.act(Act::LinkAnother { who: Ben }).await?;
        let text = match &second {
            Outcome::Impossible { why } => {
                format!("exactly one, for good: without it nobody signs up, and {why}")
            }
            Outcome::Done { .. } => "one is needed, and more can be tied to the account".to_owned(),
        };
        let fact = Fact::Link(Link::OnePermanent);
        Ok(if second.is_done() { Observation::new(text) } else { Observation::fact(text, fact) })
    })
}

fn profile_url(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let address = stage.address("ann").await?;
        stage.act(Act::Rename { who: Ann, wish: "anna" }).await?;
        stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await?;
        let old = stage.until("ann", LOOK, AT_MOST, |seen| !seen.is(&ann)).await?;
        let then = match old {
            Some(_) => "after a change the old address reaches nobody; the one by account id still does",
            None => "after a change the old address still reaches the same person",
        };
        let handle = stage.handle("ann");
        Ok(Observation::fact(format!("{address}; {then}"), Fact::Address { handle, path: address }))
    })
}

fn delete_and_return(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let before = stage.join(Ann, "ann").await?;
        stage.act(Act::EditHere { who: Ann, field: Field::Bio, text: "Written here." }).await?;
        stage.act(Act::Leave { who: Ann }).await?;
        let gone = matches!(stage.shown(&before).await?, Shown::Nobody(_));
        let references = if gone {
            "references to the old account reach nobody"
        } else {
            "references to the old account still show it"
        };
        // Whoever can be renamed without an account here has a name of their own elsewhere.
        let renamed = stage.act(Act::Rename { who: Ann, wish: "anna" }).await?.is_done();
        if let Outcome::Impossible { why } = stage.act(Act::ComeBack { who: Ann }).await? {
            let text = format!("the same account cannot come back: {why}; {references}");
            return Ok(Observation::fact(text, Fact::Recreation(Recreation::IdentifierIsGone)));
        }
        let after = stage.account(Ann)?;
        let bio = stage.field(Ann, Field::Bio).await?;
        stage.shown(&before).await?;
        let kept = if bio.as_deref() == Some("Written here.") {
            "what was written here is back"
        } else {
            "nothing of what was written here is back"
        };
        if after == before {
            return Ok(Observation::new(format!("the same account, {kept}; {references}")));
        }
        let current = renamed && stage.who("anna").await?.is(&after);
        let (name, rule) = if current {
            ("the name it has upstream that day", Recreation::NewAccountCurrentHandle)
        } else {
            ("a name chosen anew", Recreation::IdentifierIsGone)
        };
        Ok(Observation::fact(
            format!("a new account under {name}, {kept}; {references}"),
            Fact::Recreation(rule),
        ))
    })
}

fn sign_up(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let outcome = stage.act(Act::Join { who: Ann, wish: "ann" }).await?;
        let Outcome::Done { steps } = outcome else {
            return Ok(Observation::new("nobody can sign up"));
        };
        let mut copied = Vec::new();
        for field in [Field::DisplayName, Field::Bio, Field::Picture] {
            if stage.field(Ann, field).await?.is_some() {
                copied.push(field.to_string());
            }
        }
        let copied = if copied.is_empty() {
            "nothing is copied".to_owned()
        } else {
            format!("copied: {}", copied.join(", "))
        };
        let count = if steps.len() == 1 { "1 step".to_owned() } else { format!("{} steps", steps.len()) };
        Ok(Observation::new(format!("{count}: {}; {copied}", steps.join(", "))))
    })
}

fn same_name(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        if stage.act(Act::JoinUnlinked { who: Ben, wish: "ben" }).await?.is_done() {
            return Ok(Observation::new("only if the holder chose it so: nothing ties the two names"));
        }
        let ann = stage.join(Ann, "ann").await?;
        stage.act(Act::Rename { who: Ann, wish: "anna" }).await?;
        let new = stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await?;
        Ok(Observation::new(match new {
            Some(_) => "always: the name here is the name there, also after it changes there",
            None => "at sign-up; not after the name changed there",
        }))
    })
}

fn uniqueness(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        let taken = stage.act(Act::Take { who: Eve, wish: "ann" }).await?;
        let seen = stage.who("ann").await?;
        let held = match (taken, seen.is(&ann)) {
            (Outcome::Impossible { why }, true) => {
                format!("a stranger who asks for a held name is told: {why}")
            }
            (Outcome::Done { .. }, true) => {
                "a stranger claimed a held name, and lookups still show its holder".to_owned()
            }
            (_, false) => {
                return Ok(Observation::fact(
                    "a stranger who asked for a held name got it",
                    Fact::Unique { by_source: None },
                ));
            }
        };
        let outside = stage.act(Act::GiveAtSource { wish: "ann", to: Ben }).await?.is_done();
        let by = if outside {
            "somebody outside decides whose a name is"
        } else {
            "the table here decides whose a name is"
        };
        Ok(Observation::fact(format!("{held}; {by}"), Fact::Unique { by_source: Some(outside) }))
    })
}

fn side_effects(stage: &mut Stage) -> LabFuture<'_, Observation> {
    Box::pin(async move {
        let ann = stage.join(Ann, "ann").await?;
        stage.act(Act::Rename { who: Ann, wish: "anna" }).await?;
        stage.until("anna", LOOK, AT_MOST, |seen| seen.is(&ann)).await?;
        let by_id = stage.shown(&ann).await?;
        stage.until("ann", LOOK, AT_MOST, |seen| !seen.is(&ann)).await?;
        let kept = matches!(by_id, Shown::Profile(profile) if profile.handle.is_some());
        Ok(Observation::new(if kept {
            "what kept the account's id reaches them under the new name; what kept the name reaches nobody, or whoever has it next"
        } else {
            "neither the account's id nor the old name reaches them"
        }))
    })
}
