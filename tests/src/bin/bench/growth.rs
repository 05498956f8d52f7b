//! From ten thousand handles to a million: accounts in sled.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use namesake::{
    SystemClock,
    store::{SledOptions, SledStore, Store},
};
use namesake_independent::{IndependentModel, IndependentSettings, PrivateWorld};
use tokio::{task::JoinSet, time::Instant};

use crate::{
    Rig,
    holder::{self, Holder},
    load::{Aim, Connection},
    machine,
    numbers::{Times, micros, rate},
    plot::{self, Line},
    service, warm,
};

/// Claims under way at once.
const CLAIMANTS: usize = 256;

/// What is given to a store of a million people: `store.cache_mib = 1024`.
const CACHE_BYTES: u64 = 1 << 30;

/// What was measured with so many handles in the store.
struct Stage {
    handles: usize,
    claims: f64,
    opened: Duration,
    miss: [Duration; 2],
    disk: u64,
    memory: u64,
}

pub(crate) fn run(rig: &Rig) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store");
    let mut stages: Vec<Stage> = Vec::new();
    for handles in rig.scale([20, 40, 60], [10_000, 100_000, 1_000_000]) {
        let before = stages.last().map_or(0, |stage| stage.handles);
        let stage = stage(rig, &path, before, handles);
        println!(
            "{handles:>7} handles: {:>5.0} claims/s; opened in {:>4.0} ms; a lookup past the memory p50 {:>4.0} p99 {:>4.0} µs; {:>5} bytes of disk, {:>5} of memory each",
            stage.claims,
            stage.opened.as_secs_f64() * 1e3,
            micros(stage.miss[0]),
            micros(stage.miss[1]),
            stage.disk / handles as u64,
            stage.memory / handles as u64,
        );
        stages.push(stage);
    }
    if let [first, .., last] = &stages[..] {
        println!("p99 of the last beside the first: {:.2}", micros(last.miss[1]) / micros(first.miss[1]));
    }
    draw(&plots(rig, folder.path()), &stages);
}

/// A service is made and ended for each stage: the store is opened anew.
fn stage(rig: &Rig, path: &Path, before: usize, handles: usize) -> Stage {
    let own = Rig::new(rig.quick);
    let claims = claim(&own, path, before, handles);
    let idle = machine::resident().unwrap_or_default();
    let begun = Instant::now();
    let store = open(path);
    let opened = begun.elapsed();
    let hosted = holder::hosted(store);
    let settings = IndependentSettings::default();
    let model = IndependentModel::new(settings, PrivateWorld::new().ports(), Arc::new(SystemClock))
        .with_hosted(hosted);
    let address = service::serve(&own.server, model);
    let asked = rig.scale(10, 4000).min(handles);
    // A step that shares no factor with the count: every handle at most once, in no order.
    let numbers = (0..asked).map(|place| (place * 7_368_787 + 1) % handles);
    let paths = numbers.map(|number| warm::resolve(&holder::handle(number as u64)));
    let aim = Aim::get(address, paths);
    let mut misses = own.load.block_on(async {
        let mut connection = Connection::open(address).await.expect("a connection");
        let mut times = Times::default();
        for request in aim.requests.iter() {
            let begun = Instant::now();
            connection.ask(request).await.expect("an answer");
            times.push(begun.elapsed());
        }
        times
    });
    let memory = machine::resident().unwrap_or_default().saturating_sub(idle);
    Stage {
        handles,
        claims,
        opened,
        miss: [0.5, 0.99].map(|share| misses.quantile(share)),
        disk: size(path),
        memory,
    }
}

/// Registers the people of these numbers, many at once; only the registrations are timed.
fn claim(rig: &Rig, path: &Path, before: usize, handles: usize) -> f64 {
    let hosted = holder::hosted(open(path));
    let mut took = Duration::ZERO;
    let numbers: Vec<u64> = (before as u64..handles as u64).collect();
    for some in numbers.chunks(8192) {
        let people: Vec<String> = some.iter().map(|number| Holder::new(*number, 0).genesis).collect();
        let people: Arc<[String]> = people.into();
        took += rig.load.block_on(async {
            let (mut claimants, begun) = (JoinSet::new(), Instant::now());
            for first in 0..CLAIMANTS {
                let (hosted, people) = (Arc::clone(&hosted), Arc::clone(&people));
                claimants.spawn(async move {
                    for entry in people.iter().skip(first).step_by(CLAIMANTS) {
                        hosted.register(entry.as_bytes()).await.expect("a registration");
                    }
                });
            }
            claimants.join_all().await;
            begun.elapsed()
        });
    }
    rate(numbers.len() as u64, took)
}

fn open(path: &Path) -> Arc<dyn Store> {
    let options = SledOptions { cache_bytes: CACHE_BYTES, ..SledOptions::at(path) };
    Arc::new(SledStore::open(options).expect("a store"))
}

/// Of all files, in bytes.
fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// Beside the sources; a run that only shows that it runs changes nothing there.
fn plots(rig: &Rig, elsewhere: &Path) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-plots");
    if rig.quick { elsewhere.to_owned() } else { folder }
}

fn draw(folder: &Path, stages: &[Stage]) {
    let line = |name, colour, value: fn(&Stage) -> f64| Line {
        name,
        colour,
        points: stages.iter().map(|stage| (stage.handles, value(stage))).collect(),
    };
    fs::create_dir_all(folder).expect("a folder");
    let misses = [
        line("p50", "#2563eb", |stage| micros(stage.miss[0])),
        line("p99", "#dc2626", |stage| micros(stage.miss[1])),
    ];
    plot::write(&folder.join("lookups.svg"), "A lookup past the memory", "µs", &misses);
    let claims = [line("", "#2563eb", |stage| stage.claims)];
    plot::write(
        &folder.join("claims.svg"),
        "Durable claims, each a verified registration",
        "per second",
        &claims,
    );
    let bytes = [
        line("disk", "#2563eb", |stage| (stage.disk / stage.handles as u64) as f64),
        line("memory", "#dc2626", |stage| (stage.memory / stage.handles as u64) as f64),
    ];
    plot::write(&folder.join("bytes.svg"), "Bytes per handle", "bytes", &bytes);
}
