//! Whose accounts a store holds: for whoever starts on it, and must not leave anybody behind.

use std::collections::BTreeMap;

use namesake::store::{Key, Store, StoreError};
use serde::Deserialize;

use crate::{records::ForeignKey, upstream::UpstreamSource};

/// Rows that are looked at in one read.
const PAGE: usize = 256;

/// The mirrors that have accounts in `store`, by name: how many accounts of which upstream. Looks at every row.
///
/// # Errors
/// When the store failed.
pub async fn stored_mirrors(
    store: &dyn Store,
) -> Result<BTreeMap<String, Vec<(UpstreamSource, usize)>>, StoreError> {
    /// What counts of an account here.
    #[derive(Deserialize)]
    struct Account {
        foreign: ForeignKey,
    }
    let mut found: BTreeMap<String, Vec<(UpstreamSource, usize)>> = BTreeMap::new();
    let mut last = None::<Key>;
    loop {
        let page = store.scan(b"mirror/", last.as_ref(), PAGE).await?;
        for (key, entry) in &page {
            let Some(name) = mirror_of_account(key) else { continue };
            let Ok(Account { foreign }) = serde_json::from_slice(&entry.value) else { continue };
            let sources = found.entry(name.to_owned()).or_default();
            match sources.iter_mut().find(|(source, _)| *source == foreign.source) {
                Some((_, accounts)) => *accounts += 1,
                None => sources.push((foreign.source, 1)),
            }
        }
        match page.into_iter().next_back() {
            Some((key, _)) => last = Some(key),
            None => return Ok(found),
        }
    }
}

/// The name of the mirror, where `key` is that of an account.
fn mirror_of_account(key: &Key) -> Option<&str> {
    let rest = std::str::from_utf8(key.as_bytes()).ok()?.strip_prefix("mirror/")?;
    let (name, rest) = rest.split_once('/')?;
    rest.starts_with("account/").then_some(name)
}
