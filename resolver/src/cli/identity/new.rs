//! `namesake identity new`: keys, a recovery key, and the first entry.

use std::{fs, sync::Arc};

use namesake::{Clock, SystemRandomness};
use namesake_independent::{
    holder::{Genesis, Seed, register},
    webvh::SecretKey,
};

use super::{
    IdentityError, agreed,
    args::New,
    folder::{Folder, Identity, Keys},
    hand_over, hostname, is_served, must_be_meant, must_have_a_place, note,
    sealing::{Passphrase, StoredSeed},
    server::Server,
    session::Session,
    tell,
};
use crate::{
    cli::{CommandError, Outcome},
    config::Config,
};

pub(super) async fn new(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &New,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    must_be_meant(asked.yes, "the public log of an account")?;
    must_have_a_place(keeping.json, asked.recovery_key_out.as_deref())?;
    Folder::must_be_vacant(&keeping.dir)?;
    let passphrase = Passphrase::read(keeping.passphrase_file.as_deref())?;
    let server = Server::new(config, &asked.server)?;
    let terms = server.terms().await?;
    let handle = asked.handle.as_deref().map(|typed| hostname(typed, &terms)).transpose()?;
    if let Some(own) = handle.as_ref().filter(|name| !is_served(name, &terms)) {
        return Err(IdentityError::Input(format!(
            "{own} is a domain of your own, which proves the account once there is one: make it without --handle, then \
             `namesake identity set-handle --handle {own}`"
        ))
        .into());
    }
    note(
        "the log of an account is public for good: every handle it ever claims, and when. So are these names: choose one \
         you can live with",
    );
    if !asked.yes && !agreed("Make the account?") {
        return Err(IdentityError::Refused("nothing was made".to_owned()).into());
    }
    let folder = Folder::create(&keeping.dir)?;
    let (seed, recovery) = (Seed::random(&SystemRandomness), SecretKey::random(&SystemRandomness));
    hand_over(&recovery, asked.recovery_key_out.as_deref())?;
    let recovery = recovery.multikey();
    let make = |at| {
        register(&Genesis {
            id_domain: &terms.id_domain,
            handle: handle.as_ref(),
            pds: asked.pds.as_ref(),
            seed: &seed,
            recovery: &recovery,
            at,
        })
    };
    let keys = Keys { seed: StoredSeed::keep(&seed, passphrase.as_ref(), &SystemRandomness)?, next: 1 };
    let first = make(clock.now()).map_err(IdentityError::from)?;
    let identity = Identity::new(asked.server.clone(), &first.head, keys.clone());
    let mut session = Session::found(identity, server, folder, clock);
    match session.post(keys, true, |_, at| Ok(vec![make(at)?])).await {
        Ok(()) => tell(session.head()?, &[], keeping.json),
        Err(refused @ IdentityError::Refused(_)) => {
            // No account, no key to it.
            asked.recovery_key_out.as_ref().map(fs::remove_file);
            note("no account was made, and this recovery key is worth nothing");
            Err(refused.into())
        }
        Err(error) => {
            note(
                "whether the account was made is not known. Keep the recovery key; `namesake identity show` finishes what \
                 was begun",
            );
            Err(error.into())
        }
    }
}
