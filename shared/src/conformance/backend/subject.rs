//! The backend under test, and the only way the checks ask it: in a task of its own, under a deadline.

use std::{collections::BTreeSet, future::Future, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};

use super::{
    Facts, Fixture, Held, Rule,
    report::{broken, inconsistent},
};
use crate::{AccountId, Handle, HandleResolver, Identity, Lookup, Profile, ResolveError, Trace};

/// How long one call of the backend, or one hook of the fixture, may take.
///
/// Longer than any deadline a backend should have of its own, so that a backend which gives up in time is seen to.
pub const DEADLINE: Duration = Duration::from_secs(20);

/// What a backend said.
pub(super) type Said<T> = Result<Lookup<T>, ResolveError>;

/// The backend under test, and what the fixture says about its world.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) backend: Arc<dyn HandleResolver>,
    pub(super) held: Vec<Held>,
    pub(super) absent: Handle,
    pub(super) absent_account: AccountId,
    pub(super) foreign: Handle,
}

impl Subject {
    /// Reads the fixture, and refuses one whose world could not break a rule.
    pub(super) fn of(fixture: &impl Fixture) -> Self {
        let Facts { held, absent, absent_account, foreign } = fixture.facts();
        let handles: BTreeSet<_> = held.iter().map(|held| &held.handle).collect();
        let accounts: BTreeSet<_> = held.iter().map(|held| &held.account).collect();
        if held.len() < 2 || handles.len() != held.len() || accounts.len() != held.len() {
            inconsistent(format!("expected two or more handles, each of another account, got {held:?}"));
        }
        if handles.contains(&absent) || handles.contains(&foreign) || absent == foreign {
            inconsistent(format!("{absent:?} (absent) and {foreign:?} (foreign) are held, or the same"));
        }
        if accounts.contains(&absent_account) {
            inconsistent(format!("{absent_account} is said to be absent and to hold a handle"));
        }
        Self { backend: fixture.backend(), held, absent, absent_account, foreign }
    }

    /// Resolves, on behalf of the check of `rule`.
    pub(super) async fn resolve(&self, rule: Rule, handle: &Handle) -> Said<Identity> {
        let (backend, asked) = (Arc::clone(&self.backend), handle.clone());
        let call = async move { backend.resolve(&asked, &Trace::OFF).await };
        in_a_task(rule, &format!("resolve({handle:?})"), call).await
    }

    /// Asks for a profile, on behalf of the check of `rule`.
    pub(super) async fn profile(&self, rule: Rule, account: &AccountId) -> Said<Arc<Profile>> {
        let (backend, asked) = (Arc::clone(&self.backend), account.clone());
        let call = async move { backend.profile(&asked, &Trace::OFF).await };
        in_a_task(rule, &format!("profile({account})"), call).await
    }
}

/// Runs `work` in a task of its own, so that a panic in the backend is caught and put into words.
///
/// No answer in time breaks `rule`. A panic breaks R7, or R8 when that is what is being checked.
pub(super) async fn in_a_task<T: Send + 'static>(
    rule: Rule,
    what: &str,
    work: impl Future<Output = T> + Send + 'static,
) -> T {
    let mut task = JoinSet::new();
    task.spawn(work);
    match within(rule, what, task.join_next()).await {
        Some(Ok(done)) => done,
        Some(Err(fault)) => {
            let rule = if rule == Rule::R8 { rule } else { Rule::R7 };
            broken(rule, format!("{what}: expected an answer, but the {fault}"))
        }
        None => broken(rule, format!("{what}: expected an answer, but its task is gone")),
    }
}

/// Waits for `work`; when it takes longer than [`DEADLINE`], `rule` is broken.
pub(super) async fn within<T>(rule: Rule, what: &str, work: impl Future<Output = T>) -> T {
    match timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => broken(
            rule,
            format!("{what}: expected an end within {} s, but there was none", DEADLINE.as_secs()),
        ),
    }
}
