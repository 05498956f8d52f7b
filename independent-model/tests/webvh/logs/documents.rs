//! Documents of another DID, and DIDs that are at no place or move without leave ("Method-Specific Identifier", "DID
//! Portability").

use namesake_independent::webvh::Fault;
use serde_json::{Value, json};

use super::{
    HOST, Refused, SCID, fixed, fixed_but,
    forge::{Draft, commitment, forge},
    lines, refuse, rotated_but,
};

pub(super) fn refused() -> Vec<Refused> {
    let places = [
        "127.0.0.1",
        "10.0.0.1.",
        "0x7f.0x1",
        "[::1]",
        "localhost",
        "",
        "UPPER.handles-demo.test",
        "under_score.handles-demo.test",
        "-hyphen.handles-demo.test",
        "two..dots.test",
        "b%C3%BCcher.handles-demo.test",
        "b\u{fc}cher.handles-demo.test",
        "id.handles-demo.test%3A",
        "id.handles-demo.test%3A0",
        "id.handles-demo.test%3A080",
        "id.handles-demo.test%3A65536",
        "id.handles-demo.test%3A+80",
        "id.handles-demo.test%3A80%3A80",
        "id.handles-demo.test:",
        "id.handles-demo.test::alice",
        "id.handles-demo.test:..",
        "id.handles-demo.test:.",
        "id.handles-demo.test:a%2Fb",
        "id.handles-demo.test/alice",
        "id.handles-demo.test?alice",
        "id.handles-demo.test#alice",
        " id.handles-demo.test",
    ];
    let places = places.map(|place| refuse(format!("at {place:?}"), 1, Fault::StateId, at(place)));
    places.into_iter().chain(ids()).chain(moves()).collect()
}

/// A good log whose DID is at another place.
fn at(place: &str) -> String {
    let mut drafts = fixed();
    for draft in &mut drafts {
        draft.state["id"] = format!("did:webvh:{SCID}:{place}").into();
    }
    lines(&forge(&drafts))
}

fn ids() -> Vec<Refused> {
    let fault = Fault::StateId;
    let id = |value: Value| fixed_but(|log| log[1].state["id"] = value);
    let genesis = |value: String| fixed_but(|log| log[0].state["id"] = value.into());
    let other = commitment(1);
    vec![
        refuse(
            "a document without id",
            2,
            fault,
            fixed_but(|log| drop(log[1].state.as_object_mut().unwrap().remove("id"))),
        ),
        refuse("an empty document", 2, fault, fixed_but(|log| log[1].state = json!({}))),
        refuse("a document whose id is a list", 2, fault, id(json!([format!("did:webvh:{SCID}:{HOST}")]))),
        refuse("the document of another SCID", 2, fault, id(format!("did:webvh:{other}:{HOST}").into())),
        refuse("the document of the did:web", 2, fault, id(format!("did:web:{HOST}").into())),
        refuse("a genesis of the did:web", 1, fault, genesis(format!("did:web:{HOST}"))),
        refuse("a genesis of no place", 1, fault, genesis(format!("did:webvh:{SCID}"))),
        refuse("a genesis of another SCID", 1, fault, genesis(format!("did:webvh:{other}:{HOST}"))),
        refuse("a genesis whose SCID goes on", 1, fault, genesis(format!("did:webvh:{SCID}x:{HOST}"))),
        refuse("a genesis of another method", 1, fault, genesis(format!("did:webvhx:{SCID}:{HOST}"))),
    ]
}

const NEW: &str = "u-3k7qm2xy.id.example-moved.test";

/// Moves an account to [`NEW`], which names its old address unless `silent`.
pub(super) fn move_to_new(draft: &mut Draft, silent: bool) {
    draft.replace(HOST, NEW);
    if !silent {
        draft.state["alsoKnownAs"][1] = format!("did:webvh:{SCID}:{HOST}").into();
    }
}

fn moves() -> Vec<Refused> {
    let fault = Fault::Moved;
    vec![
        refuse("a move of what is not portable", 3, fault, fixed_but(|log| move_to_new(&mut log[2], false))),
        refuse("a move without the old address", 3, fault, rotated_but(|log| move_to_new(&mut log[2], true))),
        refuse(
            "a move with the old did:web alone",
            3,
            fault,
            rotated_but(|log| {
                move_to_new(&mut log[2], true);
                log[2].state["alsoKnownAs"][1] = format!("did:web:{HOST}").into();
            }),
        ),
        refuse(
            "a move in the entry that ends portability",
            3,
            fault,
            rotated_but(|log| {
                move_to_new(&mut log[2], false);
                log[2].parameters["portable"] = false.into();
            }),
        ),
        refuse(
            "a move after portability has ended",
            3,
            fault,
            rotated_but(|log| {
                log[1].parameters["portable"] = false.into();
                move_to_new(&mut log[2], false);
            }),
        ),
        refuse(
            "a move to another path",
            3,
            fault,
            fixed_but(|log| {
                log[2].state["id"] = format!("did:webvh:{SCID}:{HOST}:alice").into();
            }),
        ),
        refuse(
            "a move back without the new address",
            3,
            fault,
            rotated_but(|log| {
                move_to_new(&mut log[1], false);
            }),
        ),
    ]
}
