//! A server in a process of its own, and what the system says of it.

use super::{Failure, roles::Role};
use std::{net::SocketAddr, path::Path, pin::pin, process::Stdio, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// What the kernel counts processor time in, in these files.
const TICKS_PER_SECOND: f64 = 100.0;
/// Between two looks at a process that is run to its end.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// Between two looks at whether a server has settled, and most of them.
const BETWEEN_LOOKS_AT_IDLE: Duration = Duration::from_millis(500);
const MOST_LOOKS: usize = 240;
/// Share of a processor below which a server does nothing by itself.
const IDLE: f64 = 0.05;

/// A server process.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// How long it took from its start to the first call it could take.
    pub opened_in: Duration,
    child: Child,
}

impl Server {
    /// Starts this program in a role and waits until it is ready.
    pub async fn start(role: Role, dir: &Path) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--role", role.word(), "--dir"])
            .arg(dir)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("the server has no standard output")?;
        let line = BufReader::new(stdout).lines().next_line().await?;
        let line = line.ok_or("the server ended before it was ready")?;
        let (address, micros) = line.split_once(' ').ok_or("the server did not say where it listens")?;
        let opened_in = Duration::from_micros(micros.parse()?);
        Ok(Server { address: address.parse()?, opened_in, child })
    }

    /// Processor time that the server has used so far, in seconds. NaN where
    /// there is no `/proc`.
    pub fn processor_seconds(&self) -> f64 {
        processor_seconds(self.child.id())
    }

    /// Waits until the server does nothing by itself, such as its first look at every way
    /// back; not for ever, and not at all where there is no `/proc`.
    pub async fn settled(&self) {
        for _ in 0..MOST_LOOKS {
            let before = self.processor_seconds();
            tokio::time::sleep(BETWEEN_LOOKS_AT_IDLE).await;
            let busy = (self.processor_seconds() - before) / BETWEEN_LOOKS_AT_IDLE.as_secs_f64();
            if busy.is_nan() || busy < IDLE {
                return;
            }
        }
    }

    /// Memory that the server occupies, in MiB. NaN where there is no `/proc`.
    pub fn resident_mib(&self) -> f64 {
        memory_mib(self.child.id(), "VmRSS:")
    }

    /// The most memory that the server has occupied so far, in MiB. NaN where there
    /// is no `/proc`.
    pub fn peak_mib(&self) -> f64 {
        memory_mib(self.child.id(), "VmHWM:")
    }

    /// Ends the server in order and waits for its end.
    pub async fn stop(mut self) -> Result<(), Failure> {
        drop(self.child.stdin.take());
        let status = self.child.wait().await?;
        if status.success() { Ok(()) } else { Err(format!("the server ended with {status}").into()) }
    }
}

/// Processor time that a process has used so far, in seconds. NaN where there is
/// no `/proc`.
pub fn processor_seconds(process: Option<u32>) -> f64 {
    let read = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", process?)).ok()?;
        // The second field may hold anything, in parentheses.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
        let user: f64 = fields.next()?.parse().ok()?;
        let system: f64 = fields.next()?.parse().ok()?;
        Some((user + system) / TICKS_PER_SECOND)
    };
    read().unwrap_or(f64::NAN)
}

fn memory_mib(process: Option<u32>, field: &str) -> f64 {
    let read = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", process?)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(field))?;
        let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kib / 1_024.0)
    };
    read().unwrap_or(f64::NAN)
}

/// What a process took.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Processor time. NaN where there is no `/proc`, as the memory.
    pub processor_seconds: f64,
    /// The most memory that it occupied.
    pub peak_mib: f64,
}

/// A process that has ended well.
pub struct Ended {
    /// What it printed.
    pub said: String,
    /// What it took, as of the last look before its end.
    pub usage: Usage,
}

/// Runs a process to its end and looks at it meanwhile: it takes what it took with it.
pub async fn run(command: &mut Command) -> Result<Ended, Failure> {
    let child = command.stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let (process, mut usage) = (child.id(), Usage { processor_seconds: f64::NAN, peak_mib: f64::NAN });
    let mut looks = tokio::time::interval(BETWEEN_LOOKS);
    let mut output = pin!(child.wait_with_output());
    let output = loop {
        tokio::select! {
            output = &mut output => break output?,
            _ = looks.tick() => {
                let peak_mib = memory_mib(process, "VmHWM:");
                // What has ended and was not waited for has no memory any more.
                if !peak_mib.is_nan() {
                    usage = Usage { processor_seconds: processor_seconds(process), peak_mib };
                }
            }
        }
    };
    match output.status.success() {
        true => Ok(Ended { said: String::from_utf8(output.stdout)?, usage }),
        false => Err(format!("{command:?} ended with {}", output.status).into()),
    }
}
