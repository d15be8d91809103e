//! The real binary: started, killed, asked to stop.

use std::{path::Path, process::Stdio};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};
use tonic::transport::{Channel, Endpoint};

const STEWARD: &str = env!("CARGO_BIN_EXE_steward");

/// A server in a process of its own.
pub struct Process {
    child: Child,
    pub url: String,
    pub channel: Channel,
}

impl Process {
    /// Starts a server on a directory and waits until it is ready; what it said
    /// if it ended instead.
    pub async fn start(dir: &Path) -> Result<Self, String> {
        let mut child = Command::new(STEWARD)
            .args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--cache-mib", "16"])
            .arg("--data-dir")
            .arg(dir)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = Vec::new();
        while let Some(line) = lines.next_line().await.unwrap() {
            let read = serde_json::from_str::<serde_json::Value>(&line).unwrap_or_default();
            if read["message"] == "ready" {
                let url = format!("http://{}", read["address"].as_str().unwrap());
                // What it says from now on is read so that it is never held up.
                tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
                let channel = Endpoint::from_shared(url.clone()).unwrap().connect().await.unwrap();
                return Ok(Process { child, url, channel });
            }
            said.push(line);
        }
        assert!(!child.wait().await.unwrap().success(), "it ended well without having served: {said:?}");
        Err(said.join("\n"))
    }

    /// A connection of its own.
    pub async fn connect(&self) -> Channel {
        Endpoint::from_shared(self.url.clone()).unwrap().connect().await.unwrap()
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

/// `steward export | steward rebuild`; what the rebuild said.
pub async fn export_and_rebuild(url: &str, dir: &Path) -> String {
    let mut export = Command::new(STEWARD)
        .args(["--server", url, "export"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines: Stdio = export.stdout.take().unwrap().try_into().unwrap();
    let rebuild = Command::new(STEWARD)
        .args(["rebuild", "--from", "-", "--data-dir"])
        .arg(dir)
        .stdin(lines)
        .output()
        .await
        .unwrap();
    assert!(export.wait().await.unwrap().success());
    assert!(rebuild.status.success(), "{rebuild:?}");
    String::from_utf8(rebuild.stdout).unwrap()
}
