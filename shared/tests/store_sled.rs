//! The sled adapter keeps the rules.

use std::sync::Arc;

use namesake::conformance::store::check_store;
use namesake::store::{SledOptions, SledStore, Store};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sled_keeps_the_rules() {
    let folder = tempfile::tempdir().unwrap();
    let rule = std::cell::Cell::new(0);
    let make = async || {
        rule.set(rule.get() + 1);
        let path = folder.path().join(rule.get().to_string());
        Arc::new(SledStore::open(SledOptions { cache_bytes: 16 << 20, ..SledOptions::at(path) }).unwrap())
            as Arc<dyn Store>
    };
    check_store(make).await;
}
