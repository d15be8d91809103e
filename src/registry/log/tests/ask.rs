//! What callers ask for: changes whose every answer tells what it was decided over.

use super::namespace;
use crate::{
    domain::{
        event::{Event, EventType},
        model::{Model, ModelContent, ModelKind},
        name::ModelName,
        time::Timestamp,
    },
    registry::{
        call::{Call, Caller, Stored},
        error::Error,
        mutation::Mutation,
        view::View,
    },
    store::{engine::Write, keys},
};
use async_trait::async_trait;
use bytes::Bytes;
use std::collections::BTreeMap;

/// A change. The description of a model is the list of those who changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Creates a model.
    Create(&'static str),
    /// Puts the caller's name behind a model's description.
    Append(&'static str),
    /// Does so with the models `a` and `b` together, in two events. They are
    /// never changed in another way, so they are never seen to differ.
    AppendToBoth,
    /// Describes a model by how many models there are.
    Count(&'static str),
    /// Puts the caller's name behind a text beside the log.
    Note,
}

/// Who asks for it, and how.
#[derive(Clone, Copy, Debug)]
pub struct Ask {
    pub who: &'static str,
    pub verb: Verb,
    pub etag: &'static str,
    pub request_id: &'static str,
    /// Which process is asked.
    pub process: usize,
    /// Whether the caller may stop waiting.
    pub leaves: bool,
    /// Whether it is asked when all others are answered.
    pub comes_last: bool,
}

impl Ask {
    pub fn new(who: &'static str, verb: Verb) -> Self {
        Ask { who, verb, etag: "", request_id: "", process: 0, leaves: false, comes_last: false }
    }

    pub fn if_etag(self, etag: &'static str) -> Self {
        Ask { etag, ..self }
    }

    pub fn with_id(self, request_id: &'static str) -> Self {
        Ask { request_id, ..self }
    }

    pub fn of_process(self, process: usize) -> Self {
        Ask { process, ..self }
    }

    pub fn who_may_leave(self) -> Self {
        Ask { leaves: true, ..self }
    }

    pub fn who_comes_last(self) -> Self {
        Ask { comes_last: true, ..self }
    }

    pub fn call(&self) -> Call {
        let caller = Caller {
            actor: self.who.to_owned(),
            auth_type: "none",
            traceparent: None,
            waits_for_checkpoint: false,
        };
        Call::new(caller, self.request_id, "", self.etag, false).unwrap()
    }

    pub fn digest(&self) -> String {
        format!("{:?} {}", self.verb, self.etag)
    }

    /// Whether both are the same request, the second one repeated or not.
    pub fn is_same(&self, other: &Ask) -> bool {
        self.who == other.who || (!self.request_id.is_empty() && self.request_id == other.request_id)
    }

    /// The models that change, each with its new description, over those there are.
    pub fn effect(&self, present: &BTreeMap<String, String>) -> Vec<(String, String)> {
        let appended = |id: &str| (id.to_owned(), format!("{}{}", present[id], self.who));
        match self.verb {
            Verb::Create(id) => vec![(id.to_owned(), self.who.to_owned())],
            Verb::Append(id) => vec![appended(id)],
            Verb::AppendToBoth => vec![appended("a"), appended("b")],
            Verb::Count(id) => vec![(id.to_owned(), format!("{}{}", present.len(), self.who))],
            Verb::Note => Vec::new(),
        }
    }
}

/// Where the text beside the log stands.
pub fn notes() -> Bytes {
    Bytes::from_static(b"~notes")
}

pub fn model(id: &str) -> ModelName {
    format!("namespaces/{}/models/{id}", namespace()).parse().unwrap()
}

fn described(description: String) -> ModelContent {
    ModelContent { description, kind: Some(ModelKind::Own), ..ModelContent::default() }
}

async fn appended(
    view: &mut View<'_>,
    id: &str,
    call: &Call,
    now: Timestamp,
) -> Result<(String, Event), Error> {
    let Stored { value, .. } = view.get::<Model>(&model(id)).await?;
    let before = value.content.description.clone();
    let content = described(format!("{before}{}", call.caller.actor));
    Ok((before, Event::set(EventType::ModelUpdated, value.update(content, now)?)))
}

async fn noted(view: &mut View<'_>) -> Result<Vec<u8>, Error> {
    Ok(view.aside(&notes()).await?.unwrap_or_default().to_vec())
}

#[async_trait]
impl Mutation for Verb {
    async fn decide(&self, view: &mut View<'_>, call: &Call, now: Timestamp) -> Result<Vec<Event>, Error> {
        match *self {
            Verb::Create(id) => {
                if view.find::<Model>(&model(id)).await?.is_some() {
                    return Err(Error::exists(model(id), ""));
                }
                let content = described(call.caller.actor.clone());
                Ok(vec![Event::set(EventType::ModelCreated, Model::create(model(id), content, now))])
            }
            Verb::Append(id) => {
                view.get::<Model>(&model(id)).await?.require_etag(&call.etag, model(id))?;
                Ok(vec![appended(view, id, call, now).await?.1])
            }
            Verb::AppendToBoth => {
                let (a, first) = appended(view, "a", call, now).await?;
                let (b, second) = appended(view, "b", call, now).await?;
                if a != b {
                    return Err(Error::Internal(format!("what changes together differs: {a} and {b}")));
                }
                Ok(vec![first, second])
            }
            Verb::Count(id) => {
                let count = view.scan(keys::models(&namespace()), 100).await?.len();
                let present = view.get::<Model>(&model(id)).await?.value;
                let content = described(format!("{count}{}", call.caller.actor));
                Ok(vec![Event::set(EventType::ModelUpdated, present.update(content, now)?)])
            }
            Verb::Note => noted(view).await.map(|_| Vec::new()),
        }
    }

    async fn asides(&self, view: &mut View<'_>, call: &Call, _: Timestamp) -> Result<Vec<Write>, Error> {
        if *self != Verb::Note {
            return Ok(Vec::new());
        }
        let mut text = noted(view).await?;
        text.extend_from_slice(call.caller.actor.as_bytes());
        Ok(vec![Write::Put(notes(), text.into())])
    }

    fn field(&self, _: u32) -> String {
        "model".to_owned()
    }
}
