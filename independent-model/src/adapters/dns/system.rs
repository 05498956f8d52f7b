//! The name servers of the system, as resolv.conf(5) says: looked at again when the file changed.

use std::{
    error::Error,
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::SystemTime,
};

use super::{
    nameserver::{NameServer, Speaks},
    resolv_conf::{PORT, ResolvConf},
    servers::{Reach, Servers},
};
use crate::adapters::WorldSetupError;

/// Follows one file.
#[derive(Debug)]
pub(super) struct System {
    path: PathBuf,
    reach: Reach,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    stamp: Option<Stamp>,
    named: Vec<NameServer>,
    servers: Arc<Servers>,
}

/// Tells one state of a file from the next.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    length: u64,
    written: Option<SystemTime>,
    /// The file behind the name, and when anything about it changed: also what put an old file in its place.
    #[cfg(unix)]
    file: [i64; 4],
}

impl System {
    pub(super) fn new(path: PathBuf, reach: Reach) -> Result<Self, WorldSetupError> {
        let stamp = Stamp::of(&path);
        let named = named_in(&path).unwrap_or_else(|error| {
            unreadable(&path, &error);
            on_this_machine(&path)
        });
        let servers = Arc::new(Servers::new(&named, &reach)?);
        Ok(Self { path, reach, known: RwLock::new(Known { stamp, named, servers }) })
    }

    /// As the file says now.
    pub(super) fn servers(&self) -> Arc<Servers> {
        let stamp = Stamp::of(&self.path);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if known.stamp == stamp {
            return Arc::clone(&known.servers);
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.stamp != stamp {
            known.stamp = stamp;
            self.read_again(&mut known);
        }
        Arc::clone(&known.servers)
    }

    /// A file that went away, or cannot be used, changes nothing: somebody may be writing it just now.
    fn read_again(&self, known: &mut Known) {
        let named = match named_in(&self.path) {
            Ok(named) if named == known.named => return,
            Ok(named) => named,
            Err(error) => return unreadable(&self.path, &error),
        };
        match Servers::new(&named, &self.reach) {
            Ok(servers) => (known.named, known.servers) = (named, Arc::new(servers)),
            Err(error) => unreadable(&self.path, &error),
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|file| Self {
            length: file.len(),
            written: file.modified().ok(),
            #[cfg(unix)]
            file: identity(&file),
        })
    }
}

#[cfg(unix)]
fn identity(file: &fs::Metadata) -> [i64; 4] {
    use std::os::unix::fs::MetadataExt as _;
    [file.dev().cast_signed(), file.ino().cast_signed(), file.ctime(), file.ctime_nsec()]
}

/// The name servers that the file names, or else the one that is meant.
fn named_in(path: &Path) -> io::Result<Vec<NameServer>> {
    let ResolvConf { servers, not_understood } = ResolvConf::read(&fs::read(path)?);
    for text in not_understood {
        tracing::warn!(path = %path.display(), text, "dns.resolv_conf.no_address");
    }
    if servers.is_empty() {
        return Ok(on_this_machine(path));
    }
    let addresses: Vec<_> = servers.iter().map(|server| server.address.to_string()).collect();
    tracing::info!(path = %path.display(), nameservers = addresses.join(" "), "dns.resolv_conf.read");
    Ok(servers)
}

/// Where no name server is named, resolv.conf(5) means the one on this machine.
fn on_this_machine(path: &Path) -> Vec<NameServer> {
    let address = (Ipv4Addr::LOCALHOST, PORT).into();
    tracing::warn!(path = %path.display(), instead = %address, "dns.resolv_conf.no_nameserver");
    vec![NameServer { address, speaks: Speaks::Datagrams }]
}

fn unreadable(path: &Path, error: &(dyn Error + 'static)) {
    tracing::warn!(path = %path.display(), error, "dns.resolv_conf.unreadable");
}
