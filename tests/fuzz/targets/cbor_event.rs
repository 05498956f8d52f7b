//! Messages of a stream of events: whatever one says, it makes suspect at most what it names, and everything where its number
//! does not follow; the cursor goes where it says and nowhere else, and nothing in it can stop the events behind it.
//!
//! Goes through the follower, as a relay does. An input that begins with `#` writes an event with anything around its
//! fields, which must be understood to the letter; any other input is a message as it is.

#![no_main]

use std::{
    collections::VecDeque,
    future::{self, Future},
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::Poll,
    time::Duration,
};

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use namesake::{Clock, Invalidator, Moment, Scheme, SeededRandomness, Sleep, Suspicion, Timestamp};
use namesake_fuzz::{Script, now};
use namesake_independent::{
    Did, Hostname, PortFuture,
    events::{
        Broken, CursorKeeper, EventFollower, EventSettings, Heard, Relay, Subscription, SubscriptionFuture,
    },
};

const NEXT: &str = "did:plc:ewvi7nxzyoun6zhxrhs64oiz";
const NEXT_SEQ: u64 = 77;
/// Where the stream was left.
const FIRST_SEQ: u64 = 1;
const DIDS: [&str; 4] =
    ["did:web:a.example.com", "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "did:web:localhost%3A80", "did:key:z6Mk"];

fuzz_target!(|input: &[u8]| match input.split_first() {
    Some((b'#', script)) => written(Script(script)),
    _ => arbitrary(input),
});

fn arbitrary(message: &[u8]) {
    let mut suspected = follow(message).suspected;
    let next = Suspicion::Account { account: account(NEXT), handle: None };
    assert_eq!(suspected.pop(), Some(next), "the event behind it was not heard");
    // Itself, and a gap before it and behind it.
    assert!(suspected.len() <= 3, "{suspected:?}");
    for suspicion in suspected {
        let Suspicion::Account { account, handle } = suspicion else { continue };
        assert!(contains(message, account.as_str()), "{account}");
        if let Some(handle) = handle {
            let lower = message.to_ascii_lowercase();
            assert!(contains(&lower, handle.as_str()), "{handle}");
        }
    }
}

fn contains(message: &[u8], text: &str) -> bool {
    message.windows(text.len()).any(|window| window == text.as_bytes())
}

fn written(mut script: Script<'_>) {
    let identity = script.below(2) == 0;
    let did = DIDS[script.below(DIDS.len())];
    let seq = u64::from_le_bytes(std::array::from_fn(|_| script.byte())) >> 1;
    let length = script.below(64);
    let name = String::from_utf8_lossy(script.bytes(length)).into_owned();

    let mut fields = vec![("did", text(did)), ("seq", number(seq)), ("handle", text(&name))];
    let place = script.below(fields.len());
    fields.rotate_left(place);
    let (before, after) = (script.below(3), script.below(3));
    (0..before).for_each(|_| fields.insert(0, ("x", anything(&mut script, 0))));
    (0..after).for_each(|_| fields.push(("y", anything(&mut script, 0))));
    let kind = if identity { "#identity" } else { "#account" };
    let header = map(&[("z", anything(&mut script, 0)), ("t", text(kind)), ("op", vec![1])]);
    let message = [header, map(&fields)].concat();

    let handle = Hostname::parse(&name).ok().filter(|_| identity).and_then(|name| name.to_handle());
    let told = follow(&message);
    let first = Suspicion::Account { account: account(did), handle };
    let next = Suspicion::Account { account: account(NEXT), handle: None };
    let expected = [gap(FIRST_SEQ, seq), Some(first), gap(seq, NEXT_SEQ), Some(next.clone())];
    assert_eq!(told.suspected, expected.into_iter().flatten().collect::<Vec<_>>());
    let mut cursors = vec![FIRST_SEQ, seq, NEXT_SEQ];
    cursors.dedup();
    assert_eq!(told.cursors, cursors);

    // Cut short, it is nobody's.
    let cut = usize::from(u16::from_le_bytes([script.byte(), script.byte()])) % message.len();
    assert_eq!(follow(&message[..cut]).suspected, [next]);
}

/// What becomes suspect where an event of this number comes behind one of that.
fn gap(before: u64, seq: u64) -> Option<Suspicion> {
    let EventSettings { scheme, longest_leap, .. } = settings();
    let follows = seq > before && seq - before <= longest_leap;
    (!follows).then_some(Suspicion::Everything { scheme })
}

fn settings() -> EventSettings {
    EventSettings::named(Scheme::parse("independent").expect("a scheme"))
}

fn account(did: &str) -> namesake::AccountId {
    Did::parse(did).expect("a DID").account().clone()
}

/// What came of a message.
struct Told {
    suspected: Vec<Suspicion>,
    /// Where the stream was begun from, each time, and where it was left.
    cursors: Vec<u64>,
}

/// A host that sends one message, loses the connection, sends a known event, and is gone.
fn follow(message: &[u8]) -> Told {
    let next = [
        map(&[("op", vec![1]), ("t", text("#account"))]),
        map(&[("seq", number(NEXT_SEQ)), ("did", text(NEXT))]),
    ];
    let messages = [Bytes::copy_from_slice(message), next.concat().into()];
    let host = Arc::new(Host { messages: Mutex::new(messages.into()), ..Host::default() });
    let heard = Arc::new(Mutex::new(Vec::new()));
    let listener = heard.clone();
    let follower = EventFollower::new(
        settings(),
        host.clone(),
        Some(host.clone()),
        Arc::new(Hurried),
        Arc::new(SeededRandomness::new(1)),
        Invalidator::new(|_| panic!("hearsay purges nothing"))
            .on_suspicion(move |suspicion| listener.lock().expect("one thread").push(suspicion.clone())),
    );
    let gone = future::poll_fn(|_| match host.gone.load(Ordering::Relaxed) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    now(follower.run(gone));
    let mut cursors: Vec<u64> = std::mem::take(&mut *host.cursors.lock().expect("one thread"));
    cursors.dedup();
    Told { suspected: std::mem::take(&mut *heard.lock().expect("one thread")), cursors }
}

#[derive(Debug, Default)]
struct Host {
    messages: Mutex<VecDeque<Bytes>>,
    cursors: Mutex<Vec<u64>>,
    gone: AtomicBool,
}

impl Relay for Host {
    fn subscribe(&self, cursor: Option<u64>) -> PortFuture<'_, Box<dyn Subscription>, Broken> {
        self.cursors.lock().expect("one thread").extend(cursor);
        let message = self.messages.lock().expect("one thread").pop_front();
        Box::pin(async {
            if message.is_none() {
                self.gone.store(true, Ordering::Relaxed);
                return Err(Broken::Lost("gone".to_owned()));
            }
            Ok(Box::new(One(message)) as Box<dyn Subscription>)
        })
    }
}

impl CursorKeeper for Host {
    fn load(&self) -> PortFuture<'_, Option<u64>, std::io::Error> {
        Box::pin(async { Ok(Some(FIRST_SEQ)) })
    }

    fn save(&self, cursor: u64) -> PortFuture<'_, (), std::io::Error> {
        self.cursors.lock().expect("one thread").push(cursor);
        Box::pin(async { Ok(()) })
    }
}

/// A connection that brings one message.
struct One(Option<Bytes>);

impl Subscription for One {
    fn next(&mut self) -> SubscriptionFuture<'_, Heard> {
        let message = self.0.take().map(Heard::Message);
        Box::pin(async { message.ok_or_else(|| Broken::Lost("cut".to_owned())) })
    }

    fn ping(&mut self) -> SubscriptionFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }
}

/// A clock by which every moment has come.
#[derive(Debug)]
struct Hurried;

impl Clock for Hurried {
    fn now(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn moment(&self) -> Moment {
        Moment::new(self.now(), Duration::ZERO)
    }

    fn sleep_until(&self, _at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        let passed: Sleep<'_> = Box::pin(future::ready(()));
        passed
    }
}

fn text(text: &str) -> Vec<u8> {
    [head(3, text.len() as u64), text.as_bytes().to_vec()].concat()
}

fn number(number: u64) -> Vec<u8> {
    head(0, number)
}

fn map(pairs: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = head(5, pairs.len() as u64);
    pairs.iter().for_each(|(key, value)| bytes.extend([text(key), value.clone()].concat()));
    bytes
}

/// Any well-formed value (RFC 8949, definite lengths), of a few levels.
fn anything(script: &mut Script<'_>, depth: u8) -> Vec<u8> {
    let kind = script.below(if depth < 4 { 8 } else { 4 });
    let length = script.below(4);
    match kind {
        0 => head(0, u64::MAX >> script.below(64)),
        1 => head(1, u64::MAX >> script.below(64)),
        2 => [head(2, length as u64), vec![0xff; length]].concat(),
        3 => [&[0xfb][..], &[script.byte(); 8]].concat(),
        4 => text(["did", "seq", "handle", "op"][length]),
        5 => [vec![0xd8, 42], anything(script, depth + 1)].concat(),
        6 => (0..length).fold(head(4, length as u64), |list, _| [list, anything(script, depth + 1)].concat()),
        _ => {
            let key = |place: usize| ["did", "seq", "handle", "op"][place];
            let pairs: Vec<_> = (0..length).map(|place| (key(place), anything(script, depth + 1))).collect();
            map(&pairs)
        }
    }
}

/// The beginning of an item, as short as it can be.
fn head(major: u8, argument: u64) -> Vec<u8> {
    let bytes = argument.to_be_bytes();
    let (short, tail) = match argument {
        0..24 => (bytes[7], &[][..]),
        24..0x100 => (24, &bytes[7..]),
        0x100..0x1_0000 => (25, &bytes[6..]),
        0x1_0000..0x1_0000_0000 => (26, &bytes[4..]),
        _ => (27, &bytes[..]),
    };
    [&[major << 5 | short], tail].concat()
}
