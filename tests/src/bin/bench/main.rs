//! Fast, and shown to be: every figure beside something measured in the same run.
//!
//! ```sh
//! cargo run --release -p namesake-tests --bin bench -- all            # or one figure; --quick: tiny, to see that it runs
//! ```
//!
//! | file | figure |
//! |---|---|
//! | `warm` | lookups from memory, beside a bare hyper server that returns the same bytes |
//! | `failure` | the same while everything outside is down or hangs, beside before |
//! | `cold`, `well_known` | names nobody has asked for, beside hickory-resolver and hyper alone |
//! | `stampede` | very many askers of one cold handle |
//! | `growth` | from ten thousand handles to a million in the store: lookups, claims, memory, disk |
//! | `answers` | a million answers in memory: bytes each, and what a hit costs |
//! | `writes` | signed entries beside the signature check alone; durable claims; polls |
//! | `batch` | a hundred handles in one request, beside a hundred requests |
//! | `peers` | other implementations, where they are installed |
//! | `load` | the load generator, the same for everybody |
//! | `bare`, `service` | the two servers |
//! | `name_server`, `web_host`, `holder`, `mirrored`, `anybody` | the DNS, the web, people who sign, an upstream, a backend |
//! | `process` | servers that are processes of their own |
//! | `machine`, `numbers`, `plot` | where it was measured; medians and quantiles |
//!
//! Times depend on the machine and on what else it does, so figures are ratios within one run, each the median of several
//! interleaved rounds. No test asserts one.

#![expect(clippy::expect_used, reason = "a benchmark that cannot go on has no result")]
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod answers;
mod anybody;
mod bare;
mod batch;
mod cold;
mod failure;
mod growth;
mod holder;
mod load;
mod machine;
mod mirrored;
mod name_server;
mod numbers;
mod peers;
mod plot;
mod process;
mod service;
mod stampede;
mod warm;
mod web_host;
mod well_known;
mod writes;

use std::{process::ExitCode, time::Duration};

use machine::Machine;
use tokio::runtime::{Builder, Runtime};

/// A figure: the word that asks for it, and what measures and prints it.
type Figure = (&'static str, fn(&Rig));

/// All of them, in the order in which they are measured.
const FIGURES: [Figure; 9] = [
    ("warm", warm::run),
    ("failure", failure::run),
    ("cold", cold::run),
    ("stampede", stampede::run),
    ("growth", growth::run),
    ("answers", answers::run),
    ("writes", writes::run),
    ("batch", batch::run),
    ("peers", peers::run),
];

/// For a profiler: no figures, and not in `all`.
const PROFILES: [Figure; 4] = [
    ("profile", warm::profile),
    ("profile-resolve", warm::profile_resolve),
    ("profile-bare", warm::profile_bare),
    ("profile-cold", cold::profile),
];

/// What every figure is measured with: half of the cores serve, the other half ask.
struct Rig {
    server: Runtime,
    load: Runtime,
    /// Few, small and short: to see that it runs.
    quick: bool,
}

impl Rig {
    fn new(quick: bool) -> Self {
        let half = (machine::cores() / 2).max(1);
        let runtime = |name: &str| {
            let built =
                Builder::new_multi_thread().worker_threads(half).thread_name(name).enable_all().build();
            built.expect("a runtime")
        };
        Self { server: runtime(machine::SERVER_THREAD), load: runtime("load"), quick }
    }

    /// One or the other.
    fn scale<T>(&self, quick: T, full: T) -> T {
        if self.quick { quick } else { full }
    }

    /// How many rounds a median is of.
    fn rounds(&self) -> usize {
        self.scale(1, 9)
    }

    /// How long one measurement of a round takes.
    fn span(&self) -> Duration {
        self.scale(Duration::from_millis(20), Duration::from_millis(700))
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // As in production: counters are counted.
    let _recorder = namesake_resolver::install_metrics().expect("the first recorder of this process");
    if let [word, nameserver] = words.as_slice()
        && word == process::SERVE
    {
        process::serve(nameserver);
        return ExitCode::SUCCESS;
    }
    let quick = words.iter().any(|word| word == "--quick");
    let asked: Vec<&str> = words.iter().map(String::as_str).filter(|word| *word != "--quick").collect();
    let known = |word: &str| word == "all" || FIGURES.iter().chain(&PROFILES).any(|(name, _)| *name == word);
    if asked.is_empty() || !asked.iter().all(|word| known(word)) {
        println!("usage: bench [--quick] all|{}", FIGURES.map(|(name, _)| name).join("|"));
        return ExitCode::from(2);
    }
    println!("{}", Machine::here());
    let rig = Rig::new(quick);
    for (name, run) in FIGURES {
        if asked.contains(&"all") || asked.contains(&name) {
            println!("\n## {name}\n");
            run(&rig);
        }
    }
    PROFILES.iter().filter(|(name, _)| asked.contains(name)).for_each(|(_, run)| run(&rig));
    ExitCode::SUCCESS
}
