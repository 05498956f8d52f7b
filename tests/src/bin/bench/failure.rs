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
    numbers::{Times, median, micros},
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

    let mut states = [
        ("working", works as fn() -> Faults, vec![]),
        ("down", Faults::everything_down, vec![]),
        ("hanging", hangs, vec![]),
    ];
    let mut strangers = 0;
    for _ in 0..rig.rounds() {
        for (_, faults, found) in &mut states {
            world.set_faults(faults());
            let span = rig.span() * 2;
            let misses = rig.load.spawn(trickle(address, strangers, span));
            strangers += 1_000_000;
            found.push(quantiles(aim.pace(&rig.load, CONNECTIONS, rate, span)));
            misses.abort();
        }
    }
    let of = |rounds: &[[f64; 3]], place: usize| median(rounds.iter().map(|round| round[place]).collect());
    println!(
        "{rate:.0} warm answers and {MISSES} misses a second, {CONNECTIONS} connections; p50 p99 p99.9 in µs:"
    );
    let working = of(&states[0].2, 1);
    for (name, _, rounds) in &states {
        let [p50, p99, p999] = [0, 1, 2].map(|place| of(rounds, place));
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
