//! A store with several segments of sled's file and many nodes of its tree, and
//! everything that a server answers about it.

use crate::{
    ask::{
        Ask, approve, archive, delete_alias, delete_model, deprecate, describe_model, record_batch,
        set_alias, submit, undelete_model,
    },
    damage::server::Server,
    replay::answers::{Answer, At, about, get, head, names},
    stream::reader::{Reader, from_the_beginning, up_to},
    support::{BEGIN, DAY, NAMESPACE, create_model, create_version, model_name, version_name},
};
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{Arc, Mutex},
};
use steward_registry::proto::v1::AuditEvent;
use tonic::{Code, Status, transport::Channel};

/// Models with versions, aliases and evaluations, which are written to again and again.
const RICH: usize = 16;
const ROUNDS: usize = 6;
/// Models with nothing but a long text. Each is changed once, in the order of their
/// names: where that is lost, nothing later covers it up.
const PLAIN: usize = 400;
/// Models that are written to at the same time.
const AT_ONCE: usize = 16;

/// A text as long as a description may be, and no two alike.
pub fn long_text(model: usize, round: usize) -> String {
    (0..800).map(|word| format!("{:04x} ", (word * 7_919 + model * 104_729 + round * 31) % 65_536)).collect()
}

fn id(model: usize) -> String {
    format!("m{model:03}")
}

/// What happens to a model in one round; the first one creates it.
fn round(model: usize, round: usize) -> Vec<Ask> {
    let id = id(model);
    let one = version_name(&id, 1);
    let described = describe_model(&id, &long_text(model, round), "");
    if round > 0 {
        let mut asks = vec![described];
        match model % 8 {
            0 => asks.push(create_version(&id).into()),
            1 => asks.push(record_batch(&id, 1, &format!("round-{round}"), 2)),
            2 => asks
                .extend([delete_model(&model_name(&id), "gone"), undelete_model(&model_name(&id), "back")]),
            _ => {}
        }
        return asks;
    }
    let mut asks: Vec<Ask> = vec![create_model(&id).into(), described];
    if model.is_multiple_of(4) || model % 8 == 1 {
        asks.extend([create_version(&id).into(), submit(&one, "ready"), approve(&one, "fine")]);
        asks.extend([set_alias(&id, "production", 1, ""), set_alias(&id, "canary", 1, "")]);
        asks.push(delete_alias(&format!("{}/aliases/canary", model_name(&id)), "not now"));
        asks.push(record_batch(&id, 1, "first", 3));
    }
    if model % 16 == 1 {
        asks.push(deprecate(&one, "old", BEGIN + 9_000 * DAY));
    }
    if model % 16 == 4 {
        asks.extend([create_version(&id).into(), submit(&version_name(&id, 2), "no")]);
        asks.push(crate::ask::reject(&version_name(&id, 2), "no"));
        asks.push(archive(&version_name(&id, 2), "no"));
    }
    asks
}

fn plain(model: usize) -> String {
    format!("p{model:03}")
}

/// What the first server does: everything is created.
fn first() -> Vec<Vec<Ask>> {
    let plain = (0..PLAIN).map(|model| {
        let mut create = create_model(&plain(model));
        create.model.as_mut().unwrap().description = long_text(model, 0);
        vec![create.into()]
    });
    (0..RICH).map(|model| round(model, 0)).chain(plain).collect()
}

/// What the second server does: everything is changed.
fn second() -> Vec<Vec<Ask>> {
    let plain = (0..PLAIN).map(|model| vec![describe_model(&plain(model), &long_text(model, 1), "")]);
    let rich = (0..RICH).map(|model| (1..ROUNDS).flat_map(|number| round(model, number)).collect());
    let (early, late): (Vec<_>, Vec<_>) = rich.enumerate().partition(|(model, _)| model % 2 == 0);
    let asks = |rich: Vec<(usize, Vec<Ask>)>| rich.into_iter().map(|(_, asks)| asks);
    asks(early).chain(plain).chain(asks(late)).collect()
}

/// Carries lists of requests out, many lists at a time.
async fn carry_out(channel: &Channel, word: &'static str, lists: Vec<Vec<Ask>>) {
    let lists = Arc::new(Mutex::new(lists.into_iter()));
    let writers = (0..AT_ONCE).map(|writer| {
        let (channel, lists) = (channel.clone(), lists.clone());
        tokio::spawn(async move {
            let next = || lists.lock().unwrap().next();
            let mut count = 0;
            while let Some(list) = next() {
                for ask in list {
                    count += 1;
                    ask.with_request_id(&format!("{word}-{writer}-{count}")).send(&channel).await.unwrap();
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

/// Everything that a server answers about its store.
#[derive(Debug)]
pub struct Truth {
    events: Vec<AuditEvent>,
    names: BTreeSet<String>,
    moments: [At; 1],
    answers: Vec<(String, Answer)>,
}

impl Truth {
    pub async fn of(channel: &Channel) -> Self {
        let size = head(channel, NAMESPACE).await.size;
        let events = log(channel, size).await.map_err(|(_, status)| status).unwrap();
        let plain = |name: &String| name.rsplit('/').next().unwrap().starts_with('p');
        let names = names(&events).into_iter().filter(|name| !plain(name)).collect();
        let moments = [At::Position(size / 3)];
        let answers = answers(channel, &names, &moments).await;
        Truth { events, names, moments, answers }
    }

    /// What of it a server answers otherwise than before, refusals of what is
    /// damaged left out; and how many of those there were.
    pub async fn against(&self, channel: &Channel) -> (Vec<String>, usize) {
        let (mut wrong, mut refused) = (Vec::new(), 0);
        let size = self.events.len() as u64;
        if head(channel, NAMESPACE).await.size != size {
            wrong.push(format!("the log has {} events, not {size}", head(channel, NAMESPACE).await.size));
            return (wrong, refused);
        }
        let events = match log(channel, size).await {
            Ok(events) => events,
            Err((events, status)) if is_refusal(status.code(), status.message()) => {
                refused += 1;
                events
            }
            Err((_, status)) => {
                wrong.push(format!("the export ended with {status:?}"));
                Vec::new()
            }
        };
        if self.events[..events.len()] != events[..] {
            wrong.push("the export has other events".to_owned());
        }
        let answers = answers(channel, &self.names, &self.moments).await;
        for ((question, before), (_, now)) in self.answers.iter().zip(&answers) {
            match now {
                now if now == before => {}
                Err((code, said)) if is_refusal(*code, said) => refused += 1,
                Err(error) => wrong.push(format!("{question}: {error:?}")),
                Ok(_) => wrong.push(format!("{question}: another answer")),
            }
        }
        (wrong, refused)
    }
}

/// All answers about some resources, and those about the plain models.
async fn answers(channel: &Channel, names: &BTreeSet<String>, moments: &[At]) -> Vec<(String, Answer)> {
    let mut answers = about(channel, names, moments).await;
    for model in 0..PLAIN {
        let name = model_name(&plain(model));
        for at in [At::Present].iter().chain(moments) {
            answers.push((format!("{name} {at:?}"), get(channel, &name, *at).await));
        }
    }
    answers
}

/// Whether somebody is told that the store is damaged.
pub fn is_refusal(code: Code, said: &str) -> bool {
    code == Code::DataLoss && said.contains("damaged")
}

/// The log up to a size; what came of it, where it broke off.
async fn log(channel: &Channel, size: u64) -> Result<Vec<AuditEvent>, (Vec<AuditEvent>, Status)> {
    let mut reader = match Reader::over(channel, up_to(size - 1, from_the_beginning())).await {
        Ok(reader) => reader,
        Err(status) => return Err((Vec::new(), status)),
    };
    let (events, _, status) = reader.rest().await;
    match status {
        Ok(()) => Ok(events),
        Err(status) => Err((events, status)),
    }
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    Closed,
    Killed,
}

/// Makes a store in a directory: filled by one server that was closed, then by
/// one that ended as told.
pub async fn make(dir: &Path, end: End) -> Truth {
    let server = Server::start(dir).await.unwrap();
    carry_out(&server.channel, "first", first()).await;
    server.stop().await;
    let server = Server::start(dir).await.unwrap();
    carry_out(&server.channel, "second", second()).await;
    let truth = Truth::of(&server.channel).await;
    match end {
        End::Closed => server.stop().await,
        End::Killed => {
            noted(dir, truth.events.len()).await;
            server.kill().await;
        }
    }
    truth
}

/// Until the watermark, which may be a second behind, tells of the whole log.
async fn noted(dir: &Path, size: usize) {
    let size = format!("\"size\": {size},");
    while !std::fs::read_to_string(dir.join("watermark.json")).is_ok_and(|text| text.contains(&size)) {
        tokio::task::yield_now().await;
    }
}
