//! The shapes of our own JSON (camelCase), shared by the HTTP routes, the pages and the command line.
//!
//! XRPC has shapes of its own: see `http/xrpc`.

use namesake::{Advice, Policy, ProfileState, Step, Timestamp, Why};
use serde::{Deserialize, Serialize};

/// Who a handle is: the body of `/@{handle}`, `/profile/…`, `/v1/resolve` and `/v1/accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resolution {
    /// The handle; `null` when the account has none that can be proved (only by account).
    pub handle: Option<String>,
    /// The Unicode form of an `xn--` handle, where it is safe to show (UTS 39); for people's eyes only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_handle: Option<String>,
    /// Why `handle` is `null`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Why>,
    /// The permanent identifier.
    pub account: String,
    /// The backend that answered.
    pub scheme: String,
    /// How it is known; absent when there is no handle to prove.
    pub proof: Option<ProofBody>,
    /// What is shown.
    pub profile: ProfileBody,
    /// How old the answer is; also in headers (`Age`, `Namesake-Checked-At`, `Namesake-Stale`). Not part of what the
    /// `ETag` stands for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub freshness: Option<Freshness>,
}

/// How a handle is known to belong to its account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofBody {
    /// `dns-txt`, `https-well-known`, `upstream`, …
    pub method: String,
    /// When the source answered.
    pub checked_at: Timestamp,
    /// Whether a stronger source was silent.
    pub provisional: bool,
}

/// What is shown for an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProfileBody {
    /// The name it likes to be shown under.
    pub display_name: Option<String>,
    /// A few words about itself.
    pub description: Option<String>,
    /// Address of its picture.
    pub avatar: Option<String>,
    /// The profile's canonical address on this service (absolute).
    pub url: String,
    /// `current`, `unavailable` (the source of the decoration did not answer), `stale` (nor now: it is shown as it was
    /// before) or `needs-login`.
    pub display: ProfileState,
}

/// How old an answer is, and how long it may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Freshness {
    /// Seconds since the sources answered; of a mirrored name, since the upstream last confirmed it.
    pub age_seconds: u64,
    /// Seconds it may still be believed; `null`: until it changes here, which for a mirrored name is within the interval in
    /// which its upstream is asked (`/v1/policies`).
    pub ttl_seconds: Option<u64>,
    /// Whether it is past that, served because the sources fail temporarily.
    pub stale: bool,
}

/// A problem document (RFC 9457), `application/problem+json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Problem {
    /// `/problems/<name>`, a page that explains it.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind in a few words; always the same for one `type`.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// This occurrence, and what to do about it.
    pub detail: String,
    /// The handle asked for, if the problem is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<String>,
    /// Other schemes whose syntax would take the same name: ask again with `?scheme=`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_schemes: Vec<String>,
    /// The path of the page where the owner of the name links their account, if that is how it is had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link_at: Option<String>,
    /// The rule that an entry or a record breaks, in kebab-case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The time here, if that could be the trouble: a client whose clock is fast signs again with this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub now: Option<Timestamp>,
    /// The newest version (or revision), if what was sent does not follow it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
}

/// Where accounts can live here: the body of `GET /v1/independent`. What somebody needs to know who makes an entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IndependentTerms {
    /// The domain of identifiers: an account is `did:web:<label>.<idDomain>`.
    pub id_domain: String,
    /// The domains below which handles are given, the preferred one first.
    pub handle_domains: Vec<String>,
    /// The shortest label that is given below them, in characters.
    pub min_label: usize,
    /// The time here, which no entry may be after.
    pub now: Timestamp,
}

/// What became of an entry: the body of `POST /v1/independent/accounts` and `POST …/{did}/log`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountReceipt {
    /// The permanent identifier, as atproto clients see it: a `did:web`.
    pub account: String,
    /// The same by its verifiable name: a `did:webvh`.
    pub did: String,
    /// The handle it claims now.
    pub handle: Option<String>,
    /// The head of its log.
    pub version_id: String,
    /// Its time.
    pub version_time: Timestamp,
    /// Where the log is (absolute).
    pub log: String,
}

/// What became of a profile record: the body of `PUT /v1/independent/accounts/{did}/profile`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RecordReceipt {
    /// The permanent identifier.
    pub account: String,
    /// The record's revision.
    pub rev: u64,
}

/// The body of `/v1/explain`: the whole way to the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// The handle asked for, normalised.
    pub handle: String,
    /// The scheme that was asked, if one takes the name.
    pub scheme: Option<String>,
    /// One sentence: what came out.
    pub verdict: String,
    /// The answer, when there is one.
    pub resolution: Option<Resolution>,
    /// The problem, when there is none.
    pub problem: Option<Problem>,
    /// Every question asked on the way, and its answer.
    pub steps: Vec<Step>,
    /// What the holder should change.
    pub advice: Vec<Advice>,
    /// What lookups are answered at present, from the cache: `null` when nothing is remembered.
    pub remembered: Option<Freshness>,
    /// How long it all took, in milliseconds.
    pub took_ms: u64,
}

/// What its owner sees of a mirrored account: the body of `/v1/mirror/accounts/{id}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OwnAccount {
    /// The permanent identifier.
    pub account: String,
    /// What it goes by; read-only, it follows the upstream.
    pub handle: Option<String>,
    /// Since when.
    pub handle_since: Timestamp,
    /// Copied at linking, the owner's own since.
    pub display_name: Option<String>,
    /// The same.
    pub description: Option<String>,
    /// Always the upstream's.
    pub avatar: Option<String>,
    /// `current` or `needs-login`.
    pub display: ProfileState,
    /// When it was first linked.
    pub linked_at: Timestamp,
    /// Names it went by before, the newest last.
    pub former_handles: Vec<FormerHandle>,
}

/// A name somebody went by, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FormerHandle {
    /// The name.
    pub handle: String,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
}

/// Who went by which handle when: the body of `/v1/accounts/{id}/handles`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandleHistory {
    /// The permanent identifier.
    pub account: String,
    /// Where it is from: `plc-audit-log` or `webvh-log` (claims that the account signed), or `mirror` (what we saw; for its
    /// owner).
    pub source: String,
    /// What the entries mean, in words.
    pub note: String,
    /// Whether the DID was closed for good; absent where the source does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deactivated: Option<bool>,
    /// The names, the oldest first. There may be gaps: an account need not claim one.
    pub handles: Vec<HandlePeriod>,
}

/// A name an account went by, and when.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HandlePeriod {
    /// The name.
    pub handle: String,
    /// From when.
    pub from: Timestamp,
    /// Until when; `null`: today.
    pub until: Option<Timestamp>,
    /// Whether the name confirms today's claim; absent for the past, and while that cannot be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified: Option<bool>,
}

/// A part of the feed of changes: the body of `/v1/changes`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// The changes, the oldest first.
    pub changes: Vec<AccountChange>,
    /// The cursor after which the feed goes on.
    pub next: String,
    /// Whether there may be more already: ask again at once.
    pub more: bool,
}

/// Something about an account changed: ask for the account to learn what. Also the data of an event of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountChange {
    /// The cursor for whoever has seen this change, and all before it. Opaque.
    pub seq: String,
    /// The permanent identifier.
    pub account: String,
    /// The backend it is of.
    pub scheme: String,
    /// Whether it was deleted, and nothing of it is left. (An account that was closed still has its log.)
    pub deleted: bool,
}

/// The body of `/v1/policies`.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policies<'a> {
    /// One policy a backend, in the order in which they are asked.
    pub policies: Vec<&'a Policy>,
}

/// One thing that was tried on a private copy of the demo's world, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// A stable name: `rename-by-webhook`.
    pub id: String,
    /// "What happens when …", as a question.
    pub question: String,
    /// Which scheme it was tried on.
    pub scheme: String,
    /// What was seen, in one sentence.
    pub observed: String,
    /// What was done and seen, step by step.
    pub transcript: Vec<String>,
}
