//! Files that are nobody else's business: keys, secrets, and what is remembered of people.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::Path,
};

/// Permissions that a secret must not have: any for everybody, and writing for a group. A group may read it: that is how
/// a container or a service manager hands secrets to a user that does not own them.
#[cfg(unix)]
const LOOSE: u32 = 0o027;

/// Reads a file that holds a secret.
///
/// # Errors
/// When it cannot be read; also when everybody may read it, or others than its owner may change it.
pub fn read_secret(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    must_be_private(&file)?;
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a file that must not be there yet, for its owner alone, with these bytes, and syncs it.
///
/// # Errors
/// When it is there already, or cannot be written.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Replaces a file whole, for its owner alone: beside it, synced, and only then in its place. The rename is durable when
/// the folder is.
///
/// # Errors
/// When it cannot be written; what was there before is then still there.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.to_path_buf().into_os_string();
    beside.push(".new");
    let beside = Path::new(&beside);
    // What a crash has left there, or somebody else has put there, is not written into.
    remove(beside)?;
    create(beside, bytes)?;
    fs::rename(beside, path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Removes a file, if it is there.
///
/// # Errors
/// When it is there and stays.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn must_be_private(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = file.metadata()?.permissions().mode() & 0o777;
    if mode & LOOSE == 0 {
        return Ok(());
    }
    let why = format!(
        "its permissions ({mode:04o}) let others read or change a secret: give it 0600, or 0640 where a group has to read it"
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
}

#[cfg(not(unix))]
fn must_be_private(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    #[test]
    fn a_secret_that_others_may_read_or_change_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create(&path, b"hush\n").unwrap();
        for mode in [0o600, 0o400, 0o640, 0o440] {
            set_mode(&path, mode).unwrap();
            assert_eq!(read_secret(&path).unwrap(), "hush\n", "{mode:o}");
        }
        for mode in [0o644, 0o604, 0o660, 0o620, 0o666, 0o602, 0o601, 0o777] {
            set_mode(&path, mode).unwrap();
            let error = read_secret(&path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{mode:o}");
            assert!(error.to_string().contains(&format!("{mode:04o}")), "{error}");
        }
        // Of a link, what it leads to counts.
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(read_secret(&link).is_err());
        set_mode(&path, 0o440).unwrap();
        assert_eq!(read_secret(&link).unwrap(), "hush\n");
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_at_its_side_is_written_into() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cursor");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "as it was").unwrap();
        std::os::unix::fs::symlink(&elsewhere, folder.path().join("cursor.new")).unwrap();
        replace(&path, b"1").unwrap();
        set_mode(&path, 0o644).unwrap();
        replace(&path, b"2").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "2");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "as it was");
        assert!(create(&path, b"3").is_err(), "it is there already");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
    }
}
