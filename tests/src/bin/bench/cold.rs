//! Names that are asked once each, beside hickory-resolver alone in a loop: over the same name server, with as many
//! questions at once, on the same runtime. Names that a web host proves are in `well_known`.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use hickory_resolver::{
    TokioResolver,
    config::{NameServerConfig, ResolveHosts, ResolverConfig},
    net::runtime::TokioRuntimeProvider,
    proto::rr::{Name, RecordType},
};
use namesake::{SystemClock, http::HttpSettings};
use namesake_independent::{IndependentModel, IndependentSettings, Ports, WorldSettings};
use tokio::{runtime::Runtime, task::JoinSet};

use crate::{
    Rig,
    load::{Aim, awake},
    machine,
    name_server::NameServer,
    numbers::{medians, micros, rate, ratio},
    service, warm, well_known,
};

/// Questions under way at once.
const AT_ONCE: [usize; 2] = [16, 128];

pub(crate) fn run(rig: &Rig) {
    by_dns(rig);
    well_known::run(rig);
}

fn by_dns(rig: &Rig) {
    let dns = NameServer::of_proofs(&rig.load);
    let address = service::serve(&rig.server, model(&rig.server, dns.address, HttpSettings::default()));
    let alone = Arc::new(resolver(dns.address));
    let names = rig.scale(64, 8192);
    let _awake = awake(&rig.load);
    let mut round = 0;
    for at_once in AT_ONCE {
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for _ in 0..=rig.rounds() {
            round += 1;
            let handles =
                move |who: &'static str| (0..names).map(move |n| format!("{who}{round}x{n}.example.com"));
            let aim = Aim::get(address, handles("a").map(|handle| warm::resolve_handle(&handle)));
            ours.push(measured(&dns, names, || aim.each_once(&rig.load, at_once)));
            let handles: Vec<String> = handles("b").collect();
            theirs.push(measured(&dns, names, || ask_alone(rig, &alone, &handles, at_once)));
        }
        let ([cold, time, questions], [bare, bare_time, bare_questions]) = (medians(&ours), medians(&theirs));
        println!(
            "{at_once:>3} at once: {:.0} cold resolveHandle/s, hickory alone {:.0}/s: ratio {:.2}; CPU {:.0} µs and {:.2} questions each, alone {:.0} µs and {:.2}",
            cold,
            bare,
            ratio(&ours, &theirs),
            time,
            questions,
            bare_time,
            bare_questions
        );
    }
}

/// Cold names and nothing else, for a profiler.
pub(crate) fn profile(rig: &Rig) {
    let dns = NameServer::of_proofs(&rig.load);
    let address = service::serve(&rig.server, model(&rig.server, dns.address, HttpSettings::default()));
    let names = rig.scale(2048, 32 << 10);
    let handles = (0..names).map(|number| format!("p{number}.example.com"));
    let _awake = awake(&rig.load);
    let aim = Aim::get(address, handles.map(|handle| warm::resolve_handle(&handle)));
    let [rate, time, questions] = measured(&dns, names, || aim.each_once(&rig.load, AT_ONCE[0]));
    println!("{rate:.0} cold resolveHandle/s; CPU {time:.0} µs and {questions:.2} questions each");
}

/// The rate, the CPU time and the questions per name.
fn measured(dns: &NameServer, names: usize, ask: impl FnOnce() -> Duration) -> [f64; 3] {
    let before = dns.questions();
    let [rate, time] = timed(names, ask);
    [rate, time, (dns.questions() - before) as f64 / names as f64]
}

/// The rate, and the CPU time per name.
pub(crate) fn timed(names: usize, ask: impl FnOnce() -> Duration) -> [f64; 2] {
    let before = machine::served_for();
    let took = ask();
    let time = machine::served_for().zip(before).map_or(f64::NAN, |(after, before)| micros(after - before));
    [rate(names as u64, took), time / names as f64]
}

/// The independent model over a name server.
pub(crate) fn model(server: &Runtime, dns: SocketAddr, http: HttpSettings) -> IndependentModel {
    let _runtime = server.enter();
    let world = WorldSettings {
        nameservers: vec![dns.to_string()],
        dns_timeout: Duration::from_secs(5),
        http,
        plc_url: "http://127.0.0.1:9".parse().expect("a URL"),
        ..WorldSettings::default()
    };
    let ports = Ports::world(&world).expect("a world");
    IndependentModel::new(IndependentSettings::default(), ports, Arc::new(SystemClock))
}

/// With the options of our own adapter.
fn resolver(dns: SocketAddr) -> TokioResolver {
    let mut server = NameServerConfig::udp_and_tcp(dns.ip());
    server.connections.iter_mut().for_each(|connection| connection.port = dns.port());
    let config = ResolverConfig::from_name_servers(vec![server]);
    let mut builder = TokioResolver::builder_with_config(config, TokioRuntimeProvider::default());
    let options = builder.options_mut();
    options.attempts = 1;
    options.edns0 = true;
    options.cache_size = 0;
    options.use_hosts_file = ResolveHosts::Never;
    options.preserve_intermediates = true;
    builder.build().expect("a resolver")
}

fn ask_alone(rig: &Rig, resolver: &Arc<TokioResolver>, handles: &[String], at_once: usize) -> Duration {
    let parts: Vec<Vec<Name>> = handles
        .chunks(handles.len().div_ceil(at_once))
        .map(|part| {
            part.iter()
                .map(|handle| Name::from_ascii(format!("_atproto.{handle}.")).expect("a name"))
                .collect()
        })
        .collect();
    let resolver = Arc::clone(resolver);
    let asked = rig.server.spawn(async move {
        let (mut askers, begun) = (JoinSet::new(), tokio::time::Instant::now());
        for part in parts {
            let resolver = Arc::clone(&resolver);
            askers.spawn(async move {
                for name in part {
                    resolver.lookup(name, RecordType::TXT).await.expect("an answer");
                }
            });
        }
        askers.join_all().await;
        begun.elapsed()
    });
    rig.load.block_on(asked).expect("no panic")
}
