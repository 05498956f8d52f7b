//! A good backend: names in a table that is asked, counted, broken and mended like any source.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use namesake::{
    AccountId, Answer, Bound, ChangedBy, ErrorKind, Handle, HandleResolver, Identity, Lookup, Method, Model,
    Namespace, Policy, Profile, Proof, ResolveError, Scheme, Timestamp, Trace,
    conformance::backend::{Breakage, Excuse, Facts, Faults, Fixture, Held, Renamed, Upstream},
};

/// Names without a dot, and who holds them.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) policy: Policy,
    pub(crate) never_waits: bool,
    pub(crate) faults: Faults,
    names: Mutex<BTreeMap<Handle, AccountId>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let scheme = Scheme::parse("table").unwrap();
        let plain = Namespace::new("names without a dot", |handle: &Handle| !handle.as_str().contains('.'));
        let mut policy = Policy::new(scheme, Model::Other, plain);
        policy.changed_by = ChangedBy::Holder;
        policy.visible_within = Bound::Immediately;
        let names = ["alice", "bob", "carol"].map(|name| (handle(name), account(name)));
        Self { policy, never_waits: false, faults: Faults::default(), names: Mutex::new(names.into()) }
    }

    /// Asks the source.
    pub(crate) async fn ask<T>(
        &self,
        read: impl FnOnce(&BTreeMap<Handle, AccountId>) -> T,
    ) -> Result<T, ResolveError> {
        let broken = if self.never_waits { self.faults.count() } else { self.faults.asked().await };
        match broken {
            Some(Breakage::Down) => Err(ResolveError::new(ErrorKind::Unavailable, "the table is away")),
            Some(Breakage::Nonsense) => Err(ResolveError::new(ErrorKind::BadAnswer, "the table is a chair")),
            None => Ok(read(&self.names.lock().unwrap_or_else(PoisonError::into_inner))),
        }
    }
}

impl HandleResolver for Table {
    fn policy(&self) -> &Policy {
        &self.policy
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, _: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            if !self.policy.namespace.holds(handle) {
                return Ok(Lookup::Pass);
            }
            let holder = self.ask(|names| names.get(handle).cloned()).await?;
            Ok(holder.map_or(Lookup::unknown(), |account| Lookup::known(self.identity(handle, account))))
        })
    }

    fn profile<'a>(&'a self, account: &'a AccountId, _: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            if !account.as_str().starts_with("table:") {
                return Ok(Lookup::Pass);
            }
            let of_account = |names: &BTreeMap<Handle, AccountId>| {
                names.iter().find(|(_, holder)| *holder == account).map(|(handle, _)| handle.clone())
            };
            let handle = self.ask(of_account).await?;
            Ok(handle.map_or(Lookup::unknown(), |handle| Lookup::known(profile(account, Some(handle)))))
        })
    }
}

impl Table {
    pub(crate) fn identity(&self, handle: &Handle, account: AccountId) -> Identity {
        let proof = Proof::new(Method::new("table"), Timestamp::UNIX_EPOCH);
        Identity { handle: handle.clone(), account, scheme: self.policy.scheme.clone(), proof }
    }
}

pub(crate) fn profile(account: &AccountId, handle: Option<Handle>) -> Arc<Profile> {
    Arc::new(Profile { handle, ..Profile::bare(account.clone()) })
}

pub(crate) fn handle(name: &str) -> Handle {
    Handle::parse(name).unwrap()
}

pub(crate) fn account(name: &str) -> AccountId {
    AccountId::parse(&format!("table:id-of-{name}")).unwrap()
}

/// The table's world, with what the tests turn off in it.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) backend: Arc<dyn HandleResolver>,
    pub(crate) held: Vec<Held>,
    pub(crate) excuses: Vec<Breakage>,
    pub(crate) reason: &'static str,
    pub(crate) refuses_renames: bool,
    pub(crate) renamed: Renamed,
    pub(crate) counter_stands_still: bool,
    table: Arc<Table>,
}

impl World {
    pub(crate) fn of(table: Table) -> Self {
        Self::of_shared(Arc::new(table))
    }

    pub(crate) fn of_shared(table: Arc<Table>) -> Self {
        let held = ["alice", "bob"].map(|name| Held { handle: handle(name), account: account(name) });
        Self {
            backend: Arc::clone(&table) as _,
            held: held.into(),
            excuses: Vec::new(),
            reason: "it is a constant",
            refuses_renames: false,
            renamed: Renamed::new("alice", "alicia"),
            counter_stands_still: false,
            table,
        }
    }
}

impl Fixture for World {
    fn backend(&self) -> Arc<dyn HandleResolver> {
        Arc::clone(&self.backend)
    }

    fn facts(&self) -> Facts {
        Facts {
            held: self.held.clone(),
            absent: handle("nobody"),
            absent_account: AccountId::parse("table:nobody").unwrap(),
            foreign: handle("alice.example"),
        }
    }

    fn upstream(&self) -> &impl Upstream {
        self
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        if self.refuses_renames {
            return Err(Excuse::new(self.reason));
        }
        let mut names = self.table.names.lock().unwrap();
        names.remove(&handle("alice"));
        names.insert(handle("alicia"), account("alice"));
        Ok(self.renamed.clone())
    }
}

/// What the table's own switch does, unless the test has an excuse or a counter that stands still.
impl Upstream for World {
    fn calls(&self) -> u64 {
        if self.counter_stands_still { 0 } else { self.table.faults.calls() }
    }

    async fn fail(&self, how: Breakage) -> Result<(), Excuse> {
        if self.excuses.contains(&how) {
            return Err(Excuse::new(self.reason));
        }
        self.table.faults.fail(how).await
    }

    async fn mend(&self) {
        self.table.faults.mend().await;
    }
}
