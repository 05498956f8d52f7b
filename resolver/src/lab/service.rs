//! This resolver in front of a column's backend, asked as requests ask it.

use std::{sync::Arc, time::Duration};

use namesake::{
    AccountId, Clock, ErrorKind, Handle, Profile, Scheme, Why,
    lab::{Front, LabError, LabFuture, MakeBackend, Remembers, Seen, Service, Shown},
};
use url::Url;

use crate::{
    CacheSettings, Namesake,
    cache::Said,
    problem::Refusal,
    query::{Query, Subject},
};

/// The resolver with its defaults, but for how long it remembers.
#[derive(Debug, Clone, Copy)]
pub struct InFront;

impl Service for InFront {
    fn remembers(&self, ttl: Duration) -> Remembers {
        let cache = cache(ttl);
        Remembers { visible_within: cache.longest_unchanged(), unconfirmed_for: cache.longest_answered() }
    }

    fn open(
        &self,
        scheme: &Scheme,
        clock: Arc<dyn Clock>,
        ttl: Duration,
        make: MakeBackend<'_>,
    ) -> Result<Arc<dyn Front>, LabError> {
        let builder = Namesake::builder();
        let backend = make(builder.invalidator(scheme));
        let builder = builder.backend(backend).cache(cache(ttl)).clock(clock);
        Ok(Arc::new(builder.public_url(Url::parse("https://names.example/")?).build()?))
    }
}

fn cache(ttl: Duration) -> CacheSettings {
    CacheSettings { ttl, ..CacheSettings::default() }
}

impl Front for Namesake {
    fn who<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Seen> {
        Box::pin(async move {
            Ok(match self.ask(Subject::Handle(handle.clone())).await? {
                Asked::Found(person, stale) => Seen::Held { account: person.account, stale },
                Asked::Nobody(why) => Seen::Nobody(why),
                Asked::Failed(kind) => Seen::Failed(kind),
            })
        })
    }

    fn shown<'a>(&'a self, account: &'a AccountId) -> LabFuture<'a, Shown> {
        Box::pin(async move {
            Ok(match self.ask(Subject::Account(account.clone())).await? {
                Asked::Found(person, _) => Shown::Profile(Box::new(person.profile)),
                Asked::Nobody(why) => Shown::Nobody(why),
                Asked::Failed(kind) => Shown::Failed(kind),
            })
        })
    }

    fn address<'a>(&'a self, handle: &'a Handle) -> LabFuture<'a, Option<String>> {
        Box::pin(async move {
            Ok(match self.ask(Subject::Handle(handle.clone())).await? {
                Asked::Found(person, _) => Some(Url::parse(&person.url)?.path().to_owned()),
                Asked::Nobody(_) | Asked::Failed(_) => None,
            })
        })
    }
}

/// What a lookup of anything said.
enum Asked {
    /// Somebody, and whether the answer is marked stale.
    Found(Found, bool),
    Nobody(Why),
    Failed(ErrorKind),
}

struct Found {
    account: AccountId,
    profile: Profile,
    url: String,
}

impl Namesake {
    async fn ask(&self, subject: Subject) -> Result<Asked, LabError> {
        let resolver = &self.site.resolver;
        let answer = resolver.answer(&Query { subject, selector: None }).await;
        // What is fetched behind an answer is there for the next asker, in every run.
        resolver.people().settled().await;
        Ok(match answer {
            Ok(answered) => match &answered.entry.said {
                Said::Found(person) => {
                    let (account, url) = (person.profile.account.clone(), person.url(resolver.directory()));
                    let profile = Profile::clone(&person.profile);
                    Asked::Found(Found { account, profile, url }, answered.freshness.stale)
                }
                Said::Absent(why) => Asked::Nobody(*why),
            },
            Err(Refusal::Absent { why, .. }) => Asked::Nobody(why),
            // An identifier of another scheme is nobody's here.
            Err(Refusal::NotServed { .. }) => Asked::Nobody(Why::Unknown),
            Err(Refusal::Failed { error, .. }) => Asked::Failed(error.kind()),
            Err(refusal) => return Err(refusal.problem().detail.into()),
        })
    }
}
