//! Where requests go, and where not.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::outbound::tests::{FINE, receiver};
use bytes::Bytes;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;

fn post(uri: &str) -> Post {
    Post { uri: uri.to_owned(), headers: Vec::new(), body: Bytes::from_static(b"{}") }
}

fn over_http() -> Rules {
    Rules { allow_http: true, timeout: Duration::from_millis(500), ..Rules::default() }
}

/// Names that mean something else each time they are asked.
struct Fickle(Vec<&'static [&'static str]>, AtomicUsize);

impl Resolve for Fickle {
    fn resolve(&self, _: Name) -> Resolving {
        let asked = self.1.fetch_add(1, Ordering::SeqCst);
        let addresses = self.0[asked.min(self.0.len() - 1)];
        let found: Vec<SocketAddr> =
            addresses.iter().map(|address| SocketAddr::new(address.parse().unwrap(), 0)).collect();
        Box::pin(async move { Ok(Box::new(found.into_iter()) as Addrs) })
    }
}

fn named(rules: Rules, answers: Vec<&'static [&'static str]>) -> Webhooks {
    Webhooks::with_names(rules, Arc::new(Fickle(answers, AtomicUsize::new(0)))).unwrap()
}

#[tokio::test]
async fn an_address_inside_is_refused_however_it_is_written() {
    let (port, count) = receiver(FINE).await;
    let webhooks = named(over_http(), vec![&["127.0.0.1"]]);
    let hosts = [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.0.0.1",
        "0x7f000001",
        "0177.0.0.1",
        "127.0.0.1.",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "[::]",
        "0.0.0.0",
        "0",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "192.168.1.1",
        "localhost",
        "rebound.example",
        "127%2e0%2e0%2e1",
        "１２７.0.0.1",
        "user@127.0.0.1",
        "8.8.8.8@127.0.0.1",
    ];
    for host in hosts {
        let error = webhooks.post(post(&format!("http://{host}:{port}/"))).await.unwrap_err();
        assert!(error.contains("not a public address"), "{host}: {error}");
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "nobody came");
    let allowed = Webhooks::new(Rules { allow_private: true, ..over_http() }).unwrap();
    let answer = allowed.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!((answer.status, count.load(Ordering::SeqCst)), (200, 1));
}

#[tokio::test]
async fn a_name_that_means_something_else_the_next_time_does_not_lead_inside() {
    let (port, count) = receiver(FINE).await;
    // TEST addresses answer nobody; the second look-up leads here.
    for answers in [
        vec![&["240.0.0.1"][..], &["127.0.0.1"][..]],
        vec![&["1.1.1.1", "127.0.0.1"][..]],
        vec![&["127.0.0.1", "1.1.1.1"][..]],
        vec![&["::ffff:127.0.0.1"][..]],
    ] {
        let webhooks = named(over_http(), answers);
        let uri = format!("http://rebound.example:{port}/");
        assert!(webhooks.admit(&uri).is_ok(), "a name may mean anything");
        for _ in 0..3 {
            let error = webhooks.post(post(&uri)).await.unwrap_err();
            assert!(error.contains("not a public address"), "{error}");
        }
    }
    assert_eq!(count.load(Ordering::SeqCst), 0, "nobody came");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let (elsewhere, count) = receiver(FINE).await;
    let to = format!(
        "HTTP/1.1 307 Temporary\r\nlocation: http://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\n\r\n"
    );
    let (port, _) = receiver(Box::leak(to.into_boxed_str())).await;
    let webhooks = Webhooks::new(Rules { allow_private: true, ..over_http() }).unwrap();
    let answer = webhooks.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap();
    assert_eq!((answer.status, count.load(Ordering::SeqCst)), (307, 0));
}

#[tokio::test]
async fn without_tls_nothing_is_sent_unless_it_is_allowed() {
    let webhooks = Webhooks::new(Rules { allow_private: true, ..Rules::default() }).unwrap();
    for uri in ["http://example.com/", "ftp://example.com/", "file:///etc/passwd", "gopher://x/", "unix:/x"] {
        assert!(webhooks.admit(uri).unwrap_err().contains("https://"), "{uri}");
        webhooks.post(post(uri)).await.unwrap_err();
    }
    webhooks.admit("https://example.com/hook").unwrap();
}

#[tokio::test]
async fn a_receiver_that_says_nothing_is_not_waited_for_for_ever() {
    let (port, _) = receiver("").await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap().port();
    let webhooks = Webhooks::new(Rules { allow_private: true, ..over_http() }).unwrap();
    let error = webhooks.post(post(&format!("http://127.0.0.1:{silent}/"))).await.unwrap_err();
    assert_eq!(error, "it did not answer in time");
    let error = webhooks.post(post(&format!("http://127.0.0.1:{port}/"))).await.unwrap_err();
    assert!(error.contains("could not be reached"), "{error}");
}
