//! A good backend: names in a table that is asked, counted, broken and mended like any source.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use namesake::{
    AccountId, Answer, Bound, ChangedBy, ErrorKind, Handle, HandleResolver, Identity, Lookup, Method, Model,
    Namespace, Policy, Profile, ProfileState, Proof, ResolveError, Scheme, Timestamp, Trace, Ttl, Why,
    conformance::backend::{Breakage, Excuse, Fixture, Held, Renamed},
};

/// Names without a dot, and who holds them.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) policy: Policy,
    pub(crate) never_waits: bool,
    rows: Mutex<Rows>,
    asked: AtomicU64,
}

#[derive(Debug, Default)]
struct Rows {
    names: BTreeMap<Handle, AccountId>,
    broken: Option<Breakage>,
}

impl Table {
    pub(crate) fn new() -> Self {
        let scheme = Scheme::parse("table").unwrap();
        let plain = Namespace::new("names without a dot", |handle: &Handle| !handle.as_str().contains('.'));
        let mut policy = Policy::new(scheme, Model::Other, plain);
        policy.changed_by = ChangedBy::Holder;
        policy.visible_within = Bound::Immediately;
        let names = ["alice", "bob", "carol"].map(|name| (handle(name), account(name)));
        let rows = Mutex::new(Rows { names: names.into(), broken: None });
        Self { policy, never_waits: false, rows, asked: AtomicU64::new(0) }
    }

    /// Asks the source.
    pub(crate) async fn ask<T>(
        &self,
        read: impl FnOnce(&BTreeMap<Handle, AccountId>) -> T,
    ) -> Result<T, ResolveError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if !self.never_waits {
            tokio::task::yield_now().await;
        }
        let rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        match rows.broken {
            Some(Breakage::Down) => Err(ResolveError::new(ErrorKind::Unavailable, "the table is away")),
            Some(Breakage::Nonsense) => Err(ResolveError::new(ErrorKind::BadAnswer, "the table is a chair")),
            None => Ok(read(&rows.names)),
        }
    }

    pub(crate) fn is_broken(&self) -> Option<Breakage> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).broken
    }

    fn set_broken(&self, broken: Option<Breakage>) {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner).broken = broken;
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
            Ok(holder.map_or(absent(), |account| found(self.identity(handle, account))))
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
            Ok(self.ask(of_account).await?.map_or(absent(), |handle| found(profile(account, Some(handle)))))
        })
    }
}

impl Table {
    pub(crate) fn identity(&self, handle: &Handle, account: AccountId) -> Identity {
        let proof =
            Proof { method: Method::new("table"), checked_at: Timestamp::UNIX_EPOCH, provisional: false };
        Identity { handle: handle.clone(), account, scheme: self.policy.scheme.clone(), proof }
    }
}

pub(crate) fn found<T>(value: T) -> Lookup<T> {
    Lookup::Found { value, ttl: Ttl::Default }
}

pub(crate) fn absent<T>() -> Lookup<T> {
    Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default }
}

pub(crate) fn profile(account: &AccountId, handle: Option<Handle>) -> Arc<Profile> {
    let (account, state) = (account.clone(), ProfileState::Current);
    Arc::new(Profile { account, handle, display_name: None, bio: None, avatar: None, state })
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
            counter_stands_still: false,
            table,
        }
    }
}

impl Fixture for World {
    fn backend(&self) -> Arc<dyn HandleResolver> {
        Arc::clone(&self.backend)
    }

    fn held(&self) -> Vec<Held> {
        self.held.clone()
    }

    fn absent(&self) -> Handle {
        handle("nobody")
    }

    fn absent_account(&self) -> AccountId {
        AccountId::parse("table:nobody").unwrap()
    }

    fn foreign(&self) -> Handle {
        handle("alice.example")
    }

    fn io_calls(&self) -> u64 {
        if self.counter_stands_still { 0 } else { self.table.asked.load(Ordering::SeqCst) }
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        if self.refuses_renames {
            return Err(Excuse::new(self.reason));
        }
        let (account, old, new) = (account("alice"), handle("alice"), handle("alicia"));
        let mut rows = self.table.rows.lock().unwrap();
        rows.names.remove(&old);
        rows.names.insert(new.clone(), account.clone());
        Ok(Renamed { account, old, new })
    }

    async fn break_upstream(&self, how: Breakage) -> Result<(), Excuse> {
        if self.excuses.contains(&how) {
            return Err(Excuse::new(self.reason));
        }
        self.table.set_broken(Some(how));
        Ok(())
    }

    async fn mend_upstream(&self) {
        self.table.set_broken(None);
    }
}
