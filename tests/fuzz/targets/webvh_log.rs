//! Logs of `did:webvh`: what holds is one history, in one form, and was signed by those who could.
//!
//! An input that begins with `#` says who signs what and when; the rules of succession, told a second time here, must agree
//! on whether each entry holds. Then one changed byte never leads to another head, and no entry can be left out but the
//! newest. Any other input is a log as it is.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use namesake::Timestamp;
use namesake_fuzz::Script;
use namesake_independent::{
    Did, DidDocument, Hostname,
    webvh::{
        Entry, Genesis, Head, KeyHash, SecretKey, account_document, append, canonical, genesis,
        parallel_did_web, read_strictly, verify,
    },
};
use serde_json::{Map, Value, json};

const HOSTS: [&str; 2] = ["u-3k7qm2xy.id.example.com", "elsewhere.example.org"];
const HANDLES: [&str; 3] = ["alice.example.com", "handle.invalid", "8.example.net"];
const MOST_ENTRIES: usize = 5;

static KEYS: LazyLock<[SecretKey; 3]> =
    LazyLock::new(|| [1, 2, 3].map(|seed| SecretKey::from_seed(&[seed; 32])));

fuzz_target!(|input: &[u8]| match input.split_first() {
    Some((b'#', script)) => written(Script(script)),
    _ => arbitrary(input),
});

/// The seeds are from 2026.
fn now() -> Timestamp {
    Timestamp::from_second(1_800_000_000).expect("a time")
}

fn arbitrary(bytes: &[u8]) {
    if let Ok(value) = read_strictly(bytes) {
        let text = canonical(&value);
        assert_eq!(read_strictly(text.as_bytes()).as_ref(), Ok(&value));
        assert_eq!(serde_json::from_slice::<Value>(bytes).ok(), Some(value));
    }
    for line in bytes.split(|&byte| byte == b'\n') {
        let Ok(entry) = Entry::read(line) else { continue };
        let again = Entry::read(entry.line().as_bytes()).expect("the same entry");
        assert_eq!((again.line(), &again.version, again.time), (entry.line(), &entry.version, entry.time));
    }
    let Ok(log) = verify(bytes, now()) else { return };
    check(log.head());
    let again = verify(log.lines().join("\n").as_bytes(), now()).expect("its canonical form holds");
    assert_eq!((again.head(), again.lines()), (log.head(), log.lines()));
    let shorter = log.lines()[..log.lines().len() - 1].join("\n");
    assert!(shorter.is_empty() || verify(shorter.as_bytes(), now()).is_ok(), "its beginning holds as well");
    assert!(
        verify(bytes, log.head().time - std::time::Duration::from_secs(1)).is_err(),
        "it is from the future"
    );
}

/// What holds of every head.
fn check(head: &Head) {
    let did = Did::parse(&head.did).expect("it can be an account");
    let document = DidDocument::parse(&did, head.state.to_string().as_bytes()).expect("its own document");
    assert_eq!(document.claim.as_ref().and_then(Hostname::to_handle), head.handle());
    assert!(Hostname::parse(head.host()).is_ok_and(|host| host.as_str() == head.host()));
    let place = head.did.strip_prefix(&format!("did:webvh:{}:", head.scid)).expect("it certifies itself");
    let web = parallel_did_web(head);
    assert_eq!(web["id"], format!("did:web:{place}"));
    let aliases = web["alsoKnownAs"].as_array().expect("aliases");
    assert!(aliases.contains(&head.did.as_str().into()) && !aliases.contains(&web["id"]));
    let stored: Head = serde_json::from_value(serde_json::to_value(head).expect("JSON")).expect("a head");
    assert_eq!(stored, *head);
}

/// What the rules need to know of a log.
struct Rules {
    did: String,
    time: Timestamp,
    /// The keys that it names.
    shown: Vec<usize>,
    /// The keys that are committed to.
    committed: Vec<usize>,
    portable: bool,
    ended: bool,
}

fn written(mut script: Script<'_>) {
    let Some((mut head, mut rules)) = begin(&mut script) else { return };
    let mut lines = vec![head.1.line().to_owned()];
    for _ in 0..script.below(MOST_ENTRIES) {
        let (entry, next) = follow(&mut script, &head.0, &rules);
        let followed = head.0.follow(&entry, now());
        lines.push(entry.line().to_owned());
        assert_eq!(followed.is_ok(), next.is_some(), "{followed:?}");
        let (Ok(followed), Some(next)) = (followed, next) else {
            let invalid =
                verify(lines.join("\n").as_bytes(), now()).expect_err("its last entry does not hold");
            assert_eq!(invalid.entry, Some(lines.len()));
            return;
        };
        (head, rules) = ((followed, entry), next);
    }
    let text = lines.join("\n");
    let log = verify(text.as_bytes(), now()).expect("each entry holds");
    assert_eq!((log.head(), log.lines()), (&head.0, &lines[..]));
    assert_eq!((&log.head().did, log.head().deactivated), (&rules.did, rules.ended));
    check(log.head());

    let mut bytes = text.into_bytes();
    let place = usize::from(u16::from_le_bytes([script.byte(), script.byte()])) % bytes.len();
    bytes[place] = script.byte();
    if let Ok(changed) = verify(&bytes, now()) {
        assert_eq!((changed.head(), changed.lines()), (log.head(), log.lines()));
    }
    if lines.len() > 1 {
        lines.remove(script.below(lines.len() - 1));
        assert!(verify(lines.join("\n").as_bytes(), now()).is_err(), "an entry is left out");
    }
}

fn keys(script: &mut Script<'_>, most: usize) -> Vec<usize> {
    let first = script.below(KEYS.len());
    (0..script.below(most + 1)).map(|key| (first + key) % KEYS.len()).collect()
}

fn hashes(keys: &[usize]) -> Vec<KeyHash> {
    keys.iter().map(|&key| KEYS[key].multikey().hash()).collect()
}

/// A document, with more around it that nobody knows.
fn document(script: &mut Script<'_>, did: &str, host: &str) -> Value {
    let host = Hostname::parse(host).expect("a host");
    let handle =
        HANDLES.get(script.below(HANDLES.len() + 1)).map(|name| Hostname::parse(name).expect("a host"));
    let mut state = account_document(did, &host, handle.as_ref(), &KEYS[0].multikey(), None);
    match script.below(6) {
        0 => state[did] = "a member of its name".into(),
        1 => {
            state["\u{e000}\u{10000}\u{7f}\"\\"] =
                json!({ "\u{10000}": [1, -1], "\u{e000}": did, "\u{1f}": null })
        }
        2 => state["{SCID}"] = "a {SCID} of its own".into(),
        _ => (),
    }
    state
}

/// A first entry; `None` if its DID is too long for one.
fn begin(script: &mut Script<'_>) -> Option<((Head, Entry), Rules)> {
    let (key, committed, portable) = (script.below(KEYS.len()), keys(script, 2), script.below(2) == 1);
    let path = match script.below(8) {
        0 => "%3A8443:a:b_c.d-e".to_owned(),
        1 => format!(":{}", "a".repeat(1 + 10 * usize::from(script.byte()))),
        _ => String::new(),
    };
    let unknown = format!("did:webvh:{{SCID}}:{}{path}", HOSTS[0]);
    let at = Timestamp::from_second(1_700_000_000).expect("a time");
    let state = document(script, &unknown, HOSTS[0]);
    let entry = genesis(&Genesis { state, key: &KEYS[key], next: hashes(&committed), portable, at })
        .expect("an entry");
    let head = Head::begin(&entry, now());
    let id = entry.state["id"].as_str().expect("an id");
    assert_eq!(head.is_ok(), id.len() <= Did::MAX_BYTES);
    let head = head.ok()?;
    let rules =
        Rules { did: head.did.clone(), time: at, shown: vec![key], committed, portable, ended: false };
    Some(((head, entry), rules))
}

/// An entry, and what comes of it if it holds (did:webvh 1.0, "Read (Resolve)", "DID Method Parameters").
fn follow(script: &mut Script<'_>, head: &Head, rules: &Rules) -> (Entry, Option<Rules>) {
    let odd = script.byte();
    let (signer, shown, committed) = (script.below(KEYS.len()), keys(script, 2), keys(script, 2));
    let mut parameters = Map::new();
    let mut says = |flag: u8, name: &str, value: Value| {
        let said = odd & flag != 0;
        if said {
            parameters.insert(name.to_owned(), value);
        }
        said
    };
    let texts: Vec<_> = shown.iter().map(|&key| KEYS[key].multikey().as_str().to_owned()).collect();
    let shows = says(1, "updateKeys", texts.into());
    let commits = says(2, "nextKeyHashes", hashes(&committed).iter().map(KeyHash::as_str).collect());
    let stays = says(4, "portable", false.into());
    let ends = says(8, "deactivated", true.into());
    let again = odd >> 4 == 15 && says(0xff, "scid", head.scid.as_str().into());

    let (moves, admits) = (script.below(4) == 0, script.below(2) == 0);
    let did = if moves { format!("did:webvh:{}:{}", head.scid, HOSTS[1]) } else { rules.did.clone() };
    let mut state = document(script, &did, HOSTS[usize::from(moves)]);
    if let (true, Some(aliases)) = (admits, state["alsoKnownAs"].as_array_mut()) {
        aliases.push(rules.did.as_str().into());
    }
    let time = rules.time + std::time::Duration::from_secs([0, 1, 3600][script.below(3)]);
    let entry = append(head, parameters, &state, &KEYS[signer], time).expect("an entry");

    let may_sign = match rules.committed.is_empty() {
        true => rules.shown.contains(&signer),
        false => {
            shows
                && commits
                && shown.contains(&signer)
                && shown.iter().all(|key| rules.committed.contains(key))
        }
    };
    let may_be_there = did == rules.did || (rules.portable && !stays && admits);
    let holds = may_sign && may_be_there && !rules.ended && !again && time > rules.time;
    let next = Rules {
        did,
        time,
        shown: if shows { shown } else { rules.shown.clone() },
        committed: if commits { committed } else { Vec::new() },
        portable: rules.portable && !stays,
        ended: ends,
    };
    (entry, holds.then_some(next))
}
