//! Models through the wire.

use crate::support::{TestServer, create_model, explain, model_name};
use steward_registry::proto::v1;
use tonic::Code;

#[tokio::test]
async fn a_model_is_read_back_as_it_was_registered() {
    let server = TestServer::start().await;
    let created = server.model("donor chatbot (EU)").await;
    assert_eq!(created.name, model_name("donor%20chatbot%20%28EU%29"));
    let name = created.name.clone();
    let read = server.models().get_model(v1::GetModelRequest { name, read_at: None }).await.unwrap();
    assert_eq!(read.into_inner(), created);
    server.stop().await;
}

#[tokio::test]
async fn a_second_model_of_the_same_id_is_refused_and_writes_nothing() {
    let server = TestServer::start().await;
    server.model("m").await;
    let size = server.size().await;
    let error = server.models().create_model(create_model("m")).await.unwrap_err();
    assert_eq!(explain(&error), (Code::AlreadyExists, "MODEL_EXISTS".into(), vec![]));
    assert_eq!(server.size().await, size);
    server.stop().await;
}
