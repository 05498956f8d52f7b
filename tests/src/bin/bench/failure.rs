//! The same warm load while DNS, web hosts, directory and PDS work, are down, or hang, and strangers ask for names that
//! are not known beside it.

use std::{net::SocketAddr, time::Duration};

use namesake_independent::Faults;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    Rig,
    load::{Aim, Connection},
    numbers::{Times, micros},
    service, warm,
};

const CONNECTIONS: usize = 32;
/// How many unknown names are asked for in a second.
const MISSES: f64 = 100.0;

pub(crate) fn run(rig: &Rig) {
    let (world, handles) = service::people(rig.scale(10, 1000));
    let address = service::serve(&rig.server, service::model(&world));
    let paths = || handles.iter().map(|handle| warm::resolve_handle(handle));
    warm::warm(rig, address, paths());
    let aim = Aim::get(address, paths());
    let rate = aim.flood(&rig.load, CONNECTIONS, rig.span()) * 0.5;
    let mut strangers = 0;

    let mut states = [
        ("working", works as fn() -> Faults, Times::default()),
        ("down", Faults::everything_down, Times::default()),
        ("hanging", hangs, Times::default()),
    ];
    // Short turns, and all of a state's times together: what else the machine does is then everybody's alike.
    let span = rig.span() / 4;
    for turn in 0..rig.scale(1, 120) {
        for place in 0..states.len() {
            let (_, faults, found) = &mut states[(turn + place) % 3];
            world.set_faults(faults());
            let misses = rig.load.spawn(trickle(address, strangers, span));
            strangers += 1_000_000;
            found.append(aim.pace(&rig.load, CONNECTIONS, rate, span));
            misses.abort();
        }
    }
    println!(
        "{rate:.0} warm answers and {MISSES} misses a second, {CONNECTIONS} connections; p50 p99 p99.9 in µs:"
    );
    let found = states.map(|(name, _, times)| (name, quantiles(times)));
    let [(_, [_, working, _]), ..] = found;
    for (name, [p50, p99, p999]) in found {
        println!("  {name:<8} {p50:>6.0} {p99:>6.0} {p999:>6.0}   p99 ratio {:.2}", p99 / working);
    }
}

fn works() -> Faults {
    Faults::default()
}

fn hangs() -> Faults {
    let forever = Faults::FOREVER;
    Faults {
        dns_delay: forever,
        https_delay: forever,
        directory_delay: forever,
        pds_delay: forever,
        ..Faults::default()
    }
}

fn quantiles(mut times: Times) -> [f64; 3] {
    [0.5, 0.99, 0.999].map(|share| micros(times.quantile(share)))
}

/// Names nobody has, each on a connection of its own, which waits as long as it takes.
async fn trickle(address: SocketAddr, first: u64, span: Duration) {
    let (mut waiting, begun) = (JoinSet::new(), Instant::now());
    let mut due = begun;
    for number in first.. {
        if due >= begun + span {
            break;
        }
        sleep_until(due).await;
        due += Duration::from_secs_f64(1.0 / MISSES);
        waiting.spawn(async move {
            let path = warm::resolve_handle(&format!("stranger{number}.example.com"));
            let request = Aim::get(address, [path]).requests;
            let mut connection = Connection::open(address).await?;
            // Any answer will do, or none.
            connection.ask(&request[0]).await.map(drop)
        });
    }
    while waiting.join_next().await.is_some() {}
}
