//! The folder of an identity: one file for its owner alone, replaced whole, and one process at a time.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Read, Write as _},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use namesake_independent::{
    holder::ProfileRecord,
    webvh::{Entry, Head},
};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use super::{IdentityError, sealing::StoredSeed};

const FILE: &str = "identity.json";
/// Raised when an older program could not read the file.
const FORMAT: u32 = 1;

/// What is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Identity {
    format: u32,
    /// Where the account lives.
    pub server: Url,
    /// `did:web:…`: what goes into the DNS.
    pub account: String,
    /// `did:webvh:…`.
    pub did: String,
    /// The keys that follow the head.
    pub keys: Keys,
    /// The newest entry that the server was seen to have.
    pub head: Option<Head>,
    /// What was posted, or was about to be, and has not been answered.
    pub pending: Option<Pending>,
    /// The last profile record that was taken.
    #[serde(default)]
    pub profile: ProfileRecord,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Keys {
    pub seed: StoredSeed,
    /// The number of the key that signs next.
    pub next: u32,
}

/// Entries whose fate is not known. They are written here before they are sent, so that nothing is ever signed twice in
/// two ways.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Pending {
    /// In the order in which they follow the head.
    pub entries: Vec<String>,
    /// The keys after the last of them.
    pub keys: Keys,
    /// Whether the keys in this folder are worth nothing without them.
    pub founding: bool,
}

/// A folder, held for this process alone until it is dropped.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    handle: File,
}

impl Identity {
    /// An identity none of whose entries has been taken.
    pub(super) fn new(server: Url, head: &Head, keys: Keys) -> Self {
        let mut identity = Self {
            format: FORMAT,
            server,
            account: String::new(),
            did: String::new(),
            keys,
            head: None,
            pending: None,
            profile: ProfileRecord::default(),
        };
        identity.name_after(head);
        identity
    }

    /// Takes the names of the account that `head` is of.
    pub(super) fn name_after(&mut self, head: &Head) {
        self.did.clone_from(&head.did);
        self.account = account_of(head);
    }

    /// The entries whose fate is not known.
    pub(super) fn pending_entries(&self) -> Result<Vec<Entry>, IdentityError> {
        let lines = self.pending.iter().flat_map(|pending| &pending.entries);
        Ok(lines.map(|line| Entry::read(line.as_bytes())).collect::<Result<_, _>>()?)
    }
}

/// The account of a log as other atproto software knows it.
pub(super) fn account_of(head: &Head) -> String {
    format!("did:web:{}", head.host())
}

impl Folder {
    /// Makes the folder, or takes one that holds no identity.
    pub(super) fn create(path: &Path) -> Result<Self, IdentityError> {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(path);
        made.map_err(|error| IdentityError::file("make the folder", path, error))?;
        let folder = Self::lock(path)?;
        Self::must_be_vacant(path)?;
        Ok(folder)
    }

    /// That no identity is there, which would never be overwritten.
    pub(super) fn must_be_vacant(path: &Path) -> Result<(), IdentityError> {
        let file = path.join(FILE);
        match file.symlink_metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(IdentityError::file("look for", &file, error)),
            Ok(_) => Err(IdentityError::Input(format!(
                "{} holds an identity already, which is never overwritten: choose another folder with --dir",
                path.display()
            ))),
        }
    }

    /// The folder of an identity, and what is in it.
    pub(super) fn open(path: &Path) -> Result<(Self, Identity), IdentityError> {
        let none = |error| match error {
            IdentityError::File { source, .. } if source.kind() == io::ErrorKind::NotFound => {
                IdentityError::Input(format!(
                    "{} holds no identity: make one with `namesake identity new`, or name its folder with --dir",
                    path.display()
                ))
            }
            other => other,
        };
        let folder = Self::lock(path).map_err(none)?;
        let identity = read(path).map_err(none)?;
        Ok((folder, identity))
    }

    /// What the folder remembers, if it holds an identity; for a command that changes nothing.
    pub(super) fn glance(path: &Path) -> Result<Option<Identity>, IdentityError> {
        path.join(FILE).exists().then(|| read(path)).transpose()
    }

    /// Replaces the file: beside it, synced, and only then in its place; the rename is durable when the folder is.
    pub(super) fn save(&self, identity: &Identity) -> Result<(), IdentityError> {
        let failed = |error| IdentityError::file("write", &self.file(), error);
        let mut text =
            Zeroizing::new(serde_json::to_vec_pretty(identity).map_err(|error| failed(error.into()))?);
        text.push(b'\n');
        let beside = self.path.join(format!("{FILE}.new"));
        match fs::remove_file(&beside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            _ => {}
        }
        write_new(&beside, &text).map_err(failed)?;
        fs::rename(&beside, self.file()).and_then(|()| self.handle.sync_all()).map_err(failed)
    }

    /// Forgets the identity: for keys that were never worth anything.
    pub(super) fn clear(&self) -> Result<(), IdentityError> {
        let gone = fs::remove_file(self.file()).and_then(|()| self.handle.sync_all());
        gone.map_err(|error| IdentityError::file("remove", &self.file(), error))
    }

    fn lock(path: &Path) -> Result<Self, IdentityError> {
        let handle = File::open(path).map_err(|error| IdentityError::file("open", path, error))?;
        match handle.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), handle }),
            Err(TryLockError::WouldBlock) => Err(IdentityError::Temporary(format!(
                "another command is at work in {}: try again when it is done",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(IdentityError::file("lock", path, error)),
        }
    }

    fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }
}

fn read(folder: &Path) -> Result<Identity, IdentityError> {
    let file = folder.join(FILE);
    let text = fs::read(&file).map(Zeroizing::new);
    let text = text.map_err(|error| IdentityError::file("read", &file, error))?;
    let damaged = |why: String| IdentityError::Input(format!("{} cannot be read: {why}", file.display()));
    let identity: Identity = serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    match identity.format {
        FORMAT => Ok(identity),
        other => Err(damaged(format!("its format is {other}, and this program knows {FORMAT}"))),
    }
}

/// Writes a file that must not be there yet, for its owner alone, and syncs it.
pub(super) fn write_new(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

/// What a file says or, for `-`, standard input.
pub(super) fn input(file: &Path) -> Result<Box<dyn Read>, IdentityError> {
    if file == Path::new("-") {
        return Ok(Box::new(io::stdin().lock()));
    }
    match File::open(file) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) => Err(IdentityError::file("read", file, error)),
    }
}
