//! Where a figure was measured, and what it cost there.

use std::{fmt, fs, process::Command, thread, time::Duration};

/// What the threads that serve are called, so that their time is told from the load generator's.
pub(crate) const SERVER_THREAD: &str = "bench-server";

/// The machine, the compiler and the commit.
pub(crate) struct Machine {
    model: String,
    cores: usize,
    rustc: String,
    commit: String,
    optimised: bool,
}

impl Machine {
    pub(crate) fn here() -> Self {
        let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpus.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
        Self {
            model: model.map_or("unknown processor", |(_, model)| model).to_owned(),
            cores: cores(),
            rustc: said_by("rustc", &["--version"]),
            commit: said_by("git", &["describe", "--always", "--dirty"]),
            optimised: !cfg!(debug_assertions),
        }
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, cores, rustc, commit, optimised } = self;
        write!(f, "{cores} cores of {model}; {rustc}; commit {commit}")?;
        if *optimised { Ok(()) } else { write!(f, "; NOT OPTIMISED: use --release") }
    }
}

pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}

fn said_by(program: &str, arguments: &[&str]) -> String {
    let said = Command::new(program).args(arguments).output().ok().filter(|said| said.status.success());
    said.map_or("unknown".to_owned(), |said| String::from_utf8_lossy(&said.stdout).trim().to_owned())
}

/// How long the threads that serve have run so far; `None` where the system does not say (proc(5), `schedstat`).
pub(crate) fn served_for() -> Option<Duration> {
    threads_ran_for("self", |name| name == SERVER_THREAD)
}

/// The same of all threads of another process.
pub(crate) fn ran_for(process: u32) -> Option<Duration> {
    threads_ran_for(&process.to_string(), |_| true)
}

fn threads_ran_for(process: &str, counts: impl Fn(&str) -> bool) -> Option<Duration> {
    let threads = fs::read_dir(format!("/proc/{process}/task")).ok()?.flatten().map(|entry| entry.path());
    let counted = threads
        .filter(|path| fs::read_to_string(path.join("comm")).is_ok_and(|name| counts(name.trim_end())));
    let times = counted.filter_map(|path| {
        let text = fs::read_to_string(path.join("schedstat")).ok()?;
        text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
    });
    Some(times.sum()).filter(|time: &Duration| !time.is_zero())
}

/// The memory of this process that is in use, in bytes (proc(5), `status`).
pub(crate) fn resident() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes << 10)
}
