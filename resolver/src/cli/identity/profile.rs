//! `namesake identity profile`: a signed record of what is shown.

use std::sync::Arc;

use namesake::Clock;

use super::{
    IdentityError, args::Profile, note, rows, sealing::Passphrase, server::Posted, session::Session,
};
use crate::{
    cli::{CommandError, Outcome, print, print_json},
    config::Config,
};

/// How often a record is given a higher revision, because another copy of the folder wrote one.
const MOST_REVISIONS: usize = 3;

pub(super) async fn profile(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Profile,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    let passphrase = Passphrase::read(keeping.passphrase_file.as_deref())?;
    let mut session = Session::open(config, clock, &keeping.dir, asked.server.as_ref())?;
    let seed = session.seed(passphrase.as_ref())?;
    session.must_be_level().await?;
    let Some(key) = seed.current_key(session.head()?, session.identity.keys.next) else {
        return Err(IdentityError::Refused(
            "the newest entry was signed by the recovery key, which signs no profile: `namesake identity rotate` first"
                .to_owned(),
        )
        .into());
    };
    let mut record = session.identity.profile.clone();
    set(&mut record.display_name, asked.display_name.as_deref());
    set(&mut record.description, asked.description.as_deref());
    set(&mut record.avatar, asked.avatar.as_deref());
    record.redirect = asked.redirect.or(record.redirect);
    let account = session.identity.account.clone();
    for _ in 0..MOST_REVISIONS {
        record.rev += 1;
        let signed = record.sign(&account, &key, session.now());
        let signed = signed.map_err(|error| CommandError::Print(error.into()))?;
        match session.server.put_profile(&account, &signed).await? {
            Posted::Taken => {
                session.identity.profile = record;
                session.save()?;
                let revision = signed["rev"].to_string();
                match keeping.json {
                    true => print_json(&signed),
                    false => print(&rows(&[("account", &account), ("revision", &revision)])),
                }?;
                return Ok(Outcome::Done);
            }
            Posted::Stale(theirs) => {
                note("another copy of this folder wrote the profile last; what it wrote is replaced");
                record.rev = theirs.parse().unwrap_or(record.rev);
            }
            Posted::Refused(why) => return Err(IdentityError::Refused(why).into()),
            Posted::Mistimed(theirs) => {
                let words = format!("this machine's clock is fast: set it (the server's says {theirs})");
                return Err(IdentityError::Temporary(words).into());
            }
        }
    }
    Err(IdentityError::Temporary("the profile is being changed: try again".to_owned()).into())
}

fn set(member: &mut Option<String>, to: Option<&str>) {
    if let Some(text) = to {
        *member = Some(text.to_owned()).filter(|text| !text.is_empty());
    }
}
