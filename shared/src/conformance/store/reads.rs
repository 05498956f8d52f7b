//! Reads and scans.

use std::sync::Arc;

use super::{commit, done, key, put, read};
use crate::store::{Commit, MAX_VALUE_BYTES, Store, Version};

pub(super) async fn s1_a_read_sees_what_was_committed(store: Arc<dyn Store>) {
    // Lengths around those at which an adapter might store values in another way.
    for length in [0, 1, 4095, 4096, 4097, 8192, MAX_VALUE_BYTES] {
        let name = format!("s1/{length}");
        for fill in [1_u8, 2] {
            let value = vec![fill; length];
            let version = commit("S1", &*store, put(&name, &value)).await;
            let Some(entry) = read("S1", &*store, &name).await else {
                assert_eq!(None, Some(version), "S1: nothing at {name} after its commit");
                return;
            };
            assert_eq!(entry.version, version, "S1: the version of {name} is not the commit's");
            assert!(*entry.value == *value, "S1: the value of {name} is not the commit's");
        }
    }
}

pub(super) async fn s2_absence_is_an_answer(store: Arc<dyn Store>) {
    assert_eq!(read("S2", &*store, "s2").await, None, "S2: an empty store has an entry");
    assert_eq!(done("S2", store.scan(b"", None, 9).await), [], "S2: an empty store has entries");
    assert_eq!(done("S2", store.changes(Version::ZERO, 9).await), [], "S2: an empty store has changes");
    commit("S2", &*store, put("s2/a", "1")).await;
    for never in ["s2", "s2/", "s2/a/", "s2/b"] {
        assert_eq!(read("S2", &*store, never).await, None, "S2: {never} was never written");
    }
}

pub(super) async fn s8_scans(store: Arc<dyn Store>) {
    for name in ["p/b", "p/a", "o", "p/c/1", "p0", "p/dead", "p", "q", "p/\u{7f}", "p/\u{e9}"] {
        commit("S8", &*store, put(name, name)).await;
    }
    commit("S8", &*store, Commit::new().delete(key("p/dead")).put(key("p/b"), b"p/b".as_slice())).await;
    let within = ["p/a", "p/b", "p/c/1", "p/\u{7f}", "p/\u{e9}"];

    let scan = async |prefix: &str, after: Option<&str>, limit: usize| {
        let after = after.map(key);
        let found = done("S8", store.scan(prefix.as_bytes(), after.as_ref(), limit).await);
        for (key, entry) in &found {
            assert_eq!(key.as_bytes(), &*entry.value, "S8: a value is under another key");
        }
        found
            .into_iter()
            .map(|(key, _)| String::from_utf8_lossy(key.as_bytes()).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(scan("p/", None, 99).await, within, "S8: all of a prefix, in order, without the deleted");
    assert_eq!(scan("p/", None, 2).await, within[..2], "S8: limit");
    assert_eq!(scan("p/", None, 0).await, within[..0], "S8: limit 0");
    assert_eq!(scan("p/", Some("p/b"), 2).await, within[2..4], "S8: after is exclusive");
    assert_eq!(scan("p/", Some("p/bb"), 99).await, within[2..], "S8: after need not exist");
    assert_eq!(scan("p/", Some("p/d"), 1).await, within[3..4], "S8: a deleted entry does not count");
    assert_eq!(scan("p/", Some("a"), 99).await, within, "S8: after may lie before the prefix");
    assert_eq!(scan("p/", Some("p/\u{e9}"), 99).await, within[..0], "S8: after the last");
    assert_eq!(scan("p/", Some("z"), 99).await, within[..0], "S8: after may lie behind the prefix");
    assert_eq!(scan("none", None, 99).await, within[..0], "S8: a prefix of nothing");
    assert_eq!(scan("", None, 99).await.len(), 9, "S8: the empty prefix is everything");
    assert_eq!(scan("p", None, 1).await, ["p"], "S8: a key is a prefix of itself");
}
