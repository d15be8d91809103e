//! A campaign of kills: one store, many short lives of its server.

use super::{
    follower::Follower,
    load::{Ledger, SHARED, events_of, send, write},
    log::Log,
    process::{Process, Starting, export_and_rebuild},
    tally::{Offence, Tally},
};
use crate::{
    ask::Ask,
    replay::answers::{At, about},
    support::model_name,
};
use futures_util::future::join_all;
use std::{
    hash::{BuildHasher as _, RandomState},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{task::JoinHandle, time::Instant};

const WRITERS: usize = 16;
/// The most requests that are answered before a death under load, more or less.
const MOST_ANSWERED: u64 = 60;
/// The longest wait behind the last of them: longer than a batch takes.
const MOST_MICROS: u64 = 8_000;
/// After so many deaths the log is read again from its beginning.
const WHOLE: usize = 100;

/// The one thing that is left to chance: when to kill.
fn less_than(limit: u64) -> u64 {
    RandomState::new().hash_one(()) % limit.max(1)
}

fn micros(limit: u64) -> Duration {
    Duration::from_micros(less_than(limit))
}

/// What stays while servers come and go.
pub struct Campaign<'a> {
    dir: &'a Path,
    log: Log,
    followers: Vec<Follower>,
    /// What the last death left.
    left: Ledger,
    /// Events of all requests that were settled.
    expected: usize,
    /// How long the last start took.
    start: Duration,
    tally: Tally,
}

impl<'a> Campaign<'a> {
    pub fn over(dir: &'a Path) -> Self {
        Campaign {
            dir,
            log: Log::unread(),
            followers: Follower::eight(),
            left: Ledger::beginning(),
            // The first event is the namespace's own.
            expected: 1,
            start: Duration::from_millis(50),
            tally: Tally::default(),
        }
    }

    /// One life of the server, to its violent end.
    pub async fn one_death(&mut self, round: usize) {
        match round % 10 {
            0 => {
                let moment = micros(u64::try_from(self.start.as_micros()).unwrap());
                Starting::spawn(self.dir).kill_after(moment).await;
                self.tally.starting += 1;
            }
            3 => {
                let (server, following) = self.life().await;
                server.kill_after(micros(MOST_MICROS)).await;
                self.tally.idle += 1;
                self.gather(following).await;
            }
            _ => {
                let (server, following) = self.life().await;
                self.die_under_load(server, round).await;
                self.tally.loaded += 1;
                self.gather(following).await;
            }
        }
        self.tally.require_clean();
    }

    /// Starts a server, holds what is there against what the last one said, and
    /// has everybody follow.
    async fn life(&mut self) -> (Process, Vec<JoinHandle<Follower>>) {
        let server = self.settled_server().await;
        let mut following = Vec::new();
        for follower in self.followers.drain(..) {
            following.push(tokio::spawn(follower.follow(server.connect().await, None)));
        }
        (server, following)
    }

    async fn gather(&mut self, following: Vec<JoinHandle<Follower>>) {
        for follower in join_all(following).await {
            self.followers.push(follower.unwrap());
        }
    }

    async fn settled_server(&mut self) -> Process {
        let begin = Instant::now();
        let server = Process::start(self.dir).await.unwrap();
        self.start = begin.elapsed();
        self.log.read_on(&server.channel).await;
        for follower in &mut self.followers {
            follower.judge(&self.log, &mut self.tally);
        }
        let left = std::mem::take(&mut self.left);
        self.hold_to_its_answers(&server, left.answered.into_inner().unwrap()).await;
        self.settle(&server, left.open.into_inner().unwrap()).await;
        assert_eq!(self.log.size(), self.expected as u64, "something was written that nobody asked for");
        if self.tally.kills().is_multiple_of(WHOLE) {
            self.read_again(&server).await;
        }
        server
    }

    /// What was answered is in the log, once, and is answered again as it was.
    async fn hold_to_its_answers(&mut self, server: &Process, answered: Vec<(Ask, Vec<u8>)>) {
        for (ask, _) in &answered {
            self.tally.acknowledged += 1;
            self.expected += events_of(ask);
            match self.log.events_of(ask.request_id()) {
                0 => self.tally.offence(Offence::Lost, ask.request_id().to_owned()),
                there if there > events_of(ask) => {
                    self.tally.offence(Offence::Repeated, ask.request_id().to_owned());
                }
                there => assert_eq!(there, events_of(ask), "a mutation was torn"),
            }
        }
        self.tally.require_clean();
        let again = join_all(answered.iter().map(|(ask, _)| send(ask, &server.channel))).await;
        for ((ask, answer), again) in answered.iter().zip(again) {
            assert_eq!(&again.unwrap(), answer, "{}", ask.request_id());
        }
    }

    /// What was left open is there once after a repeat, whether it was there
    /// before or not.
    async fn settle(&mut self, server: &Process, open: Vec<Ask>) {
        for ask in &open {
            let there = self.log.events_of(ask.request_id());
            assert!([0, events_of(ask)].contains(&there), "a mutation was torn");
            self.tally.written += usize::from(there > 0);
            let answer = send(ask, &server.channel).await.unwrap();
            let again = send(ask, &server.channel).await;
            assert_eq!(again.ok(), Some(answer), "{} was carried out again", ask.request_id());
            self.expected += events_of(ask);
        }
        self.log.read_on(&server.channel).await;
        let once = |ask: &&Ask| self.log.events_of(ask.request_id()) == events_of(ask);
        self.tally.settled += open.iter().filter(once).count();
        self.tally.unanswered += open.len();
    }

    /// Kills the server while everybody writes.
    async fn die_under_load(&mut self, server: Process, round: usize) {
        let ledger = Arc::new(Ledger::default());
        let mut writers = Vec::new();
        for writer in 0..WRITERS {
            let (channel, ledger) = (server.connect().await, ledger.clone());
            let word = format!("r{round}-w{writer}");
            writers.push(tokio::spawn(async move { write(channel, word, &ledger).await }));
        }
        ledger.reached(usize::try_from(less_than(MOST_ANSWERED)).unwrap()).await;
        server.kill_after(micros(MOST_MICROS)).await;
        for writer in writers {
            writer.await.unwrap();
        }
        self.left = Arc::into_inner(ledger).unwrap();
    }

    /// What was read once is still what is there.
    async fn read_again(&self, server: &Process) {
        let mut whole = Log::unread();
        whole.read_on(&server.channel).await;
        assert!(whole.is(&self.log), "what had been read has changed");
    }

    /// The last server is not killed: everybody reads to the end of its log, and
    /// its replay answers as it does.
    pub async fn end(mut self) -> Tally {
        let server = self.settled_server().await;
        self.read_again(&server).await;
        let size = self.log.size();
        for follower in self.followers.drain(..) {
            let mut follower = follower.follow(server.connect().await, Some(size)).await;
            follower.finish(&self.log, &mut self.tally);
        }
        self.tally.require_clean();
        self.the_rebuilt_store_answers_the_same(&server).await;
        server.stop().await;
        self.tally
    }

    async fn the_rebuilt_store_answers_the_same(&mut self, server: &Process) {
        let dir = tempfile::tempdir().unwrap();
        let rebuilt = dir.path().join("rebuilt");
        export_and_rebuild(&server.url, &rebuilt).await;
        let replica = Process::start(&rebuilt).await.unwrap();
        self.read_again(&replica).await;
        self.log.names.insert(model_name(SHARED));
        let moments = [At::Position(3), At::Position(self.log.size() / 2)];
        let here = about(&server.channel, &self.log.names, &moments).await;
        let there = about(&replica.channel, &self.log.names, &moments).await;
        assert_eq!(here, there);
        replica.stop().await;
    }
}
