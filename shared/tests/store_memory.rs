//! The memory adapter keeps the rules.

use std::sync::Arc;

use namesake::conformance::store::check_store;
use namesake::store::{MemoryStore, Store};

#[tokio::test]
async fn memory_keeps_the_rules() {
    check_store(async || Arc::new(MemoryStore::new()) as Arc<dyn Store>).await;
}
