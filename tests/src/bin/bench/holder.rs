//! People who sign: logs written ahead, so that the writing is not measured.

use std::sync::Arc;

use namesake::{AccountId, Invalidator, ManualClock, Scheme, Timestamp, store::Store};
use namesake_independent::{
    Hostname,
    hosted::{Hosted, HostedSettings, label_of},
    webvh::{Genesis, Head, SecretKey, account_document, append, genesis},
};
use serde_json::json;

pub(crate) const DOMAIN: &str = "people.example.com";
const ID_DOMAIN: &str = "id.people.example.com";
/// When everything here happens, in seconds since 1970.
const NOW: i64 = 1_800_000_000;

/// Somebody, with all that they will ever post.
pub(crate) struct Holder {
    pub(crate) account: AccountId,
    pub(crate) genesis: String,
    pub(crate) entries: Vec<String>,
}

/// Accounts in `store`, without quotas.
pub(crate) fn hosted(store: Arc<dyn Store>) -> Arc<Hosted> {
    let changes = Invalidator::new(|_| ());
    let settings = HostedSettings {
        entries_per_hour: u32::MAX,
        entries_per_day: u32::MAX,
        entries_per_week: u32::MAX,
        ..HostedSettings::new(vec![host(DOMAIN)], host(ID_DOMAIN))
    };
    let clock = Arc::new(ManualClock::new(second(NOW)));
    Arc::new(Hosted::new(settings, Scheme::parse("independent").expect("a name"), store, clock, changes))
}

/// The handle of the person of this number.
pub(crate) fn handle(number: u64) -> String {
    format!("person{number:07}.{DOMAIN}")
}

impl Holder {
    /// The person of this number, who goes by [`handle`] and changes keys `entries` times.
    pub(crate) fn new(number: u64, entries: usize) -> Self {
        let key = |turn: usize| {
            let mut seed = [1; 32];
            seed[..8].copy_from_slice(&number.to_le_bytes());
            seed[8..16].copy_from_slice(&turn.to_le_bytes());
            SecretKey::from_seed(&seed)
        };
        let commitments = |turn| vec![key(turn).multikey().hash(), key(usize::MAX).multikey().hash()];
        let first = key(0).multikey();
        let own = host(&format!("{}.{ID_DOMAIN}", label_of(&first)));
        let name = host(&handle(number));
        let state = |did: &str| account_document(did, &own, Some(&name), &first, None);
        let begun = NOW - 1 - i64::try_from(entries).expect("few");
        let entry = genesis(&Genesis {
            state: state(&format!("did:webvh:{{SCID}}:{own}")),
            key: &key(0),
            next: commitments(1),
            portable: true,
            at: second(begun),
        });
        let entry = entry.expect("a valid entry");
        let mut head = Head::begin(&entry, second(NOW)).expect("a valid log");
        let line = entry.line().to_owned();
        let entries = (1..=entries).map(|turn| {
            let next: Vec<String> =
                commitments(turn + 1).iter().map(|hash| hash.as_str().to_owned()).collect();
            let parameters = json!({ "updateKeys": [key(turn).multikey().as_str()], "nextKeyHashes": next });
            let parameters = parameters.as_object().cloned().unwrap_or_default();
            let at = second(begun + i64::try_from(turn).expect("few"));
            let entry = append(&head, parameters, &state(&head.did), &key(turn), at).expect("a valid entry");
            head = head.follow(&entry, second(NOW)).expect("a valid log");
            entry.line().to_owned()
        });
        Self {
            account: AccountId::parse(&format!("did:web:{own}")).expect("an account"),
            genesis: line,
            entries: entries.collect(),
        }
    }
}

fn second(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("a moment")
}

fn host(name: &str) -> Hostname {
    Hostname::parse(name).expect("a host name")
}
