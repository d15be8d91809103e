//! The life of connections, and the drain.

use super::*;

#[tokio::test]
async fn a_drain_lets_a_running_call_finish_and_takes_no_new_connection() {
    let mut server = Server::start(ServeOptions::default()).await;
    let mut client = server.client().await;
    let waiting = tokio::spawn(async move { client.check(ask("wait")).await });
    server.begun.recv().await.unwrap();

    server.drain.cancel();
    while TcpStream::connect(server.address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!server.task.is_finished());
    server.gate.add_permits(1);
    waiting.await.unwrap().unwrap();
    assert_eq!(server.drained().await, Drained::Completely);
}

#[tokio::test]
async fn a_drain_ends_when_streams_end_themselves() {
    let server = Server::start(ServeOptions::default()).await;
    let mut client = server.client().await;
    let mut stream = client.watch(ask("polite")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    server.drain.cancel();
    assert!(stream.message().await.unwrap().is_none());
    assert_eq!(server.drained().await, Drained::Completely);
}

#[tokio::test]
async fn a_drain_cuts_what_does_not_end_in_time() {
    let options = ServeOptions { drain_timeout: Duration::from_millis(20), ..ServeOptions::default() };
    let server = Server::start(options).await;
    let mut client = server.client().await;
    let mut stream = client.watch(ask("rude")).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    server.drain.cancel();
    assert_eq!(server.drained().await, Drained::Cut(1));
    assert!(stream.message().await.is_err());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let server = Server::start(ServeOptions { max_connections: 1, ..ServeOptions::default() }).await;
    let mut first = server.client().await;
    first.check(ask("")).await.unwrap();
    let address = server.address;
    let second = tokio::spawn(async move {
        let channel = Endpoint::new(format!("http://{address}")).unwrap().connect_lazy();
        HealthClient::new(channel).check(ask("")).await
    });
    first.check(ask("")).await.unwrap();
    assert!(!second.is_finished());
    drop(first);
    second.await.unwrap().unwrap();
}

#[tokio::test]
async fn an_idle_connection_does_not_hold_up_a_drain() {
    let server = Server::start(ServeOptions::default()).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(b"PRI * HT").await.unwrap();
    let idle = server.client().await;
    assert_eq!(server.drained().await, Drained::Completely);
    for stream in [&mut silent, &mut half] {
        // Closed in order, or reset because there was something unread.
        assert!(matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)));
    }
    drop(idle);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_is_closed() {
    let server = Server::start(ServeOptions::default()).await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}
