//! Requests, one in each line of the input: `VersionService/GetVersion {"name": …}`, or
//! `steward-actor: ann` for a header of the calls below. The server may refuse, but only
//! for a reason that it gives, and what it accepts it has to have kept.

use super::{
    choice::text_of,
    message::CONTRACT,
    path,
    registry::{Answer, Server, environment, run},
};
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor, MethodDescriptor};
use std::sync::Arc;
use steward_registry::{
    domain::name::NamespaceId,
    grpc::MAX_RECEIVE_BYTES,
    proto::v1,
    registry::{audit::ListEvents, rebuild::Rebuild},
    store::memory::MemoryEngine,
};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

/// Most bytes of an error's sentence and of its details, which travel in headers. The
/// strictest clients accept 8 KiB of those; only names of outlandish letters are longer.
const LONGEST_SENTENCE: usize = 1 << 10;
const MOST_DETAILS: usize = 7 << 10;
/// Headers that are read.
const HEADERS: [&str; 3] = ["steward-actor", "traceparent", "grpc-timeout"];
/// More lines than this only cost time.
const MOST_CALLS: usize = 40;

/// The lines as calls of an empty registry.
pub fn check(data: &[u8]) {
    let Some(text) = text_of(data) else { return };
    run(async {
        let mut session = Session::open().await;
        let mut headers: Vec<(&'static str, &[u8])> = Vec::new();
        for line in text.lines().take(MOST_CALLS) {
            if let Some((name, value)) = line.split_once(": ")
                && let Some(known) = HEADERS.iter().find(|known| **known == name)
            {
                headers.push((known, value.as_bytes()));
            } else if let Some((method, request)) = call_of(line) {
                session.call(&method, &headers, request).await;
            }
        }
        session.finish().await;
    });
}

fn call_of(line: &str) -> Option<(MethodDescriptor, DynamicMessage)> {
    let (name, json) = line.split_once(' ')?;
    let (service, method) = name.split_once('/')?;
    let service = CONTRACT.get_service_by_name(&format!("steward.v1.{service}"))?;
    let method = service.methods().find(|known| known.name() == method)?;
    let mut reader = serde_json::Deserializer::from_str(json);
    let request = DynamicMessage::deserialize(method.input(), &mut reader).ok()?;
    Some((method, request))
}

/// Calls of one registry, whose answers are judged.
pub struct Session {
    server: Server,
    streams: Vec<(MethodDescriptor, Answer)>,
}

impl Session {
    /// An empty registry.
    pub async fn open() -> Self {
        Session { server: Server::open(Arc::new(MemoryEngine::new())).await, streams: Vec::new() }
    }

    /// Carries a call out and judges its answer.
    pub async fn call(
        &mut self,
        method: &MethodDescriptor,
        headers: &[(&'static str, &[u8])],
        request: DynamicMessage,
    ) -> Code {
        let service = method.parent_service().name().to_owned();
        let name = format!("{service}/{}", method.name());
        let answer = self.server.call(&name, headers, &request.encode_to_vec()).await;
        if request.encoded_len() > MAX_RECEIVE_BYTES {
            // The transport refuses it by itself, in a sentence only.
            let (_, status) = answer.whole().await;
            assert_eq!(status.code(), Code::OutOfRange, "{name}: {status:?}");
            return status.code();
        }
        if method.is_server_streaming() {
            self.streams.push((method.clone(), answer));
            return Code::Ok;
        }
        let (messages, status) = answer.whole().await;
        if status.code() != Code::Ok {
            judge(&status, &method.input(), &name);
            return status.code();
        }
        let [message] = &messages[..] else { panic!("{name} answers with {} messages", messages.len()) };
        let answer = DynamicMessage::decode(method.output(), message.clone()).expect("an answer of its type");
        let is_kept =
            request.get_field_by_name("validate_only").is_none_or(|flag| flag.as_bool() != Some(true));
        if method.input().get_field_by_name("read_at").is_none() && is_kept {
            self.reads_back(method, &answer).await;
        }
        Code::Ok
    }

    /// What a change answers with is what a read answers with.
    async fn reads_back(&self, method: &MethodDescriptor, answer: &DynamicMessage) {
        let kind = method.output().name().to_owned();
        let get = format!("Get{kind}");
        let service =
            method.parent_pool().services().find(|service| service.methods().any(|m| m.name() == get));
        let Some(service) = service.filter(|_| !method.name().starts_with("Get")) else { return };
        let name = answer.get_field_by_name("name").and_then(|name| name.as_str().map(str::to_owned));
        let request = v1::GetModelRequest { name: name.expect("resources have names"), read_at: None };
        let path = format!("{}/{get}", service.name());
        let (messages, status) = self.server.call(&path, &[], &request.encode_to_vec()).await.whole().await;
        assert_eq!(status.code(), Code::Ok, "{path} after {}: {status:?}", method.name());
        let kept = DynamicMessage::decode(method.output(), messages[0].clone()).unwrap();
        let repeated = kept.get_field_by_name("audit_position") != answer.get_field_by_name("audit_position");
        assert!(repeated || kept == *answer, "{} answered {answer:?}, kept is {kept:?}", method.name());
    }

    /// Ends the streams; the log then has to make the same registry again.
    pub async fn finish(self) {
        let registry = &self.server.registry;
        registry.drain();
        for (method, stream) in self.streams {
            let (messages, status) = stream.whole().await;
            delivered_in_order(&method, &messages);
            // The drain itself, to a stream that was waiting for more.
            if ![Code::Ok, Code::Unavailable].contains(&status.code()) {
                judge(&status, &method.input(), method.name());
            }
        }
        let namespace = NamespaceId::new("default").unwrap();
        let (head, _) = registry.audit_head(&namespace).await.unwrap();
        let (engine, environment) = (MemoryEngine::new(), environment());
        let mut rebuild = Rebuild::new(&engine, &*environment.entropy);
        let (mut token, mut first) = (String::new(), true);
        while first || !token.is_empty() {
            let query = ListEvents::default();
            let page = registry.list_audit_events(&namespace, &query, 0, &token).await.unwrap();
            for event in page.items {
                rebuild.add(event.leaf).await.expect("a log can be rebuilt");
            }
            (token, first) = (page.next_page_token, false);
        }
        let rebuilt = rebuild.finish().await.expect("a whole log");
        assert_eq!((rebuilt.size, rebuilt.root), (head.size, head.root));
        self.server.registry.close().await;
    }
}

/// An error is one that a caller can do something about, names what it means, and
/// fits into the headers of an answer.
fn judge(status: &Status, input: &MessageDescriptor, method: &str) {
    use Code::{Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange};
    let expected = [Aborted, AlreadyExists, FailedPrecondition, InvalidArgument, NotFound, OutOfRange];
    let in_time = status.code() != Code::DeadlineExceeded;
    assert!(expected.contains(&status.code()) || !in_time, "{method}: {status:?}");
    let (sentence, more) = (status.message().len(), status.details().len());
    assert!(
        sentence <= LONGEST_SENTENCE && more <= MOST_DETAILS,
        "{method}: an error of {sentence}, {more} bytes"
    );
    let details = status.get_error_details();
    let info = details.error_info().unwrap_or_else(|| panic!("{method}: no reason: {status:?}"));
    assert_eq!(info.domain, "steward");
    if status.code() == InvalidArgument {
        let request = details.bad_request().expect("a bad request names its fields");
        assert!(!request.field_violations.is_empty());
        for violation in &request.field_violations {
            let field = violation.field.as_str();
            let known = HEADERS.contains(&field) || field.ends_with('…') || path::leads(input, field);
            assert!(known, "{method}: no field {field:?}");
            assert!(!violation.description.is_empty(), "{method}: {field} without a description");
        }
    }
}

/// Both streams have batches of events, in one order.
fn delivered_in_order(method: &MethodDescriptor, messages: &[bytes::Bytes]) {
    let mut last = None;
    for message in messages {
        let message = DynamicMessage::decode(method.output(), message.clone()).unwrap();
        let batch = message.get_field_by_name("batch");
        let events = batch.as_ref().and_then(|batch| batch.as_message()?.get_field_by_name("events"));
        for event in events.iter().flat_map(|events| events.as_list().unwrap_or_default()) {
            let position = event.as_message().and_then(|event| event.get_field_by_name("position"));
            let position = position.and_then(|position| position.as_u64());
            assert!(position > last, "{position:?} after {last:?}");
            last = position;
        }
    }
}
