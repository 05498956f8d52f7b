//! A row played anew for one reader.

use std::{sync::Arc, time::Duration};

use namesake::lab::RowReport;
use tokio::{
    sync::{Semaphore, oneshot},
    time::timeout,
};

use super::{
    columns,
    run::{Question, SEED, in_the_background},
};

/// How many rows are played at once; a reader beyond them is told what was played before.
pub(crate) const PLAYS_AT_ONCE: usize = 2;

/// The longest a reader waits for a play; one takes milliseconds.
const PLAY_DEADLINE: Duration = Duration::from_secs(3);

/// The turns of readers.
#[derive(Debug)]
pub(crate) struct Plays {
    turns: Arc<Semaphore>,
}

/// Why nothing was played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotPlayed {
    /// Others have all turns.
    Busy,
    /// It took too long.
    Late,
    /// It could not be played.
    Failed,
}

impl Plays {
    pub(crate) fn new(at_once: usize) -> Self {
        Self { turns: Arc::new(Semaphore::new(at_once)) }
    }

    /// Asks every column the question `id` in worlds of its own, with the seed and the settings of the report.
    pub(crate) async fn row(&self, id: &str) -> Result<RowReport, NotPlayed> {
        let turn = Arc::clone(&self.turns).try_acquire_owned().map_err(|_| NotPlayed::Busy)?;
        let question = Question { seed: SEED, row: Some(id.to_owned()), ..Question::default() };
        let (tell, told) = oneshot::channel();
        let begun = in_the_background(columns(), question, move |report| {
            // The turn ends with the play, not with the wait for it; and the reader may have gone.
            drop(turn);
            drop(tell.send(report));
        });
        begun.map_err(|_| NotPlayed::Failed)?;
        let report = timeout(PLAY_DEADLINE, told).await.map_err(|_| NotPlayed::Late)?;
        let report = report.ok().and_then(Result::ok).ok_or(NotPlayed::Failed)?;
        report.rows.into_iter().next().ok_or(NotPlayed::Failed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_row_is_played_when_there_is_a_turn() {
        let plays = Plays::new(1);
        let row = plays.row("ban-service").await.unwrap();
        assert!(row.transcript["A"].iter().any(|line| line.text.contains("bans this service")));
        assert_eq!(plays.row("nonsense").await, Err(NotPlayed::Failed));
        assert_eq!(Plays::new(0).row("ban-service").await, Err(NotPlayed::Busy));
    }
}
