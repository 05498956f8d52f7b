//! Answers in memory: what each takes, and what it costs to find one among very many.

use crate::{Rig, anybody::Anybody, load::Aim, machine, numbers::rate, service, warm};

pub(crate) fn run(rig: &Rig) {
    let count: u64 = rig.scale(100, 1_000_000);
    let own = Rig::new(rig.quick);
    let address = service::serve_backend(&own.server, Anybody::new());
    let paths = |count| (0..count).map(|number| warm::resolve(&format!("person{number:07}.example.com")));
    let (all, few) =
        (Aim::get(address, paths(count)), Aim::get(address, (0..10).flat_map(|_| paths(count / 10))));
    let at_once = 64;
    let idle = machine::resident().unwrap_or_default();
    all.each_once(&own.load, at_once);
    let each = machine::resident().unwrap_or_default().saturating_sub(idle) / count;
    let (many, hot) = (all.each_once(&own.load, at_once), few.each_once(&own.load, at_once));
    println!(
        "{count} answers in memory: {each} bytes each; asked all over {:.0}/s, a tenth of them ten times {:.0}/s",
        rate(count, many),
        rate(count, hot)
    );
}
