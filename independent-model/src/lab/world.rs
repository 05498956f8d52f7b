//! A private world: the model with its register and an internet in memory, and a service in front.

use std::{sync::Arc, time::Duration};

use namesake::{
    Clock as _, ManualClock, Policy, Timestamp,
    lab::{Front, LabError, Service},
    store::{MemoryStore, Store},
};

use super::Way;
use crate::{
    Hostname, IndependentModel, IndependentSettings, PrivateWorld,
    hosted::{Hosted, HostedSettings},
    policy::{policy, policy_of_names_here},
};

/// Everything begins then.
const BEGINNING: Timestamp = Timestamp::constant(1_767_603_600, 0);
/// Below it the platform gives names.
pub(super) const DOMAIN: &str = "names.example.com";
/// Below it people have domains of their own.
pub(super) const OWN: &str = "test";

pub(super) struct World {
    pub(super) clock: Arc<ManualClock>,
    pub(super) internet: Arc<PrivateWorld>,
    pub(super) hosted: Arc<Hosted>,
    pub(super) model: Arc<IndependentModel>,
    pub(super) front: Arc<dyn Front>,
    pub(super) way: Way,
    pub(super) policy: Policy,
    pub(super) store: Arc<dyn Store>,
}

impl World {
    pub(super) fn start(
        service: &dyn Service,
        way: Way,
        min_label: usize,
        hold: Duration,
        ttl: Duration,
    ) -> Result<Self, LabError> {
        let clock = Arc::new(ManualClock::new(BEGINNING));
        let internet = PrivateWorld::new();
        let remembers = service.remembers(ttl);
        let settings = IndependentSettings {
            allow_test_tld: true,
            visible_within: remembers.visible_within,
            max_stale: remembers.unconfirmed_for,
            max_ttl: ttl,
            ..IndependentSettings::default()
        };
        let register = HostedSettings {
            allow_test_tld: true,
            min_label,
            hold,
            ..HostedSettings::new(vec![Hostname::parse(DOMAIN)?], id_domain())
        };
        let policy = match way {
            Way::BelowPlatform => policy_of_names_here(&settings, &register),
            Way::OwnDomain => policy(&settings),
        };
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let scheme = settings.scheme.clone();
        let mut made = None;
        let front = service.open(&scheme, clock.clone(), ttl, &mut |invalidator| {
            let hosted = Hosted::new(
                register.clone(),
                settings.scheme.clone(),
                store.clone(),
                clock.clone(),
                invalidator,
            );
            let hosted = Arc::new(hosted);
            let model = IndependentModel::new(settings.clone(), internet.ports(), clock.clone());
            let model = Arc::new(model.with_hosted(Arc::clone(&hosted)));
            made = Some((hosted, Arc::clone(&model)));
            model
        })?;
        let (hosted, model) = made.ok_or("the service made no backend")?;
        Ok(Self { clock, internet, hosted, model, front, way, policy, store })
    }

    /// A second later: two entries of a log are never of the same moment.
    pub(super) fn tick(&self) -> Timestamp {
        self.clock.advance(Duration::from_secs(1));
        self.clock.now()
    }
}

#[expect(clippy::expect_used, reason = "a constant that is a host name")]
pub(super) fn id_domain() -> Hostname {
    Hostname::parse("id.names.example.com").expect("a host name")
}
