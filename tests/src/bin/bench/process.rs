//! Servers that are processes of their own: Namesake and its peers, each with one thread that serves. Their protocol: a line
//! with the address they listen at and what they are, and they end with their standard input.

use std::{
    io::{self, BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
};

use namesake::http::HttpSettings;
use tokio::runtime::Builder;

use crate::{cold, machine, service};

/// The word that makes this program such a server: Namesake over a name server.
pub(crate) const SERVE: &str = "serve";

/// Namesake, until the standard input ends.
pub(crate) fn serve(nameserver: &str) {
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name(machine::SERVER_THREAD)
        .enable_all()
        .build()
        .expect("a runtime");
    let model = cold::model(&runtime, nameserver.parse().expect("an address"), HttpSettings::default());
    println!("{} Namesake", service::serve(&runtime, model));
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
}

/// A server that runs until this is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it says it is.
    pub(crate) name: String,
}

impl Server {
    /// `None` if there is no such program, or it does not get as far as to listen.
    pub(crate) fn start(command: &mut Command) -> Option<Self> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let unspecified = SocketAddr::from(([0; 4], 0));
        // From here on it is ended, whatever it says.
        let mut server = Self { child, address: unspecified, name: String::new() };
        let mut line = String::new();
        BufReader::new(server.child.stdout.take()?).read_line(&mut line).ok()?;
        let (address, name) = line.trim_end().split_once(' ')?;
        (server.address, server.name) = (address.parse().ok()?, name.to_owned());
        Some(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
