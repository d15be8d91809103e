//! The real binary, with everything that it says.

use std::{
    fs,
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use tonic::transport::{Channel, Endpoint};

pub const STEWARD: &str = env!("CARGO_BIN_EXE_steward");

/// A server in a process of its own.
pub struct Server {
    child: Child,
    pub url: String,
    pub channel: Channel,
    said: Arc<Mutex<Vec<String>>>,
}

/// The command that runs a server on a directory; another program may come before
/// it, which watches or limits what it runs.
pub fn serve(before: &[&str], dir: &Path) -> Command {
    let mut words = before.iter().copied().chain([STEWARD, "serve", "--listen", "127.0.0.1:0"]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(["--log-format", "json", "--cache-mib", "16", "--data-dir"]).arg(dir);
    command
}

impl Server {
    pub async fn start(dir: &Path) -> Result<Self, String> {
        Self::run(serve(&[], dir)).await
    }

    /// Runs a command that serves and waits until it is ready; what it said if it
    /// ended instead.
    pub async fn run(mut command: Command) -> Result<Self, String> {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.kill_on_drop(true).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::new(Mutex::new(Vec::new()));
        while let Some(line) = lines.next_line().await.unwrap() {
            let read = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
            if read["message"] == "ready" {
                // What it says from now on is read so that it is never held up.
                let later = said.clone();
                tokio::spawn(async move {
                    while let Ok(Some(line)) = lines.next_line().await {
                        later.lock().unwrap_or_else(PoisonError::into_inner).push(line);
                    }
                });
                let url = format!("http://{}", read["address"].as_str().unwrap());
                let channel = Endpoint::from_shared(url.clone()).unwrap().connect().await.unwrap();
                return Ok(Server { child, url, channel, said });
            }
            said.lock().unwrap().push(line);
        }
        let said = said.lock().unwrap().join("\n");
        let ended = child.wait().await.unwrap();
        assert!(ended.code().is_some_and(|code| code != 0), "{ended}: {said}");
        Err(said)
    }

    /// What it has said.
    pub fn said(&self) -> Vec<String> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// SIGKILL.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// SIGTERM, and the end.
    pub async fn stop(mut self) {
        drop(self.channel);
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().await.unwrap().success());
        assert!(self.child.wait().await.unwrap().success());
    }
}

/// A copy of a store that nobody uses.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = (entry.as_ref().unwrap().path(), to.join(entry.unwrap().file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(path, target).unwrap();
        }
    }
}
