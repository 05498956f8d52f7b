//! The store remembers whose it is, so that a start with another configuration leaves nobody behind.
//!
//! Below which domains accounts live, and which upstream each mirror mirrors, is in the configuration; who lives there is
//! in the store. Where the one changes and the other does not, people's names would be answered as if nobody had them. So
//! the store keeps what it was last started with. A start that only adds to it goes on; any other looks at what would be
//! left behind, and does not go on unless the operator named each of it in `store.abandon`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
};

use namesake::{
    Scheme,
    store::{Commit, CommitError, Key, Slot, Store, StoreError},
};
use namesake_independent::hosted::{HostedSettings, Tenants};
use namesake_mirror::{stored_mirrors, upstream::UpstreamSource};
use serde::{Deserialize, Serialize};

/// Where it is kept. No backend's key begins like it.
const PLACE: &str = "owner";

/// Whose accounts and names a service answers from its store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Owner {
    id_domain: Option<String>,
    handle_domains: BTreeSet<String>,
    mirrors: BTreeMap<String, UpstreamSource>,
}

/// A store on which this configuration must not start.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OwnerError {
    /// Somebody would be left behind.
    #[error(
        "this configuration would leave people of the store behind: {0}. Set back what was changed, or let go of them with store.abandon = {1}"
    )]
    Orphans(String, String),
    /// The store failed.
    #[error("whose accounts the store holds cannot be read or written")]
    Store(#[from] StoreError),
}

/// Accounts or names that nobody would answer for.
struct Orphans {
    /// What `store.abandon` calls them.
    name: String,
    /// How many of what, and which key they come from.
    what: String,
}

impl Owner {
    /// Of accounts that live here, if any do, and of these mirrors.
    pub(crate) fn new(hosted: Option<&HostedSettings>, mirrors: BTreeMap<String, UpstreamSource>) -> Self {
        let handle_domains = hosted.iter().flat_map(|hosted| &hosted.handle_domains);
        Self {
            id_domain: hosted.map(|hosted| hosted.id_domain.to_string()),
            handle_domains: handle_domains.map(ToString::to_string).collect(),
            mirrors,
        }
    }

    /// Takes the store over, if nobody is left behind but those named in `abandon`. `scheme` is that of accounts that live
    /// here.
    pub(crate) async fn take(
        &self,
        store: &dyn Store,
        scheme: &Scheme,
        abandon: &[String],
    ) -> Result<(), OwnerError> {
        let place = Key::new(PLACE).map_err(|error| StoreError::Damaged(error.to_string()))?;
        let before = Slot::<Self>::read(store, place).await?;
        if before.value() == Some(self) {
            return Ok(());
        }
        if before.value().is_none_or(|before| !self.has_all_of(before)) {
            let mut left = self.would_leave(store, scheme).await?;
            left.retain(|orphans| !abandon.contains(&orphans.name));
            if !left.is_empty() {
                return Err(refusal(&left));
            }
        }
        match store.commit(before.put(Commit::new(), self)?).await {
            Ok(_) => Ok(()),
            Err(CommitError::Failed(error) | CommitError::Unknown(error)) => Err(error.into()),
            // Nobody else writes yet.
            Err(error) => Err(StoreError::Damaged(error.to_string()).into()),
        }
    }

    fn has_all_of(&self, before: &Self) -> bool {
        (before.id_domain.is_none() || before.id_domain == self.id_domain)
            && before.handle_domains.is_subset(&self.handle_domains)
            && before.mirrors.iter().all(|(name, source)| self.mirrors.get(name) == Some(source))
    }

    async fn would_leave(&self, store: &dyn Store, scheme: &Scheme) -> Result<Vec<Orphans>, StoreError> {
        let mut left = Vec::new();
        let tenants = Tenants::of(store, scheme).await?;
        for (domain, accounts) in tenants.id_domains {
            if self.id_domain.as_ref() != Some(&domain) {
                let what = format!("{accounts} of {domain} (independent.id_domain)");
                left.push(Orphans { name: domain, what });
            }
        }
        for (domain, names) in tenants.handle_domains {
            if !self.handle_domains.contains(&domain) {
                let what = format!("{names} called something below {domain} (independent.handle_domains)");
                left.push(Orphans { name: domain, what });
            }
        }
        for (mirror, sources) in stored_mirrors(store).await? {
            let ours = self.mirrors.get(&mirror);
            for (UpstreamSource { kind, origin, client }, accounts) in
                sources.into_iter().filter(|(source, _)| Some(source) != ours)
            {
                let client = if client.is_empty() { client } else { format!(" as client {client}") };
                let what =
                    format!("{accounts} of mirror.{mirror}, which mirrored {kind} at {origin}{client}");
                left.push(Orphans { name: format!("mirror.{mirror}"), what });
            }
        }
        Ok(left)
    }
}

fn refusal(left: &[Orphans]) -> OwnerError {
    let whom: Vec<_> = left.iter().map(|orphans| orphans.what.as_str()).collect();
    let mut names = String::new();
    for name in left.iter().map(|orphans| &orphans.name).collect::<BTreeSet<_>>() {
        let _ = write!(names, "{}{name:?}", if names.is_empty() { "" } else { ", " });
    }
    OwnerError::Orphans(whom.join("; "), format!("[{names}]"))
}

#[cfg(test)]
mod tests {
    use namesake::store::MemoryStore;

    use super::*;

    fn source(client: &str) -> UpstreamSource {
        let (kind, origin) = ("threads".to_owned(), "https://graph.threads.net".to_owned());
        UpstreamSource { kind, origin, client: client.to_owned() }
    }

    fn owner(id_domain: &str, handle_domains: &[&str], mirrors: &[(&str, &str)]) -> Owner {
        Owner {
            id_domain: (!id_domain.is_empty()).then(|| id_domain.to_owned()),
            handle_domains: handle_domains.iter().map(|&domain| domain.to_owned()).collect(),
            mirrors: mirrors.iter().map(|&(name, client)| (name.to_owned(), source(client))).collect(),
        }
    }

    fn scheme() -> Scheme {
        Scheme::parse("independent").unwrap()
    }

    /// A store with one account that lives here, its name, a released name, and one mirrored account.
    async fn inhabited() -> MemoryStore {
        let store = MemoryStore::new();
        let foreign = format!("{{\"foreign\":{}}}", with_id(&source("1")));
        for (key, value) in [
            ("independent/account/did:web:ua.id.example.com", "{}"),
            (
                "independent/handle/alice.example.com",
                r#"{"state":"held","account":"did:web:ua.id.example.com"}"#,
            ),
            (
                "independent/handle/al.example.org",
                r#"{"state":"released","by":"did:web:ua.id.example.com","at":"2026-01-01T00:00:00Z"}"#,
            ),
            ("mirror/threads/account/threads:0", &foreign),
            ("mirror/threads/handle/hash", "{}"),
        ] {
            store.commit(Commit::new().put(Key::new(key).unwrap(), value.as_bytes())).await.unwrap();
        }
        store
    }

    fn with_id(source: &UpstreamSource) -> String {
        let mut foreign = serde_json::to_value(source).unwrap();
        foreign["id"] = "23".into();
        foreign.to_string()
    }

    #[tokio::test]
    async fn a_start_that_would_leave_somebody_behind_is_refused_and_says_the_way_out() {
        let full = owner("id.example.com", &["example.com"], &[("threads", "1")]);
        for (other, said) in [
            (owner("id.example.net", &["example.com"], &[("threads", "1")]), &["id.example.com"][..]),
            (owner("id.example.com", &["example.org"], &[("threads", "1")]), &["example.com"]),
            (owner("", &[], &[("threads", "1")]), &["example.com", "id.example.com"]),
            (owner("id.example.com", &["example.com"], &[]), &["mirror.threads"]),
            (owner("id.example.com", &["example.com"], &[("meta", "1")]), &["mirror.threads"]),
            (owner("id.example.com", &["example.com"], &[("threads", "2")]), &["mirror.threads"]),
            (Owner::default(), &["example.com", "id.example.com", "mirror.threads"]),
        ] {
            // A store of a version that did not remember, and one that does.
            for remembered in [false, true] {
                let store = inhabited().await;
                if remembered {
                    full.take(&store, &scheme(), &[]).await.unwrap();
                }
                let refused = other.take(&store, &scheme(), &[]).await.unwrap_err().to_string();
                assert!(refused.ends_with(&format!("store.abandon = {said:?}")), "{other:?}: {refused}");
                full.take(&store, &scheme(), &[]).await.unwrap();
                let abandon: Vec<_> = said.iter().map(|&name| name.to_owned()).collect();
                assert!(other.take(&store, &scheme(), &abandon[1..]).await.is_err(), "{other:?}");
                other.take(&store, &scheme(), &abandon).await.unwrap();
                other.take(&store, &scheme(), &[]).await.unwrap();
            }
        }
    }

    #[tokio::test]
    async fn what_is_added_or_was_nobodys_changes_nothing_for_anybody() {
        let store = inhabited().await;
        for fine in [
            owner("id.example.com", &["example.com", "example.org"], &[("threads", "1"), ("staff", "2")]),
            owner("id.example.com", &["example.com"], &[("threads", "1")]),
        ] {
            fine.take(&store, &scheme(), &[]).await.unwrap();
        }
        let empty = MemoryStore::new();
        owner("id.example.com", &["example.com"], &[("threads", "1")])
            .take(&empty, &scheme(), &[])
            .await
            .unwrap();
        Owner::default().take(&empty, &scheme(), &[]).await.unwrap();
    }
}
