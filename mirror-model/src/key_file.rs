//! The key file and the store it belongs to: checked at every start, before anything is made or changed.
//!
//! A store remembers under which keys anything in it may be sealed (its *keyring*), so that a start knows what it needs
//! without looking at everything: a key is written there before it seals, and leaves only when nothing is sealed with it
//! any more (`reseal`). Where the file does not have them all, everything is looked at, and what cannot be opened stops the
//! start: without the key of a token nobody can be asked about, and without the key of the names nobody is found.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use namesake::{
    Randomness, Scheme, private_file,
    store::{Commit, CommitError, Key, KeyError, Slot, Store, StoreError},
};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::{
    TokenSealer,
    records::{Keyring, Keys, StoredToken},
    sealing::Sealed,
};

/// Accounts that are looked at in one read.
const PAGE: usize = 256;

/// A key file that cannot be used with this store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SealerError {
    /// It cannot be read or made.
    #[error("the key file {} cannot be used", .0.display())]
    File(PathBuf, #[source] io::Error),
    /// It holds something else than keys.
    #[error(
        "the key file {} does not hold 256-bit keys in base64, one a line: put back the file that belongs to this store, or remove it if the store is new",
        .0.display()
    )]
    Keys(PathBuf),
    /// It is not there, and the store needs it.
    #[error(
        "the key file {} of mirror {scheme} is not there, and the store has {sealed} sealed with its keys: put the file back, or name it with mirror.{scheme}.token_key_file; if it is lost, people link anew, to a mirror of another name, with store.abandon = [\"mirror.{scheme}\"]",
        path.display()
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The mirror.
        scheme: Scheme,
        /// What cannot be opened.
        sealed: String,
    },
    /// It has other keys than those that the store needs.
    #[error(
        "the key file {} of mirror {scheme} lacks a key of this store, with which {sealed} sealed: put that key's line back below the others, until the log says mirror.reseal.done, or use the file that belongs to this store",
        path.display()
    )]
    Foreign {
        /// The file.
        path: PathBuf,
        /// The mirror.
        scheme: Scheme,
        /// What cannot be opened.
        sealed: String,
    },
    /// The store does not say what it holds.
    #[error("what is sealed in the store cannot be read")]
    Store(#[from] StoreError),
}

impl From<KeyError> for SealerError {
    fn from(error: KeyError) -> Self {
        Self::Store(StoreError::Damaged(error.to_string()))
    }
}

impl TokenSealer {
    /// The keys in `path` for the mirror `scheme` of `store`. Without a file, one is made with a fresh key, for its owner
    /// alone (0600); only if nothing of that mirror is sealed yet.
    ///
    /// # Errors
    /// [`SealerError`] when the file cannot be read or made, when others may read it, when it makes no sense, and when it
    /// lacks a key that the store needs.
    pub async fn of_store(
        path: &Path,
        store: &dyn Store,
        scheme: &Scheme,
        randomness: &dyn Randomness,
    ) -> Result<Self, SealerError> {
        let keys = Keys::new(scheme);
        let file = read(path)?;
        let keyring = Slot::<Keyring>::read(store, keys.keyring()?).await?;
        let known = keyring.value().cloned().unwrap_or_default();
        let has = |key: &str| file.as_ref().is_some_and(|file| file.keys().any(|other| other == key));
        let name_key = Slot::<Sealed>::read(store, keys.name_key()?).await?;
        let mut commit = Commit::new();
        let mut wanted = known;
        if is_empty(store, &keys).await? {
            // Names are stored under that key. There are none, so another one does as well.
            wanted.keys.clear();
            if name_key.value().is_some_and(|sealed| !has(sealed.key())) {
                commit = name_key.clear(commit);
            }
        } else {
            let complete = keyring.value().is_some() && wanted.keys.iter().all(|key| has(key));
            let name_key = name_key.value().map(|sealed| sealed.key().to_owned());
            if !complete || name_key.as_deref().is_some_and(|key| !has(key)) {
                let tokens = tokens(store, &keys).await?;
                must_open(path, scheme, file.is_some(), &has, name_key.as_deref(), &tokens)?;
                wanted.keys = tokens.into_keys().chain(name_key).collect();
            }
        }
        let sealer = match file {
            Some(file) => file,
            None => {
                Self::create(path, randomness).map_err(|error| SealerError::File(path.to_owned(), error))?
            }
        };
        wanted.keys.extend(sealer.newest().map(str::to_owned));
        if keyring.value() != Some(&wanted) {
            write(store, keyring.put(commit, &wanted)?).await?;
        }
        Ok(sealer)
    }
}

fn read(path: &Path) -> Result<Option<TokenSealer>, SealerError> {
    match private_file::read_secret(path).map(Zeroizing::new) {
        Ok(text) => TokenSealer::parse(&text).map(Some).ok_or_else(|| SealerError::Keys(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::InvalidData => Err(SealerError::Keys(path.to_owned())),
        Err(error) => Err(SealerError::File(path.to_owned(), error)),
    }
}

/// Whether nobody is mirrored, and nobody was whose name is still known.
async fn is_empty(store: &dyn Store, keys: &Keys) -> Result<bool, StoreError> {
    for prefix in [keys.accounts(), keys.handles(), keys.foreigners()] {
        if !store.scan(prefix.as_bytes(), None, 1).await?.is_empty() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How many tokens are sealed with each key.
async fn tokens(store: &dyn Store, keys: &Keys) -> Result<BTreeMap<String, usize>, StoreError> {
    /// What counts of an account here.
    #[derive(Deserialize)]
    struct Account {
        token: Option<StoredToken>,
    }
    let (prefix, mut last) = (keys.accounts(), None::<Key>);
    let mut counted = BTreeMap::new();
    loop {
        let page = store.scan(prefix.as_bytes(), last.as_ref(), PAGE).await?;
        // A damaged record is nobody's who could be asked about; it is told of where it is needed.
        for account in
            page.iter().filter_map(|(_, entry)| serde_json::from_slice::<Account>(&entry.value).ok())
        {
            if let Some(token) = account.token {
                *counted.entry(token.sealed.key().to_owned()).or_default() += 1;
            }
        }
        match page.into_iter().next_back() {
            Some((key, _)) => last = Some(key),
            None => return Ok(counted),
        }
    }
}

/// That the file opens everything.
fn must_open(
    path: &Path,
    scheme: &Scheme,
    is_there: bool,
    has: &dyn Fn(&str) -> bool,
    name_key: Option<&str>,
    tokens: &BTreeMap<String, usize>,
) -> Result<(), SealerError> {
    let lost: usize = tokens.iter().filter(|(key, _)| !has(key)).map(|(_, count)| count).sum();
    let (path, scheme) = (path.to_owned(), scheme.clone());
    let names = name_key.is_some_and(|key| !has(key));
    let what = match (names, lost) {
        (false, 0) => return Ok(()),
        (true, 0) => "everybody's name".to_owned(),
        (true, lost) => format!("everybody's name and the tokens of {lost}"),
        (false, lost) => format!("the tokens of {lost}"),
    };
    Err(match is_there {
        false => SealerError::Missing { path, scheme, sealed: what },
        true => {
            let are = if names && lost == 0 { "is" } else { "are" };
            SealerError::Foreign { path, scheme, sealed: format!("{what} {are}") }
        }
    })
}

/// Nobody else writes yet, so a conflict is as good as damage.
async fn write(store: &dyn Store, commit: Commit) -> Result<(), StoreError> {
    match store.commit(commit).await {
        Ok(_) => Ok(()),
        Err(CommitError::Unknown(error) | CommitError::Failed(error)) => Err(error),
        Err(error @ (CommitError::Conflict(_) | CommitError::Refused(_))) => {
            Err(StoreError::Damaged(error.to_string()))
        }
    }
}
