//! What a message of the stream says (atproto specification *Event Stream*; lexicon `com.atproto.sync.subscribeRepos`).
//!
//! A message is two DAG-CBOR maps, one after the other: a header `{op, t}` and a body. Pure and total: any bytes give a
//! frame or [`Poison`], in time proportional to their number.

use namesake::{Handle, Timestamp};

use super::cbor::{Malformed, Reader, Value};
use crate::{Did, Hostname};

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// Something happened in the network.
    Event(Event),
    /// The host says something about the stream.
    Info(Info),
    /// The host ends the stream.
    Error(StreamError),
    /// A kind of message that we do not know: the specification has us ignore it.
    Unknown,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its place in the stream.
    pub(super) seq: u64,
    /// When the host had it.
    pub(super) time: Option<Timestamp>,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    /// The identity of an account may have changed. The handle is what the host says: never believed.
    Identity { did: Did, handle: Option<Handle> },
    /// Whether an account is active may have changed.
    Account { did: Did },
    /// Nothing about identities; its place in the stream counts.
    Other,
}

/// `#info`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Info {
    /// The cursor is older than what the host still has: events were missed.
    OutdatedCursor,
    Other,
}

/// `op: -1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum StreamError {
    /// The cursor is ahead of the host: its sequence began anew.
    FutureCursor,
    /// We did not keep up.
    ConsumerTooSlow,
    Other,
}

/// A message that cannot be read, or an event that cannot be meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a message that is no event")]
pub(super) struct Poison;

/// The fields of a body that count for any message we know.
#[derive(Default)]
struct Body<'a> {
    seq: Option<i64>,
    time: Option<&'a str>,
    did: Option<&'a str>,
    handle: Option<&'a str>,
    name: Option<&'a str>,
    error: Option<&'a str>,
}

pub(super) fn decode(message: &[u8]) -> Result<Frame, Poison> {
    let mut reader = Reader::new(message);
    let (op, kind) = header(&mut reader)?;
    let event = |what: fn(&Body<'_>) -> Result<What, Poison>, body: &Body<'_>| {
        let seq = body.seq.and_then(|seq| u64::try_from(seq).ok()).ok_or(Poison)?;
        let time = body.time.filter(|time| time.len() <= 64).and_then(|time| time.parse().ok());
        Ok(Frame::Event(Event { seq, time, what: what(body)? }))
    };
    match (op, kind) {
        (1, Some("#identity")) => event(identity, &body(&mut reader)?),
        (1, Some("#account")) => event(account, &body(&mut reader)?),
        (1, Some("#info")) => Ok(Frame::Info(match body(&mut reader)?.name {
            Some("OutdatedCursor") => Info::OutdatedCursor,
            _ => Info::Other,
        })),
        // Commits and whatever else has a place in the stream; what has none is unknown.
        (1, Some(_)) => match body(&mut reader)? {
            known @ Body { seq: Some(_), .. } => event(|_| Ok(What::Other), &known),
            _ => Ok(Frame::Unknown),
        },
        (-1, _) => Ok(Frame::Error(match body(&mut reader)?.error {
            Some("FutureCursor") => StreamError::FutureCursor,
            Some("ConsumerTooSlow") => StreamError::ConsumerTooSlow,
            _ => StreamError::Other,
        })),
        _ => Ok(Frame::Unknown),
    }
}

fn identity(body: &Body<'_>) -> Result<What, Poison> {
    // A handle that is none is no reason to overlook the account.
    let handle = body.handle.and_then(|text| Hostname::parse(text).ok()?.to_handle());
    Ok(What::Identity { did: did(body)?, handle })
}

fn account(body: &Body<'_>) -> Result<What, Poison> {
    Ok(What::Account { did: did(body)? })
}

fn did(body: &Body<'_>) -> Result<Did, Poison> {
    body.did.and_then(|text| Did::parse(text).ok()).ok_or(Poison)
}

fn header<'a>(reader: &mut Reader<'a>) -> Result<(i64, Option<&'a str>), Poison> {
    let (mut op, mut kind) = (None, None);
    for _ in 0..reader.map()? {
        match (reader.text()?, reader.value()?) {
            ("op", Value::Integer(value)) => op = Some(value),
            ("t", Value::Text(text)) => kind = Some(text),
            _ => {}
        }
    }
    Ok((op.ok_or(Poison)?, kind))
}

fn body<'a>(reader: &mut Reader<'a>) -> Result<Body<'a>, Poison> {
    let mut body = Body::default();
    for _ in 0..reader.map()? {
        match (reader.text()?, reader.value()?) {
            ("seq", Value::Integer(seq)) => body.seq = Some(seq),
            ("time", Value::Text(text)) => body.time = Some(text),
            ("did", Value::Text(text)) => body.did = Some(text),
            ("handle", Value::Text(text)) => body.handle = Some(text),
            ("name", Value::Text(text)) => body.name = Some(text),
            ("error", Value::Text(text)) => body.error = Some(text),
            _ => {}
        }
    }
    Ok(body)
}

impl From<Malformed> for Poison {
    fn from(Malformed: Malformed) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::events::scripted::{error, identity, info, map, message, text};

    const DID: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";

    fn what(message: &[u8]) -> Result<What, Poison> {
        match decode(message)? {
            Frame::Event(event) => Ok(event.what),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_identity_event() {
        let handle = Some(Handle::parse("alice.example.com").unwrap());
        let did = Did::parse(DID).unwrap();
        assert_eq!(
            decode(&identity(7, DID, Some("Alice.Example.com"))),
            Ok(Frame::Event(Event {
                seq: 7,
                time: Some("2026-11-01T00:00:00Z".parse().unwrap()),
                what: What::Identity { did: did.clone(), handle },
            }))
        );
        for none in [None, Some("handle.invalid"), Some("no handle"), Some("")] {
            assert_eq!(
                what(&identity(7, DID, none)),
                Ok(What::Identity { did: did.clone(), handle: None }),
                "{none:?}"
            );
        }
    }

    #[test]
    fn an_event_about_nobody_is_poison() {
        for did in ["", "did:plc:short", "alice.example.com", "did:web:127.0.0.1"] {
            assert_eq!(decode(&identity(7, did, None)), Err(Poison), "{did}");
        }
    }

    #[test]
    fn a_commit_counts_for_its_place_and_a_stranger_for_nothing() {
        let blocks = [&[0x59, 0xff, 0xff][..], &[7; 0xffff]].concat();
        let commit = message(1, Some("#commit"), &[("seq", vec![0x18, 99]), ("blocks", blocks)]);
        assert_eq!(decode(&commit), Ok(Frame::Event(Event { seq: 99, time: None, what: What::Other })));
        assert_eq!(decode(&message(1, Some("#new"), &[])), Ok(Frame::Unknown));
        assert_eq!(decode(&message(2, Some("#identity"), &[])), Ok(Frame::Unknown));
        assert_eq!(decode(&message(1, None, &[])), Ok(Frame::Unknown));
        let negative = message(1, Some("#commit"), &[("seq", vec![0x20])]);
        assert_eq!(decode(&negative), Err(Poison));
    }

    #[test]
    fn words_about_the_stream() {
        assert_eq!(decode(&info("OutdatedCursor")), Ok(Frame::Info(Info::OutdatedCursor)));
        assert_eq!(decode(&info("Weather")), Ok(Frame::Info(Info::Other)));
        assert_eq!(decode(&error("FutureCursor")), Ok(Frame::Error(StreamError::FutureCursor)));
        assert_eq!(decode(&error("ConsumerTooSlow")), Ok(Frame::Error(StreamError::ConsumerTooSlow)));
        assert_eq!(decode(&error("Tired")), Ok(Frame::Error(StreamError::Other)));
    }

    #[test]
    fn what_is_cut_off_is_poison() {
        let whole = identity(7, DID, Some("alice.example.com"));
        for length in 0..whole.len() {
            assert_eq!(decode(&whole[..length]), Err(Poison), "{length}");
        }
        let no_op = map(&[("t", text("#identity"))]);
        assert_eq!(decode(&no_op), Err(Poison));
    }

    proptest! {
        #[test]
        fn any_bytes_have_an_outcome(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_damaged_event_has_an_outcome(at in 0..90_usize, byte: u8) {
            let mut bytes = identity(7, DID, Some("alice.example.com"));
            if let Some(place) = bytes.get_mut(at) {
                *place = byte;
            }
            let _ = decode(&bytes);
        }
    }
}
