//! Who may begin a lookup, and when: a quota of misses for each client, and a fair queue in front of each backend.

use std::{sync::Arc, time::Duration};

use namesake::{
    ErrorKind, ResolveError,
    shares::{Client, FairQueue, QueueLimits, Turn},
};

use crate::{
    quota::{Purpose, Quotas},
    settings::Limits,
};

/// The way in to one backend; cheap to clone, and a clone is the same one.
#[derive(Debug, Clone)]
pub(crate) struct Admission {
    quotas: Arc<Quotas>,
    queue: FairQueue,
    deadline: Duration,
}

impl Admission {
    pub(crate) fn new(quotas: &Arc<Quotas>, limits: &Limits) -> Self {
        let queue = FairQueue::new(QueueLimits {
            places: limits.backend_concurrency,
            per_second: None,
            waiting: limits.backend_waiting,
            share_percent: limits.client_share_percent,
        });
        Self { quotas: Arc::clone(quotas), queue, deadline: limits.deadline }
    }

    /// Takes a miss from the quota of the client for whom the running task answers.
    pub(crate) fn spend(&self) -> Result<(), ResolveError> {
        self.quotas.take(Purpose::Miss).map_err(|wait| {
            let message = "you have asked for as many names that nobody had asked for as one client may";
            ResolveError::refused(ErrorKind::ShareSpent, message, wait)
        })
    }

    /// A turn for `client`; what cannot have one within the deadline is refused at once.
    pub(crate) async fn turn(&self, client: Client) -> Result<Turn, ResolveError> {
        self.queue.turn(client, self.deadline).await.map_err(ResolveError::from)
    }
}
