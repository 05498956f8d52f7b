//! What stands around every backend: a deadline, a count, and the rules a bug would break.

use std::{fmt::Debug, sync::Arc, time::Duration};

use namesake::{
    AccountId, Answer, ErrorKind, Handle, HandleResolver, Identity, Lookup, Profile, ResolveError, Trace,
};
use tokio::time::Instant;

use crate::tally::{Operation, Tally};

/// A backend that can answer both of its questions with less I/O than one after the other.
pub(crate) trait InOneGo: Debug + Send + Sync + 'static {
    /// `resolve`, and `profile` of the account it finds.
    fn resolve_with_profile<'a>(
        &'a self,
        handle: &'a Handle,
        trace: &'a Trace,
    ) -> Answer<'a, (Identity, Arc<Profile>)>;
}

/// A backend as it was plugged in.
#[derive(Debug, Clone)]
pub(crate) struct Plugged {
    pub(crate) backend: Arc<dyn HandleResolver>,
    pub(crate) in_one_go: Option<Arc<dyn InOneGo>>,
}

/// A backend that answers in time.
#[derive(Debug)]
pub(crate) struct Guarded {
    plugged: Plugged,
    gate: Gate,
}

impl Guarded {
    pub(crate) fn new(plugged: Plugged, deadline: Duration) -> Self {
        let gate = Gate::new(plugged.backend.policy().scheme.to_string(), deadline);
        Self { plugged, gate }
    }

    pub(crate) async fn resolve(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Result<Lookup<Identity>, ResolveError> {
        let answer =
            self.gate.pass(Operation::Resolve, || self.plugged.backend.resolve(handle, trace)).await?;
        match &answer {
            Lookup::Found { value, .. } if value.handle != *handle => {
                Err(broken("R1: the answer is about another handle"))
            }
            Lookup::Pass => Err(broken("R4: the backend disowned a handle of its namespace")),
            _ => Ok(answer),
        }
    }

    /// Both answers at once, from a backend that can.
    pub(crate) async fn in_one_go(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Option<Result<Lookup<(Identity, Arc<Profile>)>, ResolveError>> {
        let backend = self.plugged.in_one_go.as_ref()?;
        Some(
            self.gate
                .pass(Operation::ResolveWithProfile, || backend.resolve_with_profile(handle, trace))
                .await,
        )
    }

    pub(crate) async fn profile(
        &self,
        account: &AccountId,
        trace: &Trace,
    ) -> Result<Lookup<Arc<Profile>>, ResolveError> {
        let answer =
            self.gate.pass(Operation::Profile, || self.plugged.backend.profile(account, trace)).await?;
        match &answer {
            Lookup::Found { value, .. } if value.account != *account => {
                Err(broken("R5: the profile is another account's"))
            }
            _ => Ok(answer),
        }
    }
}

fn broken(rule: &str) -> ResolveError {
    ResolveError::new(ErrorKind::Internal, format!("a backend broke rule {rule}"))
}

/// The deadline and the counters; also used around the atproto port.
#[derive(Debug)]
pub(crate) struct Gate {
    deadline: Duration,
    tally: Tally,
}

impl Gate {
    pub(crate) fn new(scheme: String, deadline: Duration) -> Self {
        Self { deadline, tally: Tally::new(scheme) }
    }

    /// Asks, in time.
    pub(crate) async fn pass<'a, T>(
        &'a self,
        operation: Operation,
        ask: impl FnOnce() -> Answer<'a, T>,
    ) -> Result<Lookup<T>, ResolveError> {
        let begun = Instant::now();
        let answer = tokio::time::timeout(self.deadline, ask());
        let answer = answer.await.unwrap_or_else(|_| {
            Err(ResolveError::new(ErrorKind::Timeout, "the source did not answer within its deadline"))
        });
        self.count(operation, begun.elapsed(), &answer);
        answer
    }

    fn count<T>(&self, operation: Operation, took: Duration, answer: &Result<Lookup<T>, ResolveError>) {
        let outcome = match answer {
            Ok(Lookup::Found { .. }) => "found",
            Ok(Lookup::Absent { .. }) => "absent",
            Ok(Lookup::Pass) => "pass",
            Err(error) => error.kind().as_str(),
        };
        self.tally.count(operation, outcome, took);
        if let Err(error) = answer {
            tracing::debug!(
                backend.scheme = self.tally.scheme(),
                backend.operation = operation.as_str(),
                error.kind = outcome,
                error.message = error.message(),
                error.cause = error.causes(),
                "backend.failed"
            );
        }
    }
}
