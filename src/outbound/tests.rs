//! What all requests have in common, and those to witnesses.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::{MOST, witness::Witnesses};
use crate::registry::witness::{Post as _, Reply};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};

/// A server on this machine that counts who comes and answers each with a text.
pub async fn receiver(answer: &'static str) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, count) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = count.clone();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            counted.fetch_add(1, Ordering::SeqCst);
            let mut bytes = [0; 4_096];
            let _ = socket.read(&mut bytes).await;
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    (port, count)
}

pub const FINE: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// What a witness on this machine that answers with this text is understood to say.
async fn asked(answer: String) -> Result<Reply, String> {
    let (port, _) = receiver(answer.leak()).await;
    Witnesses::new()?.post(&format!("http://127.0.0.1:{port}/add-checkpoint"), "old 0".to_owned()).await
}

#[tokio::test]
async fn a_witness_may_stand_inside_and_is_not_followed_elsewhere() {
    let reply = asked(FINE.to_owned()).await.unwrap();
    assert_eq!((reply.status, reply.body), (200, Vec::new()));
    let (elsewhere, count) = receiver(FINE).await;
    let to = format!("location: http://127.0.0.1:{elsewhere}/\r\ncontent-length: 0\r\n\r\n");
    let reply = asked(format!("HTTP/1.1 308 Permanent\r\n{to}")).await.unwrap();
    assert_eq!((reply.status, count.load(Ordering::SeqCst)), (308, 0));
}

#[tokio::test]
async fn an_answer_is_read_as_far_as_it_makes_sense() {
    let of = |length: usize, body: &str| format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{body}");
    let most = "x".repeat(MOST);
    assert_eq!(asked(of(MOST, &most)).await.unwrap().body.len(), MOST);
    let error = asked(of(MOST + 1, &format!("{most}x"))).await.unwrap_err();
    assert_eq!(error, "its answer has more than 65536 bytes");
    let error = asked(of(20, "half")).await.unwrap_err();
    assert!(error.starts_with("its answer broke off: "), "{error}");
}
