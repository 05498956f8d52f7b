//! The syntax of handles and DIDs, by the examples that everybody's implementations are held to.
//!
//! They are those of `bluesky-social/atproto-interop-tests`, folder `syntax`, as of July 2026: `handle_syntax_valid.txt`,
//! `handle_syntax_invalid.txt`, `did_syntax_valid.txt`, `did_syntax_invalid.txt` (public domain, CC0-1.0; in the `atproto`
//! repository, MIT or Apache-2.0).

use namesake_independent::{Did, Hostname};

use super::hosted::Place;

/// Handles, whether anybody can hold them or not.
const HANDLES: [&str; 66] = [
    "A.ISI.EDU",
    "XX.LCS.MIT.EDU",
    "SRI-NIC.ARPA",
    "john.test",
    "jan.test",
    "a234567890123456789.test",
    "john2.test",
    "john-john.test",
    "john.bsky.app",
    "jo.hn",
    "a.co",
    "a.org",
    "joh.n",
    "j0.h0",
    "jaymome-johnber123456.test",
    "jay.mome-johnber123456.test",
    "john.test.bsky.app",
    "john.t",
    "laptop.local",
    "laptop.arpa",
    "xn--ls8h.test",
    "xn--bcher-kva.tld",
    "xn--3jk.com",
    "xn--w3d.com",
    "xn--vqb.com",
    "xn--ppd.com",
    "xn--cs9a.com",
    "xn--8r9a.com",
    "xn--cfd.com",
    "xn--5jk.com",
    "xn--2lb.com",
    "expyuzz4wqqyqhjn.onion",
    "friend.expyuzz4wqqyqhjn.onion",
    "g2zyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
    "friend.g2zyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
    "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
    "friend.2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion",
    "12345.test",
    "8.cn",
    "4chan.org",
    "4chan.o-g",
    "blah.4chan.org",
    "thing.a01",
    "120.0.0.1.com",
    "0john.test",
    "9sta--ck.com",
    "99stack.com",
    "0ohn.test",
    "john.t--t",
    "thing.0aa.thing",
    "stack.com",
    "sta-ck.com",
    "sta---ck.com",
    "sta--ck9.com",
    "stack99.com",
    "sta99ck.com",
    "google.com.uk",
    "google.co.in",
    "google.com",
    "maselkowski.pl",
    "m.maselkowski.pl",
    "xn--masekowski-d0b.pl",
    "xn--fiqa61au8b7zsevnm8ak20mc4a87e.xn--fiqs8s",
    "xn--stackoverflow.com",
    "stackoverflow.xn--com",
    "stackoverflow.co.uk",
];

/// What is no handle.
const NO_HANDLES: [&str; 43] = [
    "did:thing.test",
    "did:thing",
    "john-.test",
    "john.0",
    "john.-",
    "xn--bcher-.tld",
    "john..test",
    "jo_hn.test",
    "-john.test",
    ".john.test",
    "jo!hn.test",
    "jo%hn.test",
    "jo&hn.test",
    "jo@hn.test",
    "jo*hn.test",
    "jo|hn.test",
    "jo:hn.test",
    "jo/hn.test",
    "john💩.test",
    "bücher.test",
    "john .test",
    "john.test.",
    "john",
    "john.",
    ".john",
    " john.test",
    "john.test ",
    "joh-.test",
    "john.-est",
    "john.tes-",
    "org",
    "ai",
    "gg",
    "io",
    "cn.8",
    "thing.0aa",
    "127.0.0.1",
    "192.168.0.142",
    "fe80::7325:8a97:c100:94b",
    "2600:3c03::f03c:9100:feb0:af1f",
    "-notvalid.at-all",
    "-thing.com",
    "www.masełkowski.pl.com",
];

/// DIDs, of whatever method.
const DIDS: [&str; 23] = [
    "did:method:val",
    "did:method:VAL",
    "did:method:val123",
    "did:method:123",
    "did:method:val-two",
    "did:method:val_two",
    "did:method:val.two",
    "did:method:val:two",
    "did:method:val%BB",
    "did:m:v",
    "did:method::::val",
    "did:method:-",
    "did:method:-:_:.:%ab",
    "did:method:.",
    "did:method:_",
    "did:method::.",
    "did:onion:2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid",
    "did:example:123456789abcdefghi",
    "did:plc:7iza6de2dwap2sbkpav7c6c6",
    "did:web:example.com",
    "did:web:localhost%3A1234",
    "did:key:zQ3shZc2QzApp2oymGvQbzP8eKheVshBHbU4ZYjeXqwSKEn6N",
    "did:ethr:0xb9c5714089478a327f09197987f16f9e5d936e8a",
];

/// What is no DID.
const NO_DIDS: [&str; 16] = [
    "did",
    "didmethodval",
    "method:did:val",
    "did:method:",
    "didmethod:val",
    "did:methodval)",
    ":did:method:val",
    "did.method.val",
    "did:method:val:",
    "did:method:val%",
    "DID:method:val",
    "did:METHOD:val",
    "did:m123:val",
    "did:method:val/two",
    "did:method:val?two",
    "did:method:val#two",
];

/// The longest handle and label, and what is longer.
fn long_handles() -> ([String; 2], [String; 2]) {
    let whole =
        |first: &str, labels| format!("{first}{}.test", ".loooooooooooooooooooooooooong".repeat(labels));
    let label = |letters| format!("short.{}.test", "o".repeat(letters));
    ([whole("shoooort", 8), label(63)], [whole("shoooort", 9), label(64)])
}

/// A long DID, and one that is too long.
fn long_dids() -> (String, String) {
    let did = |letters| format!("did:method:{}", "v".repeat(letters));
    (did(241), did(2492))
}

fn handles() -> (Vec<String>, Vec<String>) {
    let (longest, longer) = long_handles();
    let all = |plain: &[&str], long: [String; 2]| plain.iter().map(ToString::to_string).chain(long).collect();
    (all(&HANDLES, longest), all(&NO_HANDLES, longer))
}

fn dids() -> (Vec<String>, Vec<String>) {
    let (long, longer) = long_dids();
    let all = |plain: &[&str], long: String| plain.iter().map(ToString::to_string).chain([long]).collect();
    (all(&DIDS, long), all(&NO_DIDS, longer))
}

#[test]
fn the_parsers_know_every_public_example() {
    let (good, bad) = handles();
    assert!(good.iter().all(|handle| Hostname::parse(handle).is_ok()));
    let taken: Vec<_> = bad.iter().filter(|text| Hostname::parse(text).is_ok()).collect();
    assert!(taken.is_empty(), "{taken:?}");
    let (good, bad) = dids();
    assert!(good.iter().all(|did| Did::parse(did).is_ok()));
    let taken: Vec<_> = bad.iter().filter(|text| Did::parse(text).is_ok()).collect();
    assert!(taken.is_empty(), "{taken:?}");
}

/// What XRPC says to each of these texts as this parameter of this method: whether it is bad syntax.
async fn refused(place: &Place, method: &str, parameter: &str, texts: &[String]) -> Vec<bool> {
    let mut refused = Vec::with_capacity(texts.len());
    for text in texts {
        let escaped: String = text.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let target = format!("/xrpc/com.atproto.identity.{method}?{parameter}={escaped}");
        let reply = place.server.get(&target).await;
        let body = reply.json();
        let said = (reply.status, body["error"].as_str(), body["message"].as_str().unwrap_or_default());
        let is_syntax =
            matches!(said, (400, Some("InvalidRequest"), words) if words.contains("must be a valid"));
        // Everything else that can come of it in a world where nobody lives.
        let is_known = [Some("HandleNotFound"), Some("DidNotFound"), Some("InvalidRequest"), None];
        assert!(is_syntax || is_known.contains(&said.1), "{text:?}: {}", reply.body);
        refused.push(is_syntax);
    }
    refused
}

#[tokio::test]
async fn xrpc_knows_every_public_example() {
    let place = Place::new().await;
    let (identifiers, mut nobody) = dids();
    // One of them is a good handle.
    nobody.retain(|text| text != "did.method.val");
    for (parameter, method, (good, bad)) in [
        ("handle", "resolveHandle", handles()),
        ("identifier", "resolveIdentity", handles()),
        ("did", "resolveDid", dids()),
        ("identifier", "resolveIdentity", (identifiers, nobody)),
    ] {
        let wrong: Vec<_> = good.iter().zip(refused(&place, method, parameter, &good).await).collect();
        assert!(wrong.iter().all(|(_, refused)| !refused), "{method}: {wrong:?}");
        let wrong: Vec<_> = bad.iter().zip(refused(&place, method, parameter, &bad).await).collect();
        assert!(wrong.iter().all(|(_, refused)| *refused), "{method}: {wrong:?}");
    }
    place.stop().await;
}
