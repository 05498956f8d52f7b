//! R8: a call that is dropped, at whichever await, harms no later call.

use std::{future::poll_fn, sync::Arc, task::Poll};

use super::{
    Excuse, Report, Rule,
    callers::alone,
    question::{Call, Question},
    report::broken,
    subject::{Subject, in_a_task},
};
use crate::{HandleResolver, Trace};

/// How many calls are dropped at each await: what leaks a little each time (a permit, a slot) has run out by then.
const DROPPED: usize = 16;

/// The last await that is tried; a call that waits more often has been interrupted in enough places.
const MOST_AWAITS: usize = 32;

/// R8: drops calls unpolled, at their first await, at their second, …, until they end before they are dropped.
pub(super) async fn harms_no_later_call(subject: &Subject, report: &mut Report) {
    let mut interrupted = false;
    for question in Question::all(subject) {
        let expected = alone(subject, Rule::R8, &question).await;
        for polls in 0..=MOST_AWAITS {
            let was_interrupted = drop_some(subject, &question, polls).await;
            let later = alone(subject, Rule::R8, &question).await;
            is_unharmed(&question, polls, "a later caller", &expected, &later);
            let behind = drop_one_ahead(subject, &question, polls).await;
            is_unharmed(&question, polls, "a caller who waited behind one", &expected, &behind);
            interrupted |= was_interrupted;
            if polls > 0 && !was_interrupted {
                break;
            }
        }
    }
    if interrupted {
        report.checked(Rule::R8);
    } else {
        let excuse = Excuse::new("no call of this backend ever waited, so none could be interrupted");
        report.excused(Rule::R8, "dropping a call at an await", &excuse);
    }
}

fn is_unharmed(question: &Question, polls: usize, who: &str, expected: &str, got: &str) {
    if got != expected {
        let call = question.in_words();
        broken(
            Rule::R8,
            format!(
                "{call}: calls were dropped after {polls} polls; expected {who} to get {expected}, got {got}"
            ),
        );
    }
}

/// Begins calls one after the other and drops each after `polls` polls; says whether one was still waiting.
async fn drop_some(subject: &Subject, question: &Question, polls: usize) -> bool {
    let (backend, asked) = (Arc::clone(&subject.backend), question.clone());
    let what = format!("{}, dropped {DROPPED} times after {polls} polls", question.in_words());
    let work = async move {
        let mut interrupted = false;
        for _ in 0..DROPPED {
            let mut call = asked.begin(&*backend, &Trace::OFF);
            interrupted |= polls > 0 && !ends_within(&mut call, polls).await;
        }
        interrupted
    };
    in_a_task(Rule::R8, &what, work).await
}

/// Begins two calls, drops the first while the second may be waiting for it, and gives the second's answer.
async fn drop_one_ahead(subject: &Subject, question: &Question, polls: usize) -> String {
    let (backend, asked) = (Arc::clone(&subject.backend), question.clone());
    let what = format!("{}, behind a call dropped after {polls} polls", question.in_words());
    in_a_task(Rule::R8, &what, async move { behind(&*backend, &asked, polls).await }).await
}

async fn behind(backend: &dyn HandleResolver, question: &Question, polls: usize) -> String {
    let mut first = question.begin(backend, &Trace::OFF);
    if polls > 0 {
        ends_within(&mut first, polls).await;
    }
    let mut second = question.begin(backend, &Trace::OFF);
    let early = poll_fn(|context| Poll::Ready(second.as_mut().poll(context))).await;
    drop(first);
    match early {
        Poll::Ready(said) => said,
        Poll::Pending => second.await,
    }
}

/// Polls `call` when it is woken, at most `polls` times; says whether it came to its end.
async fn ends_within(call: &mut Call<'_>, polls: usize) -> bool {
    let mut left = polls;
    poll_fn(|context| {
        left = left.saturating_sub(1);
        match call.as_mut().poll(context) {
            Poll::Ready(_) => Poll::Ready(true),
            Poll::Pending if left == 0 => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
