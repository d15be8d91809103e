//! The real binary: started, killed, asked to stop.

use std::{path::Path, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStderr, ChildStdin, Command},
};
use tonic::transport::{Channel, Endpoint};

pub const STEWARD: &str = env!("CARGO_BIN_EXE_steward");

/// A server in a process of its own.
#[derive(Debug)]
pub struct Process {
    child: Child,
    pub url: String,
    pub channel: Channel,
}

/// A server whose start is not over yet.
pub struct Starting {
    child: Child,
    lines: Lines<BufReader<ChildStderr>>,
}

/// What a server is started with, on a port of its own.
pub fn serve(dir: &Path) -> [&std::ffi::OsStr; 9] {
    let flags =
        ["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--cache-mib", "16", "--data-dir"];
    let [a, b, c, d, e, f, g, h] = flags.map(std::ffi::OsStr::new);
    [a, b, c, d, e, f, g, h, dir.as_os_str()]
}

impl Starting {
    pub fn spawn(dir: &Path) -> Self {
        let mut command = Command::new(STEWARD);
        command.args(serve(dir));
        Self::run(command)
    }

    /// A server under the command of another program, which leaves stderr to it.
    pub fn run(mut command: Command) -> Self {
        // A server that outlives a test that was aborted must not hold its output open.
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        Starting { child, lines }
    }

    /// Its input, if it has one, and its id.
    pub fn input(&mut self) -> (ChildStdin, u32) {
        (self.child.stdin.take().unwrap(), self.child.id().unwrap())
    }

    /// Waits until it is ready; what it said if it ended instead.
    pub async fn ready(self) -> Result<Process, String> {
        let Starting { mut child, mut lines } = self;
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            let read = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
            if read["message"] == "ready" {
                let url = format!("http://{}", read["address"].as_str().unwrap());
                // What it says from now on is read so that it is never held up.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                let channel = Endpoint::from_shared(url.clone()).unwrap().connect_lazy();
                return Ok(Process { child, url, channel });
            }
            said.push(line);
        }
        assert!(!child.wait().await.unwrap().success(), "it ended well without having served: {said:?}");
        Err(said.join("\n"))
    }

    /// SIGKILL after a while, which is the one thing here that is left to chance.
    pub async fn kill_after(mut self, while_: Duration) {
        let early = tokio::time::timeout(while_, self.child.wait()).await;
        assert!(early.is_err(), "it ended by itself: {early:?}");
        self.child.kill().await.unwrap();
    }
}

impl Process {
    /// Starts a server on a directory and waits until it is ready; what it said
    /// if it ended instead.
    pub async fn start(dir: &Path) -> Result<Self, String> {
        Starting::spawn(dir).ready().await
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
    }

    pub fn id(&self) -> u32 {
        self.child.id().unwrap()
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGKILL after a while.
    pub async fn kill_after(self, while_: Duration) {
        let Process { mut child, .. } = self;
        let early = tokio::time::timeout(while_, child.wait()).await;
        assert!(early.is_err(), "it ended by itself: {early:?}");
        child.kill().await.unwrap();
    }

    /// Until it has ended by itself.
    pub async fn ended(mut self) -> std::process::ExitStatus {
        self.child.wait().await.unwrap()
    }

    /// SIGTERM, and the end.
    pub async fn stop(mut self) {
        drop(self.channel);
        signal("TERM", self.child.id().unwrap()).await;
        assert!(self.child.wait().await.unwrap().success());
    }
}

pub async fn signal(name: &str, pid: u32) {
    let (signal, pid) = (format!("-{name}"), pid.to_string());
    assert!(Command::new("kill").args([&signal, &pid]).status().await.unwrap().success());
}

/// `steward export` and `steward rebuild`, with the persons; what the rebuild said.
pub async fn export_and_rebuild(url: &str, dir: &Path) -> String {
    let (log, persons) = (dir.with_extension("log"), dir.with_extension("persons"));
    steward(&["--server", url, "export", "--file", path(&log), "--persons", path(&persons)]).await;
    let from = ["--from", path(&log), "--persons", path(&persons)];
    steward(&[["rebuild", "--data-dir", path(dir)].as_slice(), &from].concat()).await
}

/// Runs a command that has to succeed; what it said.
pub async fn steward(arguments: &[&str]) -> String {
    let output = Command::new(STEWARD).args(arguments).output().await.unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}
