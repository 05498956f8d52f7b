//! Every figure of the benchmark runs, in a size that takes a moment. What it measures is nobody's business here: no test
//! asserts a time.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::process::Command;

const BENCH: &str = env!("CARGO_BIN_EXE_bench");

fn run(words: &[&str]) -> (bool, String) {
    let output = Command::new(BENCH).args(words).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn every_figure_runs_and_says_something_of_itself() {
    let (success, text) = run(&["all", "--quick"]);
    assert!(success, "{text}");
    assert!(!text.contains("NaN"), "{text}");
    for words in [
        "## warm",
        "256 connections",
        "## failure",
        "hanging",
        "## cold",
        "hickory alone",
        "by HTTPS, fresh connections",
        "by HTTPS, kept connections",
        "## stampede",
        "50 askers of one cold handle: 1 DNS question, 1 document, 1 profile",
        "## growth",
        "## answers",
        "answers in memory",
        "## writes",
        "verify_strict alone",
        "polls of the mirror",
        "## batch",
        "## peers",
        "names asked before",
    ] {
        assert!(text.contains(words), "{words:?} is not in\n{text}");
    }
}

#[test]
fn who_asks_for_nothing_is_told_what_there_is() {
    let (success, text) = run(&["colde"]);
    assert!(!success);
    assert!(text.contains("usage: bench"), "{text}");
}
