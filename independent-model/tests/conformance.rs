//! The model keeps the numbered rules of the contract: checked by the kit, on the private world.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use namesake::{
    Handle, HandleResolver, SystemClock,
    conformance::backend::{Breakage, Excuse, Facts, Fixture, Held, Renamed, Upstream, check},
};
use namesake_independent::{Did, Faults, IndependentModel, IndependentSettings, PrivateWorld};

const PEOPLE: [(&str, &str); 3] = [
    ("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa", "alice.example.com"),
    ("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb", "bob.example.com"),
    ("did:web:carol.example.org", "carol.example.org"),
];

struct Independent {
    world: Arc<PrivateWorld>,
    model: Arc<IndependentModel>,
}

/// Slow enough that a call can be interrupted.
fn well() -> Faults {
    let moment = Duration::from_millis(1);
    Faults { dns_delay: moment, https_delay: moment, directory_delay: moment, ..Faults::default() }
}

fn did(text: &str) -> Did {
    Did::parse(text).expect("a DID")
}

fn handle(text: &str) -> Handle {
    Handle::parse(text).expect("a handle")
}

impl Independent {
    fn new() -> Self {
        let world = PrivateWorld::new();
        for (account, handle) in PEOPLE {
            world.add_person(&did(account), handle, handle, "");
        }
        world.set_faults(well());
        let settings = IndependentSettings::default();
        let model = Arc::new(IndependentModel::new(settings, world.ports(), Arc::new(SystemClock)));
        Self { world, model }
    }
}

impl Fixture for Independent {
    fn backend(&self) -> Arc<dyn HandleResolver> {
        self.model.clone()
    }

    fn facts(&self) -> Facts {
        Facts {
            held: PEOPLE.map(|(account, name)| Held::new(name, account)).into(),
            absent: handle("nobody.example.com"),
            absent_account: did("did:plc:zzzzzzzzzzzzzzzzzzzzzzzz").account().clone(),
            foreign: handle("alice.local"),
        }
    }

    fn upstream(&self) -> &impl Upstream {
        self
    }

    async fn rename(&self) -> Result<Renamed, Excuse> {
        let (account, old) = PEOPLE[0];
        self.world.rename(&did(account), "alice.example.net");
        Ok(Renamed::new(old, "alice.example.net"))
    }
}

impl Upstream for Independent {
    fn calls(&self) -> u64 {
        self.world.calls().total()
    }

    async fn fail(&self, how: Breakage) -> Result<(), Excuse> {
        self.world.set_faults(match how {
            Breakage::Down => Faults::everything_down(),
            Breakage::Nonsense => Faults { nonsense: true, ..well() },
        });
        Ok(())
    }

    async fn mend(&self) {
        self.world.set_faults(well());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_model_keeps_the_rules() {
    let report = check(&Independent::new()).await;
    assert!(report.is_complete(), "{report}");
}
