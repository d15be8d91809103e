//! gRPC-Web and plain HTTP, byte by byte over HTTP/1.1.

use super::*;

#[tokio::test]
async fn a_grpc_web_call_over_http1_is_answered_with_its_status_in_the_body() {
    let server = Server::start(ServeOptions::default()).await;
    let answer = server.raw_grpc_web(CHECK_PATH, "", "").await;
    assert!(answer.starts_with("http/1.1 200 ok"), "{answer}");
    assert!(answer.contains("content-type: application/grpc-web+proto"), "{answer}");
    assert!(answer.contains("grpc-status:0"), "{answer}");
    assert!(answer.contains("x-request-id: "), "{answer}");
}

#[tokio::test]
async fn refusals_of_layers_reach_grpc_web_clients() {
    let options = ServeOptions { max_deadline: Duration::from_millis(20), ..ServeOptions::default() };
    let server = Server::start(options).await;
    for (path, extra, service, status) in [
        (CHECK_PATH, "", "hang", "4"),
        (CHECK_PATH, "grpc-timeout: x\r\n", "", "3"),
        (CHECK_PATH, "", "panic", "13"),
        (WATCH_PATH, "grpc-timeout: 20m\r\n", "rude", "4"),
        ("/steward.v1.NoService/Get", "", "", "12"),
    ] {
        let answer = server.raw_grpc_web(path, extra, service).await;
        assert!(answer.starts_with("http/1.1 200 ok"), "{answer}");
        assert!(answer.contains("content-type: application/grpc-web+proto"), "{answer}");
        let wanted = [format!("grpc-status: {status}\r\n"), format!("grpc-status:{status}\r\n")];
        assert!(wanted.iter().any(|wanted| answer.contains(wanted)), "{service}: {answer}");
    }
}

#[tokio::test]
async fn plain_http_works_beside_grpc() {
    let server = Server::start(ServeOptions::default()).await;
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let answer = server.raw(get("/hello").as_bytes()).await;
    assert!(answer.starts_with("http/1.1 200 ok") && answer.ends_with("hello"), "{answer}");
    let answer = server.raw(get("/nothing").as_bytes()).await;
    assert!(answer.starts_with("http/1.1 404"), "{answer}");
}

#[tokio::test]
async fn a_preflight_of_a_known_origin_is_allowed_and_of_another_is_not() {
    let origins = vec!["https://console.example.org".to_owned()];
    let server = Server::start(ServeOptions { cors_origins: origins, ..ServeOptions::default() }).await;
    let preflight = |origin: &str| {
        format!(
            "OPTIONS {CHECK_PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\norigin: {origin}\r\n\
             access-control-request-method: POST\r\naccess-control-request-headers: x-grpc-web\r\n\r\n"
        )
    };
    let answer = server.raw(preflight("https://console.example.org").as_bytes()).await;
    assert!(answer.starts_with("http/1.1 200 ok"), "{answer}");
    assert!(answer.contains("access-control-allow-origin: https://console.example.org"), "{answer}");
    assert!(answer.contains("x-grpc-web"), "{answer}");
    let answer = server.raw(preflight("https://evil.example.org").as_bytes()).await;
    assert!(!answer.contains("access-control-allow-origin"), "{answer}");

    let answer = server.raw_grpc_web(CHECK_PATH, "origin: https://console.example.org\r\n", "").await;
    assert!(answer.contains("access-control-allow-origin: https://console.example.org"), "{answer}");
    assert!(answer.contains("access-control-expose-headers: grpc-status"), "{answer}");
}
