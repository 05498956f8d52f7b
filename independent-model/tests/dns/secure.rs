//! DNS over TLS (RFC 7858) and over HTTPS (RFC 8484), through the settings, against servers on loopback.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use h2::server::SendResponse;
use http::{Method, Request, Response};
use namesake::{
    ErrorKind, Handle, Lookup, ManualClock, ResolveError, Timestamp, Trace,
    http::{HttpSettings, HttpSetupError},
};
use namesake_independent::{
    Dns as _, DnsFailure, IndependentModel, IndependentSettings, Ports, WorldSettings, WorldSetupError,
    adapters::HickoryDns,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
    task::JoinSet,
};

use crate::{
    NAME,
    authority::Authority,
    server::{Reply, Zone, converse, txt},
};

const DID: &str = "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa";
const HOST: &str = "dns.example.net";
const PATH: &str = "/resolve";

/// What is spoken over TLS.
#[derive(Debug, Clone, Copy)]
enum Over {
    Tls,
    Https,
}

/// A name server with a certificate for [`HOST`], which knows one name.
struct SecureServer {
    over: Over,
    address: SocketAddr,
    authority: Authority,
    _tasks: JoinSet<()>,
}

impl SecureServer {
    async fn start(over: Over) -> Self {
        let authority = Authority::new();
        let tls = authority.acceptor(
            &[HOST],
            match over {
                Over::Tls => &[],
                Over::Https => &["h2"],
            },
        );
        let zone = Zone::new(&[(NAME, Reply::Records(vec![(NAME, txt(&[b"did=", DID.as_bytes()]))]))]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, zone) = (tls.clone(), Arc::clone(&zone));
                connections.spawn(async move {
                    // A client that trusts nobody hangs up.
                    match (tls.accept(stream).await, over) {
                        (Ok(stream), Over::Tls) => converse(stream, zone).await,
                        (Ok(stream), Over::Https) => serve_h2(stream, zone).await,
                        (Err(_), _) => {}
                    }
                });
            }
        });
        Self { over, address, authority, _tasks: tasks }
    }

    fn world(&self, name: &str, trusted: bool) -> WorldSettings {
        let address = self.address;
        let nameserver = match self.over {
            Over::Tls => format!("tls://{address}#{name}"),
            Over::Https => format!("https://{address}{PATH}#{name}"),
        };
        let extra_root_ca = if trusted { vec![self.authority.path().to_owned()] } else { vec![] };
        WorldSettings {
            nameservers: vec![nameserver],
            dns_timeout: Duration::from_secs(20),
            http: HttpSettings { extra_root_ca, ..HttpSettings::default() },
            ..WorldSettings::default()
        }
    }
}

async fn serve_h2(stream: impl AsyncRead + AsyncWrite + Unpin, zone: Arc<Zone>) {
    let Ok(mut connection) = h2::server::handshake(stream).await else { return };
    let mut requests = JoinSet::new();
    // Only while the connection is asked for more does a body arrive.
    while let Some(Ok((request, respond))) = connection.accept().await {
        requests.spawn(answer(request, respond, Arc::clone(&zone)));
    }
}

async fn answer(request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, zone: Arc<Zone>) {
    let (head, mut body) = request.into_parts();
    let mut question = Vec::new();
    while let Some(Ok(part)) = body.data().await {
        body.flow_control().release_capacity(part.len()).unwrap();
        question.extend(part);
    }
    assert_eq!((head.method, head.uri.path()), (Method::POST, PATH));
    let answer = zone.answer(&question, true).unwrap();
    let head = Response::builder().header("content-type", "application/dns-message").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(answer.into(), true).unwrap();
}

async fn who(world: &WorldSettings) -> Result<Option<String>, ErrorKind> {
    let clock = Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH));
    let model = IndependentModel::new(IndependentSettings::default(), Ports::world(world).unwrap(), clock);
    let handle = Handle::parse("alice.example.com").unwrap();
    match model.did_of(&handle, &Trace::OFF).await.map_err(|error: ResolveError| error.kind())? {
        Lookup::Found { value, .. } => Ok(Some(value.did.to_string())),
        Lookup::Absent { .. } | Lookup::Pass => Ok(None),
    }
}

#[tokio::test]
async fn a_name_server_that_speaks_tls_answers_whom_its_certificate_satisfies() {
    for over in [Over::Tls, Over::Https] {
        let server = SecureServer::start(over).await;
        assert_eq!(who(&server.world(HOST, true)).await, Ok(Some(DID.to_owned())), "{over:?}");
    }
}

#[tokio::test]
async fn a_bad_certificate_is_a_failure_and_no_absence() {
    for over in [Over::Tls, Over::Https] {
        let server = SecureServer::start(over).await;
        let other_name = server.world("other.example.net", true);
        let unknown_authority = server.world(HOST, false);
        // Without a name the certificate must be for the address.
        let mut address = server.world(HOST, true);
        address.nameservers[0] = address.nameservers[0].split('#').next().unwrap().to_owned();
        for world in [other_name, unknown_authority, address] {
            assert_eq!(who(&world).await, Err(ErrorKind::Unavailable), "{over:?} {world:?}");
            let dns = HickoryDns::new(&world.nameservers, world.dns_timeout, &world.http).unwrap();
            assert_eq!(dns.txt(NAME).await, Err(DnsFailure::Other), "{over:?} {world:?}");
        }
    }
}

#[tokio::test]
async fn an_authority_that_cannot_be_read_is_said_at_the_start() {
    let http = HttpSettings { extra_root_ca: vec!["/nowhere.pem".into()], ..HttpSettings::default() };
    let error = HickoryDns::new(&["192.0.2.1".to_owned()], Duration::from_secs(1), &http).unwrap_err();
    assert!(matches!(error, WorldSetupError::Http(HttpSetupError { .. })), "{error:?}");
}
