//! What a stranger may have us connect to, and what they learn from it.

use std::{io, net::IpAddr, sync::Arc};

use namesake::http::{
    AddressError, AddressFuture, Addresses, Call, HttpClient, HttpError, HttpFailure, HttpSettings,
};

use crate::host::World;

/// Every way we know to write an address that nobody may reach through us.
pub(crate) const FORMS: [&str; 62] = [
    // This machine, in every number system that a URL knows.
    "https://127.0.0.1/",
    "https://127.0.0.1:443/",
    "https://127.1/",
    "https://127.0.1/",
    "https://127.255.255.254/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0x7F.0.0.1/",
    "https://0x7f.1/",
    "https://0177.0.0.1/",
    "https://0177.1/",
    "https://017700000001/",
    "https://127.0.0.0x1/",
    "https://0/",
    "https://0.0.0.0/",
    // The same through what a URL's host is decoded and mapped by.
    "https://%31%32%37.0.0.1/",
    "https://127%2e0%2e0%2e1/",
    "https://\u{2460}\u{2461}\u{2466}.0.0.1/",
    "https://127\u{3002}0\u{3002}0\u{3002}1/",
    "https://127.0.0.1./",
    "https:///127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    // With something before it that looks like the host.
    "https://good.test@127.0.0.1/",
    "https://good.test:443@127.0.0.1/",
    "https://user:password@[::1]/",
    "https://good.test%40@127.0.0.1/",
    // Private networks, carriers' networks, links, and the metadata services there.
    "https://10.0.0.1/",
    "https://172.16.0.1/",
    "https://172.31.255.255/",
    "https://192.168.0.1/",
    "https://100.64.0.1/",
    "https://100.100.100.200/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://192.0.0.192/",
    // For documentation, measurements, groups, and nothing yet.
    "https://192.0.2.1/",
    "https://198.18.0.1/",
    "https://198.51.100.1/",
    "https://203.0.113.1/",
    "https://192.88.99.1/",
    "https://224.0.0.1/",
    "https://240.0.0.1/",
    "https://255.255.255.255/",
    // IPv6.
    "https://[::]/",
    "https://[::1]/",
    "https://[0:0:0:0:0:0:0:1]/",
    "https://[::127.0.0.1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:a9fe:a9fe]/",
    "https://[::ffff:0:10.0.0.1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[64:ff9b::169.254.169.254]/",
    "https://[64:ff9b:1::a00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[2001:0:7f00:1::]/",
    "https://[2001:db8::1]/",
    "https://[fc00::1]/",
    "https://[fd00:ec2::254]/",
    "https://[fe80::1]/",
    "https://[ff02::1]/",
];

/// An operator who opened nothing, as in production, but for the one address of the host.
fn settings(world: &World) -> HttpSettings {
    HttpSettings { allow_networks: vec!["127.77.0.1/32".parse().unwrap()], ..world.settings() }
}

async fn refused(client: &HttpClient, url: &str) -> HttpError {
    client.send(Call::get(url.parse().unwrap()).redirects(5)).await.unwrap_err()
}

#[tokio::test]
async fn no_spelling_of_an_inside_address_is_connected_to() {
    let world = World::start_at("127.77.0.1").await;
    let client = HttpClient::discovered(&settings(&world), world.hosts()).unwrap();
    for (number, form) in FORMS.iter().enumerate() {
        assert_eq!(refused(&client, form).await.failure, HttpFailure::Refused, "{form}");
        let redirected = refused(&client, &format!("https://good.test/form/{number}")).await;
        // A header of other letters than ASCII leads nowhere.
        let expected = if form.is_ascii() { HttpFailure::Refused } else { HttpFailure::Redirect };
        assert_eq!(redirected.failure, expected, "redirected to {form}");
    }
    assert_eq!(world.requests(), FORMS.len(), "the host that redirects was asked, and nobody else");
}

#[tokio::test]
async fn what_is_no_address_of_a_url_is_nowhere() {
    for text in [
        "https://[fe80::1%25eth0]/",
        "https://[fe80::1%eth0]/",
        "https://127.0.0.1:99999/",
        "https://127.0.0.256/",
        "https://0x7g.1/",
        "https://[::1/",
    ] {
        assert!(text.parse::<url::Url>().is_err(), "{text}");
    }
}

#[tokio::test]
async fn plain_http_is_spoken_to_opened_networks_alone() {
    let world = World::start().await;
    let client = HttpClient::discovered(&world.settings(), world.hosts()).unwrap();
    assert_eq!(refused(&client, "http://1.1.1.1/").await.failure, HttpFailure::Refused);
    assert_eq!(refused(&client, "http://private.test/").await.failure, HttpFailure::NoAddress);
    assert_eq!(refused(&client, "https://good.test/to-http").await.failure, HttpFailure::Redirect);
}

#[tokio::test]
async fn a_name_with_refused_addresses_only_is_one_without_an_address() {
    let world = World::start_at("127.77.0.1").await;
    let inside = [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "::1",
        "::",
        "::ffff:10.0.0.1",
        "64:ff9b::a00:1",
        "2002:a00:1::",
        "fe80::1",
        "fd00::1",
    ];
    let all: Vec<IpAddr> = inside.iter().map(|text| text.parse().unwrap()).collect();
    let one_each = all.iter().map(|address| vec![*address]);
    for addresses in one_each.chain([all.clone()]) {
        let hosts = World::hosts_with(vec![("inside.test", addresses.clone())]);
        let client = HttpClient::discovered(&settings(&world), hosts).unwrap();
        for scheme in ["https", "http"] {
            let there = refused(&client, &format!("{scheme}://inside.test/")).await;
            let absent = refused(&client, &format!("{scheme}://absent.test/")).await;
            assert_eq!(there.failure, absent.failure, "{addresses:?}");
            assert_eq!(there.message, absent.message.replace("absent", "inside"), "{addresses:?}");
            assert!(there.in_full().contains("not public"), "the operator is told: {}", there.in_full());
        }
    }
}

/// A DNS that knows one family, and fails about the other.
#[derive(Debug)]
struct HalfKnown(&'static str);

impl Addresses for HalfKnown {
    fn addresses<'a>(&'a self, _: &'a str) -> AddressFuture<'a> {
        let found = vec![self.0.parse().unwrap()];
        Box::pin(async move { Err(AddressError::Partly { found, reason: "it is broken".to_owned() }) })
    }
}

#[tokio::test]
async fn a_family_that_could_not_be_looked_up_may_have_a_public_address() {
    let world = World::start().await;
    let client = |known| HttpClient::discovered(&world.settings(), Arc::new(HalfKnown(known))).unwrap();
    let url = || Call::get("https://good.test/".parse().unwrap());
    let unknown = client("10.0.0.1").send(url()).await.unwrap_err();
    assert_eq!(unknown.failure, HttpFailure::AddressUnknown, "a failure, and no absence");
    assert_eq!(unknown.message, "good.test: its address could not be looked up: it is broken");
    assert_eq!(client("127.0.0.1").send(url()).await.unwrap().body, "ok", "one family is enough");
}

#[tokio::test]
async fn a_stranger_names_no_port_but_that_of_https_and_those_that_are_allowed() {
    let world = World::start().await;
    // Something else on the same machine, of which it can be said that nobody came.
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    other.set_nonblocking(true).unwrap();
    let port = other.local_addr().unwrap().port();
    let client = HttpClient::discovered(&world.settings(), world.hosts()).unwrap();
    for url in [
        format!("https://good.test:{port}/"),
        format!("https://good.test:{port}@good.test:{port}/"),
        format!("https://127.0.0.1:{port}/"),
        format!("http://good.test:{port}/"),
        format!("http://127.0.0.1:{port}/"),
        "https://good.test:80/".to_owned(),
        "https://good.test:0/".to_owned(),
        // Neither is looked up first: also where there is no such name.
        format!("https://nowhere.test:{port}/"),
    ] {
        let error = refused(&client, &url).await;
        assert_eq!(error.failure, HttpFailure::Refused, "{url}");
        assert!(error.message.contains("at port"), "{error}");
    }
    assert_eq!(other.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody came");

    let here = world.address.port();
    for settings in [
        HttpSettings { https_port: port, allow_ports: vec![here], ..world.settings() },
        // What stands for 443 may be named too.
        world.settings(),
    ] {
        let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
        let url = format!("https://good.test:{here}/").parse().unwrap();
        assert_eq!(client.send(Call::get(url)).await.unwrap().body, "ok");
    }
}

#[tokio::test]
async fn few_redirects_lead_to_another_host_and_many_stay_on_one() {
    let world = World::start().await;
    let after = async |host_changes: u8, path: &str| {
        let settings = HttpSettings { host_changes, ..world.settings() };
        let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
        let call = Call::get(format!("https://good.test{path}").parse().unwrap()).redirects(5);
        client.send(call).await.map(|reply| reply.url.to_string()).map_err(|error| error.failure)
    };
    // Three changes: to other.test, third.test and fourth.test.
    assert_eq!(after(3, "/round").await.unwrap(), "https://fourth.test/");
    assert_eq!(after(HttpSettings::HOST_CHANGES, "/round").await, Err(HttpFailure::Redirect));
    let before = world.requests();
    assert_eq!(after(1, "/round").await, Err(HttpFailure::Redirect));
    assert_eq!(world.requests() - before, 2, "the third host is not asked");
    assert_eq!(after(0, "/to-other").await, Err(HttpFailure::Redirect));
    assert_eq!(after(0, "/hop/5").await.unwrap(), "https://good.test/hop/0");
}

#[tokio::test]
async fn a_host_with_many_addresses_of_a_family_that_does_not_work_is_reached_by_the_other() {
    let world = World::start().await;
    let v6 = (1..=4).map(|number| format!("2001:db8::{number}").parse::<IpAddr>().unwrap());
    let mut found: Vec<IpAddr> = v6.collect();
    found.push([127, 0, 0, 1].into());
    let mut settings = world.settings();
    settings.allow_networks.push("2001:db8::/32".parse().unwrap());
    let client = HttpClient::discovered(&settings, World::hosts_with(vec![("many.test", found)])).unwrap();
    let reply = client.send(Call::get("https://many.test/".parse().unwrap())).await.unwrap();
    assert_eq!(reply.body, "ok");
}

#[tokio::test]
async fn no_text_for_strangers_has_an_address_or_the_words_of_a_library() {
    let world = World::start().await;
    let free = HttpSettings {
        https_port: std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port(),
        ..world.settings()
    };
    let untrusting = HttpSettings { extra_root_ca: vec![], ..world.settings() };
    for (settings, url) in [
        (free, "https://good.test/"),
        (untrusting, "https://good.test/"),
        (world.settings(), "https://stranger.test/"),
        (world.settings(), "https://good.test/nonsense"),
        (world.settings(), "https://good.test/broken-off"),
        (world.settings(), "https://private.test/"),
    ] {
        let client = HttpClient::discovered(&settings, world.hosts()).unwrap();
        let error = refused(&client, url).await;
        assert!(!error.message.contains(['(', '{', '"']), "{error}");
        assert!(!error.message.contains("127.0.0.1") && !error.message.contains("10.0.0.1"), "{error}");
        assert!(error.cause.is_some(), "the operator is told more: {error}");
    }
}
