//! Namesake, as a program would embed it, on an internet in memory.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use namesake::{HandleResolver, SystemClock};
use namesake_independent::{Did, IndependentModel, IndependentSettings, PrivateWorld};
use namesake_resolver::{Builder, CacheSettings, Limits, Namesake};
use tokio::{net::TcpListener, runtime::Runtime};

/// Serves the independent model, for as long as `server` runs.
pub(crate) fn serve(server: &Runtime, model: IndependentModel) -> SocketAddr {
    listen(server, Namesake::builder().independent(Arc::new(model)))
}

/// The same, asking anew for every asker.
pub(crate) fn serve_forgetful(server: &Runtime, model: IndependentModel) -> SocketAddr {
    let cache = CacheSettings { ttl: Duration::ZERO, ..CacheSettings::default() };
    listen(server, Namesake::builder().independent(Arc::new(model)).cache(cache))
}

/// Serves a backend, with room for very many answers.
pub(crate) fn serve_backend(server: &Runtime, backend: Arc<dyn HandleResolver>) -> SocketAddr {
    let cache = CacheSettings { capacity_bytes: 8 << 30, ..CacheSettings::default() };
    listen(server, Namesake::builder().backend(backend).cache(cache))
}

fn listen(server: &Runtime, builder: Builder) -> SocketAddr {
    // Tens of thousands of askers come from one machine here.
    let limits = Limits {
        backend_concurrency: 16 << 10,
        backend_waiting: 64 << 10,
        client_share_percent: 100,
        misses_per_minute: u32::MAX,
        max_connections: 64 << 10,
        ..Limits::default()
    };
    let public_url = "https://names.example".parse().expect("a URL");
    let namesake = builder.limits(limits).public_url(public_url).build().expect("a service");
    let listener = server.block_on(TcpListener::bind("127.0.0.1:0")).expect("a loopback port");
    let address = listener.local_addr().expect("an address");
    server.spawn(async move { namesake.serve(listener, std::future::pending()).await });
    address
}

/// The independent model on an internet in memory.
pub(crate) fn model(world: &Arc<PrivateWorld>) -> IndependentModel {
    IndependentModel::new(IndependentSettings::default(), world.ports(), Arc::new(SystemClock))
}

/// `count` people of one name length, and their handles.
pub(crate) fn people(count: usize) -> (Arc<PrivateWorld>, Vec<String>) {
    let world = PrivateWorld::new();
    let handles: Vec<String> = (0..count).map(|number| format!("person{number:07}.example.com")).collect();
    for (number, handle) in handles.iter().enumerate() {
        let did = Did::parse(&did(number)).expect("a DID");
        world.add_person(
            &did,
            handle,
            "A Person",
            "Somebody who is asked for, and has a few words about it.",
        );
    }
    (world, handles)
}

/// The DID of a person: all have the same length.
pub(crate) fn did(number: usize) -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let digit = |place: u32| char::from(DIGITS[number.checked_shr(5 * place).unwrap_or_default() & 31]);
    format!("did:plc:{}", (0..24).rev().map(digit).collect::<String>())
}
