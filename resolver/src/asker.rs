//! For whom the running task answers, and what that cost.
//!
//! A value of the task and not an argument: between a route and the memory that notices a miss, nobody else needs it.

use std::{
    future::Future,
    sync::{Arc, Mutex, PoisonError},
};

use namesake::shares::Client;

use crate::quota::Left;

/// One request of a client; clones are the same request.
#[derive(Debug, Clone)]
pub(crate) struct Asker {
    client: Client,
    /// Of the quota that was taken from last.
    left: Arc<Mutex<Option<Left>>>,
}

tokio::task_local! {
    static ANSWERS: Asker;
}

impl Asker {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, left: Arc::default() }
    }

    /// Whose request the running task answers; the service's own where nobody said.
    pub(crate) fn current() -> Self {
        ANSWERS.try_with(Self::clone).unwrap_or_else(|_| Self::new(Client::Ours))
    }

    /// Answers this request with `answer`.
    pub(crate) fn answers<F: Future>(self, answer: F) -> impl Future<Output = F::Output> {
        let client = self.client;
        client.asks(ANSWERS.scope(self, answer))
    }

    pub(crate) fn client(&self) -> Client {
        self.client
    }

    /// Notes what is left of a quota that was taken from.
    pub(crate) fn spent(&self, left: Left) {
        *self.left.lock().unwrap_or_else(PoisonError::into_inner) = Some(left);
    }

    /// What is left of the quota that was taken from last; `None` if none was.
    pub(crate) fn left(&self) -> Option<Left> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
