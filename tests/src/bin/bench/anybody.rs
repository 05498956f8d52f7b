//! A backend that knows everybody, and computes who that is: what is left is the cost of the service.

use std::{future::ready, sync::Arc};

use namesake::{
    AccountId, Answer, Handle, HandleResolver, Identity, Lookup, Method, Model, Namespace, Policy, Profile,
    Proof, Scheme, Timestamp, Trace, Ttl,
};

#[derive(Debug)]
pub(crate) struct Anybody(Policy);

impl Anybody {
    pub(crate) fn new() -> Arc<Self> {
        let scheme = Scheme::parse("anybody").expect("a name");
        Arc::new(Self(Policy::new(scheme, Model::Independent, Namespace::new("every name", |_| true))))
    }
}

impl HandleResolver for Anybody {
    fn policy(&self) -> &Policy {
        &self.0
    }

    fn resolve<'a>(&'a self, handle: &'a Handle, _trace: &'a Trace) -> Answer<'a, Identity> {
        let value = Identity {
            handle: handle.clone(),
            account: AccountId::parse(&format!("did:web:{handle}")).expect("an account"),
            scheme: self.0.scheme.clone(),
            proof: Proof::new(Method::REGISTER, Timestamp::UNIX_EPOCH),
        };
        Box::pin(ready(Ok(Lookup::Found { value, ttl: Ttl::UntilPurged })))
    }

    fn profile<'a>(&'a self, account: &'a AccountId, _trace: &'a Trace) -> Answer<'a, Arc<Profile>> {
        let handle = account.as_str().strip_prefix("did:web:").and_then(|name| Handle::parse(name).ok());
        let value = Arc::new(Profile { handle, ..Profile::bare(account.clone()) });
        Box::pin(ready(Ok(Lookup::Found { value, ttl: Ttl::UntilPurged })))
    }
}
