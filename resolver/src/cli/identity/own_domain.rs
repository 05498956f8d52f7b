//! A domain of one's own: the record that proves it, and whether it is there.

use std::sync::Arc;

use namesake::{Clock, Lookup, Trace};
use namesake_independent::{Hostname, IndependentModel};
use serde::Serialize;

use super::IdentityError;
use crate::{cli::CommandError, compose, config::Config};

/// The two ways to prove that a name is an account's; one is enough (atproto handle specification, "Handle
/// Resolution").
#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Records {
    pub txt: Option<Txt>,
    pub file: File,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct Txt {
    /// The whole name of the record.
    name: String,
    /// The same within its zone, as most control panels of domains want it.
    host: String,
    /// The zone: the name that was registered, as far as the Public Suffix List knows.
    zone: String,
    value: String,
}

#[derive(Debug, PartialEq, Serialize)]
pub(super) struct File {
    url: String,
    content: String,
}

/// Whether a name proves an account.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Finding {
    Proved,
    Missing(String),
    Unknown(String),
}

/// Asks the DNS and the web, as the resolver does.
pub(super) struct Prover(IndependentModel);

impl Records {
    pub(super) fn of(name: &Hostname, account: &str) -> Self {
        let txt = name.txt_name().map(|absolute| {
            let zone = psl::domain_str(name.as_str()).unwrap_or(name.as_str()).to_owned();
            let whole = absolute.trim_end_matches('.').to_owned();
            let host = whole.strip_suffix(&zone).unwrap_or(&whole).trim_end_matches('.').to_owned();
            Txt { name: whole, host, zone, value: format!("did={account}") }
        });
        let file =
            File { url: format!("https://{name}/.well-known/atproto-did"), content: account.to_owned() };
        Self { txt, file }
    }

    pub(super) fn words(&self) -> String {
        let mut out = String::new();
        if let Some(Txt { name, host, zone, value }) = &self.txt {
            out = format!(
                "To prove the name, make this TXT record:\n\n  name   {name}\n         ({host} in the zone {zone})\n  value  \
                 {value}\n\nor, instead of it, "
            );
        }
        let File { url, content } = &self.file;
        out + &format!("publish this text:\n\n  at     {url}\n  text   {content}\n\n")
    }
}

impl Prover {
    pub(super) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, CommandError> {
        Ok(Self(compose::world(config, clock)?))
    }

    pub(super) async fn look(&self, name: &Hostname, account: &str) -> Result<Finding, IdentityError> {
        // A trace that listens makes the model wait for the DNS's word.
        let unusable =
            || IdentityError::Input(format!("{name} lies under a name that nobody can hold a handle under"));
        let handle = name.to_handle().ok_or_else(unusable)?;
        Ok(match self.0.did_of(&handle, &Trace::on()).await {
            Ok(Lookup::Found { value, .. }) if value.did.account().as_str() == account => Finding::Proved,
            Ok(Lookup::Found { value, .. }) => {
                Finding::Missing(format!("{name} proves another account, {}", value.did))
            }
            Ok(Lookup::Absent { .. }) => Finding::Missing(format!("{name} proves no account yet")),
            Ok(Lookup::Pass) => return Err(unusable()),
            Err(error) => {
                Finding::Unknown(format!("what {name} proves could not be found out: {}", error.message()))
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_record_is_named_whole_and_within_its_zone() {
        let account = "did:web:u.id.handles.test";
        for (name, host, zone) in [
            ("alice.art", "_atproto", "alice.art"),
            ("alice.example.com", "_atproto.alice", "example.com"),
            ("a.b.example.co.uk", "_atproto.a.b", "example.co.uk"),
        ] {
            let records = Records::of(&Hostname::parse(name).unwrap(), account);
            let txt = records.txt.as_ref().unwrap();
            assert_eq!(txt.name, format!("_atproto.{name}"));
            assert_eq!((txt.host.as_str(), txt.zone.as_str()), (host, zone));
            assert_eq!(txt.value, format!("did={account}"));
            assert_eq!(records.file.url, format!("https://{name}/.well-known/atproto-did"));
            assert!(records.words().contains(&txt.name) && records.words().contains(account));
        }
    }
}
