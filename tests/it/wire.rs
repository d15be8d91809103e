//! The server as a network sees it: health, reflection, gRPC-Web, deadlines,
//! limits, drain. The layers by themselves are tested in `src/grpc`.

use crate::support::{NAMESPACE, TestServer, create_model, explain, model_name};
use prost::Message as _;
use std::{fs, net::SocketAddr};
use steward_registry::{
    cli::serve::{EngineKind, ServeArgs},
    proto::v1,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tonic::{Code, codec::CompressionEncoding::Gzip};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tonic_reflection::pb::v1::{
    ServerReflectionRequest, server_reflection_client::ServerReflectionClient,
    server_reflection_request::MessageRequest, server_reflection_response::MessageResponse,
};

const SERVICES: [&str; 8] = [
    "steward.v1.AliasService",
    "steward.v1.AuditService",
    "steward.v1.EvaluationService",
    "steward.v1.LifecycleService",
    "steward.v1.ModelService",
    "steward.v1.NamespaceService",
    "steward.v1.PersonService",
    "steward.v1.VersionService",
];

fn about(service: &str) -> HealthCheckRequest {
    HealthCheckRequest { service: service.to_owned() }
}

#[tokio::test]
async fn every_service_is_healthy_from_the_start_and_an_unknown_one_is_not_found() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel.clone());
    for service in SERVICES.iter().chain(&[""]) {
        let answer = health.check(about(service)).await.unwrap().into_inner();
        assert_eq!(answer.status(), ServingStatus::Serving, "{service:?}");
    }
    let error = health.check(about("steward.v1.NoService")).await.unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    drop(health);
    server.stop().await;
}

#[tokio::test]
async fn a_drain_tells_the_watchers_of_health_and_ends_them() {
    let server = TestServer::start().await;
    let mut health = HealthClient::new(server.channel.clone());
    let mut watches = Vec::new();
    for service in ["", "steward.v1.ModelService"] {
        let mut watch = health.watch(about(service)).await.unwrap().into_inner();
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
        watches.push(watch);
    }
    server.drain();
    for mut watch in watches {
        assert_eq!(watch.message().await.unwrap().unwrap().status(), ServingStatus::NotServing);
        assert!(watch.message().await.unwrap().is_none());
    }
    drop(health);
    server.stop().await;
}

async fn reflect(server: &TestServer, question: MessageRequest) -> MessageResponse {
    let request = ServerReflectionRequest { host: String::new(), message_request: Some(question) };
    let mut client = ServerReflectionClient::new(server.channel.clone());
    let mut answers = client.server_reflection_info(tokio_stream::once(request)).await.unwrap().into_inner();
    answers.message().await.unwrap().unwrap().message_response.unwrap()
}

#[tokio::test]
async fn reflection_lists_the_services_and_shows_their_files() {
    let server = TestServer::start().await;
    let listed = reflect(&server, MessageRequest::ListServices(String::new())).await;
    let MessageResponse::ListServicesResponse(list) = listed else { panic!("{listed:?}") };
    let names: Vec<_> = list.service.iter().map(|service| service.name.as_str()).collect();
    let missing: Vec<_> = SERVICES.iter().filter(|service| !names.contains(service)).collect();
    assert!(missing.is_empty(), "{missing:?} of {names:?}");
    assert!(names.contains(&"grpc.health.v1.Health"), "{names:?}");
    for service in SERVICES {
        let file = reflect(&server, MessageRequest::FileContainingSymbol(service.to_owned())).await;
        let MessageResponse::FileDescriptorResponse(files) = file else { panic!("{file:?}") };
        assert!(!files.file_descriptor_proto.is_empty());
    }
    server.stop().await;
}

/// Sends a message over HTTP/1.1 as a browser does; answers the head and the body.
async fn grpc_web(address: SocketAddr, method: &str, extra: &str, message: &[u8]) -> (String, Vec<u8>) {
    let mut request = format!(
        "POST /steward.v1.{method} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/grpc-web+proto\r\nx-grpc-web: 1\r\n{extra}content-length: {}\r\n\r\n",
        message.len() + 5
    )
    .into_bytes();
    request.push(0);
    request.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    request.extend(message);
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(&request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap();
    (String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase(), answer[end + 4..].to_vec())
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[tokio::test]
async fn a_browser_reads_a_model_over_http_1() {
    let server = TestServer::start().await;
    let model = server.model("m").await;
    let request = v1::GetModelRequest { name: model_name("m"), read_at: None };
    let (head, body) = grpc_web(server.address, "ModelService/GetModel", "", &request.encode_to_vec()).await;
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(head.contains("content-type: application/grpc-web+proto"), "{head}");
    assert!(contains(&body, &model.encode_to_vec()), "the message is in the body");
    assert!(contains(&body, b"grpc-status:0"), "the trailers are too");

    let request = v1::GetModelRequest { name: model_name("n"), read_at: None };
    let (head, body) = grpc_web(server.address, "ModelService/GetModel", "", &request.encode_to_vec()).await;
    assert!(head.contains("grpc-status: 5") || contains(&body, b"grpc-status:5"), "{head}");
    server.stop().await;
}

#[tokio::test]
async fn a_call_whose_time_is_up_is_answered_with_deadline_exceeded() {
    let server = TestServer::start().await;
    let size = server.size().await;
    let message = create_model("late").encode_to_vec();
    let (head, body) =
        grpc_web(server.address, "ModelService/CreateModel", "grpc-timeout: 0m\r\n", &message).await;
    assert!(head.contains("grpc-status: 4") || contains(&body, b"grpc-status:4"), "{head}");
    assert_eq!(server.size().await, size, "it was not begun");
    server.stop().await;
}

#[tokio::test]
async fn a_message_of_more_than_4_mib_is_refused_and_the_connection_lives_on() {
    let server = TestServer::start().await;
    let mut request = create_model("m");
    request.model.as_mut().unwrap().description = "x".repeat(4 << 20);
    let size = server.size().await;
    let error = server.models().create_model(request.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange);
    let error = server.models().send_compressed(Gzip).create_model(request.clone()).await.unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "when it is unpacked");
    request.model.as_mut().unwrap().description.truncate((4 << 20) - 100);
    let error = server.models().create_model(request).await.unwrap_err();
    assert_eq!(explain(&error).2, ["model.description"], "below it the fields are read");
    assert_eq!(server.size().await, size);
    server.stop().await;
}

#[tokio::test]
async fn an_answer_is_compressed_for_who_asks_for_it() {
    let server = TestServer::start().await;
    let mut request = create_model("m");
    request.model.as_mut().unwrap().description = "x".repeat(4_000);
    let mut models = server.models().send_compressed(Gzip).accept_compressed(Gzip);
    let answer = models.create_model(request).await.unwrap();
    assert_eq!(answer.metadata().get("grpc-encoding").unwrap(), "gzip");
    assert_eq!(answer.into_inner().description.len(), 4_000);
    drop(models);
    server.stop().await;
}

#[tokio::test]
async fn streams_have_a_limit_of_their_own_that_calls_do_not_feel() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("steward.toml");
    fs::write(&file, "max_streams = 1\nmax_concurrent_requests = 1\n").unwrap();
    let flags = ServeArgs { config: Some(file), engine: Some(EngineKind::Memory), ..Default::default() };
    let server = TestServer::run(flags).await;
    let subscribe = || v1::SubscribeAuditEventsRequest { parent: NAMESPACE.to_owned(), ..Default::default() };
    let mut stream = server.audit().subscribe_audit_events(subscribe()).await.unwrap().into_inner();
    assert!(stream.message().await.unwrap().is_some());
    let error = server.audit().subscribe_audit_events(subscribe()).await.unwrap_err();
    assert_eq!(explain(&error), (Code::ResourceExhausted, "TOO_MANY_REQUESTS".into(), vec![]));
    server.model("m").await;
    drop(stream);
    // The end of the stream is on its way; each attempt gives the server a chance to see it.
    while let Err(error) = server.audit().subscribe_audit_events(subscribe()).await {
        assert_eq!(error.code(), Code::ResourceExhausted);
    }
    server.stop().await;
}

#[tokio::test]
async fn a_call_is_answered_with_its_request_id_in_the_metadata() {
    let server = TestServer::start().await;
    let mut request = tonic::Request::new(create_model("m"));
    request.metadata_mut().insert("x-request-id", "call-7".parse().unwrap());
    let answer = server.models().create_model(request).await.unwrap();
    assert_eq!(answer.metadata().get("x-request-id").unwrap(), "call-7");
    server.stop().await;
}
