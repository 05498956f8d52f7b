//! R7: concurrent callers agree, and nobody panics.

use std::sync::Arc;

use tokio::{
    runtime::{self, RuntimeFlavor},
    sync::Barrier,
    task::JoinSet,
};

use super::{
    Excuse, Report, Rule,
    question::Question,
    report::broken,
    subject::{Subject, in_a_task, within},
};
use crate::{HandleResolver, Trace};

/// How many ask at once: more than any sensible pool or queue inside a backend has places.
const CALLERS: usize = 64;

/// R7: many callers, begun together, are all told what one was told alone; half of them have it explained.
pub(super) async fn agree(subject: &Subject, report: &mut Report) {
    let mut questions = Vec::new();
    for question in Question::all(subject) {
        let alone = alone(subject, Rule::R7, &question).await;
        questions.push((question, alone));
    }
    let (questions, start) = (Arc::new(questions), Arc::new(Barrier::new(CALLERS)));
    let mut callers = JoinSet::new();
    for number in 0..CALLERS {
        let (backend, questions) = (Arc::clone(&subject.backend), Arc::clone(&questions));
        let start = Arc::clone(&start);
        callers.spawn(async move {
            start.wait().await;
            caller(number, &*backend, &questions).await
        });
    }
    within(Rule::R7, &format!("{CALLERS} concurrent callers"), async {
        while let Some(ended) = callers.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Ok(Err(disagreement)) => broken(Rule::R7, disagreement),
                Err(fault) => broken(Rule::R7, format!("expected {CALLERS} callers to agree, but a {fault}")),
            }
        }
    })
    .await;
    report.checked(Rule::R7);
    if runtime::Handle::current().runtime_flavor() == RuntimeFlavor::CurrentThread {
        let excuse = Excuse::new("the runtime has one thread, so callers only took turns at awaits");
        report.excused(Rule::R7, "callers in parallel", &excuse);
    }
}

/// Asks everything, each caller beginning with another question.
async fn caller(
    number: usize,
    backend: &dyn HandleResolver,
    questions: &[(Question, String)],
) -> Result<(), String> {
    let trace = if number.is_multiple_of(2) { Trace::OFF } else { Trace::on() };
    for (question, alone) in questions.iter().cycle().skip(number % questions.len()).take(questions.len()) {
        let said = question.begin(backend, &trace).await;
        if said != *alone {
            let (call, listens) = (question.in_words(), if trace.is_on() { "with" } else { "without" });
            return Err(format!(
                "{call}: expected each of {CALLERS} callers to get what one got alone, {alone}, \
                 but one, {listens} a trace, got {said}"
            ));
        }
    }
    Ok(())
}

/// The answer to one question while nobody else asks, in words.
pub(super) async fn alone(subject: &Subject, rule: Rule, question: &Question) -> String {
    let (backend, asked) = (Arc::clone(&subject.backend), question.clone());
    let call = async move { asked.begin(&*backend, &Trace::OFF).await };
    in_a_task(rule, &question.in_words(), call).await
}
