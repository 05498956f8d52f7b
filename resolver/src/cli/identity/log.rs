//! `namesake identity log` and `verify`: the history of an account, checked.

use std::io::Read as _;

use namesake::{Clock, escape_json_for_terminal};
use namesake_independent::{
    holder::holds,
    webvh::{Log, MAX_LOG_BYTES},
};
use serde_json::json;

use super::{
    IdentityError,
    args::{ShowLog, Verify},
    folder::{self, Folder, account_of},
    rows,
    server::{Server, read_log},
    session::rolled_back,
};
use crate::{
    cli::{CommandError, Outcome, print, print_json},
    config::Config,
};

pub(super) async fn log(
    config: &Config,
    clock: &dyn Clock,
    asked: &ShowLog,
) -> Result<Outcome, CommandError> {
    let known = Folder::glance(&asked.dir)?;
    let missing = |what: &str| {
        let words = format!("name {what}: {} holds no identity that says it", asked.dir.display());
        IdentityError::Input(words)
    };
    let did =
        asked.did.as_ref().or(known.as_ref().map(|known| &known.did)).ok_or_else(|| missing("a DID"))?;
    let url = asked.server.as_ref().or(known.as_ref().map(|known| &known.server));
    let server = Server::new(config, url.ok_or_else(|| missing("a server with --server"))?)?;
    let Some(log) = server.log(did, clock.now()).await? else {
        return Err(IdentityError::Refused(format!("{} knows no account {did}", server.url())).into());
    };
    let head = known.and_then(|known| known.head).filter(|head| head.did == log.head().did);
    if let Some(head) = head.filter(|head| !holds(&log, &head.version)) {
        return Err(rolled_back(server.url(), &head).into());
    }
    // Escaped or not, JSON means the same, and its signature holds.
    print(&(escape_json_for_terminal(&log.lines().join("\n")) + "\n"))?;
    Ok(Outcome::Done)
}

pub(super) fn verify(clock: &dyn Clock, asked: &Verify) -> Result<Outcome, CommandError> {
    let mut bytes = Vec::new();
    // One byte more than a log may have, so that the verifier sees that it is too long.
    let read = folder::input(&asked.file)?.take(MAX_LOG_BYTES as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| IdentityError::file("read", &asked.file, error))?;
    let log = read_log(without_frills(&bytes), clock.now())
        .map_err(|why| IdentityError::Refused(format!("{} does not hold: {why}", asked.file.display())))?;
    match asked.json {
        true => print_json(&summary(&log))?,
        false => print(&words(&log))?,
    }
    Ok(Outcome::Done)
}

/// A log as a file has it, without what editors and copying add: a byte order mark, and empty lines at the end. What a
/// server serves has neither.
fn without_frills(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes).trim_ascii_end()
}

fn summary(log: &Log) -> serde_json::Value {
    let head = log.head();
    let handles = log
        .handles()
        .into_iter()
        .map(|held| json!({ "handle": held.handle.to_string(), "from": held.from, "until": held.until }));
    json!({
        "versionId": head.version.to_string(),
        "versionTime": head.time,
        "did": head.did,
        "account": account_of(head),
        "entries": log.lines().len(),
        "deactivated": head.deactivated,
        "handles": handles.collect::<Vec<_>>(),
    })
}

/// The head first, for scripts that read one line.
fn words(log: &Log) -> String {
    let head = log.head();
    let closed = if head.deactivated { ", and the account is closed" } else { "" };
    let mut out = format!("{}\n", head.version);
    out += &rows(&[
        ("did", &head.did),
        ("account", &account_of(head)),
        ("entries", &format!("{}: every one holds{closed}", log.lines().len())),
    ]);
    for held in log.handles() {
        let until = held.until.map_or_else(String::new, |until| format!(" until {until}"));
        out += &rows(&[("handle", &format!("@{} from {}{until}", held.handle, held.from))]);
    }
    out
}
