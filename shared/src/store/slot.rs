//! Records as JSON, and the step from "as I read it" to "if it still is so".

use serde::{Serialize, de::DeserializeOwned};

use super::{Commit, Entry, Key, Store, StoreError, Version};

/// Room for most records: growing to it step by step costs as much as writing one.
const RECORD_BYTES: usize = 2048;

/// A place in a store, as it was when it was read: what a later commit expects of it.
///
/// Whoever changes records reads their slots, decides, and commits on condition that the slots are unchanged; on a
/// conflict everything is read and decided again.
#[derive(Debug, Clone)]
pub struct Slot<T> {
    key: Key,
    held: Option<(Version, T)>,
}

impl<T> Slot<T> {
    /// What is at `key` now.
    ///
    /// # Errors
    /// When the store failed, and [`StoreError::Damaged`] when the record makes no sense.
    pub async fn read(store: &dyn Store, key: Key) -> Result<Self, StoreError>
    where
        T: DeserializeOwned,
    {
        match store.read(&key).await? {
            Some(entry) => Self::of(key, &entry),
            None => Ok(Self { key, held: None }),
        }
    }

    /// What a scan found at `key`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when the record makes no sense.
    pub fn of(key: Key, entry: &Entry) -> Result<Self, StoreError>
    where
        T: DeserializeOwned,
    {
        match serde_json::from_slice(&entry.value) {
            Ok(value) => Ok(Self { key, held: Some((entry.version, value)) }),
            Err(error) => Err(senseless(&key, &error)),
        }
    }

    /// The record, if there is one.
    #[must_use]
    pub fn value(&self) -> Option<&T> {
        self.held.as_ref().map(|(_, value)| value)
    }

    /// The same, for whoever only reads.
    #[must_use]
    pub fn into_value(self) -> Option<T> {
        self.held.map(|(_, value)| value)
    }

    /// Where it is.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// The commit, if this place is still as it was read.
    pub fn unchanged(&self, commit: Commit) -> Commit {
        match &self.held {
            Some((version, _)) => commit.expect_version(self.key.clone(), *version),
            None => commit.expect_absent(self.key.clone()),
        }
    }

    /// The same, with `value` put here.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] when `value` cannot be written as JSON.
    pub fn put(&self, commit: Commit, value: &T) -> Result<Commit, StoreError>
    where
        T: Serialize,
    {
        self.put_as(commit, value)
    }

    /// The same, with a `value` of another type that is written as a `T` is: one that borrows, for example.
    ///
    /// # Errors
    /// As for [`Slot::put`].
    pub fn put_as<U>(&self, commit: Commit, value: &U) -> Result<Commit, StoreError>
    where
        U: Serialize,
    {
        let mut bytes = Vec::with_capacity(RECORD_BYTES);
        serde_json::to_writer(&mut bytes, value).map_err(|error| senseless(&self.key, &error))?;
        Ok(self.unchanged(commit).put(self.key.clone(), bytes))
    }

    /// The same, with nothing left here. Nothing is written where there is nothing.
    pub fn clear(&self, commit: Commit) -> Commit {
        let commit = self.unchanged(commit);
        if self.held.is_some() { commit.delete(self.key.clone()) } else { commit }
    }
}

/// Without the words of the parser, which may quote the record.
fn senseless(key: &Key, error: &serde_json::Error) -> StoreError {
    StoreError::Damaged(format!(
        "the record at {key} makes no sense at line {}, column {}",
        error.line(),
        error.column()
    ))
}

#[cfg(test)]
mod tests {
    use super::{Commit, Key, Slot, Store as _, StoreError};
    use crate::store::{CommitError, MemoryStore};

    #[tokio::test]
    async fn a_slot_is_what_was_read_or_a_conflict() {
        let store = MemoryStore::new();
        let key = Key::new("k").unwrap();
        let absent: Slot<u8> = Slot::read(&store, key.clone()).await.unwrap();
        assert_eq!(absent.value(), None);
        assert!(absent.clear(Commit::new()).writes().is_empty());
        store.commit(absent.put(Commit::new(), &7).unwrap()).await.unwrap();
        let late = store.commit(absent.put(Commit::new(), &8).unwrap()).await;
        assert!(matches!(late, Err(CommitError::Conflict(_))), "{late:?}");

        let seven: Slot<u8> = Slot::read(&store, key.clone()).await.unwrap();
        assert_eq!(seven.value(), Some(&7));
        let wrong = Slot::<String>::read(&store, key.clone()).await;
        assert!(matches!(wrong, Err(StoreError::Damaged(_))), "{wrong:?}");
        store.commit(seven.clear(Commit::new())).await.unwrap();
        assert_eq!(Slot::<u8>::read(&store, key).await.unwrap().value(), None);
    }
}
