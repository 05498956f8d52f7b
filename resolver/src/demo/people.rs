//! Who lives in the demo's world. Every copy of it begins with exactly these people.

use std::sync::Arc;

use namesake_independent::{Did, InvalidDid, PrivateWorld};
use namesake_mirror::sandbox::NewPerson;

/// The mirrored people, by what the upstream calls them.
pub(super) const MIRRORED: [(&str, &str, &str); 4] = [
    ("alice", "Alice Ito", "Potter in Bergen. Glazes, kilns, other people's cats."),
    ("bob", "Bob Okafor", "I fix bicycles, mostly mine."),
    ("carol", "Carol Reyes", "Night trains and where they go."),
    ("jane.art", "Jane A.", "Drawings, daily. Not the gallery."),
];

/// The independent people: handle, DID, and what their profiles say.
pub(super) const INDEPENDENT: [(&str, &str, &str, &str); 3] = [
    ("alice.demo.test", ALICE, "Alice Lindqvist", "Cartographer. Maps of places that moved."),
    ("bob.demo.test", BOB, "Bob Marsh", "Bees, birds, bread."),
    ("jane.art", JANE, "Jane Art Gallery", "Contemporary drawing since 1987."),
];

const ALICE: &str = "did:plc:alice7demo7777777777777a";
const BOB: &str = "did:plc:bob7777demo7777777777777";
/// The gallery that owns `jane.art`.
pub(super) const JANE: &str = "did:plc:jane777demo7777777777777";
/// Has a TXT record for `broken.demo.test`, and a document that claims another name.
const BROKEN: &str = "did:plc:broken7demo7777777777777";
/// Nobody's at the beginning; takes over a domain in one of the stories.
pub(super) const STRANGER: &str = "did:plc:stranger7777777777777777";

/// The upstream's people.
pub(super) fn mirrored() -> Vec<NewPerson> {
    MIRRORED.map(|(username, name, bio)| person(username, name, bio)).into()
}

pub(super) fn person(username: &str, name: &str, bio: &str) -> NewPerson {
    NewPerson {
        username: username.to_owned(),
        name: Some(name.to_owned()),
        bio: Some(bio.to_owned()),
        picture: None,
    }
}

/// DNS, directory and PDS with the independent people in them.
pub(super) fn internet() -> Result<Arc<PrivateWorld>, InvalidDid> {
    let world = PrivateWorld::new();
    for (handle, did, name, bio) in INDEPENDENT {
        world.add_person(&Did::parse(did)?, handle, name, bio);
    }
    let broken = Did::parse(BROKEN)?;
    world.add_person(&broken, "broken.demo.test", "Brook N.", "My handle says it is invalid. Why?");
    world.set_document(&broken, &PrivateWorld::document(&broken, "brook.demo.test"));
    Ok(world)
}
