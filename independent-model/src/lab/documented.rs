//! What is known from elsewhere, beside what can be tried here.

use namesake::lab::Documented;

use super::Way;

/// When the pages were last looked at, and how: not live.
const STORED: &str = "2026-11-22, in a stored copy";
const QUOTED: &str = "2026-11-22, as quoted in an issue of the vendor's repository";
/// What the specification says, this crate's verifier does.
const OUR_VERIFIER: &str = "2026-11-22, by running the verifier here";

pub(super) fn of(row: &str, way: Way) -> Option<Documented> {
    let (text, source, checked) = match (row, way) {
        ("freed-name" | "own-domain-move", Way::BelowPlatform) => (
            "At Bluesky: after a move to one's own domain the latest name below bsky.social stays reserved for its former holder, without an end (since 2024-12-12)",
            "https://bsky.social/about/blog/4-28-2023-domain-handle-tutorial",
            QUOTED,
        ),
        ("order", Way::OwnDomain) => (
            "Under the UDRP a registrar cancels or transfers a domain on the decision of a panel (paragraph 3)",
            "https://www.icann.org/resources/pages/policy-2012-02-25-en",
            STORED,
        ),
        ("verify-without-us" | "lost-key" | "hijack", Way::BelowPlatform) => (
            "Each entry of a log is signed by a key that the entries before it allow; what was committed to beforehand outlives a stolen key",
            "https://identity.foundation/didwebvh/v1.0/",
            OUR_VERIFIER,
        ),
        ("source-of-name" | "uniqueness" | "lapse", Way::OwnDomain) => (
            "The DNS names the account in a TXT record at _atproto, and the account's document names the handle back",
            "https://atproto.com/specs/handle",
            STORED,
        ),
        _ => return None,
    };
    Some(Documented { text: text.to_owned(), source: source.to_owned(), checked: checked.to_owned() })
}
