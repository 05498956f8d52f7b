//! `namesake identity rotate` and `deactivate`: other keys, or an end.

use std::sync::Arc;

use namesake::{Clock, SystemRandomness};
use namesake_independent::{
    holder::{self, Seed},
    webvh::{Fault, Head, SecretKey},
};
use url::Url;

use super::{
    IdentityError, agreed,
    args::{Deactivate, Rotate},
    folder::{Folder, Identity, Keys},
    hand_over, must_be_meant, must_have_a_place, note, read_recovery_key,
    sealing::{Passphrase, StoredSeed},
    server::Server,
    session::Session,
    tell,
};
use crate::{
    cli::{CommandError, Outcome},
    config::Config,
};

pub(super) async fn rotate(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Rotate,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    let passphrase = Passphrase::read(keeping.passphrase_file.as_deref())?;
    if let Some(file) = &asked.recovery_key_file {
        let recovery = read_recovery_key(file)?;
        return recover(config, clock, asked, &recovery, passphrase.as_ref()).await;
    }
    let mut session = Session::open(config, clock, &keeping.dir, asked.server.as_ref())?;
    let seed = session.seed(passphrase.as_ref())?;
    session.must_be_level().await?;
    session.turn(&seed, holder::rotate).await?;
    tell(session.head()?, &[], keeping.json)
}

/// All keys anew, whatever became of the old ones.
async fn recover(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Rotate,
    recovery: &SecretKey,
    passphrase: Option<&Passphrase>,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    must_have_a_place(keeping.json, asked.recovery_key_out.as_deref())?;
    let seed = Seed::random(&SystemRandomness);
    let keys = Keys { seed: StoredSeed::keep(&seed, passphrase, &SystemRandomness)?, next: 1 };
    let (mut session, founding) = match (&asked.did, &asked.server) {
        (Some(did), Some(server)) => (lost(config, clock, asked, did, server, &keys).await?, true),
        _ => {
            let mut session = Session::open(config, clock, &keeping.dir, asked.server.as_ref())?;
            // Whoever went on with our keys, this entry follows theirs.
            session.level().await?;
            (session, false)
        }
    };
    must_be_recovery(session.head()?, recovery)?;
    let new_recovery = SecretKey::random(&SystemRandomness);
    hand_over(&new_recovery, asked.recovery_key_out.as_deref())?;
    let new_recovery = new_recovery.multikey();
    let posted = session.post(keys, founding, |head, at| {
        let head = head.ok_or(Fault::StateId)?;
        Ok(vec![holder::recover(head, recovery, &seed, &new_recovery, at)?])
    });
    match posted.await {
        Ok(()) => {
            note("the recovery key that was used is worth nothing from now on; the new one takes its place");
            tell(session.head()?, &[], keeping.json)
        }
        Err(error) => {
            note("keep both recovery keys until `namesake identity show` says which keys the account has");
            Err(error.into())
        }
    }
}

/// The account of a folder that is lost.
async fn lost(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Rotate,
    did: &str,
    url: &Url,
    keys: &Keys,
) -> Result<Session, IdentityError> {
    let server = Server::new(config, url)?;
    let Some(log) = server.log(did, clock.now()).await? else {
        return Err(IdentityError::Refused(format!("{url} knows no account {did}")));
    };
    let folder = Folder::create(&asked.keeping.dir)?;
    let mut identity = Identity::new(url.clone(), log.head(), keys.clone());
    identity.head = Some(log.head().clone());
    Ok(Session::found(identity, server, folder, clock))
}

pub(super) async fn deactivate(
    config: &Config,
    clock: Arc<dyn Clock>,
    asked: &Deactivate,
) -> Result<Outcome, CommandError> {
    let keeping = &asked.keeping;
    must_be_meant(asked.yes, "closing an account")?;
    let recovery = read_recovery_key(&asked.recovery_key_file)?;
    let mut session = Session::open(config, clock, &keeping.dir, asked.server.as_ref())?;
    session.level().await?;
    if session.head()?.deactivated {
        note("the account was closed already: nothing was posted");
        return tell(session.head()?, &[], keeping.json);
    }
    must_be_recovery(session.head()?, &recovery)?;
    let question = format!("Close {} for good? Nothing brings it back.", session.identity.account);
    if !asked.yes && !agreed(&question) {
        return Err(IdentityError::Refused("nothing was closed".to_owned()).into());
    }
    let keys = session.identity.keys.clone();
    let steps =
        session.post(keys, false, |head, at| holder::close(head.ok_or(Fault::StateId)?, &recovery, at));
    steps.await?;
    tell(session.head()?, &[], keeping.json)
}

fn must_be_recovery(head: &Head, key: &SecretKey) -> Result<(), IdentityError> {
    let key = key.multikey();
    // Without commitments, an account is being closed: the key is shown.
    let is = match head.next_key_hashes.as_slice() {
        [] => head.update_keys.contains(&key),
        [.., last] => *last == key.hash(),
    };
    match is {
        true => Ok(()),
        false => Err(IdentityError::Input("this is not the recovery key of the account".to_owned())),
    }
}
