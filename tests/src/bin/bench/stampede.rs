//! Very many askers of one handle that nobody has asked for before, all at once.

use std::time::Duration;

use namesake_independent::Faults;
use tokio::{task::JoinSet, time::Instant};

use crate::{
    Rig,
    load::{Aim, Connection},
    service, warm,
};

/// How long the DNS takes for it, so that all of them have asked before it is known.
const DNS: Duration = Duration::from_millis(1500);

pub(crate) fn run(rig: &Rig) {
    let askers = rig.scale(50, 10_000);
    let (world, handles) = service::people(1);
    let address = service::serve(&rig.server, service::model(&world));
    let dns_delay = rig.scale(Duration::from_millis(100), DNS);
    world.set_faults(Faults { dns_delay, https_delay: Faults::FOREVER, ..Faults::default() });
    let request = Aim::get(address, [warm::resolve(&handles[0])]).requests;

    let took = rig.load.block_on(async {
        // Both ends of every connection are files of this process.
        let mut connections = Vec::with_capacity(askers);
        while connections.len() < askers {
            match Connection::with_room(address, 2 << 10).await {
                Ok(connection) => connections.push(connection),
                Err(error) => {
                    println!("  only {} connections: {error}", connections.len());
                    break;
                }
            }
        }
        let begun = Instant::now();
        let mut asking = JoinSet::new();
        for mut connection in connections {
            let request = request.clone();
            asking.spawn(async move { connection.ask(&request[0]).await.map(drop) });
        }
        let mut answers = 0;
        while let Some(answer) = asking.join_next().await {
            answers += usize::from(answer.is_ok_and(|answer| answer.is_ok()));
        }
        (answers, begun.elapsed())
    });
    let (calls, (answers, took)) = (world.calls(), took);
    println!(
        "{answers} askers of one cold handle: {} DNS question, {} document, {} profile; the last answer after {} ms, of which the DNS took {}",
        calls.dns,
        calls.directory,
        calls.pds,
        took.as_millis(),
        dns_delay.as_millis()
    );
}
