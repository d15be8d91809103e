//! Random lives of a log and its readers against a small model: whatever is
//! appended, read slowly, resumed, drained and restarted, each reader is given
//! exactly what the model says (G1–G10), and without waiting for a progress.

mod expected;
mod follower;
mod step;

use crate::{
    pipe::{Kept, Pipe},
    replay::answers::head,
    stream::list_over,
    support::{BEGIN, NAMESPACE, create_model, create_version, explain, model_name, time, version_name},
};
pub use expected::{Expected, Wanted};
pub use follower::Follower;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use prost::Message as _;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use std::time::Duration;
use step::{Append, Begin, Step, step};
use steward_registry::{
    proto::v1::{
        AuditStreamEnd, AuditStreamEndReason, ListAuditEventsRequest, Model, StartPoint,
        subscribe_audit_events_request::Start, subscribe_audit_events_response::Message,
    },
    registry::feed::Limits,
    store::memory::MemoryEngine,
};
use tonic::Code;

/// Cases that are tried; the environment may ask for more.
const CASES: u32 = 100;
const LONGEST: usize = 40;
/// One case in so many is kept on disk.
const ON_DISK: u32 = 25;
/// Microseconds between two steps.
const TICK: i64 = 1_000_000;

/// What the cases tried in all, so that none of it can fall out unseen.
#[derive(Debug, Default)]
struct Tried {
    behind_the_ring: AtomicUsize,
    resumed: AtomicUsize,
    refused_starts: AtomicUsize,
    stopped: AtomicUsize,
    drained: AtomicUsize,
    stalled: AtomicUsize,
}

impl Tried {
    fn end(&self, end: &AuditStreamEnd) {
        match end.reason() {
            AuditStreamEndReason::StopPosition => count(&self.stopped),
            AuditStreamEndReason::Drain => count(&self.drained),
            AuditStreamEndReason::Stalled => count(&self.stalled),
            AuditStreamEndReason::Unspecified => panic!("{end:?}"),
        }
    }

    fn everything(&self) -> bool {
        let Tried { behind_the_ring, resumed, refused_starts, stopped, drained, stalled } = self;
        let counters = [behind_the_ring, resumed, refused_starts, stopped, drained, stalled];
        counters.iter().all(|counter| counter.load(Ordering::Relaxed) > 0)
    }
}

fn count(counter: &AtomicUsize) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// A log, its readers, and what the model says of both.
struct Life<'a> {
    pipe: Pipe,
    limits: Limits,
    log: Expected,
    readers: Vec<Follower>,
    /// The newest mutation and its answer.
    newest: Option<(crate::ask::Ask, Option<&'static str>, Vec<u8>)>,
    tried: &'a Tried,
}

impl<'a> Life<'a> {
    /// Begins with two models and a version of each.
    async fn begin(kept: Kept, limits: Limits, tried: &'a Tried) -> Self {
        let pipe = Pipe::open(kept, limits).await;
        let mut log = Expected::default();
        log.append("NamespaceCreated", Some("steward"), [NAMESPACE.to_owned()]);
        for id in step::MODELS {
            crate::ask::Ask::from(create_model(id)).send(&pipe.channel).await.unwrap();
            log.append("ModelCreated", None, [model_name(id)]);
            crate::ask::Ask::from(create_version(id)).send(&pipe.channel).await.unwrap();
            log.append("VersionCreated", None, [version_name(id, 1)]);
        }
        Life { pipe, limits, log, readers: Vec::new(), newest: None, tried }
    }

    async fn take(mut self, number: usize, step: &Step) -> Self {
        self.pipe.clock.set(BEGIN + (number as i64 + 1) * TICK);
        self.log.moments.push((BEGIN + (number as i64 + 1) * TICK, self.log.size()));
        match step {
            Step::Append(append) => self.append(number, append).await,
            Step::AppendWhileRead(append, reader) => self.append_while_read(number, append, *reader).await,
            Step::AppendTogether(count) => self.append_together(number, *count).await,
            Step::Refused(kind) => {
                let answer = step::refused(*kind).send(&self.pipe.channel).await;
                assert_eq!(answer.is_ok(), *kind == 4);
                assert_eq!(head(&self.pipe.channel, NAMESPACE).await.size, self.log.size());
            }
            Step::Repeat => {
                if let Some((ask, actor, answer)) = &self.newest {
                    assert_eq!(ask.send_as(&self.pipe.channel, *actor).await.unwrap(), *answer);
                }
                assert_eq!(head(&self.pipe.channel, NAMESPACE).await.size, self.log.size());
            }
            Step::Subscribe { start, filter, stop, batch } => {
                self.subscribe(start, Wanted { filter: *filter, stop: *stop }, *batch).await;
            }
            Step::Read(reader, messages) => self.read(*reader, *messages).await,
            Step::CatchUp(reader) => self.catch_up(*reader).await,
            Step::Resume(reader, back) => {
                if let Some(reader) = self.choose(*reader) {
                    count(&self.tried.resumed);
                    self.readers[reader].resume(&self.pipe.channel, *back).await;
                }
            }
            Step::Stall => tokio::time::sleep(Duration::from_secs(600)).await,
            Step::Drain => return self.drain().await,
            Step::Restart => return self.restart().await,
        }
        self
    }

    fn choose(&self, reader: usize) -> Option<usize> {
        reader.checked_rem(self.readers.len())
    }

    async fn append(&mut self, number: usize, append: &Append) {
        let ask = append.ask(&format!("r{number}"));
        let answer = ask.send_as(&self.pipe.channel, append.actor()).await.unwrap();
        self.newest = Some((ask, append.actor(), answer));
        self.has_appended(number, append);
    }

    fn has_appended(&mut self, number: usize, append: &Append) {
        match append.events {
            1 => self.log.append("ModelUpdated", append.actor(), [model_name(append.model())]),
            events => {
                let version = version_name(append.model(), 1);
                let subjects = (0..events).map(|i| format!("{version}/evaluations/r{number}-{i}"));
                self.log.append("EvaluationRecorded", append.actor(), subjects);
            }
        }
    }

    /// Somebody who has everything waits for what is being written.
    async fn append_while_read(&mut self, number: usize, append: &Append, reader: usize) {
        self.catch_up(reader).await;
        let ask = append.ask(&format!("r{number}"));
        let (channel, actor) = (self.pipe.channel.clone(), append.actor());
        let sent = tokio::spawn(async move { ask.send_as(&channel, actor).await });
        self.has_appended(number, append);
        self.read(reader, 1).await;
        sent.await.unwrap().unwrap();
    }

    /// Whatever order they get, their answers tell it.
    async fn append_together(&mut self, number: usize, count: usize) {
        let calls: Vec<_> = (0..count)
            .map(|i| {
                let (ask, channel) = (
                    crate::ask::Ask::from(create_model(&format!("c{number}-{i}"))),
                    self.pipe.channel.clone(),
                );
                tokio::spawn(async move { ask.send_as(&channel, Some("bob")).await })
            })
            .collect();
        let mut models = Vec::new();
        for call in calls {
            models.push(Model::decode(call.await.unwrap().unwrap().as_slice()).unwrap());
        }
        models.sort_by_key(|model| model.audit_position);
        for model in models {
            assert_eq!(model.audit_position, self.log.size());
            self.log.append("ModelCreated", Some("bob"), [model.name]);
        }
    }

    async fn subscribe(&mut self, start: &Begin, wanted: Wanted, batch: i32) {
        let size = self.log.size();
        let (start, next) = match start {
            Begin::Earliest => (Start::StartPoint(StartPoint::Earliest.into()), 0),
            Begin::Latest => (Start::StartPoint(StartPoint::Latest.into()), size),
            Begin::Position(position) => {
                (Start::StartPosition(*position % (size + 3)), *position % (size + 3))
            }
            Begin::Time(moment) => {
                let past = &self.log.moments[..self.log.moments.len() - 1];
                let Some(moment) = moment.checked_rem(past.len()) else { return };
                (Start::StartTime(time(past[moment].0)), past[moment].1)
            }
        };
        let opened = Follower::open(&self.pipe.channel, start, next, wanted, batch).await;
        let refusal = match (next > size, wanted.stop.is_some_and(|stop| stop + 1 < next)) {
            (true, _) => Some(Code::OutOfRange),
            (false, true) => Some(Code::InvalidArgument),
            (false, false) => None,
        };
        match opened {
            Ok(reader) => {
                assert_eq!(refusal, None, "G10: the stream began");
                self.readers.push(reader);
            }
            Err(status) => {
                assert_eq!(Some(explain(&status).0), refusal, "{status:?}");
                count(&self.tried.refused_starts);
            }
        }
    }

    fn open(&self, reader: usize) -> Option<usize> {
        self.choose(reader).filter(|reader| self.readers[*reader].is_open())
    }

    async fn read(&mut self, reader: usize, messages: usize) {
        let Some(reader) = self.open(reader) else { return };
        let reader = &mut self.readers[reader];
        if reader.next + (self.limits.ring_events as u64) < self.log.size() {
            count(&self.tried.behind_the_ring);
        }
        for _ in 0..messages {
            match reader.read(&mut self.log).await {
                Message::Batch(_) => {}
                // Nothing more is due, most of the time.
                Message::Progress(_) => return,
                Message::End(end) => return self.tried.end(&end),
            }
        }
    }

    async fn catch_up(&mut self, reader: usize) {
        if let Some(reader) = self.open(reader)
            && let Some(end) = self.readers[reader].catch_up(&mut self.log).await
        {
            self.tried.end(&end);
        }
    }

    async fn drain(mut self) -> Self {
        self.pipe.drain();
        for reader in self.readers.iter_mut().filter(|reader| reader.is_open()) {
            let end = reader.read_to_the_end(&mut self.log).await;
            self.tried.end(&end);
        }
        self.restart().await
    }

    /// Everybody goes on where the newest token says.
    async fn restart(mut self) -> Self {
        self.pipe = self.pipe.restart().await;
        assert_eq!(head(&self.pipe.channel, NAMESPACE).await.size, self.log.size());
        for reader in &mut self.readers {
            reader.resume(&self.pipe.channel, 0).await;
        }
        self
    }

    /// In the end everybody gets everything, and a list shows the same.
    async fn end(mut self) {
        for reader in &mut self.readers {
            if !reader.is_open() {
                reader.resume(&self.pipe.channel, 0).await;
            }
            if let Some(end) = reader.catch_up(&mut self.log).await {
                self.tried.end(&end);
            }
        }
        let everything =
            ListAuditEventsRequest { parent: NAMESPACE.to_owned(), page_size: 1_000, ..Default::default() };
        let listed = list_over(&self.pipe.channel, everything).await;
        assert_eq!(listed.len() as u64, self.log.size());
        listed.iter().for_each(|event| self.log.recognise(event));
        self.drain().await;
    }
}

fn live(case: &Case, tried: &Tried) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let kept = match case.on_disk {
            true => Kept::Disk(tempfile::tempdir().unwrap()),
            false => Kept::Memory(Arc::new(MemoryEngine::new())),
        };
        let mut life = Life::begin(kept, case.limits, tried).await;
        for (number, step) in case.steps.iter().enumerate() {
            life = life.take(number, step).await;
        }
        life.end().await;
    });
}

#[derive(Clone, Debug)]
struct Case {
    limits: Limits,
    on_disk: bool,
    steps: Vec<Step>,
}

fn case() -> impl Strategy<Value = Case> {
    let limits = (1..24usize, prop_oneof![Just(16 << 20), 500..8_000usize], 1..10usize)
        .prop_map(|(ring_events, ring_bytes, page)| Limits { ring_events, ring_bytes, page });
    let on_disk = proptest::bool::weighted(1.0 / f64::from(ON_DISK));
    (limits, on_disk, proptest::collection::vec(step(), 1..LONGEST))
        .prop_map(|(limits, on_disk, steps)| Case { limits, on_disk, steps })
}

#[test]
fn every_reader_is_given_exactly_what_the_model_says_whatever_happens() {
    let cases = std::env::var("STEWARD_TEST_STREAM_CASES").map_or(CASES, |text| text.parse().unwrap());
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 400, ..Config::default() };
    let tried = Tried::default();
    let result = TestRunner::new(config).run(&case(), |case| {
        live(&case, &tried);
        Ok(())
    });
    result.unwrap();
    assert!(cases < CASES || tried.everything(), "{tried:?}");
    println!("{tried:?}");
}
