//! What the DNS and the web host say of a handle ⇒ its DID: nothing comes out that was not put in, contradictions prove
//! nothing, and silence is never absence.
//!
//! An input is lines: what the DNS does (`records`, `nodata`, `nxdomain`, `servfail`, …), what the web host answers
//! (`200 <body>`, or anything else: it has no address), and then a line for each TXT record, its strings divided by `|`.

#![no_main]

use std::{collections::BTreeSet, sync::Arc};

use libfuzzer_sys::fuzz_target;
use namesake::{ErrorKind, Handle, Lookup, ManualClock, Method, Timestamp, Trace};
use namesake_fuzz::now;
use namesake_independent::{
    Did, DnsFailure, Faults, IndependentModel, IndependentSettings, PrivateWorld, ProvedDid, TxtRecord,
};

const NAME: &str = "alice.example.com";

struct Case<'a> {
    dns: &'a [u8],
    web: Option<(u16, &'a str)>,
    records: Vec<TxtRecord>,
}

/// What a caller sees.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Found { did: Did, method: Method, provisional: bool },
    Absent,
    Failed(ErrorKind),
}

fuzz_target!(|input: &[u8]| {
    let case = read(input);
    let seen = ask(&case, &case.records);

    let named: BTreeSet<Did> = case.records.iter().filter_map(named).collect();
    let silent = failure(case.dns).is_some();
    let named = if silent || matches!(case.dns, b"nodata" | b"nxdomain") { BTreeSet::new() } else { named };
    let by_web = case
        .web
        .filter(|(status, _)| (200..300).contains(status))
        .and_then(|(_, body)| Did::parse(body.trim()).ok());
    match &seen {
        Seen::Found { did, method, provisional } if *method == Method::DNS_TXT => {
            assert_eq!(named, BTreeSet::from([did.clone()]));
            assert!(!provisional);
        }
        Seen::Found { did, method, provisional } => {
            assert_eq!(*method, Method::HTTPS_WELL_KNOWN);
            assert!(named.is_empty(), "the DNS wins");
            assert_eq!(Some(did), by_web.as_ref());
            assert_eq!(*provisional, silent);
        }
        Seen::Absent => assert!(named.is_empty() && by_web.is_none() && !silent),
        Seen::Failed(kind) if named.len() > 1 => assert_eq!(*kind, ErrorKind::BadAnswer),
        Seen::Failed(kind) => {
            assert!(named.is_empty() && by_web.is_none());
            assert!(silent || case.web.is_some(), "somebody failed: {kind:?}");
        }
    }

    // The order of records, how often one comes, and where its strings are cut: none of it matters.
    let mut turned = case.records.clone();
    turned.reverse();
    assert_eq!(ask(&case, &turned), seen);
    turned.extend(case.records.iter().map(|TxtRecord(strings)| TxtRecord(vec![strings.concat()])));
    assert_eq!(ask(&case, &turned), seen);
    let cut =
        |TxtRecord(strings): &TxtRecord| TxtRecord(strings.concat().chunks(3).map(<[u8]>::to_vec).collect());
    assert_eq!(ask(&case, &case.records.iter().map(cut).collect::<Vec<_>>()), seen);
});

fn read(input: &[u8]) -> Case<'_> {
    let mut lines = input.split(|&byte| byte == b'\n');
    let dns = lines.next().unwrap_or_default();
    let web = lines.next().and_then(|line| {
        let (status, body) = std::str::from_utf8(line).ok()?.split_once(' ')?;
        Some((status.parse().ok()?, body))
    });
    let record = |line: &[u8]| TxtRecord(line.split(|&byte| byte == b'|').map(<[u8]>::to_vec).collect());
    Case { dns, web, records: lines.map(record).collect() }
}

fn failure(dns: &[u8]) -> Option<DnsFailure> {
    Some(match dns {
        b"servfail" => DnsFailure::ServFail,
        b"refused" => DnsFailure::Refused,
        b"timeout" => DnsFailure::Timeout,
        b"other" => DnsFailure::Other,
        _ => return None,
    })
}

/// The DID that a record names (atproto handle specification, "DNS TXT Method"), read in the plainest way there is.
fn named(TxtRecord(strings): &TxtRecord) -> Option<Did> {
    let text = strings.concat();
    let value = text.trim_ascii().strip_prefix(b"did=")?;
    Did::parse(std::str::from_utf8(value).ok()?.trim()).ok()
}

fn ask(case: &Case<'_>, records: &[TxtRecord]) -> Seen {
    let world = PrivateWorld::new();
    match case.dns {
        b"nxdomain" => (),
        b"nodata" => world.set_txt_records(NAME, Vec::new()),
        _ => world.set_txt_records(NAME, records.to_vec()),
    }
    world.set_faults(Faults { dns: failure(case.dns), ..Faults::default() });
    if let Some((status, body)) = case.web {
        world.set_well_known(NAME, status, body);
    }
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let model = IndependentModel::new(IndependentSettings::default(), world.ports(), clock);
    let handle = Handle::parse(NAME).expect("a handle");
    match now(model.did_of(&handle, &Trace::OFF)) {
        Ok(Lookup::Found { value: ProvedDid { did, proof }, .. }) => {
            Seen::Found { did, method: proof.method, provisional: proof.provisional }
        }
        Ok(Lookup::Absent { .. }) => Seen::Absent,
        Ok(Lookup::Pass) => panic!("{NAME} is a host name"),
        Err(error) => Seen::Failed(error.kind()),
    }
}
