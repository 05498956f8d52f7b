//! Logs that hold, in every form that the specification gives them.

use serde_json::json;

use super::{
    Accepted, HOST, SCID, accept,
    documents::move_to_new,
    fixed, fixed_but,
    forge::{commitment, forge, multikey},
    lines, rotated, rotated_but,
};

/// Every kind of log that must be accepted.
pub(crate) fn accepted() -> Vec<Accepted> {
    [texts(), times(), keys(), ends(), parameters(), places(), documents()].into_iter().flatten().collect()
}

fn texts() -> Vec<Accepted> {
    let log = lines(&forge(&rotated()));
    // Members in another order than that of RFC 8785, and white space between them.
    let loose = log.replace(r#"{"parameters":"#, r#"{ "parameters" : "#);
    let moved = |line: &str| {
        let (rest, time) = line.rsplit_once(r#","versionTime""#).unwrap();
        format!("{{\"versionTime\"{},{}}}\n", time.trim_end_matches('}'), &rest[1..])
    };
    vec![
        accept("the reference log", log.as_str()),
        accept("without the last line break", log.trim_end()),
        accept("with line breaks of two characters", log.replace('\n', "\r\n")),
        accept("with white space", loose),
        accept("with members in another order", log.lines().map(moved).collect::<String>()),
        accept("without its last entry", lines(&forge(&rotated()[..2]))),
        accept("a genesis alone", lines(&forge(&rotated()[..1]))),
        accept("one key for all", lines(&forge(&fixed()))),
    ]
}

fn times() -> Vec<Accepted> {
    let last = |time: &str| fixed_but(|log| log[2].date(time));
    vec![
        accept("a time with +00:00", last("2026-11-22T10:10:00+00:00")),
        accept("a time with a digit after the point", last("2026-11-22T10:10:00.5Z")),
        accept("a time a millisecond later", last("2026-11-22T10:05:00.001Z")),
        accept(
            "a proof that does not say when",
            rotated_but(|log| {
                drop(log[2].proof.as_object_mut().unwrap().remove("created"));
            }),
        ),
        accept(
            "a proof from long before",
            rotated_but(|log| log[2].proof["created"] = "2020-01-01T00:00:00Z".into()),
        ),
        accept(
            "proofs from after their entries",
            rotated_but(|log| {
                log.iter_mut().for_each(|entry| entry.proof["created"] = "2026-11-22T11:00:00Z".into());
            }),
        ),
        accept(
            "a proof by a clock that is fast",
            rotated_but(|log| log[2].proof["created"] = "2026-11-22T12:05:00Z".into()),
        ),
    ]
}

fn keys() -> Vec<Accepted> {
    vec![
        accept(
            "signed by the recovery key",
            rotated_but(|log| {
                log[1].parameters = json!({ "updateKeys": [multikey(9)], "nextKeyHashes": [commitment(3)] });
                log[1].sign_by(9);
            }),
        ),
        accept(
            "all committed keys shown, signed by the second",
            rotated_but(|log| {
                log[1].parameters["updateKeys"] = json!([multikey(2), multikey(9)]);
                log[1].sign_by(9);
            }),
        ),
        accept(
            "several update keys, any of which signs",
            fixed_but(|log| {
                log[0].parameters["updateKeys"] = json!([multikey(1), multikey(2), multikey(3)]);
                log[1].sign_by(3);
                log[2].sign_by(2);
            }),
        ),
        accept(
            "an update key replaced",
            fixed_but(|log| {
                log[1].parameters["updateKeys"] = json!([multikey(2)]);
                log[2].sign_by(2);
            }),
        ),
        accept(
            "pre-rotation turned on",
            fixed_but(|log| {
                log[1].parameters["nextKeyHashes"] = json!([commitment(2)]);
                log[2].parameters = json!({ "updateKeys": [multikey(2)], "nextKeyHashes": [commitment(3)] });
                log[2].sign_by(2);
            }),
        ),
        accept(
            "pre-rotation turned off",
            rotated_but(|log| {
                log[1].parameters["nextKeyHashes"] = json!([]);
                log[2].parameters = json!({});
                log[2].sign_by(2);
            }),
        ),
        accept(
            "pre-rotation turned off, and another key",
            rotated_but(|log| {
                log[1].parameters["nextKeyHashes"] = json!([]);
                log[2].parameters = json!({ "updateKeys": [multikey(7)] });
                log[2].sign_by(2);
            }),
        ),
        accept(
            "a key committed to again",
            rotated_but(|log| {
                log[0].parameters["nextKeyHashes"] = json!([commitment(1)]);
                log[1].parameters = json!({ "updateKeys": [multikey(1)], "nextKeyHashes": [commitment(1)] });
                log[2].parameters = log[1].parameters.clone();
                log[1].sign_by(1);
                log[2].sign_by(1);
            }),
        ),
    ]
}

fn ends() -> Vec<Accepted> {
    vec![
        accept(
            "closed",
            fixed_but(|log| log[2].parameters = json!({ "updateKeys": [], "deactivated": true })),
        ),
        accept("closed, with its keys kept", fixed_but(|log| log[2].parameters["deactivated"] = true.into())),
        accept(
            "closed in two entries, out of pre-rotation",
            rotated_but(|log| {
                log[1].parameters["nextKeyHashes"] = json!([]);
                log[2].parameters = json!({ "updateKeys": [], "deactivated": true });
                log[2].sign_by(2);
            }),
        ),
        accept(
            "closed by the recovery key",
            rotated_but(|log| {
                log[1].parameters = json!({ "updateKeys": [multikey(9)], "nextKeyHashes": [] });
                log[2].parameters = json!({ "updateKeys": [], "deactivated": true });
                log[1].sign_by(9);
                log[2].sign_by(9);
            }),
        ),
        accept(
            "closed while pre-rotation is on",
            rotated_but(|log| log[2].parameters["deactivated"] = true.into()),
        ),
        accept(
            "without keys for good, and not closed",
            fixed_but(|log| {
                log[2].parameters["updateKeys"] = json!([]);
            }),
        ),
    ]
}

fn parameters() -> Vec<Accepted> {
    let with = |name: &str, value: serde_json::Value| {
        accept(format!("{name} that is {value}"), fixed_but(|log| log[1].parameters[name] = value))
    };
    vec![
        with("ttl", json!(0)),
        with("ttl", json!(300)),
        with("ttl", json!(1_u64 << 31)),
        with("witness", json!({})),
        with("watchers", json!([])),
        with("watchers", json!(["https://watcher.handles-demo.test"])),
        with("nextKeyHashes", json!([])),
        with("portable", json!(false)),
        with("deactivated", json!(false)),
        with("method", json!("did:webvh:1.0")),
        accept(
            "all parameters in the genesis",
            fixed_but(|log| {
                let genesis = log[0].parameters.as_object_mut().unwrap();
                let more = json!({ "ttl": 60, "witness": {}, "watchers": [], "nextKeyHashes": [], "portable": false, "deactivated": false });
                genesis.extend(more.as_object().unwrap().clone());
            }),
        ),
    ]
}

fn places() -> Vec<Accepted> {
    let at = |place: &str| {
        let mut drafts = fixed();
        drafts.iter_mut().for_each(|draft| draft.replace(HOST, place));
        accept(format!("at {place}"), lines(&forge(&drafts)))
    };
    vec![
        at("id.handles-demo.test:people:alice"),
        at("id.handles-demo.test%3A8443"),
        at("id.handles-demo.test%3A8443:people:alice"),
        at("xn--bcher-kva.handles-demo.test"),
        // One of the verifiers wants labels of two characters and more, which begin with a letter.
        at("3k7q.x.test"),
        accept("at its SCID", {
            let mut drafts = fixed();
            drafts.iter_mut().for_each(|draft| draft.replace(HOST, &format!("{HOST}:{SCID}")));
            lines(&forge(&drafts))
        }),
        accept("moved", rotated_but(|log| move_to_new(&mut log[2], false))),
        accept(
            "moved, and then silent about it",
            rotated_but(|log| {
                move_to_new(&mut log[1], false);
                move_to_new(&mut log[2], true);
            }),
        ),
        accept("never to move again", rotated_but(|log| log[2].parameters["portable"] = false.into())),
    ]
}

fn documents() -> Vec<Accepted> {
    vec![
        accept(
            "text that JSON escapes",
            fixed_but(|log| {
                log[1].state["note"] = "\u{0}\u{8}\u{c}\u{1f}\"\\/\u{7f}\u{2028}\u{feff}é\u{1f600}".into();
            }),
        ),
        accept(
            "names beyond ASCII",
            fixed_but(|log| {
                log[1].state["note"] = json!({ "\u{e000}": 1, "\u{10000}": 2, "é": 3, "\"": 4, "": 5 });
            }),
        ),
        accept(
            "numbers up to 2^53 - 1",
            fixed_but(|log| {
                log[1].state["note"] = json!([0, -1, (1_u64 << 53) - 1, -((1_i64 << 53) - 1)]);
            }),
        ),
        accept("the placeholder after the genesis", {
            let mut drafts = fixed();
            let genesis = forge(&drafts[..1]);
            let scid = genesis[0]["parameters"]["scid"].as_str().unwrap();
            for draft in &mut drafts[1..] {
                draft.replace(SCID, scid);
                let mut state = draft.state.clone();
                state["note"] = SCID.into();
                draft.more.insert("state".to_owned(), state);
            }
            lines(&forge(&drafts))
        }),
        accept("no handle", fixed_but(|log| log[2].state["alsoKnownAs"] = json!([]))),
        accept(
            "a document of nothing but its id",
            fixed_but(|log| {
                log[2].state = json!({ "id": format!("did:webvh:{SCID}:{HOST}") });
            }),
        ),
    ]
}
