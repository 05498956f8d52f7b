//! Lookups from memory, beside a bare hyper server that returns the same bytes with the same headers.

use std::{net::SocketAddr, time::Duration};

use crate::{
    Rig, bare,
    load::{Aim, Connection},
    machine,
    numbers::{median, micros},
    service,
};

/// Connections at once.
const CONNECTIONS: [usize; 3] = [1, 32, 256];

/// A way to ask who somebody is.
type Route = (&'static str, fn(&str) -> String);

const ROUTES: [Route; 3] =
    [("resolveHandle", resolve_handle), ("/v1/resolve", resolve), ("/@…", |handle| format!("/@{handle}"))];

pub(crate) fn resolve_handle(handle: &str) -> String {
    format!("/xrpc/com.atproto.identity.resolveHandle?handle={handle}")
}

pub(crate) fn resolve(handle: &str) -> String {
    format!("/v1/resolve?handle={handle}")
}

/// One server under load.
struct Side {
    aim: Aim,
    rates: Vec<f64>,
    costs: Vec<f64>,
}

pub(crate) fn run(rig: &Rig) {
    let (world, handles) = service::people(rig.scale(10, 1000));
    let address = service::serve(&rig.server, service::model(&world));
    for (name, path) in ROUTES {
        let paths = || handles.iter().map(|handle| path(handle));
        let (head, body) = warm(rig, address, paths());
        let bare = Aim::get(bare::serve(&rig.server, &head, &body), paths());
        let ours = Aim::get(address, paths());
        println!("{name}: {} bytes of headers, {} of body", head.len(), body.len());
        for connections in CONNECTIONS {
            compare(rig, connections, &ours, &bare);
        }
        println!();
    }
}

/// Each side alone, for a profiler to look at.
pub(crate) fn profile(rig: &Rig) {
    alone(rig, resolve_handle, |ours, _| ours);
}

pub(crate) fn profile_resolve(rig: &Rig) {
    alone(rig, resolve, |ours, _| ours);
}

pub(crate) fn profile_bare(rig: &Rig) {
    alone(rig, resolve_handle, |_, bare| bare);
}

fn alone(rig: &Rig, path: fn(&str) -> String, choose: fn(Aim, Aim) -> Aim) {
    let (world, handles) = service::people(rig.scale(10, 1000));
    let address = service::serve(&rig.server, service::model(&world));
    let paths = || handles.iter().map(|handle| path(handle));
    let (head, body) = warm(rig, address, paths());
    let bare = Aim::get(bare::serve(&rig.server, &head, &body), paths());
    let rate = choose(Aim::get(address, paths()), bare).flood(&rig.load, 32, rig.span() * 10);
    println!("{}: {rate:.0}/s", path("…"));
}

/// Asks for everything once; gives the head and the body of one answer.
pub(crate) fn warm(
    rig: &Rig,
    address: SocketAddr,
    paths: impl Iterator<Item = String>,
) -> (Vec<u8>, Vec<u8>) {
    let aim = Aim::get(address, paths);
    rig.load.block_on(async {
        let mut connection = Connection::open(address).await.expect("a connection");
        let mut answer = (Vec::new(), Vec::new());
        for request in aim.requests.iter() {
            let (head, body) = connection.ask(request).await.expect("an answer");
            answer = (head.to_vec(), body.to_vec());
        }
        answer
    })
}

fn compare(rig: &Rig, connections: usize, ours: &Aim, bare: &Aim) {
    let [mut ours, mut bare] =
        [ours, bare].map(|aim| Side { aim: aim.clone(), rates: vec![], costs: vec![] });
    for round in 0..=rig.rounds() {
        // The first warms up. Who goes first changes from round to round.
        let order = if round % 2 == 0 { [&mut ours, &mut bare] } else { [&mut bare, &mut ours] };
        for side in order {
            side.flood(rig, connections, round > 0);
        }
    }
    let (ratios, costs) = (ratios(&ours.rates, &bare.rates), ratios(&bare.costs, &ours.costs));
    let (peak, cost) = (median(ours.rates.clone()), median(ours.costs.clone()));
    println!(
        "  {connections:>3} connections: {peak:>6.0}/s, bare {:>6.0}/s: ratio {:.3}; server CPU {cost:.2} µs, bare {:.2} µs: {:.3}",
        median(bare.rates.clone()),
        median(ratios),
        median(bare.costs.clone()),
        median(costs),
    );
    let ours = ours.latency(rig, connections);
    let bare = bare.latency(rig, connections);
    println!("      at 70 % of its peak, p50 p99 p99.9: {}; bare {}", shown(ours), shown(bare));
}

fn ratios(these: &[f64], those: &[f64]) -> Vec<f64> {
    these.iter().zip(those).map(|(this, that)| this / that).collect()
}

fn shown(quantiles: [Duration; 3]) -> String {
    quantiles.map(|time| format!("{:.0}", micros(time))).join(" ") + " µs"
}

impl Side {
    fn flood(&mut self, rig: &Rig, connections: usize, counts: bool) {
        let before = machine::served_for();
        let rate = self.aim.flood(&rig.load, connections, rig.span());
        let served = machine::served_for().zip(before).map(|(after, before)| after - before);
        if counts {
            let answers = rate * rig.span().as_secs_f64();
            self.costs.push(served.map_or(f64::NAN, |time| micros(time) / answers));
            self.rates.push(rate);
        }
    }

    fn latency(&self, rig: &Rig, connections: usize) -> [Duration; 3] {
        let rate = median(self.rates.clone()) * 0.7;
        let mut times = self.aim.pace(&rig.load, connections, rate, rig.span() * 3);
        [0.5, 0.99, 0.999].map(|share| times.quantile(share))
    }
}
