//! A model on a private world, and short questions to it.

#![expect(non_snake_case, reason = "`A()` and `B()` read like the constants they would be")]

use std::sync::Arc;

use namesake::{
    ErrorKind, Handle, HandleResolver as _, Identity, Lookup, ManualClock, Profile, ResolveError, Timestamp,
    Trace, Ttl, Why,
};
use namesake_independent::{
    Did, HandleCheck, IndependentModel, IndependentSettings, PrivateWorld, WhyInvalid,
};

pub(crate) struct Bench {
    pub(crate) world: Arc<PrivateWorld>,
    pub(crate) model: IndependentModel,
}

pub(crate) fn did(text: &str) -> Did {
    Did::parse(text).expect("a DID")
}

pub(crate) fn A() -> Did {
    did("did:plc:aaaaaaaaaaaaaaaaaaaaaaaa")
}

pub(crate) fn B() -> Did {
    did("did:plc:bbbbbbbbbbbbbbbbbbbbbbbb")
}

pub(crate) fn handle(text: &str) -> Handle {
    Handle::parse(text).expect("a handle")
}

impl Bench {
    pub(crate) fn new() -> Self {
        let world = PrivateWorld::new();
        let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
        let model = IndependentModel::new(IndependentSettings::default(), world.ports(), clock);
        Self { world, model }
    }

    pub(crate) async fn found(&self, name: &str) -> (Identity, Ttl) {
        match self.model.resolve(&handle(name), &Trace::OFF).await {
            Ok(Lookup::Found { value, ttl }) => (value, ttl),
            other => panic!("{name} is not found: {other:?}"),
        }
    }

    pub(crate) async fn absent(&self, name: &str) -> Why {
        match self.model.resolve(&handle(name), &Trace::OFF).await {
            Ok(Lookup::Absent { why, .. }) => why,
            other => panic!("{name} is not absent: {other:?}"),
        }
    }

    pub(crate) async fn failure(&self, name: &str) -> ErrorKind {
        match self.model.resolve(&handle(name), &Trace::OFF).await {
            Err(error) => error.kind(),
            other => panic!("{name} does not fail: {other:?}"),
        }
    }

    pub(crate) async fn profile(&self, did: &Did) -> Result<Lookup<Arc<Profile>>, ResolveError> {
        self.model.profile(did.account(), &Trace::OFF).await
    }

    pub(crate) async fn invalid(&self, did: &Did) -> WhyInvalid {
        let verified = self.model.verified(did, &Trace::OFF).await.expect("a document");
        match verified.found().expect("a document").handle {
            HandleCheck::Invalid(why) => why,
            other => panic!("{did} has no invalid handle: {other:?}"),
        }
    }
}
