//! What the server occupies: at rest, with idle subscribers, and after all the work.

use crate::{Failure, delivery::subscribe, process::Server, report::Report};
use std::time::Duration;
use tokio::time::sleep;

const IDLE: usize = 1_000;
const MOST_MIB: f64 = 64.0;
/// The default `cache_mib`.
const CACHE_MIB: f64 = 256.0;
/// What states and answers are kept in besides: see `src/registry/states.rs` and
/// `src/registry/resolutions.rs`.
const KEPT_MIB: f64 = 48.0;
/// Memory is at rest when so many looks see the same.
const LOOKS: usize = 4;
const BETWEEN: Duration = Duration::from_millis(500);
const MOST_LOOKS: usize = 60;

/// Measures and reports a server that has just started.
pub async fn at_rest(server: &Server, report: &mut Report) -> Result<(), Failure> {
    report.note("memory at rest, as opened", format!("{:.0} MiB", settled(server).await));
    // With the first ones the allocator gives back what the opening left behind.
    let first = subscribe(server, IDLE).await?;
    let before = settled(server).await;
    let second = subscribe(server, IDLE).await?;
    let grown = settled(server).await - before;
    drop((first, second));
    let measured = format!("{grown:.0} MiB");
    report.judge(format!("memory of {IDLE} idle subscribers"), measured, "≤ 64 MiB", grown <= MOST_MIB);
    Ok(())
}

/// Measures and reports a server that has done its work.
pub async fn after_load(server: &Server, report: &mut Report) -> Result<(), Failure> {
    let (peak, now) = (server.peak_mib(), settled(server).await);
    let measured = format!(
        "{now:.0} MiB, at most {peak:.0} MiB meanwhile; configured are {CACHE_MIB:.0} MiB of cache, and {KEPT_MIB:.0} MiB are kept besides"
    );
    report.note("memory after all of this", measured);
    Ok(())
}

/// What the server occupies once that does not change any more.
async fn settled(server: &Server) -> f64 {
    let mut seen = Vec::new();
    while seen.len() < MOST_LOOKS {
        sleep(BETWEEN).await;
        seen.push(server.resident_mib());
        if let [.., a, b, c, d] = seen[..]
            && [a, b, c].iter().all(|look| (look - d).abs() < 1.0)
            && seen.len() >= LOOKS
        {
            break;
        }
    }
    seen.pop().unwrap_or(f64::NAN)
}
