//! The power fails: what the device was never told to keep is gone. strace tells
//! what a server under load did to its files; from that the files are made as a
//! device may have them at any moment, and opened.

mod device;
mod trace;

use crate::{
    ask::{Ask, describe_model, record_batch},
    damage::{
        content::long_text,
        numbers::Numbers,
        server::{Server, serve},
    },
    engines::pairs,
    replay::Copied,
    stream::reader::{export, part},
    support::{NAMESPACE, TestServer, create_model, create_version},
};
use device::{Chance, Device};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
    time::SystemTime,
};
use steward_registry::{
    proto::v1::AuditEvent,
    registry::{environment::Environment, rebuild::Rebuild},
    store::{
        engine::Engine,
        memory::MemoryEngine,
        sled::{SledEngine, SledOptions},
    },
};
use tonic::transport::Channel;
use trace::Trace;

const WRITERS: usize = 8;
/// Requests of each writer: together they fill more than one segment of sled's file.
const REQUESTS: usize = 100;
/// The newest answers, which are asked for once more.
const REPEATED: usize = 50;
const SHARED: &str = "shared";

/// Moments at which the power fails; the environment may ask for others.
fn cuts() -> usize {
    std::env::var("STEWARD_TEST_POWER").map_or(100, |text| text.parse().unwrap())
}

/// What somebody was told, and when, in microseconds since 1970.
struct Answer {
    at: u64,
    ask: Ask,
    answer: Vec<u8>,
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64
}

fn request(writer: usize, n: usize) -> Ask {
    let id = format!("w{writer}-{n}");
    let own = format!("w{writer}");
    let ask: Ask = match n {
        0 => create_model(&own).into(),
        1 => create_version(&own).into(),
        _ => match n % 5 {
            0 => create_model(&id).into(),
            1 => create_version(SHARED).into(),
            2 => record_batch(&own, 1, &id, 10),
            _ => describe_model(&own, &long_text(writer, n), ""),
        },
    };
    ask.with_request_id(&id)
}

fn events_of(ask: &Ask) -> usize {
    match ask {
        Ask::BatchRecordEvaluations(batch) => batch.requests.len(),
        _ => 1,
    }
}

async fn write(channel: Channel, writer: usize, answers: Arc<Mutex<Vec<Answer>>>) {
    for n in 0..REQUESTS {
        let ask = request(writer, n);
        let answer = ask.send(&channel).await.unwrap();
        answers.lock().unwrap().push(Answer { at: now(), ask, answer });
    }
}

/// A server under load and strace, in a directory that did not exist before.
async fn run(dir: &Path, log: &Path) -> (Vec<Answer>, Trace) {
    let calls = "trace=openat,close,fcntl,dup,dup2,dup3,write,writev,pwrite64,pwritev,ftruncate,fallocate,\
                 fsync,fdatasync,sync_file_range,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir";
    let log_name = log.to_str().unwrap();
    let strace = ["strace", "-D", "-f", "-ttt", "-xx", "-s", "16777216", "-e", calls, "-o", log_name];
    let server = Server::run(serve(&strace, dir)).await.unwrap();
    let answers = Arc::new(Mutex::new(Vec::new()));
    for ask in [Ask::from(create_model(SHARED)), create_version(SHARED).into()] {
        let id = format!("first-{}", ask.verb());
        let ask = ask.with_request_id(&id);
        let answer = ask.send(&server.channel).await.unwrap();
        answers.lock().unwrap().push(Answer { at: now(), ask, answer });
    }
    let writers =
        (0..WRITERS).map(|writer| tokio::spawn(write(server.channel.clone(), writer, answers.clone())));
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    server.stop().await;
    let text = loop {
        let text = std::fs::read_to_string(log).unwrap();
        // strace writes on for a moment.
        if text.trim_end().ends_with("+++ exited with 0 +++") {
            break text;
        }
        tokio::task::yield_now().await;
    };
    let answers = std::mem::take(&mut *answers.lock().unwrap());
    (answers, Trace::read(&text))
}

impl Chance for Numbers {
    fn survives(&mut self) -> bool {
        self.below(2) == 0
    }

    fn sectors(&mut self, count: usize) -> usize {
        match self.below(4) {
            // The sectors of a page of memory go together.
            0 => count / 8 * 8,
            1 => self.below(count as u64 + 1) as usize,
            _ => count,
        }
    }
}

/// How many events each request id has made.
fn by_request(events: &[AuditEvent]) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for event in events {
        let leaf: serde_json::Value = serde_json::from_slice(&event.leaf).unwrap();
        if let Some(id) = leaf["data"]["request"]["id"].as_str() {
            *counts.entry(id.to_owned()).or_default() += 1;
        }
    }
    counts
}

/// The files as they came back hold everything that had been answered, as it was
/// answered, and nothing but what follows from the log. How many that were.
async fn judge(dir: &Path, answers: &[Answer], until: u64) -> Result<usize, String> {
    let opened = SledEngine::open(dir, SledOptions { cache_bytes: 16 << 20 });
    let engine = Arc::new(opened.map_err(|error| error.to_string())?);
    let due: Vec<&Answer> = answers.iter().filter(|answer| answer.at < until).collect();
    if engine.head("default").await.unwrap().is_none() && due.is_empty() {
        return Ok(0);
    }
    let server = TestServer::over(engine.clone()).await;
    let events = export(&server).await;
    let counts = by_request(&events);
    for Answer { ask, .. } in &due {
        let found = counts.get(ask.request_id()).copied().unwrap_or_default();
        if found != events_of(ask) {
            return Err(format!("{} was answered and has {found} events", ask.request_id()));
        }
    }
    for Answer { ask, answer, .. } in due.iter().rev().take(REPEATED) {
        let again = ask.send(&server.channel).await;
        if again.as_ref().ok() != Some(answer) {
            return Err(format!("{} is answered otherwise: {again:?}", ask.request_id()));
        }
    }
    let (index, count) = part(events.last().unwrap());
    if index + 1 != count {
        return Err("the last mutation was torn".to_owned());
    }
    let replayed = MemoryEngine::new();
    let environment = Environment::system();
    let mut rebuild = Rebuild::new(&replayed, &*environment.entropy);
    for event in &events {
        rebuild.add(event.leaf.clone()).await.unwrap();
    }
    Copied::of(&server.channel, NAMESPACE).await.unwrap().put_back(&mut rebuild).await;
    let rebuilt = rebuild.finish().await.unwrap();
    let head = engine.head("default").await.unwrap().unwrap();
    if (rebuilt.size, rebuilt.root) != (head.size, head.root) {
        return Err("the root is not that of the leaves".to_owned());
    }
    if pairs(&*engine).await != pairs(&replayed).await {
        return Err("the state is not the replay of the log".to_owned());
    }
    server.stop().await;
    engine.close().await.unwrap();
    Ok(due.len())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs strace: tests/faults/run"]
async fn after_a_power_failure_everything_that_was_answered_is_there() {
    let temp = tempfile::tempdir().unwrap();
    let (answers, trace) = run(&temp.path().join("store"), &temp.path().join("trace")).await;
    let mut device = Device::new(temp.path());
    let moments: Vec<usize> = {
        let mut device = Device::new(temp.path());
        let mut after = Vec::new();
        for (index, (_, step)) in trace.steps.iter().enumerate() {
            if device.matters(&trace, *step) {
                after.push(index + 1);
            }
            device.step(index, *step, &trace);
        }
        let wanted = cuts();
        // Every other one just before its step.
        (0..wanted).map(|cut| after[cut * after.len() / wanted] - cut % 2).collect()
    };
    let mut numbers = Numbers::new(3);
    let (mut failed, mut most, mut done) = (Vec::new(), 0, 0);
    for moment in &moments {
        for (index, (_, step)) in trace.steps.iter().enumerate().take(*moment).skip(done) {
            device.step(index, *step, &trace);
        }
        done = *moment;
        let until = trace.steps[moment.saturating_sub(1)].0;
        for chance in [None, Some(&mut numbers as &mut dyn Chance)] {
            let kind = if chance.is_some() { "some of the rest" } else { "nothing but what was synced" };
            let image = tempfile::tempdir().unwrap();
            device.restore(image.path(), chance);
            match judge(&image.path().join("store"), &answers, until).await {
                Ok(due) => most = most.max(due),
                Err(wrong) => failed.push(format!("step {moment}, {kind}: {wrong}")),
            }
        }
    }
    println!(
        "{} cuts of {} steps, two images each; up to {most} of {} answers",
        moments.len(),
        trace.steps.len(),
        answers.len()
    );
    assert!(most > answers.len() * 9 / 10, "the cuts are not spread over the run");
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), 2 * moments.len(), failed.join("\n"));
}
