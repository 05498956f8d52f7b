//! Runs scenarios, a few at once, and prints the table: number, name, result.
//!
//! Takes what `cargo test` gives any test program: words to filter rows by, `--exact`, `--skip WORD`, `--list`; other
//! flags are ignored.

use std::{
    any::Any,
    cell::RefCell,
    future::{Future, poll_fn},
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};

type Scenario = Pin<Box<dyn Future<Output = ()> + Send>>;

/// How many scenarios run at once, and how long one may take.
const AT_ONCE: usize = 8;
const DEADLINE: Duration = Duration::from_secs(60);

/// A row of the table.
struct Row {
    number: &'static str,
    name: &'static str,
    does: Does,
}

enum Does {
    Run(Box<dyn FnOnce() -> Scenario + Send>),
    /// Fails today, and must go on failing, or the row is out of date.
    Gap(Box<dyn FnOnce() -> Scenario + Send>, &'static str),
    Note(&'static str),
}

/// The table, while it is written.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    /// A scenario.
    #[must_use]
    pub fn run<F>(self, number: &'static str, name: &'static str, scenario: fn() -> F) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.row(number, name, Does::Run(Box::new(move || Box::pin(scenario()))))
    }

    /// A scenario the product fails today, and why. It is run all the same: when it succeeds, the table fails, so that
    /// the gap is struck from it.
    #[must_use]
    pub fn gap<F>(
        self,
        number: &'static str,
        name: &'static str,
        why: &'static str,
        scenario: fn() -> F,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.row(number, name, Does::Gap(Box::new(move || Box::pin(scenario())), why))
    }

    /// A scenario that is not run here, and why.
    #[must_use]
    pub fn note(self, number: &'static str, name: &'static str, why: &'static str) -> Self {
        self.row(number, name, Does::Note(why))
    }

    fn row(mut self, number: &'static str, name: &'static str, does: Does) -> Self {
        self.0.push(Row { number, name, does });
        self
    }

    /// Runs what the program's arguments ask for, and prints the table.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let wanted = Wanted::from(std::env::args().skip(1));
        let rows: Vec<Row> = self.0.into_iter().filter(|row| wanted.takes(row)).collect();
        if wanted.list {
            for Row { number, name, .. } in &rows {
                say(&format!("{number} {name}: test"));
            }
            return ExitCode::SUCCESS;
        }
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            PLACE.with(|cell| *cell.borrow_mut() = place);
        }));
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        runtime.expect("a runtime").block_on(play(rows))
    }
}

thread_local! {
    /// Where the last panic of this thread was.
    static PLACE: RefCell<String> = const { RefCell::new(String::new()) };
}

async fn play(rows: Vec<Row>) -> ExitCode {
    let width = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let line = |number: &str, name: &str, result: &str| say(&format!("{number:>4}  {name:width$}  {result}"));
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    let mut running = JoinSet::new();
    let mut results: Vec<Option<String>> = Vec::new();
    let mut labels = Vec::new();
    for (place, Row { number, name, does }) in rows.into_iter().enumerate() {
        labels.push((number, name));
        results.push(None);
        let (begin, gap) = match does {
            Does::Run(begin) => (begin, None),
            Does::Gap(begin, why) => (begin, Some(why)),
            Does::Note(why) => {
                results[place] = Some(why.to_owned());
                continue;
            }
        };
        let turns = Arc::clone(&turns);
        running.spawn(async move {
            let _turn = turns.acquire().await;
            (place, judge(outcome(begin()).await, gap))
        });
    }
    say(&format!("\nscenarios of atproto identity resolution: {}", labels.len()));
    // In the order of the table, each as soon as those above it are known.
    let (mut next, mut counts, mut failures) = (0, [0; 4], Vec::new());
    loop {
        while let Some(Some(result)) = results.get(next) {
            let (number, name) = labels[next];
            let word = result.lines().next().unwrap_or_default();
            line(number, name, word);
            let kind = ["ok", "gap", "FAILED"].iter().position(|kind| word.starts_with(kind)).unwrap_or(3);
            counts[kind] += 1;
            if kind == 2 {
                failures.push(format!("{number} {name}: {result}"));
            }
            next += 1;
        }
        let Some(done) = running.join_next().await else { break };
        let (place, result) = done.expect("panics are caught below");
        results[place] = Some(result);
    }
    for failure in &failures {
        say(&format!("\n{failure}"));
    }
    let [passed, gaps, failed, notes] = counts;
    say(&format!("\n{passed} passed, {failed} failed, {gaps} known gaps, {notes} not run here\n"));
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn judge(outcome: Result<(), String>, gap: Option<&str>) -> String {
    match (outcome, gap) {
        (Ok(()), None) => "ok".to_owned(),
        (Err(_), Some(why)) => format!("gap: {why}"),
        (Err(reason), None) => format!("FAILED\n{reason}"),
        (Ok(()), Some(_)) => "FAILED\nit passes now: strike the gap from the table".to_owned(),
    }
}

/// Runs a scenario to its end, its panic or its deadline.
async fn outcome(mut scenario: Scenario) -> Result<(), String> {
    let guarded = poll_fn(move |context| {
        let step = AssertUnwindSafe(|| scenario.as_mut().poll(context));
        match catch_unwind(step) {
            Ok(poll) => poll.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(words(panic.as_ref()))),
        }
    });
    let late = || Err(format!("no end within {} s", DEADLINE.as_secs()));
    tokio::time::timeout(DEADLINE, guarded).await.unwrap_or_else(|_| late())
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words");
    PLACE.with(|place| format!("{}: {text}", place.borrow()))
}

/// Which rows the arguments ask for.
#[derive(Debug, Default)]
struct Wanted {
    words: Vec<String>,
    skipped: Vec<String>,
    exact: bool,
    list: bool,
}

impl Wanted {
    fn from(mut arguments: impl Iterator<Item = String>) -> Self {
        let mut wanted = Self::default();
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--exact" => wanted.exact = true,
                "--list" => wanted.list = true,
                "--skip" => wanted.skipped.extend(arguments.next()),
                // Of the standard harness; each is followed by a value.
                "--test-threads" | "--format" | "--color" | "--logfile" => drop(arguments.next()),
                flag if flag.starts_with('-') => {}
                _ => wanted.words.push(argument),
            }
        }
        wanted
    }

    fn takes(&self, row: &Row) -> bool {
        let text = format!("{} {}", row.number, row.name);
        let matches = |word: &String| match self.exact {
            true => text == *word || row.number == word,
            false => text.contains(word.as_str()),
        };
        (self.words.is_empty() || self.words.iter().any(matches)) && !self.skipped.iter().any(matches)
    }
}

#[expect(clippy::print_stdout, reason = "the table is what this program is for")]
fn say(line: &str) {
    println!("{line}");
}
