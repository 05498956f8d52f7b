//! `namesake identity`: an account of one's own. The keys are made and kept here; the server gets signed entries.
//!
//! ```text
//!   new, set_handle, rotate, profile, show, log     a command or two each
//!   session      level with the server's log, then the next entries: survives a lost reply
//!   server       the wire
//!   folder       identity.json
//!   sealing      the seed under a passphrase
//!   own_domain   the record that proves a domain of one's own, and whether it is there
//! ```

pub(super) mod args;
mod error;
mod folder;
mod log;
mod new;
mod own_domain;
mod profile;
mod rotate;
mod sealing;
mod server;
mod session;
mod set_handle;
mod show;

use std::{
    fmt::Write as _,
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    path::Path,
    sync::Arc,
};

use namesake::{Clock, SystemClock, escape_for_terminal};
use namesake_independent::{
    Hostname,
    webvh::{Head, SecretKey},
};
use serde_json::json;
use zeroize::Zeroizing;

pub(super) use self::error::IdentityError;
use self::{args::IdentityCommand, folder::account_of, server::Terms};
use super::{CommandError, Outcome, print, print_json};
use crate::{config::Config, query::trimmed};

pub(super) async fn run(config: &Config, command: &IdentityCommand) -> Result<Outcome, CommandError> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    match command {
        IdentityCommand::New(asked) => new::new(config, clock, asked).await,
        IdentityCommand::SetHandle(asked) => set_handle::set_handle(config, clock, asked).await,
        IdentityCommand::Rotate(asked) => rotate::rotate(config, clock, asked).await,
        IdentityCommand::Deactivate(asked) => rotate::deactivate(config, clock, asked).await,
        IdentityCommand::Profile(asked) => profile::profile(config, clock, asked).await,
        IdentityCommand::Show(asked) => show::show(config, clock, asked).await,
        IdentityCommand::Log(asked) => log::log(config, &*clock, asked).await,
        IdentityCommand::Verify(asked) => log::verify(&*clock, asked),
    }
}

/// What an account is after a command, and whatever else there is to say.
fn tell(head: &Head, more: &[(&str, &str)], json: bool) -> Result<Outcome, CommandError> {
    let (account, version) = (account_of(head), head.version.to_string());
    let handle = head.handle().filter(|_| !head.deactivated);
    if json {
        let mut facts = json!({
            "account": account,
            "did": head.did,
            "handle": handle.map(|handle| handle.to_string()),
            "deactivated": head.deactivated,
            "versionId": version,
            "versionTime": head.time,
        });
        for (label, value) in more {
            facts[*label] = (*value).into();
        }
        print_json(&facts)?;
    } else {
        let handle = match handle {
            Some(handle) => format!("@{handle}"),
            None if head.deactivated => "(none: the account is closed)".to_owned(),
            None => "(none)".to_owned(),
        };
        let facts =
            [("handle", handle.as_str()), ("account", &account), ("did", &head.did), ("version", &version)];
        print(&rows(&[&facts, more].concat()))?;
    }
    Ok(Outcome::Done)
}

/// A fact a line.
fn rows(rows: &[(&str, &str)]) -> String {
    rows.iter().fold(String::new(), |mut out, (label, value)| {
        let _ = writeln!(out, "  {label:<9} {}", escape_for_terminal(value));
        out
    })
}

/// A remark beside what is printed.
fn note(text: &str) {
    // With nowhere to write to, there is nobody to tell.
    let _ = writeln!(io::stderr(), "namesake: {}", escape_for_terminal(text));
}

/// That whoever wants something that is for good said so, or is at a terminal to be asked: before anything is done.
fn must_be_meant(yes: bool, what: &str) -> Result<(), IdentityError> {
    match yes || io::stdin().is_terminal() {
        true => Ok(()),
        false => Err(IdentityError::Input(format!(
            "{what} is for good, and nobody is at a terminal to be asked: say --yes"
        ))),
    }
}

/// Asks somebody at a terminal.
fn agreed(question: &str) -> bool {
    let _ = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer).is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}

/// That a new recovery key can be shown to a person, or has a file to go to.
fn must_have_a_place(json: bool, out: Option<&Path>) -> Result<(), IdentityError> {
    match json && out.is_none() {
        true => Err(IdentityError::Input(
            "--json needs --recovery-key-out, so that the recovery key is not among what programs read"
                .to_owned(),
        )),
        false => Ok(()),
    }
}

/// A recovery key from a file, and back into one or onto the terminal.
fn read_recovery_key(file: &Path) -> Result<SecretKey, IdentityError> {
    let text = sealing::read_secret(file)?;
    SecretKey::from_multibase(text.trim())
        .map_err(|_| IdentityError::Input(format!("{} holds no recovery key (z3u2…)", file.display())))
}

fn hand_over(key: &SecretKey, out: Option<&Path>) -> Result<(), CommandError> {
    let text = key.to_multibase();
    match out {
        Some(file) => {
            let line = Zeroizing::new(format!("{}\n", *text));
            let written = folder::write_new(file, line.as_bytes());
            Ok(written.map_err(|error| IdentityError::file("write the recovery key to", file, error))?)
        }
        None => print(&Zeroizing::new(format!(
            "Recovery key, shown this once and kept nowhere. Write it down: it takes the account back when the keys are \
             lost or stolen, and nothing else does.\n\n  {}\n\n",
            *text
        ))),
    }
}

/// The name that was typed: one without a dot is below the server's first domain.
fn hostname(typed: &str, terms: &Terms) -> Result<Hostname, IdentityError> {
    let typed = trimmed(trimmed(typed).trim_start_matches("at://").trim_start_matches('@'));
    let name = match (typed.contains('.'), terms.handle_domains.first()) {
        (true, _) => typed.to_owned(),
        (false, Some(domain)) => format!("{typed}.{domain}"),
        (false, None) => {
            return Err(IdentityError::Input(format!(
                "this server gives no names of its own, so that {typed} must be a whole domain name"
            )));
        }
    };
    let name = Hostname::from_unicode(&name);
    name.map_err(|error| IdentityError::Input(format!("{typed} cannot be a handle: {error}")))
}

/// Whether a name is below a domain of the server's, and so the server's to give.
fn is_served(name: &Hostname, terms: &Terms) -> bool {
    let below = |domain: &Hostname| {
        name.as_str().strip_suffix(domain.as_str()).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    terms.handle_domains.iter().chain([&terms.id_domain]).any(below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_a_dot_is_below_the_first_domain() {
        let domain = |text| Hostname::parse(text).unwrap();
        let terms = Terms {
            id_domain: domain("id.handles.test"),
            handle_domains: vec![domain("handles.test"), domain("names.test")],
        };
        for (typed, name, served) in [
            ("alice", "alice.handles.test", true),
            ("@Alice", "alice.handles.test", true),
            ("alice.names.test", "alice.names.test", true),
            ("at://alice.art", "alice.art", false),
            ("handles.test", "handles.test", true),
            ("badhandles.test", "badhandles.test", false),
            ("u.id.handles.test", "u.id.handles.test", true),
            ("bücher", "xn--bcher-kva.handles.test", true),
            ("\u{2068}@alice\u{2069}", "alice.handles.test", true),
        ] {
            let parsed = hostname(typed, &terms).unwrap();
            assert_eq!((parsed.as_str(), is_served(&parsed, &terms)), (name, served), "{typed}");
        }
        for bad in ["", "a b", "alice..test", "-"] {
            assert!(matches!(hostname(bad, &terms), Err(IdentityError::Input(_))), "{bad:?}");
        }
        let none = Terms { handle_domains: Vec::new(), ..terms };
        assert!(hostname("alice", &none).is_err());
    }
}
