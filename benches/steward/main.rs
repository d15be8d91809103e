//! The benchmark: ratios measured side by side in one run, against the targets
//! of docs/performance.md.
//!
//! Absolute times mean nothing on a machine that is shared. So whatever is
//! compared is measured in turns (A, B, A, B …) against real server processes,
//! and the table gives medians over these rounds. The servers are this program
//! again, in a role of its own (`roles.rs`).

mod batch;
mod client;
mod delivery;
mod echo;
mod etcd;
mod growth;
mod lives;
mod memory;
mod population;
mod process;
mod read;
mod replay;
mod report;
mod roles;
mod series;
mod verify;
mod write;

use clap::{Parser, ValueEnum};
use population::Population;
use process::Server;
use report::Report;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::time::Instant;

/// That of the binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Any failure ends the run: a benchmark with errors in it measures nothing.
type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Measures Steward against baselines on the same machine and prints ratios.
#[derive(Parser, Debug)]
#[command(name = "cargo bench --bench steward --")]
struct Args {
    /// What to measure; everything when nothing is named
    #[arg(value_enum)]
    parts: Vec<Part>,

    /// Seconds for each thing that is compared, spread over the rounds
    #[arg(long, default_value_t = 4.0)]
    seconds: f64,

    /// Rounds, over which medians are taken
    #[arg(long, default_value_t = 15)]
    rounds: usize,

    /// Versions in the large store
    #[arg(long, default_value_t = 100_000)]
    versions: u32,

    /// Events in the log that is verified
    #[arg(long, default_value_t = 100_000)]
    events: u32,

    /// Directory for the stores; they are removed afterwards
    #[arg(long, default_value = env!("CARGO_TARGET_TMPDIR"))]
    dir: PathBuf,

    /// Plays a role instead: the parent process asks for it
    #[arg(long, hide = true)]
    role: Option<roles::Role>,

    /// Cargo gives it
    #[arg(long, hide = true)]
    bench: bool,
}

/// What can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// GetVersion and ResolveVersion against an empty call
    Read,
    /// Durable writes against one fdatasync a record
    Write,
    /// Points of evaluations in batches against one a call
    Batch,
    /// The audit log, replayed
    Replay,
    /// From commit to subscriber
    Delivery,
    /// A small store against a large one
    Growth,
    /// A year of one series among a hundred, against GetVersion
    Series,
    /// `steward audit verify` against reading, hashing and parsing
    Verify,
    /// What the server occupies
    Memory,
}

/// Versions in the small store.
const FEW: u32 = 1_000;

/// How long and how often to measure.
#[derive(Clone, Copy, Debug)]
struct Plan {
    rounds: usize,
    /// Of one thing in one round.
    turn: Duration,
}

fn main() -> Result<(), Failure> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match args.role {
        Some(role) => runtime.block_on(roles::play(role, args.dir)),
        None => runtime.block_on(measure(&args)),
    }
}

async fn measure(args: &Args) -> Result<(), Failure> {
    let wanted = |part| args.parts.is_empty() || args.parts.contains(&part);
    let plan = Plan {
        rounds: args.rounds.max(1),
        turn: Duration::from_secs_f64(args.seconds / args.rounds.max(1) as f64),
    };
    std::fs::create_dir_all(&args.dir)?;
    let dir = tempfile::tempdir_in(&args.dir)?;
    let (large_dir, small_dir) = (dir.path().join("large"), dir.path().join("small"));
    let population = fill(&large_dir, args.versions).await?;
    let mut large = Server::start(roles::Role::Registry, &large_dir).await?;
    let mut report = Report::new(args.versions);
    if wanted(Part::Memory) {
        memory::at_rest(&large, &mut report).await?;
    }
    large.settled().await;
    if wanted(Part::Read) {
        let echo = Server::start(roles::Role::Echo, dir.path()).await?;
        read::measure(plan, &echo, &large, &population, &mut report).await?;
        echo.stop().await?;
    }
    if wanted(Part::Growth) {
        let few = fill(&small_dir, FEW).await?;
        let small = Server::start(roles::Role::Registry, &small_dir).await?;
        small.settled().await;
        growth::measure(plan, (&small, &few), (&large, &population), &mut report).await?;
        small.stop().await?;
        // Opened again after a clean end, which is what a restart is.
        large.stop().await?;
        large = Server::start(roles::Role::Registry, &large_dir).await?;
        growth::report_open(&large, &mut report);
        large.settled().await;
    }
    if wanted(Part::Replay) {
        replay::measure(plan, &large, &mut report).await?;
    }
    if wanted(Part::Write) {
        write::measure(plan, dir.path(), &large, &population, &mut report).await?;
    }
    if wanted(Part::Batch) {
        batch::measure(plan, &large, &population, &mut report).await?;
    }
    if wanted(Part::Delivery) {
        delivery::measure(plan, &large, &population, &mut report).await?;
    }
    if wanted(Part::Series) {
        series::measure(plan, &large, &population, &mut report).await?;
    }
    if wanted(Part::Memory) {
        memory::after_load(&large, &mut report).await?;
    }
    large.stop().await?;
    if wanted(Part::Verify) {
        verify::measure(plan, dir.path(), args.events, &mut report).await?;
    }
    println!("\n{report}");
    Ok(())
}

/// Fills a new store through the use cases, with many callers.
async fn fill(dir: &Path, versions: u32) -> Result<Population, Failure> {
    let begin = Instant::now();
    let population = Population::new(versions);
    let events = roles::fill(dir, population).await?;
    let rate = events as f64 / begin.elapsed().as_secs_f64();
    eprintln!("filled a store with {versions} versions: {events} events, {rate:.0} a second in-process");
    Ok(population)
}
