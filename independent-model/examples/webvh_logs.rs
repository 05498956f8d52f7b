//! Writes the logs of `tests/webvh/logs` as files, for other implementations to judge: `webvh_logs <folder>`.
//!
//! Each log is `<number>.jsonl`; `index.json` has `{file, name, did, head, rule}` for each, `head` being the versionId of
//! the last entry of a log that holds, `rule` the one that the others break, and `entry` where.

#![expect(clippy::unwrap_used, reason = "shared with tests, and a tool for them")]

#[path = "../tests/webvh/logs/mod.rs"]
mod logs;

use std::{fs, path::PathBuf};

use serde_json::{Value, json};

fn main() {
    let folder: PathBuf = std::env::args_os().nth(1).unwrap().into();
    fs::create_dir_all(&folder).unwrap();
    let good = logs::accepted().into_iter().map(|case| (case.name, case.log, Value::Null, Value::Null));
    let broken = logs::refused().into_iter();
    let broken = broken.map(|case| (case.name, case.log, case.fault.rule().into(), case.entry.into()));
    let index: Value = good
        .chain(broken)
        .enumerate()
        .map(|(number, (name, log, rule, entry))| {
            let file = format!("{number}.jsonl");
            fs::write(folder.join(&file), &log).unwrap();
            let last = last_entry(&log);
            let (did, head) = (&last["state"]["id"], &last["versionId"]);
            json!({ "file": file, "name": name, "did": did, "head": head, "rule": rule, "entry": entry })
        })
        .collect();
    fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

/// What the log would amount to, if it held; null where it is nothing like a log.
fn last_entry(log: &[u8]) -> Value {
    let text = String::from_utf8_lossy(log);
    text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}
