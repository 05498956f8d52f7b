//! Who went by which handle when, where a public record says so.
//!
//! A port of its own, as XRPC has one: only the independent model keeps such a record. Nothing is remembered here; a
//! history is asked for seldom, and is as long as it is old.

use std::{fmt::Debug, sync::Arc};

use namesake::{AccountId, Answer, Handle, Lookup, ResolveError, Timestamp, shares::Client};

use crate::{admission::Admission, guard::Gate, quota::Quotas, settings::Limits, tally::Operation};

/// A source that has a public record of claims.
pub(crate) trait Chronicle: Debug + Send + Sync + 'static {
    /// What the record says of an account.
    fn claims_of<'a>(&'a self, account: &'a AccountId) -> Answer<'a, Claims>;
}

/// What an account claimed to be called, the oldest first. Claims, not proofs: nobody can ask the DNS of then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) record: Record,
    pub(crate) deactivated: bool,
    pub(crate) claims: Vec<Claim>,
}

/// What says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Record {
    /// The audit log of a did:plc.
    PlcLog,
    /// The log of an account that lives here.
    WebvhLog,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) handle: Handle,
    pub(crate) from: Timestamp,
    /// `None`: it is claimed today.
    pub(crate) until: Option<Timestamp>,
}

/// The record, behind a gate.
#[derive(Debug)]
pub(crate) struct History {
    chronicle: Arc<dyn Chronicle>,
    gate: Gate,
    admission: Admission,
}

impl History {
    pub(crate) fn new(chronicle: Arc<dyn Chronicle>, limits: &Limits, quotas: &Arc<Quotas>) -> Self {
        let gate = Gate::new("history".to_owned(), limits.deadline);
        Self { chronicle, gate, admission: Admission::new(quotas, limits) }
    }

    pub(crate) async fn claims_of(&self, account: &AccountId) -> Result<Lookup<Claims>, ResolveError> {
        let _turn = self.admission.turn(Client::current()).await?;
        self.gate.pass(Operation::ClaimsOf, || self.chronicle.claims_of(account)).await
    }
}
