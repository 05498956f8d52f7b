//! The file of a snapshot: read once.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use namesake::private_file::remove;

use super::{SnapshotError, format};

/// What is in it, if it is there. It is removed before it is used: after a crash its answers would be older than they
/// say, and what was purged meanwhile would be back. Somebody else's file is left alone.
pub(super) fn take(path: &Path, max_bytes: usize) -> Result<Option<Vec<u8>>, SnapshotError> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut bytes = Vec::new();
    file.take(u64::try_from(max_bytes).unwrap_or(u64::MAX).saturating_add(1)).read_to_end(&mut bytes)?;
    if !format::is_ours(&bytes) {
        return Err(SnapshotError::Foreign);
    }
    remove(path)?;
    match bytes.len() > max_bytes {
        true => Err(SnapshotError::TooLarge { max_bytes }),
        false => Ok(Some(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use namesake::private_file::replace;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_read_once_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        assert!(take(&path, 100).unwrap().is_none(), "none yet");
        fs::write(folder.path().join("answers.new"), "of a crash").unwrap();
        let (bytes, _) = format::encode::<u8>("", &[], 1000);
        for _ in 0..2 {
            replace(&path, &bytes).unwrap();
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
        assert_eq!(take(&path, bytes.len()).unwrap().unwrap(), bytes);
        assert!(take(&path, bytes.len()).unwrap().is_none(), "it is gone");
    }

    #[test]
    fn one_that_is_too_large_is_used_up_too_and_a_foreign_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        let (bytes, _) = format::encode::<u8>("", &[], 1000);
        replace(&path, &bytes).unwrap();
        let most = bytes.len() - 1;
        let too_large = take(&path, most).unwrap_err();
        assert!(matches!(too_large, SnapshotError::TooLarge { max_bytes } if max_bytes == most));
        assert!(!path.exists());
        fs::write(&path, "somebody's diary").unwrap();
        assert!(matches!(take(&path, 1000), Err(SnapshotError::Foreign)));
        assert!(path.exists());
    }
}
