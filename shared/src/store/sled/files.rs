//! The store's folder, before and after sled opens it.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::OpenError;
use super::mark::Mark;

/// Our own lock. sled has one too, but takes it in the middle of its open, when it is too late to clean up.
const LOCK: &str = "namesake.lock";

/// There while the database is being made. A power cut in that time can leave files that sled will not open; nothing
/// was acknowledged yet, so they are thrown away. The marker comes before the first file and goes only once all are
/// synced, so a copy of a complete store never has it.
const CREATING: &str = "namesake.creating";

/// sled's settings file and its log.
const CONF: &str = "conf";
pub(super) const DB: &str = "db";

/// Where sled puts items too large for its log.
pub(super) const BLOBS: &str = "blobs";

/// The folder is ours until this is dropped.
pub(super) struct Lock(File);

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a process that somebody forks at this moment has a copy of the handle until it execs.
        let _ = self.0.unlock();
    }
}

/// Dropped after sled and before [`Lock`], this waits until sled has really let go of its log. Its pool may still hold a
/// handle when the database is dropped, and with it sled's own lock, so that the next open would fail.
pub(super) struct SledIsGone(File);

impl SledIsGone {
    pub(super) fn when_dropped(folder: &Path) -> io::Result<Self> {
        File::open(folder.join(DB)).map(Self)
    }
}

impl Drop for SledIsGone {
    fn drop(&mut self) {
        let _ = self.0.lock();
    }
}

/// Makes the folder if need be and takes it for this process.
pub(super) fn lock(path: &Path) -> Result<Lock, OpenError> {
    let failed = |source| OpenError::Io { path: path.into(), source };
    let mut folder = DirBuilder::new();
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    folder.recursive(true).create(path).map_err(failed)?;
    let file = options.write(true).create(true).truncate(false).open(path.join(LOCK)).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock(file)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked(path.into())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

/// Removes what an interrupted open left behind. Only under the lock: nobody else may be in the middle of opening.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    if folder.join(CREATING).try_exists()? {
        for file in [folder.join(CONF), folder.join(DB)].into_iter().chain(snapshots(folder)?) {
            remove(fs::remove_file(file))?;
        }
        remove(fs::remove_dir_all(folder.join(BLOBS)))?;
        Mark::remove(folder)?;
    }
    if !folder.join(CONF).try_exists()? && !folder.join(DB).try_exists()? {
        File::create(folder.join(CREATING))?.sync_all()?;
        sync_folder(folder)?;
    }
    // sled writes a snapshot under this suffix and renames it. If it is killed in between, every later open fails,
    // because the reader of snapshots does not know the suffix. The file is never referenced.
    for half_written in snapshots(folder)?.into_iter().filter(|file| named(file, "", ".generating")) {
        fs::remove_file(half_written)?;
    }
    Ok(())
}

/// That the files are those that were there when the store was last closed, as far as that can be seen from outside.
/// Gives what it was then.
pub(super) fn check(folder: &Path) -> Result<Option<Mark>, OpenError> {
    let failed = |source| OpenError::Io { path: folder.into(), source };
    let damaged = |detail| Err(OpenError::Damaged { path: folder.into(), detail });
    if folder.join(CREATING).try_exists().map_err(failed)? {
        return Ok(None);
    }
    let mark = Mark::read(folder).map_err(failed)?;
    let length = match fs::metadata(folder.join(DB)) {
        Ok(file) => Some(file.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(failed(error)),
    };
    match (mark.and_then(|mark| mark.length), length) {
        (_, None) if mark.is_some() || folder.join(CONF).try_exists().map_err(failed)? => {
            damaged(format!("the file {DB} is not there"))
        }
        (Some(was), Some(is)) if was != is => {
            damaged(format!("the file {DB} has {is} bytes, and had {was} when the store was closed"))
        }
        _ => Ok(mark),
    }
}

/// Takes everybody else's permissions from what is ours. What is another user's stays as it is: a container may be given a
/// folder that it can only use through its group. A folder that holds other things than the store may be anybody's.
#[cfg(unix)]
pub(super) fn make_private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let tighten = |path: &Path| -> io::Result<()> {
        let (is, private) = match fs::metadata(path) {
            Ok(file) => (file.permissions().mode() & 0o777, if file.is_dir() { 0o700 } else { 0o600 }),
            // sled removes files behind our back.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if is & 0o077 == 0 {
            return Ok(());
        }
        match fs::set_permissions(path, fs::Permissions::from_mode(private)) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
            outcome => outcome,
        }
    };
    let mut alone = true;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match is_ours(&path) {
            true => tighten(&path)?,
            false => alone = false,
        }
    }
    match alone {
        true => tighten(folder),
        false => Ok(()),
    }
}

#[cfg(not(unix))]
pub(super) fn make_private(_: &Path) -> io::Result<()> {
    Ok(())
}

fn is_ours(path: &Path) -> bool {
    [CONF, DB, BLOBS].iter().any(|name| named(path, name, "") && named(path, "", name))
        || ["snap.", "namesake."].iter().any(|start| named(path, start, ""))
}

/// Has the next open read from the disk: what a failed sync left in the kernel's memory may never have come there, and
/// looks as if it had. What can still be written is written first.
pub(super) fn forget_cached(folder: &Path) -> io::Result<()> {
    let db = OpenOptions::new().read(true).write(true).open(folder.join(DB))?;
    db.sync_all()?;
    #[cfg(target_os = "linux")]
    rustix::fs::fadvise(&db, 0, None, rustix::fs::Advice::DontNeed)?;
    Ok(())
}

/// The length of sled's log, which is made durable first.
pub(super) fn synced_length(folder: &Path) -> io::Result<u64> {
    let db = File::open(folder.join(DB))?;
    db.sync_all()?;
    Ok(db.metadata()?.len())
}

/// Makes all that an open wrote durable, names of files included; sled syncs neither `conf` nor folders.
pub(super) fn sync_all(folder: &Path) -> io::Result<()> {
    File::open(folder.join(CONF))?.sync_all()?;
    File::open(folder.join(DB))?.sync_all()?;
    sync_folder(folder)?;
    if let Some(parent) = folder.parent() {
        sync_folder(parent)?;
    }
    if folder.join(CREATING).try_exists()? {
        fs::remove_file(folder.join(CREATING))?;
        sync_folder(folder)?;
    }
    Ok(())
}

pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn snapshots(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    Ok(files.into_iter().filter(|file| named(file, "snap.", "")).collect())
}

fn named(file: &Path, start: &str, end: &str) -> bool {
    file.file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.starts_with(start) && name.ends_with(end))
}

fn remove(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
