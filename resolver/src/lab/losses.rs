//! What each column gives up. That it is a loss is a judgement, and stands here; that it is so is observed, and a loss
//! that a run does not show is not claimed.

use namesake::lab::Report;

/// A row that speaks against a column.
#[derive(Debug)]
pub(crate) struct Loss {
    column: &'static str,
    /// The row's id.
    pub(crate) row: &'static str,
    /// What the observation says while it is so.
    seen: &'static str,
    /// What whoever chooses the column accepts.
    pub(crate) words: &'static str,
}

const fn loss(column: &'static str, row: &'static str, seen: &'static str, words: &'static str) -> Loss {
    Loss { column, row, seen, words }
}

static LOSSES: &[Loss] = &[
    loss("A", "who-can-change", "nobody here", "nobody can change a name here, whatever the reason"),
    loss("A", "freed-name", "day 0: the stranger has it", "a freed name may be a stranger's the same day"),
    loss("A", "outage-week", "then released", "a long outage upstream takes every name"),
    loss("A", "ban-service", "every name stops", "the upstream can end every name"),
    loss(
        "B",
        "delete-and-return",
        "cannot come back",
        "whoever deletes the account does not come back as who they were",
    ),
    loss("B", "freed-name", "the stranger has it", "a name that was given up goes to a stranger in the end"),
    loss("B", "order", "not we", "nobody can comply with an order to hand over a name"),
    loss("C", "time-to-change", "2 steps", "a change takes the holder a step at the DNS as well"),
    loss(
        "C",
        "lapse",
        "the stranger is answered",
        "a domain that is not renewed becomes a stranger's, and the name with it",
    ),
    loss("C", "outage-week", "then no answer", "a long outage of the DNS stops every answer"),
    loss("D", "freed-name", "day 0: the stranger has it", "a freed name may be a stranger's the same day"),
    loss(
        "D",
        "order",
        "the operator changes the table",
        "whoever runs the table can give any name to anybody",
    ),
];

/// What `column` gives up in this report.
pub(crate) fn losses<'a>(report: &'a Report, column: &'a str) -> impl Iterator<Item = &'static Loss> + 'a {
    LOSSES.iter().filter(move |loss| {
        let row = report.rows.iter().find(|row| row.id == loss.row);
        let seen = row.and_then(|row| row.observed.get(column));
        loss.column == column && seen.is_some_and(|text| text.contains(loss.seen))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::{Question, SEED, columns, observe};

    #[tokio::test]
    async fn every_loss_is_observed_in_a_row_that_decides_and_no_column_has_none() {
        let report = observe(columns(), Question { seed: SEED, ..Question::default() }).await.unwrap();
        for column in &report.columns {
            assert!(losses(&report, &column.id).next().is_some(), "{} loses nothing", column.id);
        }
        for loss in LOSSES {
            assert!(losses(&report, loss.column).any(|seen| std::ptr::eq(seen, loss)), "{loss:?}");
            assert!(report.rows.iter().any(|row| row.id == loss.row && row.verdict), "{loss:?}");
        }
    }

    #[tokio::test]
    async fn a_loss_that_is_not_seen_is_not_claimed() {
        let question = Question { seed: SEED, row: Some("lapse".to_owned()), ..Question::default() };
        let mut report = observe(columns(), question).await.unwrap();
        assert_eq!(losses(&report, "C").map(|loss| loss.row).collect::<Vec<_>>(), ["lapse"]);
        report.rows[0].observed.insert("C".to_owned(), "nothing happens".to_owned());
        assert_eq!(losses(&report, "C").count(), 0);
    }
}
