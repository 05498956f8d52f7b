//! What stands around every backend: a deadline, a place in the queue, a count, and the rules a bug would break.

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Answer, ErrorKind, Handle, HandleResolver, Identity, Lookup, Policy, Profile, ResolveError,
    Trace,
};
use tokio::{sync::Semaphore, time::Instant};

/// A backend that answers in time, and is not asked more at once than it can bear.
#[derive(Debug)]
pub(crate) struct Guarded {
    backend: Arc<dyn HandleResolver>,
    gate: Gate,
}

impl Guarded {
    pub(crate) fn new(backend: Arc<dyn HandleResolver>, deadline: Duration, at_once: usize) -> Self {
        let gate = Gate::new(backend.policy().scheme.to_string(), deadline, at_once);
        Self { backend, gate }
    }

    pub(crate) fn policy(&self) -> &Policy {
        self.backend.policy()
    }

    pub(crate) async fn resolve(
        &self,
        handle: &Handle,
        trace: &Trace,
    ) -> Result<Lookup<Identity>, ResolveError> {
        let answer = self.gate.pass("resolve", || self.backend.resolve(handle, trace)).await?;
        match &answer {
            Lookup::Found { value, .. } if value.handle != *handle => {
                Err(broken("R1: the answer is about another handle"))
            }
            Lookup::Pass => Err(broken("R4: the backend disowned a handle of its namespace")),
            _ => Ok(answer),
        }
    }

    pub(crate) async fn profile(
        &self,
        account: &AccountId,
        trace: &Trace,
    ) -> Result<Lookup<Arc<Profile>>, ResolveError> {
        let answer = self.gate.pass("profile", || self.backend.profile(account, trace)).await?;
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

/// The deadline, the queue and the counters; also used around the atproto port.
#[derive(Debug)]
pub(crate) struct Gate {
    scheme: String,
    turns: Semaphore,
    deadline: Duration,
}

impl Gate {
    pub(crate) fn new(scheme: String, deadline: Duration, at_once: usize) -> Self {
        Self { scheme, turns: Semaphore::new(at_once.min(Semaphore::MAX_PERMITS)), deadline }
    }

    /// Asks, in turn and in time. The deadline covers the wait for the turn: who waits longer than that is better told.
    pub(crate) async fn pass<'a, T>(
        &'a self,
        operation: &'static str,
        ask: impl FnOnce() -> Answer<'a, T>,
    ) -> Result<Lookup<T>, ResolveError> {
        let begun = Instant::now();
        let answer = tokio::time::timeout(self.deadline, async {
            // The semaphore is never closed.
            let _turn = self.turns.acquire().await;
            ask().await
        });
        let answer = answer.await.unwrap_or_else(|_| {
            Err(ResolveError::new(ErrorKind::Timeout, "the source did not answer within its deadline"))
        });
        self.count(operation, begun.elapsed(), &answer);
        answer
    }

    fn count<T>(&self, operation: &'static str, took: Duration, answer: &Result<Lookup<T>, ResolveError>) {
        let outcome = match answer {
            Ok(Lookup::Found { .. }) => "found",
            Ok(Lookup::Absent { .. }) => "absent",
            Ok(Lookup::Pass) => "pass",
            Err(error) => error.kind().as_str(),
        };
        let scheme = self.scheme.clone();
        metrics::counter!("namesake_backend_answers_total",
            "scheme" => scheme.clone(), "operation" => operation, "outcome" => outcome)
        .increment(1);
        metrics::histogram!("namesake_backend_seconds", "scheme" => scheme, "operation" => operation)
            .record(took.as_secs_f64());
        if let Err(error) = answer {
            let causes = std::error::Error::source(error).map(ToString::to_string);
            tracing::debug!(
                backend.scheme = self.scheme,
                backend.operation = operation,
                error.kind = outcome,
                error.message = error.message(),
                error.cause = causes,
                "backend.failed"
            );
        }
    }
}
