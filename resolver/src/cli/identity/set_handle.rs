//! `namesake identity set-handle`: below a domain of the server's at once; on a domain of one's own once it proves it.

use std::{sync::Arc, time::Duration};

use namesake::Clock;
use namesake_independent::{Hostname, holder};
use serde_json::json;

use super::{
    args::SetHandle,
    hostname, is_served, note,
    own_domain::{Finding, Prover, Records},
    sealing::Passphrase,
    session::Session,
    tell,
};
use crate::{
    cli::{CommandError, Outcome, print, print_json},
    config::Config,
};

/// How long to wait before the record is looked for again.
const POLL: Duration = Duration::from_secs(5);

pub(super) async fn set_handle(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &SetHandle,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    let passphrase = Passphrase::read(keeping.passphrase_file.as_deref())?;
    let mut session = Session::open(config, Arc::clone(&clock), &keeping.dir, asked.server.as_ref())?;
    let seed = session.seed(passphrase.as_ref())?;
    session.must_be_level().await?;
    let handle = match &asked.handle {
        None => None,
        Some(typed) => {
            let terms = session.server.terms().await?;
            let name = hostname(typed, &terms)?;
            if !asked.force && !is_served(&name, &terms) {
                let proved = prove(config, &clock, asked, &name, &session.identity.account).await?;
                if proved != Outcome::Done {
                    return Ok(proved);
                }
            }
            Some(name)
        }
    };
    let wanted = handle.as_ref().map(ToString::to_string);
    if session.head()?.handle().map(|now| now.to_string()) == wanted {
        note("the account goes by that already: nothing was posted");
    } else {
        session.turn(&seed, |turn| holder::set_handle(turn, handle.as_ref())).await?;
    }
    tell(session.head()?, &[], keeping.json)
}

/// Says which record proves the name, and looks for it until the time to wait has passed.
async fn prove(
    config: &Config,
    clock: &Arc<dyn Clock>,
    asked: &SetHandle,
    name: &Hostname,
    account: &str,
) -> Result<Outcome, CommandError> {
    let records = Records::of(name, account);
    if !asked.keeping.json {
        print(&records.words())?;
    }
    let prover = Prover::new(config, clock)?;
    let until = clock.now().saturating_add(Duration::from_secs(asked.wait.into())).unwrap_or_default();
    let finding = loop {
        let finding = prover.look(name, account).await?;
        if finding == Finding::Proved || clock.now() >= until {
            break finding;
        }
        let next = clock.now().saturating_add(POLL).unwrap_or(until);
        clock.sleep_until(next.min(until)).await;
    };
    let (why, outcome) = match finding {
        Finding::Proved => return Ok(Outcome::Done),
        Finding::Missing(why) => (why, Outcome::NotFound),
        Finding::Unknown(why) => (why, Outcome::Failed),
    };
    note(&format!("nothing was posted: {why}. Try again when it is, or let --wait SECONDS look for it"));
    if asked.keeping.json {
        print_json(&json!({ "posted": false, "reason": why, "txt": records.txt, "file": records.file }))?;
    }
    Ok(outcome)
}
