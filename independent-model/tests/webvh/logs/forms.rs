//! What is no log, no JSON that means one thing, or no entry.

use namesake_independent::webvh::{Fault, MAX_DEPTH, MAX_ENTRY_BYTES};
use serde_json::{Value, json};

use super::{Refused, forge::forge, lines, refuse, rotated, rotated_but, tampered};

pub(super) fn refused() -> Vec<Refused> {
    [texts(), values(), members()].into_iter().flatten().collect()
}

/// Changed as text; read leniently, the log is as good as it was.
fn texts() -> Vec<Refused> {
    let log = lines(&forge(&rotated()));
    let second = |change: &dyn Fn(&str) -> String| {
        let lines: Vec<_> = log.lines().collect();
        format!("{}\n{}\n{}\n", lines[0], change(lines[1]), lines[2])
    };
    let time = r#""versionTime":"2026-11-22T10:05:00Z""#;
    let name = r#""controller":"#;
    let (line, array) = (log.replacen('\n', "", 1), format!("[{}]", log.trim_end().replace('\n', ",")));
    vec![
        refuse("nothing at all", 1, Fault::EmptyLine, ""),
        refuse("a line break alone", 1, Fault::EmptyLine, "\n"),
        refuse("an empty line in the middle", 2, Fault::EmptyLine, log.replacen('\n', "\n\n", 1)),
        refuse("an empty line at the end", 4, Fault::EmptyLine, format!("{log}\n")),
        refuse("a line of white space", 2, Fault::EmptyLine, log.replacen('\n', "\n \t\r\n", 1)),
        refuse("a byte order mark", 1, Fault::NotJson, format!("\u{feff}{log}")),
        refuse(
            "a byte order mark before an entry",
            2,
            Fault::NotJson,
            second(&|line| format!("\u{feff}{line}")),
        ),
        refuse("line breaks of old machines", 1, Fault::NotJson, log.trim_end().replace('\n', "\r")),
        refuse("line separators", 1, Fault::NotJson, log.trim_end().replace('\n', "\u{2028}")),
        refuse("a zero byte at the end", 4, Fault::NotJson, format!("{log}\0")),
        refuse("two entries on one line", 1, Fault::NotJson, line),
        refuse("a list of entries", 1, Fault::EntryMembers, array),
        refuse("half an entry", 2, Fault::NotJson, second(&|line| line[..line.len() / 2].to_owned())),
        refuse("a comment after an entry", 2, Fault::NotJson, second(&|line| format!("{line}//"))),
        refuse(
            "no UTF-8",
            1,
            Fault::NotJson,
            [br#"{"x":""#.as_slice(), b"\xff\"}\n", log.as_bytes()].concat(),
        ),
        refuse(
            "a member twice, with one value",
            2,
            Fault::DuplicateMember,
            second(&|line| line.replacen('{', &format!("{{{time},"), 1)),
        ),
        refuse(
            "a member twice, deep in the document",
            2,
            Fault::DuplicateMember,
            second(&|line| line.replacen(name, &format!(r#"{name}"x",{name}"#), 1)),
        ),
        refuse(
            "a member twice, once escaped",
            2,
            Fault::DuplicateMember,
            second(&|line| {
                line.replacen(time, &format!(r#"{time},"version\u0054ime":"2026-11-22T10:05:00Z""#), 1)
            }),
        ),
        refuse(
            "half a surrogate pair",
            2,
            Fault::NotJson,
            second(&|line| line.replacen("at://alice", r"at://\ud800alice", 1)),
        ),
        refuse(
            "a whole number written as a float",
            2,
            Fault::Float,
            rotated_but(|log| log[1].state["n"] = 1.into()).replacen(r#""n":1"#, r#""n":1.0"#, 1),
        ),
    ]
}

/// Changed before hashing and signing: in the form of RFC 8785, and still not for everybody.
fn values() -> Vec<Refused> {
    let with = |value: Value| rotated_but(|log| log[1].state["n"] = value);
    let nested = |levels: usize| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    vec![
        refuse("a float", 2, Fault::Float, with(json!(1.5))),
        refuse("a number beyond 2^53", 2, Fault::BigNumber, with(json!(1_u64 << 53))),
        refuse("a number beyond -2^53", 2, Fault::BigNumber, with(json!(-(1_i64 << 53)))),
        refuse("nested too deep", 2, Fault::TooDeep, with(nested(MAX_DEPTH))),
        refuse("too large", 2, Fault::TooLarge, with("x".repeat(MAX_ENTRY_BYTES).into())),
    ]
}

fn members() -> Vec<Refused> {
    let without = |name: &str| {
        tampered(|log| {
            log[1].as_object_mut().unwrap().remove(name);
        })
    };
    let names = ["versionId", "versionTime", "parameters", "state", "proof"];
    let missing = names.map(|name| refuse(format!("without {name}"), 2, Fault::EntryMembers, without(name)));
    let others = [
        refuse(
            "an unknown member",
            2,
            Fault::EntryMembers,
            rotated_but(|log| drop(log[1].more.insert("note".to_owned(), "hello".into()))),
        ),
        refuse(
            "parameters in a list",
            3,
            Fault::EntryMembers,
            rotated_but(|log| log[2].parameters = json!([])),
        ),
        refuse(
            "no parameters, by null",
            3,
            Fault::EntryMembers,
            rotated_but(|log| log[2].parameters = json!(null)),
        ),
        refuse(
            "a document that is a text",
            3,
            Fault::EntryMembers,
            rotated_but(|log| log[2].state = json!("x")),
        ),
        refuse(
            "a time that is a number",
            3,
            Fault::EntryMembers,
            rotated_but(|log| log[2].time = 1_795_342_200.into()),
        ),
    ];
    missing.into_iter().chain(others).collect()
}
