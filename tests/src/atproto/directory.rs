//! The PLC directory of a world: plain HTTP on loopback, as an operator would configure one of their own.

use std::{net::SocketAddr, sync::Arc};

use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinSet};

use super::web::{Page, Shelf, listen};

/// A directory in which nobody is registered until the test says so.
#[derive(Debug)]
pub struct Directory {
    pub(super) address: SocketAddr,
    shelf: Arc<Shelf>,
    tasks: JoinSet<()>,
}

/// A DID document that claims these, in `alsoKnownAs`.
#[must_use]
pub fn document(did: &str, claims: &[&str]) -> Value {
    json!({ "id": did, "alsoKnownAs": claims })
}

impl Directory {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a loopback port");
        let address = listener.local_addr().expect("an address");
        let shelf = Shelf::new(not_registered());
        let mut tasks = JoinSet::new();
        tasks.spawn(listen(listener, None, Arc::clone(&shelf)));
        Self { address, shelf, tasks }
    }

    /// `did` claims `handle`.
    pub fn claim(&self, did: &str, handle: &str) {
        self.say(did, Page::ok(document(did, &[&format!("at://{handle}")]).to_string()));
    }

    /// What is answered about `did`.
    pub fn say(&self, did: &str, page: Page) {
        self.shelf.put(&self.address.ip().to_string(), &format!("/{did}"), page);
    }

    /// From now on nothing but this is answered about anybody.
    pub fn breaks(&self, page: Page) {
        self.shelf.clear();
        self.shelf.fall_back_to(page);
    }

    /// Nobody listens there any more.
    pub async fn ends(&mut self) {
        self.tasks.shutdown().await;
    }

    /// The end of [`Directory::breaks`]; nobody is registered.
    pub fn mended(&self) {
        self.shelf.fall_back_to(not_registered());
    }

    /// How often `did` was asked about.
    #[must_use]
    pub fn asked(&self, did: &str) -> usize {
        self.shelf.requests().iter().filter(|(_, path)| path.trim_start_matches('/') == did).count()
    }

    /// How many requests came at all.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.shelf.requests().len()
    }
}

fn not_registered() -> Page {
    Page::new(404, r#"{"message":"DID not registered"}"#)
}
