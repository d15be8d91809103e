//! `steward audit verify` of a folder, by the binary itself, against reading, hashing and
//! parsing the same leaves.

use super::{
    Failure, Plan,
    lives::{self, EACH},
    process::{Server, Usage, run},
    report::{Report, median},
    roles::Role,
};
use std::{path::Path, process::Stdio};
use steward_registry::audit::{
    checkpoint::SignedCheckpoint,
    merkle::{Frontier, leaf_hash},
    tile::{self, Kind, Tile},
};
use tokio::{process::Command, task::spawn_blocking, time::Instant};

/// A verification takes many times as long as a turn of the other parts.
const MOST_ROUNDS: usize = 5;
const TARGET: &str = "1e6 events in under a minute";
/// Events a second that this is.
const LEAST: f64 = 1_000_000.0 / 60.0;

/// Publishes a log as a folder, measures in turns and reports.
pub async fn measure(plan: Plan, dir: &Path, events: u32, report: &mut Report) -> Result<(), Failure> {
    let (store, folder) = (dir.join("lives"), dir.join("published"));
    lives::fill(&store, events.div_ceil(EACH)).await?;
    let server = Server::start(Role::Registry, &store).await?;
    let url = format!("http://{}", server.address);
    let key = run(&mut steward(&url, &["audit", "key"])).await?.said;
    run(steward(&url, &["audit", "publish"]).arg(&folder)).await?;
    server.stop().await?;
    let (mut rates, mut floors, mut ratios, mut usages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..plan.rounds.min(MOST_ROUNDS) {
        let folder_of_floor = folder.clone();
        let floor = spawn_blocking(move || floor(&folder_of_floor)).await??;
        let begin = Instant::now();
        let verify = ["audit", "verify", "--key", key.trim()];
        let verified = run(steward(&url, &verify).arg(&folder)).await?;
        let seconds = begin.elapsed().as_secs_f64();
        if !verified.said.starts_with(&floor.says) || !verified.said.contains("has signed it.") {
            return Err(format!("the verification says {:?}", verified.said).into());
        }
        let size = floor.size as f64;
        rates.push(size / seconds);
        floors.push(size / floor.seconds);
        ratios.push(seconds / floor.seconds);
        usages.push((verified.usage, size));
    }
    let (rate, cost) = (median(rates), describe(&usages));
    let measured = format!(
        "{rate:.0} events/s; {cost}; {:.1} × the time of reading, hashing and parsing the leaves on one \
         processor ({:.0} events/s)",
        median(ratios),
        median(floors)
    );
    let metric = format!("audit verify of a folder of {:.0} events", usages.first().map_or(0.0, |one| one.1));
    report.judge(metric, measured, TARGET, rate >= LEAST);
    Ok(())
}

fn describe(usages: &[(Usage, f64)]) -> String {
    let each = |value: fn(&(Usage, f64)) -> f64| median(usages.iter().map(value).collect());
    let micros = each(|(usage, size)| usage.processor_seconds * 1e6 / size);
    format!("{micros:.1} µs of processor an event; at most {:.0} MiB", each(|(usage, _)| usage.peak_mib))
}

/// The binary, as an auditor runs it.
fn steward(url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_steward"));
    command.args(["--server", url]).args(arguments).stdin(Stdio::null());
    command
}

/// What a verifier does at least.
struct Floor {
    size: u64,
    seconds: f64,
    /// What a verification that read the same log says first.
    says: String,
}

/// Reads all leaves once, hashes them and parses them as any JSON.
fn floor(folder: &Path) -> Result<Floor, Failure> {
    let begin = Instant::now();
    let note = std::fs::read(folder.join("checkpoint"))?;
    let signed = SignedCheckpoint::parse(&note)?;
    let size = signed.checkpoint().size();
    let mut tree = Frontier::empty();
    for index in 0..size.div_ceil(u64::from(tile::FULL)) {
        let bundle = Tile::in_tree(Kind::Entries, index, size).ok_or("the folder ends early")?;
        let content = std::fs::read(folder.join(bundle.to_string()))?;
        for leaf in tile::leaves(bundle, &content)? {
            tree.append(leaf_hash(leaf));
            serde_json::from_slice::<serde_json::Value>(leaf)?;
        }
    }
    let says = format!("{size} events, without a gap; root {}.", hex::encode(tree.root()));
    Ok(Floor { size, seconds: begin.elapsed().as_secs_f64(), says })
}
