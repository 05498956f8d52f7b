//! Ready means that what is promised answers.

use std::sync::Arc;

use namesake::SystemClock;
use namesake_resolver::demo::{Options, World};
use tokio::sync::watch;

use crate::support;

#[tokio::test]
async fn ready_is_said_when_whoever_started_it_says_so() {
    let (say, ready) = watch::channel(false);
    let world = support::World::with(|builder| builder.ready_when(ready));
    let service = world.serve().await;
    let probe = async |path: &str| service.get(path).await.status;
    for _ in 0..2 {
        assert_eq!((probe("/livez").await, probe("/readyz").await), (200, 503));
    }
    say.send_replace(true);
    assert_eq!((probe("/livez").await, probe("/readyz").await), (200, 200));
}

/// Who asks as soon as it says that it is ready finds everybody.
#[tokio::test]
async fn the_demo_is_ready_only_when_its_people_are_there() {
    for seed in 0..10 {
        let options = Options::private(Arc::new(SystemClock), seed).await.unwrap();
        let address = options.listener.local_addr().unwrap();
        let get = async |path: &str| support::send(address, "GET", path, &[], "").await.status;
        let visitor = async {
            while get("/readyz").await != 200 {
                tokio::task::yield_now().await;
            }
            for person in ["/@alice", "/@carol", "/@jane.art?scheme=mirror", "/@alice.demo.test"] {
                assert_eq!(get(person).await, 200, "{person} right after start {seed} was ready");
            }
        };
        let (world, ()) = tokio::join!(World::start(options), visitor);
        world.unwrap().stop().await;
    }
}
