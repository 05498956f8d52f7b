//! `namesake identity show`: what the folder holds.

use std::sync::Arc;

use namesake::Clock;

use super::{args::Show, sealing::Passphrase, session::Session, tell};
use crate::{
    cli::{CommandError, Outcome},
    config::Config,
};

pub(super) async fn show(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Show,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    let mut session = Session::open(config, clock, &keeping.dir, None)?;
    if session.identity.pending.is_some() {
        if let Some(passphrase) = Passphrase::read(keeping.passphrase_file.as_deref())? {
            session.seed(Some(&passphrase))?;
        }
        session.level().await?;
    }
    let (server, sealed) = (session.identity.server.to_string(), session.identity.keys.seed.is_sealed());
    let keys = if sealed { "sealed" } else { "in the clear" };
    tell(session.head()?, &[("server", &server), ("keys", keys)], keeping.json)
}
