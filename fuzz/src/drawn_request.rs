//! Requests drawn from the contract, against a registry that has a little in it.

use super::{
    choice,
    message::{CONTRACT, draw},
    registry::run,
    request::Session,
};
use arbitrary::{Result, Unstructured};
use prost_reflect::{DynamicMessage, MethodDescriptor};
use tonic::Code;

/// A model with an approved version under an alias, and a draft.
const BEGINNING: [(&str, &str); 6] = [
    (
        "CreateModel",
        r#"{"parent":"namespaces/default","modelId":"m","model":{"kind":"MODEL_KIND_OWN","riskTier":"RISK_TIER_PREVIEW","owner":"o"}}"#,
    ),
    (
        "CreateVersion",
        r#"{"parent":"namespaces/default/models/m","version":{"artifacts":[{"uri":"s3://b/1","digest":"sha256:0000000000000000000000000000000000000000000000000000000000000000"}],"description":"d"}}"#,
    ),
    ("CreateVersion", r#"{"parent":"namespaces/default/models/m","version":{"label":"1.0.0"}}"#),
    ("SubmitVersion", r#"{"name":"namespaces/default/models/m/versions/1","reason":"r"}"#),
    ("ApproveVersion", r#"{"name":"namespaces/default/models/m/versions/1","reason":"r"}"#),
    (
        "SetAlias",
        r#"{"alias":{"name":"namespaces/default/models/m/aliases/production","version":"namespaces/default/models/m/versions/1"}}"#,
    ),
];
const MOST_CALLS: usize = 8;

/// Draws some calls and their headers.
pub fn check(data: &[u8]) {
    let methods: Vec<MethodDescriptor> = CONTRACT
        .services()
        .filter(|service| service.package_name() == "steward.v1")
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .collect();
    let mut u = Unstructured::new(data);
    let mut calls = Vec::new();
    while calls.len() < MOST_CALLS && !u.is_empty() {
        let Ok(call) = call(&mut u, &methods) else { break };
        calls.push(call);
    }
    run(async {
        let mut session = Session::open().await;
        for (name, json) in BEGINNING {
            let method = methods.iter().find(|method| method.name() == name).expect(name);
            let mut reader = serde_json::Deserializer::from_str(json);
            let request = DynamicMessage::deserialize(method.input(), &mut reader).expect(json);
            let actor: &[u8] = if name == "ApproveVersion" { b"approver" } else { b"author" };
            let code = session.call(method, &[("steward-actor", actor)], request).await;
            assert_eq!(code, Code::Ok, "{json}");
        }
        for (method, actor, request) in calls {
            let headers: Vec<(&'static str, &[u8])> =
                actor.iter().map(|actor| ("steward-actor", actor.as_bytes())).collect();
            session.call(&method, &headers, request).await;
        }
        session.finish().await;
    });
}

type Call = (MethodDescriptor, Option<String>, DynamicMessage);

fn call(u: &mut Unstructured<'_>, methods: &[MethodDescriptor]) -> Result<Call> {
    let method = u.choose(methods)?.clone();
    let actor = if choice::chance(u, 1, 4)? { Some(choice::text(u, 5)?) } else { None };
    let request = draw(u, &method.input())?;
    Ok((method, actor, request))
}
