//! Numbers and the table of the run.

use std::fmt;

/// One line of the table.
struct Row {
    metric: String,
    measured: String,
    target: &'static str,
    met: Option<bool>,
}

/// The table.
pub struct Report {
    versions: u32,
    rows: Vec<Row>,
}

impl Report {
    /// An empty table of a run over a store of this size.
    pub fn new(versions: u32) -> Self {
        Report { versions, rows: Vec::new() }
    }

    /// Adds a line without a target of its own.
    pub fn note(&mut self, metric: impl Into<String>, measured: impl Into<String>) {
        self.push(metric.into(), measured.into(), "", None);
    }

    /// Adds a line that meets its target or does not.
    pub fn judge(
        &mut self,
        metric: impl Into<String>,
        measured: impl Into<String>,
        target: &'static str,
        met: bool,
    ) {
        self.push(metric.into(), measured.into(), target, Some(met));
    }

    fn push(&mut self, metric: String, measured: String, target: &'static str, met: Option<bool>) {
        eprintln!("{metric}: {measured}");
        self.rows.push(Row { metric, measured, target, met });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} versions stored, {} processors.\n", self.versions, processors())?;
        writeln!(f, "| metric | measured | target | met |")?;
        writeln!(f, "|---|---|---|---|")?;
        for Row { metric, measured, target, met } in &self.rows {
            let met = match met {
                Some(true) => "yes",
                Some(false) => "no",
                None => "",
            };
            writeln!(f, "| {metric} | {measured} | {target} | {met} |")?;
        }
        Ok(())
    }
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// The middle of some numbers; of none it is NaN, which meets no target.
pub fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let middle = numbers.len() / 2;
    match numbers.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => numbers[middle],
        _ => f64::midpoint(numbers[middle - 1], numbers[middle]),
    }
}

/// The value below which this share of some microseconds lies, in milliseconds.
pub fn quantile_ms(micros: &mut [u64], share: f64) -> f64 {
    micros.sort_unstable();
    let last = micros.len().saturating_sub(1);
    let index = (last as f64 * share).round() as usize;
    micros.get(index).map_or(f64::NAN, |micros| *micros as f64 / 1_000.0)
}
