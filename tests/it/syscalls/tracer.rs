//! strace as the hand that makes one system call fail.
//!
//! strace counts `when=` for each thread by itself, and sled lets any thread of
//! its pool write. So no count is left to strace: it is attached while the
//! server is idle or stands still, and lets the very first call fail that any
//! thread makes. To come behind earlier calls of the same kind, another strace
//! is attached before, which has each of them stop the whole process.

use crate::crash::process::signal;
use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, Command},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// So long a call that has to come is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// So long strace may take to end.
const BURIAL: Duration = Duration::from_secs(10);

/// The calls that bring something to the disk.
pub const CALLS: &str = "write,pwrite64,sync_file_range,fdatasync,fsync,rename";

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// The process is killed in front of it.
    Kill,
    /// The device fails.
    Eio,
    /// The device is full.
    Enospc,
}

impl Fault {
    fn injection(self) -> &'static str {
        match self {
            Fault::Kill => "signal=SIGKILL",
            Fault::Eio => "error=EIO",
            Fault::Enospc => "error=ENOSPC",
        }
    }

    /// Whether a message says what the system said about it. Where strace has to be
    /// killed between the begin and the end of a call, the call fails as one that does
    /// not exist.
    pub fn is_in(self, message: &str) -> bool {
        let words = match self {
            Fault::Kill => "",
            Fault::Eio => "Input/output error",
            Fault::Enospc => "No space left on device",
        };
        message.contains(words) || message.contains("Function not implemented")
    }
}

/// How strace marks a call that it made fail.
const FAILED: &str = "(INJECTED)";
/// How strace says that it is all over; once for each thread.
const KILLED: &str = "+++ killed by SIGKILL";

/// Whether a trace shows that one call was struck.
pub fn struck_once(trace: &[String]) -> bool {
    let with = |mark| trace.iter().filter(|line| line.contains(mark)).count();
    with(FAILED) == 1 || with(KILLED) > 0
}

/// A kind of call on one file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    pub call: String,
    pub path: PathBuf,
}

/// A strace attached to a process.
pub struct Tracer {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
    seen: Vec<String>,
}

impl Tracer {
    /// Watches every call that brings something to the disk.
    pub async fn watch(pid: u32) -> Self {
        Self::attach(pid, &["-y", "-e", &format!("trace={CALLS}")], None).await
    }

    /// Has the first call fail that any thread makes.
    pub async fn fail(pid: u32, target: &Target, fault: Fault) -> Self {
        Self::inject(pid, target, &format!("{}:when=1", fault.injection())).await
    }

    async fn inject(pid: u32, Target { call, path }: &Target, what: &str) -> Self {
        let flags = ["-e", &format!("trace={call}"), "-e", &format!("inject={call}:{what}")];
        Self::attach(pid, &flags, Some(path)).await
    }

    async fn attach(pid: u32, flags: &[&str], path: Option<&Path>) -> Self {
        let mut command = Command::new("strace");
        command.args(["-f", "-p", &pid.to_string()]).args(flags);
        if let Some(path) = path {
            command.arg("-P").arg(path);
        }
        let mut child =
            command.stderr(Stdio::piped()).kill_on_drop(true).spawn().expect("strace is installed");
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut tracer = Tracer { child, lines, seen: Vec::new() };
        assert!(tracer.until(&[&format!("Process {pid} attached")]).await, "{:?}", tracer.seen);
        tracer
    }

    /// Reads on to a line with one of these marks; whether there was one before
    /// strace ended or patience did.
    pub async fn until(&mut self, marks: &[&str]) -> bool {
        while let Ok(Ok(Some(line))) = timeout(PATIENCE, self.lines.next_line()).await {
            let found = marks.iter().any(|mark| line.contains(mark));
            self.seen.push(line);
            if found {
                return true;
            }
        }
        false
    }

    /// Until the fault has struck, or what it should have struck is over.
    pub async fn struck(&mut self, over: &CancellationToken) {
        over.run_until_cancelled(self.until(&[FAILED, KILLED])).await;
    }

    /// Until a call has stopped the process. It has to stand: to go on before
    /// that would go under.
    async fn stopped(&mut self) -> bool {
        self.until(&["--- SIGSTOP {"]).await && self.until(&["--- stopped by SIGSTOP"]).await
    }

    /// Lets the process go; what was traced.
    pub async fn detach(mut self) -> Vec<String> {
        // Behind a process that was killed strace ends by itself.
        if !self.seen.iter().any(|line| line.contains(KILLED)) {
            signal("INT", self.child.id().unwrap()).await;
        }
        self.until(&[]).await;
        // It hangs where it is told to go while it buries threads.
        if timeout(BURIAL, self.child.wait()).await.is_err() {
            self.child.kill().await.unwrap();
        }
        self.seen
    }
}

/// Holds a process behind the first `calls` calls of a kind, on whichever
/// threads, which `begin` sets going. Afterwards the process stands still.
/// False if it had gone further before it stood still, or if it was over before:
/// then the run is worth nothing.
pub async fn hold_behind<T>(
    pid: u32,
    target: &Target,
    calls: usize,
    over: &CancellationToken,
    begin: impl Future<Output = T>,
) -> (bool, T) {
    let mut stopping = Tracer::inject(pid, target, "signal=SIGSTOP").await;
    let begun = begin.await;
    for call in 1..=calls {
        let stopped = over.run_until_cancelled(stopping.stopped()).await;
        if stopped != Some(true) {
            return (false, begun);
        }
        if call < calls {
            signal("CONT", pid).await;
        }
    }
    let seen = stopping.detach().await;
    (count(&seen, &target.call) == calls, begun)
}

/// How often a call was begun in a trace.
pub fn count(trace: &[String], call: &str) -> usize {
    trace.iter().filter(|line| call_of(line) == Some(call)).count()
}

/// The call that a line of a trace begins, such as `[pid 7] fsync(3</a>) = 0`.
pub fn call_of(line: &str) -> Option<&str> {
    let rest =
        line.strip_prefix("[pid ").map_or(line, |rest| rest.split_once("] ").map_or(line, |parts| parts.1));
    let (call, _) = rest.trim_start().split_once('(')?;
    CALLS.split(',').find(|known| *known == call)
}

/// The file below a directory that a line of a trace names first.
pub fn path_in(line: &str, dir: &Path) -> Option<PathBuf> {
    let from = line.find(dir.to_str().unwrap())?;
    let end = line[from..].find(['>', '"'])?;
    Some(PathBuf::from(&line[from..from + end]))
}
