//! The feed of changes, and how it is cut into pages.

use super::{Key, Version};

/// One key was written by one commit. The value is not here: whoever needs it reads the key and gets the newest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The commit. All changes of a commit have the same version and follow each other.
    pub version: Version,
    /// The key that was written.
    pub key: Key,
    /// Whether the write was a delete.
    pub deleted: bool,
}

/// For adapters: cuts an ordered run of changes into one page of whole commits, as rule S9 of
/// [`Store`](super::Store) wants it. Takes from `changes` only what the page needs, and at most one commit more.
///
/// # Errors
/// The first error of `changes`.
pub fn whole_commits<E>(
    changes: impl IntoIterator<Item = Result<Change, E>>,
    limit: usize,
) -> Result<Vec<Change>, E> {
    let mut page: Vec<Change> = Vec::new();
    if limit == 0 {
        return Ok(page);
    }
    // How much of the page is complete commits, the one being read left out.
    let mut complete = 0;
    for change in changes {
        let change = change?;
        if page.last().is_some_and(|last| last.version != change.version) {
            if page.len() >= limit {
                return Ok(page);
            }
            complete = page.len();
        }
        page.push(change);
        if page.len() > limit && complete > 0 {
            page.truncate(complete);
            return Ok(page);
        }
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_whole_commits() {
        // Commits of one, three and two changes.
        let feed: Vec<Change> = [1, 2, 2, 2, 3, 3]
            .map(|n| Change {
                version: Version::from_sequence(n),
                key: Key::new("k").unwrap(),
                deleted: false,
            })
            .into();
        let page = |from: usize, limit| {
            let page = whole_commits(feed[from..].iter().cloned().map(Ok::<_, ()>), limit).unwrap();
            page.len()
        };
        assert_eq!(page(0, 0), 0);
        assert_eq!(page(0, 1), 1);
        assert_eq!(page(0, 3), 1, "the second commit does not fit");
        assert_eq!(page(0, 4), 4);
        assert_eq!(page(0, 5), 4);
        assert_eq!(page(0, 6), 6);
        assert_eq!(page(1, 1), 3, "the first commit always fits");
        assert_eq!(page(1, 4), 3);
    }
}
