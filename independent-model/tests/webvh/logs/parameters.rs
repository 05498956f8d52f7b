//! Parameters that are unknown, misplaced or not of their form ("DID Method Parameters").

use namesake_independent::webvh::Fault;
use serde_json::{Value, json};

use super::{
    Refused, fixed_but,
    forge::{commitment, multikey},
    refuse, rotated_but,
};

pub(super) fn refused() -> Vec<Refused> {
    let forms = [
        ("portable", json!("true")),
        ("portable", json!(1)),
        ("deactivated", json!("false")),
        ("deactivated", json!(0)),
        ("ttl", json!("300")),
        ("ttl", json!(-1)),
        ("ttl", json!((1_u64 << 31) + 1)),
        ("watchers", json!("https://watcher.handles-demo.test")),
        ("watchers", json!([1])),
        ("witness", json!([])),
        ("scid", json!(1)),
        ("scid", json!("QmShort")),
    ];
    let nulls = ["updateKeys", "nextKeyHashes", "witness", "watchers", "portable", "deactivated", "ttl"];
    let forms = forms.into_iter().chain(nulls.map(|name| (name, Value::Null)));
    let forms = forms.map(|(name, value)| {
        let log = with(name, value.clone());
        refuse(format!("{name} that is {value}"), 2, Fault::ParameterForm, log)
    });
    forms.chain(unknown()).chain(places()).collect()
}

/// An entry with this parameter, in a log that needs none.
fn with(name: &str, value: Value) -> String {
    fixed_but(|log| log[1].parameters[name] = value)
}

fn unknown() -> Vec<Refused> {
    let key = |seed: u8| format!("did:key:{}", multikey(seed));
    let witness = json!({ "threshold": 1, "witnesses": [{ "id": key(7) }] });
    vec![
        refuse("an unknown parameter", 2, Fault::UnknownParameter, with("prerotation", true.into())),
        refuse("an unknown parameter that is null", 2, Fault::UnknownParameter, with("note", Value::Null)),
        refuse("a parameter in another case", 2, Fault::UnknownParameter, with("TTL", 300.into())),
        refuse(
            "a genesis with a witness",
            1,
            Fault::Witness,
            fixed_but(|log| {
                log[0].parameters["witness"] = witness.clone();
            }),
        ),
        refuse("a witness from the second entry on", 2, Fault::Witness, with("witness", witness.clone())),
        refuse(
            "a witness with a threshold only",
            2,
            Fault::Witness,
            with("witness", json!({ "threshold": 0 })),
        ),
    ]
}

fn places() -> Vec<Refused> {
    let method = |entry: usize, value: Value| fixed_but(|log| log[entry].parameters["method"] = value);
    vec![
        refuse("a genesis without method", 1, Fault::Method, fixed_but(|log| log[0].unset("method"))),
        refuse("an older method", 1, Fault::Method, method(0, "did:webvh:0.5".into())),
        refuse("a method to come", 1, Fault::Method, method(0, "did:webvh:1.1".into())),
        refuse("a release candidate of the method", 1, Fault::Method, method(0, "did:webvh:1.0-rc1".into())),
        refuse("a method that is a list", 1, Fault::Method, method(0, json!(["did:webvh:1.0"]))),
        refuse(
            "another method from the second entry on",
            2,
            Fault::Method,
            method(1, "did:webvh:0.5".into()),
        ),
        refuse("a genesis without scid", 1, Fault::ScidPlace, fixed_but(|log| log[0].unset("scid"))),
        refuse("a second scid, the same", 2, Fault::ScidPlace, with("scid", super::SCID.into())),
        refuse("a second scid, another", 2, Fault::ScidPlace, with("scid", commitment(1).into())),
        refuse("portable from the second entry on", 2, Fault::Portable, with("portable", true.into())),
        refuse(
            "portable once more",
            2,
            Fault::Portable,
            rotated_but(|log| log[1].parameters["portable"] = true.into()),
        ),
        refuse(
            "portable again",
            3,
            Fault::Portable,
            rotated_but(|log| {
                log[1].parameters["portable"] = false.into();
                log[2].parameters["portable"] = true.into();
            }),
        ),
    ]
}
