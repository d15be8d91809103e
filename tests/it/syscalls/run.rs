//! One run of twenty mutations, each of another kind as far as there are kinds,
//! and the moments of a server's life around them.

use super::{
    left::Left,
    tracer::{Fault, Target, Tracer, hold_behind, struck_once},
};
use crate::{
    ask::{Ask, one_of_each},
    crash::process::{Process, STEWARD, Starting, serve, signal},
    support::time,
};
use futures_util::FutureExt as _;
use std::{path::Path, process::Stdio, time::Duration};
use tokio::{io::AsyncWriteExt as _, process::Command, time::timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

/// Mutations of a run.
pub const MUTATIONS: usize = 20;
/// 2100-01-01, for sunsets that have to lie in the future of the real clock.
const FAR: i64 = 4_102_444_800_000_000;
/// So long a server may take for anything before it is said to hang.
pub const PATIENCE: Duration = Duration::from_secs(60);
/// So often a run is begun again because the process was not held in time.
const ATTEMPTS: usize = 12;

/// The twenty, each under a request id of its own.
pub fn mutations() -> Vec<Ask> {
    let mut asks = one_of_each("fault")[1..=MUTATIONS].to_vec();
    for ask in &mut asks {
        if let Ask::DeprecateVersion(request) = ask {
            request.sunset_time = Some(time(FAR));
        }
    }
    asks.into_iter().enumerate().map(|(n, ask)| ask.with_request_id(&format!("mutation-{n}"))).collect()
}

/// A part of a server's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// The start on a directory that does not exist.
    Creation,
    /// From the request for this mutation to its answer.
    Mutation(usize),
    /// From SIGTERM behind all mutations to the end.
    Stop,
    /// The start on what a killed server left.
    Reopening,
}

impl Phase {
    /// How many mutations are there before it.
    fn mutations_before(self) -> usize {
        match self {
            Phase::Creation => 0,
            Phase::Mutation(n) => n,
            Phase::Stop | Phase::Reopening => MUTATIONS,
        }
    }
}

/// One call of a run: the n-th of its kind on its file in its phase, from 1.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    pub phase: Phase,
    pub call: String,
    /// Below the data directory; empty for the directory itself.
    pub file: String,
    pub nth: usize,
}

impl Cell {
    pub fn target(&self, dir: &Path) -> Target {
        let path = if self.file.is_empty() { dir.to_owned() } else { dir.join(&self.file) };
        Target { call: self.call.clone(), path }
    }

    /// Whether every run makes the call, and apart from others of its kind. sled's
    /// threads write side by side, and more in one run than in the next.
    pub fn is_certain(&self) -> bool {
        self.file != "db" || self.nth == 1
    }

    /// Whether a commit, not only the note beside the store, needs the call.
    pub fn is_commit(&self) -> bool {
        matches!(self.phase, Phase::Mutation(_))
    }
}

/// What is there when the fault has struck.
#[derive(Debug, Default)]
pub struct Struck {
    /// The server, if it lives.
    pub server: Option<Process>,
    /// What it said if it would not start.
    pub refusal: Option<String>,
    pub answered: Vec<(Ask, Vec<u8>)>,
    pub open: Option<(Ask, Status)>,
}

impl Struck {
    /// Whether a refusal to start is a panic instead of a sentence.
    pub fn has_panicked(&self) -> bool {
        self.refusal.as_ref().is_some_and(|said| said.contains("panicked at"))
    }
}

/// A server that waits for a line before it becomes one, so that a tracer can be
/// attached to its first call.
pub struct Waiting {
    pub starting: Starting,
    stdin: tokio::process::ChildStdin,
    pub pid: u32,
}

impl Waiting {
    pub fn spawn(dir: &Path) -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", r#"read -r _; exec "$0" "$@""#, STEWARD]).args(serve(dir)).stdin(Stdio::piped());
        let mut starting = Starting::run(command);
        let (stdin, pid) = starting.input();
        Waiting { starting, stdin, pid }
    }

    /// Goes on to be a server.
    pub async fn go(mut self) -> Starting {
        self.stdin.write_all(b"\n").await.unwrap();
        self.starting
    }
}

/// Carries out so many mutations.
pub async fn mutate(server: &Process, count: usize) -> Vec<(Ask, Vec<u8>)> {
    let mut answered = Vec::new();
    for ask in mutations().into_iter().take(count) {
        let answer = ask.send(&server.channel).await.unwrap();
        answered.push((ask, answer));
    }
    answered
}

/// Brings a server to a cell's phase, on a fresh directory or a copy of what a
/// killed one left, and lets the fault strike there. `None` if no run came to
/// the call: sled makes some writes in one run and not in the next.
pub async fn strike(cell: &Cell, fault: Fault, dir: &Path, left: &Left) -> Option<Struck> {
    for _ in 0..ATTEMPTS {
        let _ = std::fs::remove_dir_all(dir);
        let struck = match cell.phase {
            Phase::Creation => starting(cell, fault, dir, Vec::new()).await,
            Phase::Reopening => {
                left.copy_to(dir);
                starting(cell, fault, dir, left.answered.clone()).await
            }
            Phase::Mutation(_) | Phase::Stop => serving(cell, fault, dir).await,
        };
        if struck.is_some() {
            return struck;
        }
    }
    None
}

/// Lets the fault strike the cell's call, which `begin` leads to. `None` if it
/// struck another one, or none.
async fn at_the_call<T>(
    (cell, fault): (&Cell, Fault),
    (pid, dir): (u32, &Path),
    over: &CancellationToken,
    begin: impl Future<Output = T>,
) -> (bool, T) {
    let target = cell.target(dir);
    let (mut tracer, begun);
    if cell.nth == 1 {
        tracer = Tracer::fail(pid, &target, fault).await;
        begun = begin.await;
    } else {
        let held;
        (held, begun) = hold_behind(pid, &target, cell.nth - 1, over, begin).await;
        if !held {
            return (false, begun);
        }
        tracer = Tracer::fail(pid, &target, fault).await;
        signal("CONT", pid).await;
    }
    tracer.struck(over).await;
    (struck_once(&tracer.detach().await), begun)
}

async fn starting(cell: &Cell, fault: Fault, dir: &Path, answered: Vec<(Ask, Vec<u8>)>) -> Option<Struck> {
    let (waiting, never) = (Waiting::spawn(dir), CancellationToken::new());
    let (struck, starting) = at_the_call((cell, fault), (waiting.pid, dir), &never, waiting.go()).await;
    if !struck {
        return None;
    }
    let ready = timeout(PATIENCE, starting.ready()).await.expect("it is ready, or ends");
    let refusal = ready.as_ref().err().cloned();
    Some(Struck { server: ready.ok(), refusal, answered, open: None })
}

async fn serving(cell: &Cell, fault: Fault, dir: &Path) -> Option<Struck> {
    let server = Process::start(dir).await.unwrap();
    let mut answered = mutate(&server, cell.phase.mutations_before()).await;
    let (pid, channel, over) = (server.id(), server.channel.clone(), CancellationToken::new());
    if let Phase::Mutation(n) = cell.phase {
        let ask = mutations().remove(n);
        let sent = ask.clone();
        let answered_or_not = over.clone().drop_guard();
        let sending = async move {
            let answer = sent.send(&channel).await;
            drop(answered_or_not);
            answer
        };
        let send = std::future::ready(()).map(|()| tokio::spawn(sending));
        let (struck, answer) = at_the_call((cell, fault), (pid, dir), &over, send).await;
        if !struck {
            server.kill().await;
            return None;
        }
        let mut open = None;
        match timeout(PATIENCE, answer).await.expect("there is an answer").unwrap() {
            Ok(answer) => answered.push((ask, answer)),
            Err(status) => open = Some((ask, status)),
        }
        return Some(Struck { server: Some(server), answered, open, refusal: None });
    }
    let (struck, ()) = at_the_call((cell, fault), (pid, dir), &over, signal("TERM", pid)).await;
    if !struck {
        server.kill().await;
        return None;
    }
    timeout(PATIENCE, server.ended()).await.expect("it ends");
    Some(Struck { answered, ..Struck::default() })
}
