//! Names that the DNS does not prove and a web host does, over TLS: beside the same requests alone, by hyper over rustls
//! with the same settings, with as many under way at once, on the same runtime.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use namesake::http::{HostLimits, HttpSettings};
use rustls::pki_types::ServerName;
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::TlsConnector;

use crate::{
    Rig, cold,
    load::Aim,
    name_server::NameServer,
    numbers::{medians, ratio},
    service, warm,
    web_host::{Connections, WebHost},
};

/// Names under way at once.
const AT_ONCE: usize = 16;

/// Hosts that one asker asks again and again; others ask others, or one lookup would do for several.
const HOSTS: usize = 4;

pub(crate) fn run(rig: &Rig) {
    for (what, connections, names) in [
        ("fresh connections", Connections::Fresh, rig.scale(32_usize, 1024)),
        ("kept connections", Connections::Kept, rig.scale(64, 4096)),
    ] {
        let (dns, host) = (NameServer::of_web_hosts(&rig.load), WebHost::start(connections));
        // How much one host is asked is not what is measured.
        let host_limits = HostLimits {
            concurrent: 64,
            per_second: 1_000_000,
            network_per_second: None,
            share_percent: 100,
            ..HostLimits::DISCOVERED
        };
        let http = HttpSettings { host_limits, ..host.settings() };
        let tls = TlsConnector::from(Arc::new(http.tls().expect("a configuration")));
        let address = service::serve_forgetful(&rig.server, cold::model(&rig.server, dns.address, http));
        let (mut ours, mut theirs) = (Vec::new(), Vec::new());
        for round in 0..=rig.rounds() {
            let handles = |who: &'static str| {
                (0..names).map(move |name| match connections {
                    Connections::Fresh => format!("{who}{round}x{name}.example.com"),
                    Connections::Kept => {
                        let asker = name / names.div_ceil(AT_ONCE);
                        format!("host{asker}x{}.example.com", name % HOSTS)
                    }
                })
            };
            let aim = Aim::get(address, handles("a").map(|handle| warm::resolve_handle(&handle)));
            ours.push(cold::timed(names, || aim.each_once(&rig.load, AT_ONCE)));
            let alone = Alone { tls: tls.clone(), address: host.address, connections };
            let handles: Vec<String> = handles("b").collect();
            theirs.push(cold::timed(names, || alone.each_once(rig, &handles)));
        }
        let ([cold, time], [bare, bare_time]) = (medians(&ours), medians(&theirs));
        println!(
            "{AT_ONCE:>3} at once, by HTTPS, {what}: {:.0} resolveHandle/s, hyper alone {:.0}/s: ratio {:.2}; CPU {:.0} µs each, alone {:.0} µs",
            cold,
            bare,
            ratio(&ours, &theirs),
            time,
            bare_time,
        );
    }
}

/// The requests without us: no DNS either.
#[derive(Clone)]
struct Alone {
    tls: TlsConnector,
    address: std::net::SocketAddr,
    connections: Connections,
}

impl Alone {
    fn each_once(&self, rig: &Rig, handles: &[String]) -> Duration {
        let part = handles.len().div_ceil(AT_ONCE);
        let parts: Vec<Vec<String>> = handles.chunks(part).map(<[String]>::to_vec).collect();
        let alone = self.clone();
        let asked = rig.server.spawn(async move {
            let (mut askers, begun) = (JoinSet::new(), tokio::time::Instant::now());
            for part in parts {
                let alone = alone.clone();
                askers.spawn(async move { alone.ask(&part).await });
            }
            askers.join_all().await;
            begun.elapsed()
        });
        rig.load.block_on(asked).expect("no panic")
    }

    async fn ask(&self, handles: &[String]) {
        let mut kept: Option<SendRequest<Empty<Bytes>>> = None;
        for handle in handles {
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.connect(handle).await,
            };
            let request = Request::get("/.well-known/atproto-did").header(header::HOST, handle);
            let request = request.body(Empty::new()).expect("a request");
            connection.ready().await.expect("a connection");
            let answer = connection.send_request(request).await.expect("an answer");
            assert!(answer.status().is_success());
            answer.into_body().collect().await.expect("a body");
            // One connection does for all names: it is everybody's host.
            kept = Some(connection).filter(|_| self.connections == Connections::Kept);
        }
    }

    async fn connect(&self, handle: &str) -> SendRequest<Empty<Bytes>> {
        let stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.set_nodelay(true).expect("a connection");
        let name = ServerName::try_from(handle.to_owned()).expect("a name");
        let stream = self.tls.connect(name, stream).await.expect("a secure connection");
        let (sender, connection) = handshake(TokioIo::new(stream)).await.expect("a connection");
        #[expect(clippy::disallowed_methods, reason = "ends with the connection")]
        tokio::spawn(connection);
        sender
    }
}
