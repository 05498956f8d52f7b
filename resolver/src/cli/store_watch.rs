//! Watches the store while the service runs.

use std::future::pending;

use namesake::store::StoreHealth;
use tokio::sync::watch;

/// Shows whether the store writes (`namesake_store_writes`), until it has ended; gives the reason then. Never ready
/// without a store.
pub(super) async fn ended(health: Option<watch::Receiver<StoreHealth>>) -> String {
    let Some(mut health) = health else { return pending().await };
    loop {
        let now = health.borrow_and_update().clone();
        let writes = if now == StoreHealth::Well { 1.0 } else { 0.0 };
        metrics::gauge!("namesake_store_writes").set(writes);
        if let StoreHealth::Ended(why) = now {
            return why;
        }
        if health.changed().await.is_err() {
            // The store is gone, and nobody needs it any more.
            return pending().await;
        }
    }
}
