//! What is said of accepts that fail: a line when they begin to, and one when that is over.

use std::{io, mem};

/// How accepting goes.
#[derive(Debug, Default)]
pub(super) struct Accepting {
    /// How many failed since the line that says they do.
    failures: u64,
    /// Whether one did since the last look.
    lately: bool,
}

impl Accepting {
    /// One failed. Whether the next one is better waited with: a client that left before its turn says nothing about the
    /// next in the queue.
    pub(super) fn failed(&mut self, error: &io::Error) -> bool {
        use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};

        if matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted) {
            return false;
        }
        if self.counted() {
            tracing::warn!(error.message = %error, "server.accept_failing");
        }
        true
    }

    /// Now and then: between one that works and the next that does not, nothing is over.
    pub(super) fn look(&mut self) {
        if let Some(failures) = self.ended() {
            tracing::info!(failures, "server.accept_recovered");
        }
    }

    /// Whether it is the first.
    fn counted(&mut self) -> bool {
        self.lately = true;
        self.failures += 1;
        self.failures == 1
    }

    /// How many there were, if that is over.
    fn ended(&mut self) -> Option<u64> {
        let quiet = !mem::take(&mut self.lately) && self.failures > 0;
        quiet.then(|| mem::take(&mut self.failures))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_of_when_they_begin_and_counted_when_they_are_over() {
        let mut accepting = Accepting::default();
        for _ in 0..2 {
            assert_eq!(accepting.ended(), None, "nothing has begun");
            let told = (0..400).filter(|_| accepting.counted()).count();
            assert_eq!(told, 1);
            assert_eq!(accepting.ended(), None, "it may not be over");
            assert!(!accepting.counted());
            assert_eq!(accepting.ended(), None);
            assert_eq!(accepting.ended(), Some(401));
        }
    }

    #[test]
    fn a_client_that_left_is_no_failure_and_holds_nobody_up() {
        let mut accepting = Accepting::default();
        assert!(!accepting.failed(&io::ErrorKind::ConnectionAborted.into()));
        assert_eq!(accepting.failures, 0);
        assert!(accepting.failed(&io::Error::other("too many open files")));
        assert_eq!(accepting.failures, 1);
    }
}
