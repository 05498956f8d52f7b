//! Writes the logs of `tests/webvh/logs` as files, for other implementations to judge: `webvh_logs <folder>`.
//!
//! Each log is `<number>.jsonl`; `index.json` has `{file, name, did, head, rule, why}` for each: what it amounts to if it is
//! accepted, and, for a log that must not be, the rule and in words where and how it breaks it.

#![expect(clippy::unwrap_used, reason = "shared with tests, and a tool for them")]

#[path = "../tests/webvh/logs/mod.rs"]
mod logs;

use std::{fs, path::PathBuf};

use namesake_independent::webvh::InvalidLog;
use serde_json::{Value, json};

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).unwrap().into();
    fs::create_dir_all(&folder).unwrap();
    let good = logs::accepted().into_iter().map(|case| (case.name, case.log, Value::Null, Value::Null));
    let broken = logs::refused().into_iter().map(|case| {
        let why = InvalidLog { entry: Some(case.entry), fault: case.fault }.to_string();
        (case.name, case.log, case.fault.rule().into(), why.into())
    });
    let index: Value = good
        .chain(broken)
        .enumerate()
        .map(|(number, (name, log, rule, why))| {
            let file = format!("{number}.jsonl");
            fs::write(folder.join(&file), &log).unwrap();
            let last = last_entry(&log);
            let (did, head) = (&last["state"]["id"], &last["versionId"]);
            json!({ "file": file, "name": name, "did": did, "head": head, "rule": rule, "why": why })
        })
        .collect();
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

/// What the log would amount to, if it held; null where it is nothing like a log.
fn last_entry(log: &[u8]) -> Value {
    let text = String::from_utf8_lossy(log);
    text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}
