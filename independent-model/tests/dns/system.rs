//! The system's name servers, in a resolv.conf of our own.

use std::{fs, path::Path, time::Duration};

use hickory_resolver::proto::rr::RecordType;
use namesake::http::HttpSettings;
use namesake_independent::{Dns as _, TxtAnswer, adapters::HickoryDns};
use tempfile::TempDir;

use super::{
    NAME,
    server::{NameServer, Reply, txt},
    texts,
};

async fn server(text: &'static [u8]) -> NameServer {
    NameServer::start(&[(NAME, Reply::Records(vec![(NAME, txt(&[text]))]))]).await
}

fn system(file: &Path) -> HickoryDns {
    HickoryDns::system(file, Duration::from_secs(20), &HttpSettings::default()).unwrap()
}

fn folder() -> TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test]
async fn a_search_list_that_is_no_name_costs_no_name_server() {
    let (server, folder) = (server(b"did=x").await, folder());
    let file = folder.path().join("resolv.conf");
    for list in
        ["search .corp.test", "search corp..test", "domain corp..test", "search ..", "options ndots:x"]
    {
        fs::write(&file, format!("{list}\r\n# a comment\r\nnameserver {}\r\n", server.address)).unwrap();
        assert_eq!(texts(&system(&file)).await, [b"did=x".to_vec()], "{list}");
    }
    assert!(server.questions().iter().all(|(name, ..)| name == NAME), "no search list applies");
}

#[tokio::test]
async fn a_file_that_is_written_or_changed_after_the_start_is_read_again() {
    let (first, second, folder) = (server(b"did=first").await, server(b"did=second").await, folder());
    let file = folder.path().join("resolv.conf");
    let dns = system(&file);
    fs::write(&file, format!("nameserver {}\n", first.address)).unwrap();
    assert_eq!(texts(&dns).await, [b"did=first".to_vec()], "written later");
    fs::write(&file, format!("nameserver {}\noptions ndots:1\n", second.address)).unwrap();
    assert_eq!(texts(&dns).await, [b"did=second".to_vec()], "written anew");
    let beside = folder.path().join("resolv.conf.new");
    fs::write(&beside, format!("nameserver {}\noptions ndots:1\n", first.address)).unwrap();
    fs::rename(&beside, &file).unwrap();
    assert_eq!(texts(&dns).await, [b"did=first".to_vec()], "put in its place");
    fs::remove_file(&file).unwrap();
    assert_eq!(texts(&dns).await, [b"did=first".to_vec()], "what was read last counts while there is none");
    std::os::unix::fs::symlink(&beside, &file).unwrap();
    fs::write(&beside, format!("nameserver {}\n", second.address)).unwrap();
    assert_eq!(texts(&dns).await, [b"did=second".to_vec()], "behind a link");
}

#[tokio::test]
async fn tcp_is_used_where_the_file_says_so() {
    let (server, folder) = (server(b"did=x").await, folder());
    let file = folder.path().join("resolv.conf");
    fs::write(&file, format!("options use-vc\nnameserver {}\n", server.address)).unwrap();
    let dns = system(&file);
    assert_eq!(texts(&dns).await, [b"did=x".to_vec()]);
    assert_eq!(dns.txt("_atproto.nobody.example.com.").await, Ok(TxtAnswer::NoDomain));
    let over_tcp: Vec<_> = server.questions().into_iter().map(|(_, kind, tcp)| (kind, tcp)).collect();
    assert_eq!(over_tcp, [(RecordType::TXT, true), (RecordType::TXT, true)]);
}
