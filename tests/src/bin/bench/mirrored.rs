//! The mirror, with an upstream that answers at once.

use std::{
    future::ready,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use namesake::{Invalidator, ManualClock, Scheme, SystemRandomness, Timestamp, store::MemoryStore};
use namesake_mirror::{
    CallbackQuery, MirrorModel, MirrorSettings, Secret, TokenSealer,
    upstream::{Sighting, SignIn, Token, Upstream, UpstreamFuture, UpstreamPerson, UpstreamSource},
};
use tokio::time::Instant;
use url::Url;

use crate::{
    Rig,
    numbers::{median, rate},
};

/// Its tokens and its codes are its users' ids.
#[derive(Debug)]
struct AtOnce {
    source: UpstreamSource,
    polled: AtomicU64,
}

impl Upstream for AtOnce {
    fn source(&self) -> &UpstreamSource {
        &self.source
    }

    fn authorize_url<'a>(&'a self, sign_in: &'a SignIn) -> UpstreamFuture<'a, Url> {
        let mut url = sign_in.redirect.clone();
        url.query_pairs_mut().append_pair("state", &sign_in.state);
        Box::pin(ready(Ok(url)))
    }

    fn exchange<'a>(&'a self, code: &'a str, _: &'a SignIn) -> UpstreamFuture<'a, Token> {
        Box::pin(ready(Ok(for_ever(Secret::new(code)))))
    }

    fn refresh<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Token> {
        Box::pin(ready(Ok(for_ever(token.clone()))))
    }

    fn who<'a>(&'a self, token: &'a Secret) -> UpstreamFuture<'a, Sighting> {
        self.polled.fetch_add(1, Ordering::Relaxed);
        let id = token.expose().to_owned();
        let person = UpstreamPerson { username: format!("user{id}"), id, ..UpstreamPerson::default() };
        Box::pin(ready(Ok(Sighting { person, usage_percent: None })))
    }
}

fn for_ever(secret: Secret) -> Token {
    Token { secret, refresh_in: None, revivable: false }
}

/// How many polls are reconciled with the register in a second, on one thread.
pub(crate) fn polls(rig: &Rig) {
    let upstream = Arc::new(AtOnce {
        source: UpstreamSource { kind: "bench".into(), origin: "bench".into(), client: "bench".into() },
        polled: AtomicU64::new(0),
    });
    let clock = Arc::new(ManualClock::new(Timestamp::from_second(1_800_000_000).expect("a moment")));
    let base = "https://names.example".parse().expect("a URL");
    let settings = MirrorSettings {
        polls_per_minute: 60_000_000,
        ..MirrorSettings::new(Scheme::parse("bench").expect("a name"), base)
    };
    let interval = settings.poll_interval;
    let mirror = MirrorModel::new(
        settings,
        Arc::<AtOnce>::clone(&upstream),
        Arc::new(MemoryStore::new()),
        TokenSealer::ephemeral(&SystemRandomness),
        Arc::<ManualClock>::clone(&clock),
        Arc::new(SystemRandomness),
        Invalidator::new(|_| ()),
    );
    let mut rates = Vec::new();
    rig.load.block_on(async {
        for id in 0..rig.scale(10, 5000) {
            let connect = mirror.connect(None).await.expect("a state");
            let state = connect.location.query_pairs().find(|(name, _)| name == "state");
            let state = state.map(|(_, state)| state.into_owned());
            let query = CallbackQuery { code: Some(id.to_string()), state, ..CallbackQuery::default() };
            mirror.callback(query, Some(&connect.browser), None).await.expect("a link");
        }
        let running = rig.load.spawn(Arc::clone(&mirror).run(std::future::pending()));
        mirror.settled().await;
        for _ in 0..rig.rounds() {
            let before = upstream.polled.load(Ordering::Relaxed);
            let begun = Instant::now();
            clock.advance(interval);
            mirror.settled().await;
            rates.push(rate(upstream.polled.load(Ordering::Relaxed) - before, begun.elapsed()));
        }
        running.abort();
    });
    println!("polls of the mirror reconciled, one thread, store in memory: {:.0}/s", median(rates));
}
