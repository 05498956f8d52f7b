//! `namesake identity show`: what the folder holds.

use std::sync::Arc;

use namesake::Clock;
use serde_json::json;

use super::{args::Show, print_json, rows, session::Session};
use crate::{
    cli::{CommandError, Outcome, print},
    config::Config,
};

pub(super) async fn show(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Show,
) -> Result<Outcome, CommandError> {
    let mut session = Session::open(config, clock, &asked.dir, None)?;
    if session.identity.pending.is_some() {
        session.level().await?;
    }
    let (identity, head) = (&session.identity, session.head()?);
    let handle = head.handle().filter(|_| !head.deactivated);
    let (version, server) = (head.version.to_string(), identity.server.to_string());
    let sealed = identity.keys.seed.is_sealed();
    if asked.json {
        print_json(&json!({
            "server": server,
            "account": identity.account,
            "did": identity.did,
            "handle": handle.map(|handle| handle.to_string()),
            "deactivated": head.deactivated,
            "versionId": version,
            "nextKey": identity.keys.next,
            "sealed": sealed,
        }))?;
    } else {
        let handle = match handle {
            Some(handle) => format!("@{handle}"),
            None if head.deactivated => "(none: the account is closed)".to_owned(),
            None => "(none)".to_owned(),
        };
        print(&rows(&[
            ("handle", &handle),
            ("account", &identity.account),
            ("did", &identity.did),
            ("version", &version),
            ("server", &server),
            ("keys", if sealed { "under a passphrase" } else { "in the clear, for you alone to read" }),
        ]))?;
    }
    Ok(Outcome::Done)
}
