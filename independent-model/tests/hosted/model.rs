//! The model over the register: names of ours without the network, and accounts of ours by both their names.

use std::{sync::Arc, time::Duration};

use namesake::{
    ErrorKind, Handle, HandleResolver as _, Lookup, Method, OldName, ProfileState, Trace, Ttl, Uniqueness,
    Why,
    conformance::backend::{Breakage, Excuse, Facts, Fixture, Held, Renamed, Upstream, check},
};
use namesake_independent::{
    Calls, Did, Faults, HandleCheck, IndependentModel, IndependentSettings, PrivateWorld,
    hosted::HostedSettings,
};
use serde_json::json;

use crate::{
    bench::{Bench, Person, host, settings},
    store::{IS_DAMAGED, IS_DOWN, Moody},
};

const ALICE: &str = "alice.people.example.com";
const ALICIA: &str = "alicia.people.example.com";
const OWN: &str = "alice.example.net";

fn over(bench: &Bench, world: &Arc<PrivateWorld>) -> IndependentModel {
    let settings = IndependentSettings::default();
    IndependentModel::new(settings, world.ports(), bench.clock.clone()).with_hosted(bench.hosted.clone())
}

pub(crate) fn model(bench: &Bench) -> IndependentModel {
    over(bench, &PrivateWorld::new())
}

fn handle(name: &str) -> Handle {
    Handle::parse(name).unwrap()
}

fn did(person: &Person) -> Did {
    Did::parse(person.account().as_str()).unwrap()
}

#[tokio::test]
async fn names_of_ours_are_answered_without_the_network() {
    let bench = Bench::new();
    let world = PrivateWorld::new();
    let model = over(&bench, &world);
    let mut alice = bench.person(1, Some(ALICE)).await;
    bench.show(&alice, 1, json!({ "displayName": "Ali\u{202e}ce ", "description": "hello" })).await.unwrap();

    let answer = model.resolve(&handle(ALICE), &Trace::OFF).await.unwrap();
    let Lookup::Found { value, ttl: Ttl::UntilPurged } = answer else { panic!("{answer:?}") };
    assert_eq!((value.account, value.proof.method), (alice.account(), Method::REGISTER));
    let proved = model.did_of(&handle(ALICE), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!((proved.did, proved.proof.method), (did(&alice), Method::REGISTER));
    let profile = model.profile(&alice.account(), &Trace::OFF).await.unwrap();
    let Lookup::Found { value: profile, ttl: Ttl::UntilPurged } = profile else { panic!("{profile:?}") };
    assert_eq!((profile.handle.clone(), profile.state), (Some(handle(ALICE)), ProfileState::Current));
    assert_eq!(profile.display_name.as_ref().unwrap().as_str(), "Alice");
    let both = model.resolve_with_profile(&handle(ALICE), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!(both.1, profile);

    bench.rename(&mut alice, Some(ALICIA)).await.unwrap();
    for (name, expected) in [(ALICE, Why::Released), ("nobody.people.example.com", Why::Unknown)] {
        let answer = model.resolve(&handle(name), &Trace::OFF).await.unwrap();
        assert_eq!(answer, Lookup::Absent { why: expected, ttl: Ttl::UntilPurged }, "{name}");
    }
    assert_eq!(world.calls(), Calls::default());
}

#[tokio::test]
async fn an_account_of_ours_answers_to_both_its_names() {
    let bench = Bench::new();
    let model = model(&bench);
    let mut alice = bench.person(1, Some(ALICE)).await;
    bench.rename(&mut alice, Some(ALICIA)).await.unwrap();
    let alias = Did::parse(alice.webvh().as_str()).unwrap();
    for asked in [&did(&alice), &alias] {
        let document = model.document_of(asked, &Trace::OFF).await.unwrap().found().unwrap();
        assert_eq!((&document.did, &document.claim), (&did(&alice), &Some(host(ALICIA))));
        let profile = model.profile(asked.account(), &Trace::OFF).await.unwrap().found().unwrap();
        assert_eq!((&profile.account, &profile.handle), (&alice.account(), &Some(handle(ALICIA))));
        let verified = model.verified(asked, &Trace::OFF).await.unwrap().found().unwrap();
        assert_eq!((&verified.did, verified.handle()), (&did(&alice), Some(&handle(ALICIA))));
        let history = model.history(asked).await.unwrap().found().unwrap();
        let names: Vec<_> = history.handles.iter().map(|held| held.handle.as_str()).collect();
        assert_eq!((names, history.deactivated), (vec![ALICE, ALICIA], false));
    }
    // A did:webvh of another SCID is nobody's; one of another host is not ours to say.
    let other = alias.as_str().replacen("Qm", "Qn", 1);
    let answer = model.document_of(&Did::parse(&other).unwrap(), &Trace::OFF).await.unwrap();
    assert_eq!(answer, Lookup::Absent { why: Why::Unknown, ttl: Ttl::Default });
    let elsewhere = Did::parse("did:webvh:QmX:example.com").unwrap();
    let failure = model.document_of(&elsewhere, &Trace::OFF).await.unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Unsupported);
    assert_eq!(model.profile(elsewhere.account(), &Trace::OFF).await.unwrap(), Lookup::Pass);
}

#[tokio::test]
async fn a_domain_of_one_s_own_is_proved_by_the_dns() {
    let bench = Bench::new();
    let world = PrivateWorld::new();
    let model = over(&bench, &world);
    let mut alice = bench.person(1, Some(ALICE)).await;
    bench.rename(&mut alice, Some(OWN)).await.unwrap();
    // Claimed and not proved.
    assert_eq!(model.profile(&alice.account(), &Trace::OFF).await.unwrap().found().unwrap().handle, None);
    world.set_txt(OWN, &[&format!("did={}", alice.account())]);
    let found = model.resolve(&handle(OWN), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!((found.account, found.proof.method), (alice.account(), Method::DNS_TXT));
    let profile = model.profile(&alice.account(), &Trace::OFF).await.unwrap().found().unwrap();
    assert_eq!(profile.handle, Some(handle(OWN)));
    // Other software would not follow a did:webvh, so that we do not either.
    world.set_txt(OWN, &[&format!("did={}", alice.webvh())]);
    let answer = model.resolve(&handle(OWN), &Trace::OFF).await.unwrap();
    assert!(matches!(answer, Lookup::Absent { why: Why::Unproven, .. }), "{answer:?}");
}

/// Somebody elsewhere says in a document of theirs that a name of ours is theirs.
#[tokio::test]
async fn nobody_elsewhere_goes_by_a_name_of_ours() {
    let bench = Bench::new();
    let world = PrivateWorld::new();
    let model = over(&bench, &world);
    bench.person(1, Some(ALICE)).await;
    let mallory = Did::parse("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
    for name in [ALICE, "free.people.example.com"] {
        world.add_person(&mallory, name, "Mallory", "");
        let verified = model.verified(&mallory, &Trace::OFF).await.unwrap().found().unwrap();
        assert!(matches!(verified.handle, HandleCheck::Invalid(_)), "{:?}", verified.handle);
    }
    let answer = model.resolve(&handle("free.people.example.com"), &Trace::OFF).await.unwrap();
    assert!(matches!(answer, Lookup::Absent { why: Why::Unknown, .. }), "{answer:?}");
}

#[test]
fn the_policy_says_what_becomes_of_names_of_ours() {
    let bench = Bench::new();
    let policy = model(&bench).policy().clone();
    assert!(matches!(policy.old_name, OldName::HeldFor(time) if !time.is_zero()), "{:?}", policy.old_name);
    assert_eq!(policy.uniqueness, Uniqueness::DnsAndRegister);
    assert!(
        policy.summary.contains("people.example.com")
            && policy.namespace.words().contains("people.example.com")
    );

    // Below a domain that no public suffix list knows, and that would be reserved otherwise.
    let inner = HostedSettings::new(vec![host("people.internal")], host("id.people.internal"));
    let policy = model(&Bench::with(inner)).policy().clone();
    for (name, holds) in
        [("alice.people.internal", true), ("a.b.people.internal", false), ("x.internal", false)]
    {
        assert_eq!(policy.namespace.holds(&handle(name)), holds, "{name}");
    }
    // Without names of ours nothing is different.
    let bare = HostedSettings::new(vec![], host("id.example.com"));
    let policy = model(&Bench::with(bare)).policy().clone();
    assert_eq!((policy.old_name, policy.uniqueness), (OldName::SourceDecides, Uniqueness::Dns));
}

#[tokio::test]
async fn names_of_ours_may_lie_below_a_reserved_name() {
    let inner = HostedSettings::new(vec![host("people.internal")], host("id.people.internal"));
    let bench = Bench::with(inner);
    let model = model(&bench);
    // The helpers mint below `example.com`; what matters here is the way of the question.
    let answer = model.resolve(&handle("alice.people.internal"), &Trace::OFF).await.unwrap();
    assert_eq!(answer, Lookup::Absent { why: Why::Unknown, ttl: Ttl::UntilPurged });
    assert_eq!(model.resolve(&handle("alice.internal"), &Trace::OFF).await.unwrap(), Lookup::Pass);
}

/// For the kit: one of ours below our domain, one on a domain of her own, one from elsewhere.
struct Mixed {
    bench: Bench,
    store: Arc<Moody>,
    world: Arc<PrivateWorld>,
    model: Arc<IndependentModel>,
    people: [Person; 2],
}

const BOB: &str = "did:plc:bbbbbbbbbbbbbbbbbbbbbbbb";

fn well() -> Faults {
    let moment = Duration::from_millis(1);
    Faults { dns_delay: moment, https_delay: moment, directory_delay: moment, ..Faults::default() }
}

impl Mixed {
    async fn new() -> Self {
        let store = Arc::new(Moody::default());
        let bench = Bench::over(settings(), store.clone());
        let world = PrivateWorld::new();
        let people = [bench.person(1, Some(ALICE)).await, bench.person(2, Some("carol.example.net")).await];
        world.set_txt("carol.example.net", &[&format!("did={}", people[1].account())]);
        world.add_person(&Did::parse(BOB).unwrap(), "bob.example.com", "Bob", "");
        world.set_faults(well());
        let model = Arc::new(over(&bench, &world));
        Self { bench, store, world, model, people }
    }
}

impl Fixture for Mixed {
    fn backend(&self) -> Arc<dyn namesake::HandleResolver> {
        self.model.clone()
    }

    fn facts(&self) -> Facts {
        Facts {
            held: vec![
                Held::new(ALICE, self.people[0].account().as_str()),
                Held::new("carol.example.net", self.people[1].account().as_str()),
                Held::new("bob.example.com", BOB),
            ],
            absent: handle("nobody.people.example.com"),
            absent_account: Person::new(9).account(),
            foreign: handle("alice.local"),
        }
    }

    fn upstream(&self) -> &impl Upstream {
        self
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        self.bench.rename(&mut self.people[0].clone(), Some(ALICIA)).await.unwrap();
        Ok(Renamed::new(ALICE, ALICIA))
    }
}

impl Upstream for Mixed {
    fn calls(&self) -> u64 {
        self.world.calls().total() + self.store.reads()
    }

    async fn fail(&self, how: Breakage) -> Result<(), Excuse> {
        self.store.set(if how == Breakage::Down { IS_DOWN } else { IS_DAMAGED });
        self.world.set_faults(match how {
            Breakage::Down => Faults::everything_down(),
            Breakage::Nonsense => Faults { nonsense: true, ..well() },
        });
        Ok(())
    }

    async fn mend(&self) {
        self.store.set(0);
        self.world.set_faults(well());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_model_keeps_the_rules_with_accounts_of_ours() {
    let report = check(&Mixed::new().await).await;
    assert!(report.is_complete(), "{report}");
}
