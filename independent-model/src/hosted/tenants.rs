//! Whose accounts a store holds: for whoever starts on it, and must not leave anybody behind.

use std::collections::BTreeMap;

use namesake::{
    Scheme,
    store::{Key, Store, StoreError},
};

use super::records::{Keys, Row};

/// Rows that are looked at in one read.
const PAGE: usize = 256;

/// What a store holds of accounts that live with us.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tenants {
    /// How many accounts there are below each domain of identifiers.
    pub id_domains: BTreeMap<String, usize>,
    /// How many names somebody goes by there are below each domain of handles.
    pub handle_domains: BTreeMap<String, usize>,
}

impl Tenants {
    /// Looks at every account and every name of the backend `scheme` in `store`.
    ///
    /// # Errors
    /// When the store failed.
    pub async fn of(store: &dyn Store, scheme: &Scheme) -> Result<Self, StoreError> {
        let (keys, mut tenants) = (Keys::new(scheme.clone()), Self::default());
        let mut last = None;
        while let Some(page) = page(store, &keys.all("account"), &mut last).await? {
            for domain in page.iter().filter_map(|(key, _)| parent(keys.account_at(key)?.as_str())) {
                *tenants.id_domains.entry(domain).or_default() += 1;
            }
        }
        let (handles, mut last) = (keys.all("handle"), None);
        while let Some(page) = page(store, &handles, &mut last).await? {
            let held = page
                .iter()
                .filter(|(_, value)| matches!(serde_json::from_slice(value), Ok(Row::Held { .. })));
            for (key, _) in held {
                let name =
                    std::str::from_utf8(key.as_bytes()).ok().and_then(|key| key.strip_prefix(&handles));
                if let Some(domain) = name.and_then(parent) {
                    *tenants.handle_domains.entry(domain).or_default() += 1;
                }
            }
        }
        Ok(tenants)
    }
}

type Rows = Vec<(Key, std::sync::Arc<[u8]>)>;

/// The rows after `last`, which moves on; `None` when there are no more.
async fn page(store: &dyn Store, prefix: &str, last: &mut Option<Key>) -> Result<Option<Rows>, StoreError> {
    let page = store.scan(prefix.as_bytes(), last.as_ref(), PAGE).await?;
    let Some((key, _)) = page.last() else { return Ok(None) };
    *last = Some(key.clone());
    Ok(Some(page.into_iter().map(|(key, entry)| (key, entry.value)).collect()))
}

/// What a name, or the host of a `did:web`, is one label below.
fn parent(name: &str) -> Option<String> {
    Some(name.rsplit(':').next()?.split_once('.')?.1.to_owned())
}
