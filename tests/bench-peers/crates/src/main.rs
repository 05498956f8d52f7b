//! Other implementations in Rust, each behind the bare server that Namesake is measured beside.
//!
//! ```sh
//! namesake-bench-peers <crate> <name server>      # says where it listens, and ends with its standard input
//! ```
//!
//! The crates differ in how they can be told whom to ask; each file says how.

mod atproto;
mod atrium;
mod dns;
mod jacquard;
mod server;

use std::{error::Error, io, net::SocketAddr};

use tokio::runtime::Builder;

type BoxError = Box<dyn Error + Send + Sync>;

/// Somebody who knows whose a handle is.
trait Peer: Send + Sync + 'static {
    /// The DID.
    fn resolve(&self, handle: &str) -> impl Future<Output = Result<String, BoxError>> + Send;
}

fn main() -> Result<(), BoxError> {
    let mut words = std::env::args().skip(1);
    let (peer, nameserver) =
        words.next().zip(words.next()).ok_or("usage: namesake-bench-peers <crate> <name server>")?;
    let nameserver: SocketAddr = nameserver.parse()?;
    // One thread serves, as in Namesake.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (address, name) = match peer.as_str() {
        "atproto-identity" => (server::start(&runtime, atproto::Atproto::new(nameserver)?)?, atproto::NAME),
        "atrium-identity" => (server::start(&runtime, atrium::Atrium::new(nameserver)?)?, atrium::NAME),
        "jacquard-identity" => {
            (server::start(&runtime, jacquard::Jacquard::new(nameserver)?)?, jacquard::NAME)
        }
        other => return Err(format!("{other} is not known here").into()),
    };
    println!("{address} {name}");
    // Whoever started us is gone: so are we.
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}
