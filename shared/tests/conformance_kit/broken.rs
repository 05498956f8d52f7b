//! The good backend with one fault put in.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use namesake::{
    AccountId, Answer, Bio, ErrorKind, Handle, HandleResolver, Identity, Lookup, Namespace, Policy, Profile,
    ResolveError, Scheme, Trace, conformance::backend::Breakage,
};
use tokio::sync::{Semaphore, watch};

use crate::table::{Table, account, handle, profile};

/// What is wrong with a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    AnotherHandle,
    HeldIsAbsent,
    OneAccountForAll,
    SwappedAccounts,
    AbsenceIsAFailure,
    AbsentAccountIsAFailure,
    ForeignIsAbsent,
    ForeignCostsIo,
    ForeignAccountIsAbsent,
    OwnIsPassed,
    ProfileHasNoHandle,
    OldNameStays,
    ProfileShowsTheOldName,
    AnotherScheme,
    PathWithoutHandle,
    ChangingPolicy,
    NamespaceOfEverything,
    UndeclaredBio,
    FailsWhenBusy,
    PanicsWhenBusy,
    AnotherAnswerWhenTraced,
    KeepsPermits,
    CountsTheDroppedAsBusy,
    FlightDiesWithItsLeader,
    DownIsAbsent,
    DownIsNonsense,
    DownIsAnsweredFromMemory,
    NonsenseIsDown,
    NonsenseIsNoProfile,
    NeverRecovers,
}

/// A backend that is right but for one fault.
#[derive(Debug)]
pub(crate) struct Broken {
    table: Arc<Table>,
    fault: Fault,
    policy: Policy,
    busy: AtomicUsize,
    permits: Semaphore,
    flight: Mutex<Option<watch::Receiver<bool>>>,
    has_failed: AtomicBool,
}

impl Broken {
    pub(crate) fn new(table: Arc<Table>, fault: Fault) -> Self {
        let mut policy = table.policy.clone();
        match fault {
            Fault::PathWithoutHandle => policy.profile_path = "/people".to_owned(),
            Fault::NamespaceOfEverything => policy.namespace = Namespace::new("everything", |_| true),
            Fault::ChangingPolicy => policy.summary = "Another one.".to_owned(),
            _ => {}
        }
        let (busy, permits, flight) = (AtomicUsize::new(0), Semaphore::new(8), Mutex::new(None));
        Self { table, fault, policy, busy, permits, flight, has_failed: AtomicBool::new(false) }
    }

    /// The faults of how a call runs, whatever it asks.
    async fn run<T>(&self, trace: &Trace, call: Answer<'_, T>) -> Result<Lookup<T>, ResolveError> {
        match self.fault {
            Fault::FailsWhenBusy | Fault::PanicsWhenBusy => {
                let guard = Busy::enter(&self.busy);
                assert!(self.fault != Fault::PanicsWhenBusy || guard.others == 0, "already borrowed");
                if guard.others > 0 {
                    return Err(ResolveError::new(ErrorKind::Throttled, "one at a time"));
                }
                call.await
            }
            Fault::AnotherAnswerWhenTraced if trace.is_on() => Ok(Lookup::unknown()),
            Fault::KeepsPermits => {
                self.permits.acquire().await.unwrap().forget();
                let said = call.await;
                self.permits.add_permits(1);
                said
            }
            Fault::CountsTheDroppedAsBusy => {
                if self.busy.fetch_add(1, Ordering::SeqCst) >= 64 {
                    self.busy.fetch_sub(1, Ordering::SeqCst);
                    return Err(ResolveError::new(ErrorKind::Throttled, "too many"));
                }
                let said = call.await;
                self.busy.fetch_sub(1, Ordering::SeqCst);
                said
            }
            Fault::FlightDiesWithItsLeader => self.fly(call).await,
            Fault::NeverRecovers if self.has_failed.load(Ordering::SeqCst) => match call.await {
                Ok(Lookup::Pass) => Ok(Lookup::Pass),
                _ => down(),
            },
            _ => call.await,
        }
    }

    /// One call asks and the others wait for it, but nobody takes over when it is dropped.
    async fn fly<T>(&self, call: Answer<'_, T>) -> Result<Lookup<T>, ResolveError> {
        let landed = watch::Sender::new(false);
        let leader = {
            let mut flight = self.flight.lock().unwrap();
            let leader = flight.clone().filter(|leader| leader.has_changed().is_ok());
            if leader.is_none() {
                *flight = Some(landed.subscribe());
            }
            leader
        };
        if let Some(mut leader) = leader {
            // Some backends would hang here; this one at least says so.
            leader.changed().await.map_err(|_| ResolveError::new(ErrorKind::Internal, "the leader left"))?;
            return call.await;
        }
        let said = call.await;
        landed.send_replace(true);
        *self.flight.lock().unwrap() = None;
        said
    }

    /// The faults of what is said about a handle.
    async fn resolve_wrongly(
        &self,
        asked: &Handle,
        trace: &Trace,
        said: Result<Lookup<Identity>, ResolveError>,
    ) -> Result<Lookup<Identity>, ResolveError> {
        let twisted = |twist: fn(&mut Identity)| {
            said.clone().map(|lookup| {
                lookup.map(|mut identity| {
                    twist(&mut identity);
                    identity
                })
            })
        };
        match self.fault {
            Fault::AnotherHandle => twisted(|identity| identity.handle = handle("alice")),
            Fault::OneAccountForAll => twisted(|identity| identity.account = account("alice")),
            Fault::AnotherScheme => twisted(|identity| identity.scheme = Scheme::parse("chair").unwrap()),
            Fault::SwappedAccounts => twisted(|Identity { account: held_by, .. }| {
                *held_by = account(if *held_by == account("alice") { "bob" } else { "alice" });
            }),
            Fault::HeldIsAbsent => Ok(Lookup::unknown()),
            Fault::ForeignCostsIo if matches!(said, Ok(Lookup::Pass)) => {
                self.table.ask(|_| ()).await?;
                said
            }
            Fault::ForeignIsAbsent if matches!(said, Ok(Lookup::Pass)) => Ok(Lookup::unknown()),
            Fault::OwnIsPassed if is_absent(&said) => Ok(Lookup::Pass),
            Fault::AbsenceIsAFailure if is_absent(&said) => down(),
            Fault::OldNameStays if is_absent(&said) && asked.as_str() == "alice" => {
                Ok(Lookup::known(self.table.identity(asked, account("alice"))))
            }
            Fault::DownIsAnsweredFromMemory if self.table.faults.broken() == Some(Breakage::Down) => {
                Ok(Lookup::known(self.table.identity(asked, account(asked.as_str()))))
            }
            _ => self.fail_wrongly(trace, said),
        }
    }

    /// The faults of what is said about an account.
    fn profile_wrongly(
        &self,
        asked: &AccountId,
        trace: &Trace,
        said: Result<Lookup<Arc<Profile>>, ResolveError>,
    ) -> Result<Lookup<Arc<Profile>>, ResolveError> {
        let is_of_alice = *asked == account("alice");
        match self.fault {
            Fault::AbsentAccountIsAFailure if is_absent(&said) => down(),
            Fault::ForeignAccountIsAbsent if matches!(said, Ok(Lookup::Pass)) => Ok(Lookup::unknown()),
            Fault::ProfileHasNoHandle if is_of_alice => Ok(Lookup::known(profile(asked, None))),
            Fault::ProfileShowsTheOldName if is_of_alice && said.is_ok() => {
                Ok(Lookup::known(profile(asked, Some(handle("alice")))))
            }
            Fault::UndeclaredBio if is_of_alice => {
                let mut with_bio = Profile::clone(&profile(asked, Some(handle("alice"))));
                with_bio.bio = Bio::clean("A chair.");
                Ok(Lookup::known(Arc::new(with_bio)))
            }
            Fault::NonsenseIsNoProfile if is_failure(&said, ErrorKind::BadAnswer) => Ok(Lookup::unknown()),
            _ => self.fail_wrongly(trace, said),
        }
    }

    /// The faults of how failures are told.
    fn fail_wrongly<T>(
        &self,
        _: &Trace,
        said: Result<Lookup<T>, ResolveError>,
    ) -> Result<Lookup<T>, ResolveError> {
        let is_down = is_failure(&said, ErrorKind::Unavailable);
        self.has_failed.fetch_or(is_down, Ordering::SeqCst);
        match self.fault {
            Fault::DownIsAbsent if is_down => Ok(Lookup::unknown()),
            Fault::DownIsNonsense if is_down => Err(ResolveError::new(ErrorKind::BadAnswer, "a chair")),
            Fault::NonsenseIsDown if is_failure(&said, ErrorKind::BadAnswer) => down(),
            _ => said,
        }
    }
}

impl HandleResolver for Broken {
    fn policy(&self) -> &Policy {
        let changed = self.fault == Fault::ChangingPolicy && self.table.faults.broken().is_some();
        self.has_failed.fetch_or(changed, Ordering::SeqCst);
        match self.fault {
            Fault::ChangingPolicy if !self.has_failed.load(Ordering::SeqCst) => &self.table.policy,
            _ => &self.policy,
        }
    }

    fn resolve<'a>(&'a self, asked: &'a Handle, trace: &'a Trace) -> Answer<'a, Identity> {
        Box::pin(async move {
            let said = self.run(trace, self.table.resolve(asked, trace)).await;
            self.resolve_wrongly(asked, trace, said).await
        })
    }

    fn profile<'a>(&'a self, asked: &'a AccountId, trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        Box::pin(async move {
            let said = self.run(trace, self.table.profile(asked, trace)).await;
            self.profile_wrongly(asked, trace, said)
        })
    }
}

/// Somebody inside, until dropped.
struct Busy<'a> {
    count: &'a AtomicUsize,
    others: usize,
}

impl<'a> Busy<'a> {
    fn enter(count: &'a AtomicUsize) -> Self {
        Self { count, others: count.fetch_add(1, Ordering::SeqCst) }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::SeqCst);
    }
}

fn down<T>() -> Result<Lookup<T>, ResolveError> {
    Err(ResolveError::new(ErrorKind::Unavailable, "somebody is away"))
}

fn is_absent<T>(said: &Result<Lookup<T>, ResolveError>) -> bool {
    matches!(said, Ok(Lookup::Absent { .. }))
}

fn is_failure<T>(said: &Result<Lookup<T>, ResolveError>, kind: ErrorKind) -> bool {
    said.as_ref().is_err_and(|error| error.kind() == kind)
}
