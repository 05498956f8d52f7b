//! A hundred handles in one request, beside a hundred requests.

use tokio::time::Instant;

use crate::{
    Rig,
    load::{Aim, Connection},
    numbers::{median, micros},
    service, warm,
};

const HANDLES: usize = 100;

pub(crate) fn run(rig: &Rig) {
    let (world, handles) = service::people(HANDLES);
    let address = service::serve(&rig.server, service::model(&world));
    let paths = || handles.iter().map(|handle| warm::resolve(handle));
    warm::warm(rig, address, paths());
    let single = Aim::get(address, paths()).requests;
    let body = serde_json::json!({ "handles": handles }).to_string();
    let batch = format!(
        "POST /v1/resolve HTTP/1.1\r\nhost: names.example\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (mut together, mut apart) = (Vec::new(), Vec::new());
    rig.load.block_on(async {
        let mut connection = Connection::with_room(address, 256 << 10).await.expect("a connection");
        for _ in 0..rig.scale(2, 300) {
            let begun = Instant::now();
            let (_, body) = connection.ask(&batch).await.expect("an answer");
            assert_eq!(body.windows(12).filter(|text| text == b"\"status\":200").count(), HANDLES);
            together.push(micros(begun.elapsed()));
            let begun = Instant::now();
            for request in single.iter() {
                connection.ask(request).await.expect("an answer");
            }
            apart.push(micros(begun.elapsed()));
        }
    });
    let (together, apart) = (median(together), median(apart));
    println!(
        "{HANDLES} known handles, one connection: {together:.0} µs in one request, {apart:.0} µs in {HANDLES}: ratio {:.1}",
        apart / together
    );
}
